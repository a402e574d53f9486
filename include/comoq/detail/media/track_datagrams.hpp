// SPDX-License-Identifier: MIT
#pragma once
#include "datagram_queue.hpp"
#include "track_shared.hpp"
#include "../wait/sync.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The datagrams that a track keeps for its subscribers: charged to the origin's pool, which may take all of them, and
/// dropped when they are older than the track's max_latency. Guarded by the track's lock. Most tracks have none: it is made
/// for the first one.
class TrackDatagrams final : public std::enable_shared_from_this<TrackDatagrams>, public MediaPool::Member {
public:
    explicit TrackDatagrams(std::shared_ptr<TrackShared> shared) : shared_(std::move(shared)) {}
    TrackDatagrams(const TrackDatagrams &) = delete;
    TrackDatagrams &operator=(const TrackDatagrams &) = delete;
    ~TrackDatagrams() {
        bounds().pool.remove(*this);
        bounds().cached_bytes.subtract(charged_);
    }

    const DatagramQueue &queue() const noexcept { return queue_; }

    /// Makes sure that `use` finds memory.
    void reserve(const Location &place) { queue_.reserve(place); }
    void use(const Location &place) noexcept {
        queue_.use(place);
        if (place.object != 0) account();
    }

    /// Adds a datagram that came at `slot.came_at`. The caller frees the datagrams that have to go for it, after
    /// unlocking.
    void add(DatagramSlot &&slot, std::vector<DatagramSlot> &gone) {
        const TimePoint now = slot.came_at;
        expire(now, gone);
        gone.reserve(gone.size() + 1);
        if (auto oldest = queue_.add(std::move(slot))) gone.push_back(std::move(*oldest));
        account();
        stamp_ = MediaPool::stamp();
        if (!std::exchange(is_in_pool_, true)) bounds().pool.add(shared_from_this(), stamp_);
    }

    void expire(TimePoint now, std::vector<DatagramSlot> &gone) {
        const auto keep = bounds().keep(shared_->info.max_latency);
        if (!queue_.expired(now, keep)) return;
        queue_.expire(now, keep, gone);
        account();
    }

    /// Keeps `TrackShared::datagrams_may_expire` up to date.
    void note_oldest() noexcept {
        auto expires = TimePoint::max();
        if (queue_.size() != 0) expires = queue_[queue_.first()].came_at + bounds().keep(shared_->info.max_latency);
        shared_->datagrams_expire.store(expires.time_since_epoch().count(), std::memory_order_relaxed);
    }

    /// Takes all of them out, for the caller to free after unlocking.
    [[nodiscard]] std::vector<DatagramSlot> release() noexcept {
        auto released = queue_.release();
        account();
        return released;
    }

    std::optional<std::uint64_t> evict(std::uint64_t stamp) noexcept override {
        std::vector<DatagramSlot> evicted;
        Lock lock(shared_->mutex);
        if (queue_.size() != 0 && stamp != stamp_) return stamp_;
        is_in_pool_ = false;
        evicted = release();
        return std::nullopt;
    }

private:
    MediaBounds &bounds() const noexcept { return *shared_->bounds; }

    void account() noexcept {
        const std::size_t cost = queue_.cost();
        bounds().cached_bytes.add(cost - std::exchange(charged_, cost));
        note_oldest();
    }

    const std::shared_ptr<TrackShared> shared_;
    DatagramQueue queue_;
    std::size_t charged_ = 0;
    std::uint64_t stamp_ = 0;  // of the last one
    bool is_in_pool_ = false;
};

}  // namespace comoq::detail
