#pragma once
#include "send_schedule.hpp"
#include "stream_transport.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

struct MemoryLinkConfig {
    std::string protocol = "moq-lite-05";
    /// Decides which stream goes first, how late everything is, and what is lost.
    std::uint64_t seed = 1;
    /// What is sent takes `delay`, and up to `jitter` more; streams do not wait for one another.
    std::chrono::nanoseconds delay{0}, jitter{0};
    /// Of several streams the one goes first that should, and not the one that chance picks.
    bool by_priority = false;
    /// Bytes that come together at most.
    std::size_t largest_piece = 4096;
    /// Bytes of a stream that are delivered and not read, before its writer waits.
    std::size_t window = 64 * 1024;
    /// Streams of a kind that one side may have open.
    std::size_t max_streams = 1024;
    /// 0 for a connection without datagrams.
    std::size_t max_datagram_size = 1250;
    /// Of datagrams that are lost, in a hundred.
    unsigned datagram_loss = 0;
    TransportStats stats = {};
};

/// One direction of a stream, on its way. Guarded by the wire's lock.
class MemoryLane : public SendHalf {
public:
    class Reader : public ReceiveHalf {
    public:
        std::weak_ptr<MemoryLane> lane;
    };

    MemoryLane(std::size_t sender, StreamTransport::Kind what, std::size_t opener)
        : side(sender), kind(what), opened_by(opener) {}

    /// When the next of it arrives; nothing where nothing is under way, or there is no room for it.
    std::optional<std::chrono::nanoseconds> next(std::size_t window) const noexcept {
        if (over) return std::nullopt;
        std::optional<std::chrono::nanoseconds> first;
        if (stop_code) first = stop_due;
        if (under_way.empty() || (under_way.front().bytes != 0 && reader->buffered() >= window)) return first;
        return first ? std::min(*first, under_way.front().due) : under_way.front().due;
    }
    /// What has been written since the last call, or the end of it, arrives at `due`, or with what went before.
    void sent(std::chrono::nanoseconds due) {
        under_way.push_back({due, pending() - counted});
        counted = pending();
    }
    std::size_t bytes_due(std::chrono::nanoseconds now) const noexcept {
        std::size_t bytes = 0;
        for (const Batch &each : under_way) {
            if (each.due > now) break;
            bytes += each.bytes;
        }
        return bytes;
    }
    void arrived(std::size_t bytes) noexcept {
        counted -= bytes;
        while (bytes != 0) {
            const std::size_t part = std::min(bytes, under_way.front().bytes);
            under_way.front().bytes -= part;
            bytes -= part;
            if (under_way.front().bytes == 0) under_way.pop_front();
        }
    }
    void drop_under_way() noexcept {
        under_way.clear();
        counted = 0;
    }

    const std::size_t side;  // the writer's
    const StreamTransport::Kind kind;
    const std::size_t opened_by;
    const std::shared_ptr<Reader> reader = std::make_shared<Reader>();
    /// The other direction of a bidirectional stream.
    std::weak_ptr<MemoryLane> back;
    /// The peer knows of it; everything has been delivered.
    bool announced = false, over = false;
    std::optional<std::uint32_t> reset_code, stop_code;
    std::chrono::nanoseconds stop_due{0};
    /// What one call wrote; no bytes for the end.
    struct Batch {
        std::chrono::nanoseconds due;
        std::size_t bytes;
    };
    std::deque<Batch> under_way;
    std::size_t counted = 0;  // bytes in it
    /// In the list of those that have something to deliver.
    bool active = false;
};

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
    void send_changed(SendHalf &half, WakeList &wake) override;
    void reset_wanted(SendHalf &half, std::uint32_t code, WakeList &wake) override;
    void consumed(ReceiveHalf &half, std::size_t count, WakeList &wake) override;
    void stop_wanted(ReceiveHalf &half, bool over, std::uint32_t code, WakeList &wake) override;
    void datagram_wanted(Bytes datagram, WakeList &wake) override;
    void close_wanted(std::error_code code, std::string_view reason, WakeList &wake) override;
    void fail_streams(std::error_code code, WakeList &wake) override;

    const std::shared_ptr<MemoryWire> wire_;
    const std::size_t side_;
    std::array<std::size_t, 2> open_{};  // streams of each kind that this end opened
};

/// What lies between the two ends, which share its lock.
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
        WakeList wake;
        Lock lock(*mutex_);
        lose(code, wake);
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

    void lose(std::error_code code, WakeList &wake) {
        for (const auto &each : ends_)
            if (const auto end = each.lock()) end->StreamTransport::lose(code, wake);
        lanes_.clear();
        active_.clear();
        datagrams_.clear();
    }

    std::shared_ptr<Lane> make_lane(std::size_t side, Kind kind, std::size_t opened_by) {
        auto lane = std::make_shared<Lane>(side, kind, opened_by);
        lane->reader->lane = lane;
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
        if (!datagrams_.empty() && datagrams_.front().due <= now_) return true;
        return std::any_of(active_.begin(), active_.end(), [this](const auto &lane) { return is_due(*lane); });
    }
    void deliver_soon() {
        if (scheduled_ || paused_ || !has_due()) return;
        scheduled_ = true;
        asio::post(executor_, [self = shared_from_this()] { self->deliver_one(); });
    }
    void deliver_one() {
        WakeList wake;
        Lock lock(*mutex_);
        scheduled_ = false;
        if (paused_) return;
        if (!datagrams_.empty() && datagrams_.front().due <= now_)
            deliver_datagram(wake);
        else if (const auto lane = pick())
            deliver(lane, wake);
        deliver_soon();
    }

    /// The lane whose turn it is, taken out of the list.
    std::shared_ptr<Lane> pick() {
        std::vector<std::size_t> due;
        for (std::size_t i = 0; i < active_.size(); ++i)
            if (is_due(*active_[i])) due.push_back(i);
        if (due.empty()) return nullptr;
        std::size_t chosen = due[static_cast<std::size_t>(random_() % due.size())];
        if (config_.by_priority) {
            // Of several flows the one after that which went last, in a circle.
            const auto turn = [this](const SendOrder &order) { return order.flow - last_flow_ - 1; };
            const auto before = [&](std::size_t left, std::size_t right) {
                const SendOrder &one = active_[left]->order(), &other = active_[right]->order();
                if (goes_before(one, other)) return true;
                return !goes_before(other, one) && turn(one) < turn(other);
            };
            chosen = *std::min_element(due.begin(), due.end(), before);
        }
        const auto lane = active_[chosen];
        active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(chosen));
        lane->active = false;
        last_flow_ = lane->order().flow;
        return lane;
    }

    void deliver(const std::shared_ptr<Lane> &lane, WakeList &wake) {
        if (!lane->announced) {
            announce(lane, wake);
        } else if (lane->stop_code && lane->stop_due <= now_) {
            lane->fail(error_from_wire(*lane->stop_code), wake);
            return retire(lane, wake);
        } else if (lane->under_way.front().bytes != 0) {
            const std::size_t room = config_.window - lane->reader->buffered();
            const auto push = [&](std::span<const std::byte> part, const Bytes *) { lane->reader->push(part, wake); };
            lane->arrived(lane->take(std::min({config_.largest_piece, room, lane->bytes_due(now_)}), push, wake));
        } else if (lane->reset_code) {
            lane->reader->reset(error_from_wire(*lane->reset_code), wake);
            return retire(lane, wake);
        } else {
            lane->under_way.pop_front();
            if (lane->finished() && lane->under_way.empty()) {
                lane->reader->end(wake);
                lane->complete(wake);
                return retire(lane, wake);
            }
        }
        activate(lane);
    }
    /// Whichever direction comes first brings the stream to who did not open it.
    void announce(const std::shared_ptr<Lane> &lane, WakeList &wake) {
        lane->announced = true;
        const auto back = lane->back.lock();
        if (back != nullptr) back->announced = true;
        const auto receiver = end(1 - lane->opened_by);
        if (receiver == nullptr) return;
        const bool there = lane->side == lane->opened_by;
        receiver->arrived(lane->kind, {there ? back : lane, (there ? lane : back)->reader}, wake);
    }
    void deliver_datagram(WakeList &wake) {
        auto datagram = std::move(datagrams_.front());
        datagrams_.pop_front();
        if (const auto receiver = end(datagram.receiver)) receiver->datagram_arrived(std::move(datagram.bytes), wake);
    }
    /// A lane is over; with the last of its stream's, so is the stream.
    void retire(const std::shared_ptr<Lane> &lane, WakeList &wake) {
        lane->over = true;
        lanes_.erase(std::find(lanes_.begin(), lanes_.end(), lane));
        const auto back = lane->back.lock();
        if (back != nullptr && !back->over) return;
        if (const auto opener = end(lane->opened_by)) {
            --opener->open_[index_of(lane->kind)];
            opener->may_open_more(lane->kind, wake);
        }
    }

    struct DatagramUnderWay {
        std::size_t receiver;
        std::chrono::nanoseconds due;
        Bytes bytes;
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
    std::deque<DatagramUnderWay> datagrams_;
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
inline void MemoryEnd::send_changed(SendHalf &half, WakeList &) {
    auto &lane = static_cast<MemoryLane &>(half);
    lane.sent(wire_->arrival());
    wire_->activate(lane.reader->lane.lock());
}
inline void MemoryEnd::reset_wanted(SendHalf &half, std::uint32_t code, WakeList &) {
    auto &lane = static_cast<MemoryLane &>(half);
    lane.reset_code = code;
    lane.drop_under_way();
    lane.sent(wire_->arrival());
    wire_->activate(lane.reader->lane.lock());
}
inline void MemoryEnd::consumed(ReceiveHalf &half, std::size_t, WakeList &) {
    if (const auto lane = static_cast<MemoryLane::Reader &>(half).lane.lock()) wire_->activate(lane);
}
inline void MemoryEnd::stop_wanted(ReceiveHalf &half, bool over, std::uint32_t code, WakeList &) {
    const auto lane = static_cast<MemoryLane::Reader &>(half).lane.lock();
    if (over || lane == nullptr) return;
    lane->stop_code = code;
    lane->stop_due = wire_->arrival();
    wire_->activate(lane);
}
inline void MemoryEnd::datagram_wanted(Bytes datagram, WakeList &) {
    if (wire_->random_() % 100 < wire_->config().datagram_loss) return;
    wire_->datagrams_.push_back({1 - side_, wire_->arrival(), std::move(datagram)});
    wire_->deliver_soon();
}
inline void MemoryEnd::close_wanted(std::error_code code, std::string_view, WakeList &wake) {
    // The peer hears the code as it travels.
    const auto peer = wire_->end(1 - side_);
    const auto told = code ? error_from_wire(wire_code(code)) : code;
    StreamTransport::lose(code, wake);
    if (peer != nullptr) peer->StreamTransport::lose(told, wake);
    wire_->lose(code, wake);
}
inline void MemoryEnd::fail_streams(std::error_code code, WakeList &wake) {
    for (const auto &lane : wire_->lanes_) {
        if (lane->side == side_)
            lane->fail(code, wake);
        else
            lane->reader->fail(code, wake);
    }
}

}  // namespace comoq::detail
