// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>

namespace comoq::ietf::detail {

/// Datagrams that came before the answer that says what their alias means. They wait for a short while; when there are too many, the
/// oldest is dropped. All together hold at most `most` times 128 bytes, and `most_bytes`: of empty ones, some 20
/// bytes for each byte of the peer's. Used on one executor.
class EarlyDatagrams {
public:
    static constexpr std::size_t most = 256, most_bytes = 256 * 1024;

    bool empty() const noexcept { return waiting_.empty(); }

    /// Copies the bytes: what they are a part of may be much larger. Throws std::bad_alloc.
    void add(std::uint64_t alias, std::span<const std::byte> bytes) {
        if (bytes.size() > most_bytes) return;
        waiting_.push_back({alias, Bytes::copy(bytes), true});
        bytes_ += bytes.size();
        while (waiting_.size() > most || bytes_ > most_bytes) drop_oldest();
    }
    /// The oldest one with that alias.
    std::optional<Bytes> take(std::uint64_t alias) noexcept {
        for (auto one = waiting_.begin(); one != waiting_.end(); ++one) {
            if (one->alias != alias) continue;
            std::optional<Bytes> taken(std::move(one->bytes));
            bytes_ -= taken->size();
            waiting_.erase(one);
            return taken;
        }
        return std::nullopt;
    }
    /// Drops what was here when this was called before.
    void age() noexcept {
        while (!empty() && !waiting_.front().is_new) drop_oldest();
        for (Waiting &one : waiting_) one.is_new = false;
    }

private:
    struct Waiting {
        std::uint64_t alias;
        Bytes bytes;
        bool is_new;
    };
    void drop_oldest() noexcept {
        bytes_ -= waiting_.front().bytes.size();
        waiting_.pop_front();
    }

    std::deque<Waiting> waiting_;
    std::size_t bytes_ = 0;
};

}  // namespace comoq::ietf::detail
