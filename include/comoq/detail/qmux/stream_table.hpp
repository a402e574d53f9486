// SPDX-License-Identifier: MIT
#pragma once
#include "credit.hpp"
#include "faults.hpp"
#include "outgoing_record.hpp"
#include "sender.hpp"
#include "stream_sides.hpp"

#include "transport_parameters.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace comoq::qmux::detail {

/// The streams of a connection that are not over, and the limits for opening them. Of the others only the number is
/// known: an id that is below the next one and not in the table is over. Guarded by the connection's lock.
class StreamTable {
public:
    struct Entry {
        // Null once it is over.
        std::shared_ptr<SendSide> send;
        std::shared_ptr<ReceiveSide> receive;
        /// The application has it.
        bool accepted = false;
    };

    /// The most streams of a direction that this side opened and the peer leaves open: a peer that allows any number
    /// and ends none must not fill the memory. (A thousand subscriptions make some 2,000 of them at a time.)
    static constexpr std::uint64_t most_own = 16 * 1024;

    StreamTable(bool server, const TransportParameters &ours)
        : server_(server), ours_(ours),
          directions_{Opened(ours.max_streams_bidi), Opened(ours.max_streams_uni)} {}

    /// Takes the peer's first limits. Until then nothing could be opened here. Passes each writable stream that the
    /// peer has opened to `raise_limit(SendSide &, std::uint64_t)`.
    template <class RaiseLimit> void learn(const TransportParameters &theirs, RaiseLimit &&raise_limit) {
        theirs_ = theirs;
        of(Direction::Bidi).allowed = theirs.max_streams_bidi;
        of(Direction::Uni).allowed = theirs.max_streams_uni;
        for (auto &[id, entry] : entries_)
            if (entry.send != nullptr) raise_limit(*entry.send, theirs.max_stream_data_bidi_local);
    }
    void raise_limit(Direction direction, std::uint64_t limit) noexcept {
        auto &allowed = of(direction).allowed;
        allowed = std::max(allowed, limit);
    }
    bool may_open(Direction direction) const noexcept {
        const Opened &opened = of(direction);
        return opened.own < opened.allowed && opened.own - opened.own_over < most_own;
    }
    /// Opening must be allowed.
    const Entry &open(Direction direction) {
        const std::uint64_t id = id_of(direction, server_, of(direction).own);
        const bool uni = direction == Direction::Uni;
        Entry &entry = entries_[id];
        entry.accepted = true;
        entry.send = std::make_shared<SendSide>(id, uni ? theirs_.max_stream_data_uni : theirs_.max_stream_data_bidi_remote);
        if (!uni) {
            entry.receive = std::make_shared<ReceiveSide>(id, ours_.max_stream_data_bidi_local);
            entry.receive->opener = entry.send.get();
        }
        ++of(direction).own;
        return entry;
    }

    /// The stream that a frame is about, null if it is over. `of_peer`: the frame is about the peer's data, otherwise
    /// about this side's. The first frame of a stream opens it and all before it: each is passed to
    /// `is_new(Direction, const Entry &)`.
    template <class IsNew>
    std::optional<Fault> find(std::uint64_t id, bool of_peer, FrameType frame, Entry *&found, IsNew &&is_new) {
        const Direction direction = direction_of(id);
        const bool own = opened_by_server(id) == server_;
        if (direction == Direction::Uni && own == of_peer)
            return Fault{TransportError::StreamState, frame, "a stream that goes the other way"};
        Opened &opened = of(direction);
        if (own) {
            if (index_of(id) >= opened.own) return Fault{TransportError::StreamState, frame, "a stream that nobody opened"};
        } else if (index_of(id) >= opened.peers.received()) {
            const std::uint64_t before = opened.peers.received();
            if (!opened.peers.receive(index_of(id) + 1 - before))
                return Fault{TransportError::StreamLimit, frame, "more streams than were allowed"};
            for (std::uint64_t index = before; index <= index_of(id); ++index) is_new(direction, add_of_peer(direction, index));
        }
        const auto place = entries_.find(id);
        found = place == entries_.end() ? nullptr : &place->second;
        return std::nullopt;
    }
    /// Null if it is over.
    Entry *find(std::uint64_t id) noexcept {
        const auto place = entries_.find(id);
        return place == entries_.end() ? nullptr : &place->second;
    }

    /// Checks whether a stream is over. It is not over before it was accepted: until then it counts against the peer's
    /// limit. Returns true if this side may therefore open one more stream, and could not before.
    bool settle(std::uint64_t id) noexcept {
        const auto place = entries_.find(id);
        if (place == entries_.end()) return false;
        Entry &entry = place->second;
        if (entry.send != nullptr && entry.send->gone) {
            if (entry.receive != nullptr) entry.receive->opener = nullptr;
            entry.send.reset();
        }
        if (entry.receive != nullptr && entry.receive->is_over()) entry.receive.reset();
        if (entry.send != nullptr || entry.receive != nullptr || !entry.accepted) return false;
        entries_.erase(place);
        const Direction direction = direction_of(id);
        Opened &opened = of(direction);
        if (opened_by_server(id) != server_) {
            opened.peers.consume(1);
            return false;
        }
        const bool could = may_open(direction);
        ++opened.own_over;
        return !could && may_open(direction);
    }

    bool has_news() const noexcept { return directions_[0].peers.is_due() || directions_[1].peers.is_due(); }
    void write_news(OutgoingRecord &record) {
        for (const Direction direction : {Direction::Bidi, Direction::Uni}) {
            ReceiveWindow &peers = of(direction).peers;
            if (peers.is_due() && record.room() >= longest_control_frame)
                record.add_frame(MaxStreams{direction, peers.raise()});
        }
    }

    std::size_t size() const noexcept { return entries_.size(); }
    /// Some stream has data that was not sent yet. Takes linear time in the streams.
    bool has_unsent() const noexcept {
        return std::any_of(entries_.begin(), entries_.end(), [](const auto &each) {
            const auto &send = each.second.send;
            return send != nullptr && send->pending() != 0;
        });
    }
    std::map<std::uint64_t, Entry> take_all() noexcept { return std::exchange(entries_, {}); }

private:
    struct Opened {
        explicit Opened(std::uint64_t window) noexcept : peers(window, max_stream_count) {}
        ReceiveWindow peers;
        // By this side: how many were opened, how many of them are over, and how many may be opened in all.
        std::uint64_t own = 0;
        std::uint64_t own_over = 0;
        std::uint64_t allowed = 0;
    };
    Opened &of(Direction direction) noexcept { return directions_[static_cast<std::size_t>(direction)]; }
    const Opened &of(Direction direction) const noexcept { return directions_[static_cast<std::size_t>(direction)]; }

    const Entry &add_of_peer(Direction direction, std::uint64_t index) {
        const std::uint64_t id = id_of(direction, !server_, index);
        const bool uni = direction == Direction::Uni;
        Entry &entry = entries_[id];
        entry.receive =
            std::make_shared<ReceiveSide>(id, uni ? ours_.max_stream_data_uni : ours_.max_stream_data_bidi_remote);
        if (!uni) entry.send = std::make_shared<SendSide>(id, theirs_.max_stream_data_bidi_local);
        return entry;
    }

    const bool server_;
    const TransportParameters ours_;
    TransportParameters theirs_;
    std::array<Opened, 2> directions_;
    // Ordered, not hashed: the peer chooses the ids.
    std::map<std::uint64_t, Entry> entries_;
};

}  // namespace comoq::qmux::detail
