// SPDX-License-Identifier: MIT
#pragma once
#include "../../memory_link_config.hpp"
#include "memory_lane.hpp"
#include "send_schedule.hpp"
#include "stream_handles.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

using comoq::MemoryLinkConfig;

class MemoryWire;

/// One end of a connection in memory.
class MemoryEnd final : public StreamTransport {
public:
    MemoryEnd(std::shared_ptr<MemoryWire> wire, asio::any_io_executor executor, std::size_t side);

    std::string_view protocol() const noexcept override;
    std::size_t max_datagram_size() const noexcept override;
    TransportStats stats() const override;

private:
    friend MemoryWire;

    bool may_open(Kind kind) const noexcept override;
    Halves open(Kind kind) override;
    void send_changed(SendHalf &half, Aftermath &after) override;
    void reset_wanted(SendHalf &half, std::uint64_t number, Aftermath &after) override;
    void consumed(ReceiveHalf &half, std::size_t count, Aftermath &after) override;
    void stop_wanted(ReceiveHalf &half, bool over, std::uint64_t number, Aftermath &after) override;
    void datagram_wanted(Bytes &datagram, Aftermath &after) override;
    void close_wanted(std::uint64_t number, std::string_view reason, Aftermath &after) override;
    void fail_streams(std::error_code code, Aftermath &after) override;

    const std::shared_ptr<MemoryWire> wire_;
    const std::size_t side_;
    std::array<std::size_t, 2> open_{};  // streams of each kind that this end opened
};

/// The wire between the two ends, which share its lock.
class MemoryWire : public std::enable_shared_from_this<MemoryWire> {
public:
    MemoryWire(asio::any_io_executor executor, MemoryLinkConfig config)
        : executor_(std::move(executor)), config_(std::move(config)), random_(config_.seed) {}

    void connect(const std::shared_ptr<MemoryEnd> &client, const std::shared_ptr<MemoryEnd> &server) {
        ends_ = {client, server};
    }
    const MemoryLinkConfig &config() const noexcept { return config_; }
    const std::shared_ptr<Mutex> &mutex() const noexcept { return mutex_; }

    void advance(std::chrono::nanoseconds time) {
        Lock lock(*mutex_);
        now_ += time;
        deliver_soon();
    }
    void set_paused(bool paused) {
        Lock lock(*mutex_);
        paused_ = paused;
        deliver_soon();
    }
    void cut(std::error_code code) {
        Aftermath after;
        Lock lock(*mutex_);
        lose(code, after);
    }
    std::size_t open_streams() const {
        Lock lock(*mutex_);
        return lanes_.size();
    }

private:
    friend MemoryEnd;
    using Lane = MemoryLane;
    using Kind = StreamTransport::Kind;

    std::shared_ptr<MemoryEnd> end(std::size_t side) const noexcept { return ends_[side].lock(); }
    static std::size_t index_of(Kind kind) noexcept { return kind == Kind::Bidi ? 0 : 1; }

    void lose(std::error_code code, Aftermath &after) {
        for (const auto &each : ends_)
            if (const auto end = each.lock()) end->StreamTransport::lose(code, after);
        lanes_.clear();
        active_.clear();
        after.drop(std::move(datagrams_));
    }

    std::shared_ptr<Lane> make_lane(std::size_t side, Kind kind, std::size_t opened_by) {
        auto lane = std::make_shared<Lane>(side, kind, opened_by);
        lane->reader->lane = lane;
        // So that an end always finds its place there.
        if (active_.capacity() <= lanes_.size()) active_.reserve(2 * lanes_.size() + 1);
        lanes_.push_back(lane);
        return lane;
    }
    void activate(const std::shared_ptr<Lane> &lane) {
        if (!lane->next(config_.window)) return;
        if (!lane->active) active_.push_back(lane);
        lane->active = true;
        deliver_soon();
    }
    std::chrono::nanoseconds arrival() {
        const auto jitter = static_cast<std::uint64_t>(config_.jitter.count());
        const std::uint64_t late = jitter != 0 ? random_() % jitter : 0;
        return now_ + config_.delay + std::chrono::nanoseconds(late);
    }

    bool is_due(const Lane &lane) const noexcept {
        const auto due = lane.next(config_.window);
        return due && *due <= now_;
    }
    bool has_due() const noexcept {
        if (has_due_datagram()) return true;
        return std::any_of(active_.begin(), active_.end(), [this](const auto &lane) { return is_due(*lane); });
    }
    void deliver_soon() {
        if (scheduled_ || paused_ || !has_due()) return;
        asio::post(executor_, [self = shared_from_this()] { self->deliver_one(); });
        scheduled_ = true;
    }
    void deliver_one() {
        Aftermath after;
        Lock lock(*mutex_);
        scheduled_ = false;
        if (paused_) return;
        if (has_due_datagram())
            deliver_datagram(after);
        else if (const auto lane = pick())
            deliver(lane, after);
        deliver_soon();
    }

    /// Removes the lane whose turn it is from the list.
    std::shared_ptr<Lane> pick() {
        std::vector<std::size_t> due;
        for (std::size_t i = 0; i < active_.size(); ++i)
            if (is_due(*active_[i])) due.push_back(i);
        if (due.empty()) return nullptr;
        std::size_t chosen = due[static_cast<std::size_t>(random_() % due.size())];
        if (config_.by_priority) {
            // Flows take turns in a circle: the next one follows the one that went last.
            const auto turn = [this](const SendOrder &order) { return order.flow - last_flow_ - 1; };
            const auto before = [&](std::size_t left, std::size_t right) {
                const SendOrder &one = active_[left]->order(), &other = active_[right]->order();
                return goes_before(one, other, turn(one), turn(other));
            };
            chosen = *std::min_element(due.begin(), due.end(), before);
        }
        const auto lane = active_[chosen];
        active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(chosen));
        lane->active = false;
        last_flow_ = lane->order().flow;
        return lane;
    }

    void deliver(const std::shared_ptr<Lane> &lane, Aftermath &after) {
        if (!lane->announced) {
            announce(lane, after);
        } else if (lane->stop_code && lane->stop_due <= now_) {
            lane->fail(stream_ended(*lane->stop_code), after);
            return retire(lane, after);
        } else if (lane->under_way.front().bytes != 0) {
            const std::size_t room = config_.window - lane->reader->buffered();
            const auto push = [&](std::span<const std::byte> part, Bytes &&owner) {
                lane->reader->push(part, after.wake);
                after.drop(std::move(owner));
            };
            const std::size_t most = std::min({config_.largest_piece, room, lane->bytes_due(now_)});
            const std::size_t before = lane->pending();
            try {
                lane->take(most, push, after.wake);
            } catch (...) {
                // The parts that have arrived stay, and the rest is sent later.
                lane->arrived(before - lane->pending());
                activate(lane);
                throw;
            }
            lane->arrived(before - lane->pending());
        } else if (lane->reset_code) {
            lane->reader->reset(stream_ended(*lane->reset_code), after.wake);
            return retire(lane, after);
        } else {
            lane->under_way.pop_front();
            if (lane->finished() && lane->under_way.empty()) {
                lane->reader->end(after.wake);
                lane->complete(after.wake);
                return retire(lane, after);
            }
        }
        activate(lane);
    }
    /// Whichever direction comes first brings the stream to the other end.
    void announce(const std::shared_ptr<Lane> &lane, Aftermath &after) {
        lane->announced = true;
        const auto back = lane->back.lock();
        if (back != nullptr) back->announced = true;
        const auto receiver = end(1 - lane->opened_by);
        if (receiver == nullptr) return;
        const bool there = lane->side == lane->opened_by;
        receiver->arrived(lane->kind, {there ? back : lane, (there ? lane : back)->reader}, after);
    }
    void send(std::size_t receiver, Bytes &datagram) {
        if (datagrams_ == nullptr) datagrams_ = std::make_unique<DatagramsUnderWay>();
        datagrams_->all.push_back({receiver, arrival(), std::move(datagram)});
    }
    bool has_due_datagram() const noexcept {
        return datagrams_ != nullptr && !datagrams_->all.empty() && datagrams_->all.front().due <= now_;
    }
    void deliver_datagram(Aftermath &after) {
        auto datagram = std::move(datagrams_->all.front());
        datagrams_->all.pop_front();
        if (const auto receiver = end(datagram.receiver)) receiver->datagram_arrived(datagram.bytes, after);
        after.drop(std::move(datagram.bytes));
    }
    /// A lane is over; the stream is over with its last lane.
    void retire(const std::shared_ptr<Lane> &lane, Aftermath &after) {
        lane->over = true;
        lanes_.erase(std::find(lanes_.begin(), lanes_.end(), lane));
        const auto back = lane->back.lock();
        if (back != nullptr && !back->over) return;
        if (const auto opener = end(lane->opened_by)) {
            --opener->open_[index_of(lane->kind)];
            opener->may_open_more(lane->kind, after);
        }
    }

    struct DatagramUnderWay {
        std::size_t receiver;
        std::chrono::nanoseconds due;
        Bytes bytes;
    };
    struct DatagramsUnderWay final : Aftermath::Item {
        std::deque<DatagramUnderWay> all;
    };

    const std::shared_ptr<Mutex> mutex_ = std::make_shared<Mutex>();
    const asio::any_io_executor executor_;
    const MemoryLinkConfig config_;
    std::array<std::weak_ptr<MemoryEnd>, 2> ends_;
    std::mt19937_64 random_;
    std::chrono::nanoseconds now_{0};
    std::uint64_t last_flow_ = 0;
    std::vector<std::shared_ptr<Lane>> lanes_;
    std::vector<std::shared_ptr<Lane>> active_;
    std::unique_ptr<DatagramsUnderWay> datagrams_;
    bool scheduled_ = false;
    bool paused_ = false;
};

inline MemoryEnd::MemoryEnd(std::shared_ptr<MemoryWire> wire, asio::any_io_executor executor, std::size_t side)
    : StreamTransport(std::move(executor), wire->mutex(), side == 0), wire_(std::move(wire)), side_(side) {}

inline std::string_view MemoryEnd::protocol() const noexcept { return wire_->config().protocol; }
inline std::size_t MemoryEnd::max_datagram_size() const noexcept { return wire_->config().max_datagram_size; }
inline TransportStats MemoryEnd::stats() const { return wire_->config().stats; }

inline bool MemoryEnd::may_open(Kind kind) const noexcept {
    return open_[MemoryWire::index_of(kind)] < wire_->config().max_streams;
}
inline StreamTransport::Halves MemoryEnd::open(Kind kind) {
    Halves halves;
    const auto lane = wire_->make_lane(side_, kind, side_);
    halves.send = lane;
    if (kind == Kind::Bidi) {
        const auto back = wire_->make_lane(1 - side_, kind, side_);
        lane->back = back;
        back->back = lane;
        halves.receive = back->reader;
    }
    ++open_[MemoryWire::index_of(kind)];
    return halves;
}
inline void MemoryEnd::send_changed(SendHalf &half, Aftermath &) {
    auto &lane = static_cast<MemoryLane &>(half);
    lane.sent(wire_->arrival());
    wire_->activate(lane.reader->lane.lock());
}
inline void MemoryEnd::reset_wanted(SendHalf &half, std::uint64_t number, Aftermath &) {
    auto &lane = static_cast<MemoryLane &>(half);
    lane.reset_code = number;
    lane.drop_under_way();
    lane.sent(wire_->arrival());
    wire_->activate(lane.reader->lane.lock());
}
inline void MemoryEnd::consumed(ReceiveHalf &half, std::size_t, Aftermath &) {
    if (const auto lane = static_cast<MemoryLane::Reader &>(half).lane.lock()) wire_->activate(lane);
}
inline void MemoryEnd::stop_wanted(ReceiveHalf &half, bool over, std::uint64_t number, Aftermath &) {
    const auto lane = static_cast<MemoryLane::Reader &>(half).lane.lock();
    if (over || lane == nullptr) return;
    lane->stop_code = number;
    lane->stop_due = wire_->arrival();
    wire_->activate(lane);
}
inline void MemoryEnd::datagram_wanted(Bytes &datagram, Aftermath &) {
    if (wire_->random_() % 100 < wire_->config().datagram_loss) return;
    wire_->send(1 - side_, datagram);
    wire_->deliver_soon();
}
inline void MemoryEnd::close_wanted(std::uint64_t number, std::string_view reason, Aftermath &after) {
    if (const auto other = wire_->end(1 - side_)) other->ends_because(reason);
    StreamTransport::lose(connection_ended(number), after);
    wire_->lose(connection_ended(number), after);
}
inline void MemoryEnd::fail_streams(std::error_code code, Aftermath &after) {
    for (const auto &lane : wire_->lanes_) {
        if (lane->side == side_)
            lane->fail(code, after);
        else
            lane->reader->fail(code, after.wake);
    }
}

}  // namespace comoq::detail
