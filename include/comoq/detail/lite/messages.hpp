#pragma once
#include "../../broadcast_info.hpp"
#include "../wire/wire_reader.hpp"
#include "../wire/wire_writer.hpp"
#include "../../subscription.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace comoq::lite {

// The messages of moq-lite-05 (wire.md, section 3), each without its length. `write` throws Encode for numbers of more
// than 62 bits; the result of `read` counts only if the reader is complete afterwards.

namespace detail {

using comoq::detail::WireReader;
using comoq::detail::WireWriter;

/// Milliseconds, limited to what this side can hold: nobody waits longer than that.
inline std::chrono::milliseconds read_milliseconds(WireReader &from) noexcept {
    return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(from.varint()));
}
inline void write_milliseconds(WireWriter &to, std::chrono::milliseconds time) {
    const auto count = time.count();
    const auto most = comoq::detail::max_varint;
    to.varint(count < 0 ? 0 : std::min(static_cast<std::uint64_t>(count), most));
}

/// One more than the number; 0 for none.
inline std::optional<std::uint64_t> read_optional(WireReader &from) noexcept {
    const std::uint64_t value = from.varint();
    return value == 0 ? std::nullopt : std::optional(value - 1);
}
inline void write_optional(WireWriter &to, const std::optional<std::uint64_t> &value) {
    to.varint(value ? *value + 1 : 0);
}

inline void write_wishes(WireWriter &to, const Subscription &wishes) {
    to.byte(wishes.priority);
    to.boolean(wishes.ordered);
    write_milliseconds(to, wishes.max_latency);
    write_optional(to, wishes.start);
    write_optional(to, wishes.end);
}
inline Subscription read_wishes(WireReader &from) noexcept {
    Subscription wishes;
    wishes.priority = from.byte();
    wishes.ordered = from.boolean();
    wishes.max_latency = read_milliseconds(from);
    wishes.start = read_optional(from);
    wishes.end = read_optional(from);
    return wishes;
}

}  // namespace detail

/// Asks the publisher to tell of broadcasts below `prefix` from now on, except those that came through `exclude_hop`
/// (0: of all).
struct AnnounceRequest {
    std::string prefix;
    std::uint64_t exclude_hop = 0;

    friend bool operator==(const AnnounceRequest &, const AnnounceRequest &) = default;
    void write(detail::WireWriter &to) const {
        to.text(prefix);
        to.varint(exclude_hop);
    }
    static AnnounceRequest read(detail::WireReader &from) {
        AnnounceRequest message;
        message.prefix = from.text();
        message.exclude_hop = from.varint();
        return message;
    }
};

/// The first answer: the hop id of the announcing origin, and the number of active broadcasts that follow at once.
struct AnnounceOk {
    std::uint64_t hop_id = 0;
    std::uint64_t active_count = 0;

    friend bool operator==(const AnnounceOk &, const AnnounceOk &) = default;
    void write(detail::WireWriter &to) const {
        to.varint(hop_id);
        to.varint(active_count);
    }
    static AnnounceOk read(detail::WireReader &from) {
        AnnounceOk message;
        message.hop_id = from.varint();
        message.active_count = from.varint();
        return message;
    }
};

/// The cost of a broadcast that a peer of moq-lite-05 announces, which cannot say it: as cheap as any if it is being sent
/// already, and if it is not, dearer than any that a peer can say.
inline constexpr Cost untold_cost{0, comoq::detail::max_varint};

/// A broadcast below the requested prefix is active (or another one in its place), or has ended. Peers that know of
/// restarts may say so (2) where another one takes the place; this side writes `active`, which means the same.
struct Announce {
    bool active = false;
    std::string suffix;
    std::vector<std::uint64_t> hops;

    friend bool operator==(const Announce &, const Announce &) = default;
    void write(detail::WireWriter &to) const {
        to.varint(active ? 1 : 0);
        to.text(suffix);
        to.varint(hops.size());
        for (const std::uint64_t hop : hops) to.varint(hop);
    }
    static Announce read(detail::WireReader &from) {
        Announce message;
        const std::uint64_t status = from.varint();
        message.active = status != 0;
        message.suffix = from.text();
        const std::uint64_t count = from.varint();
        if (status > 2 || count > BroadcastInfo::max_hops) from.fail();
        for (std::uint64_t left = count; left != 0 && from.ok(); --left) message.hops.push_back(from.varint());
        return message;
    }
};

/// Asks for a track's info.
struct Track {
    std::string broadcast;
    std::string track;

    friend bool operator==(const Track &, const Track &) = default;
    void write(detail::WireWriter &to) const {
        to.text(broadcast);
        to.text(track);
    }
    static Track read(detail::WireReader &from) {
        Track message;
        message.broadcast = from.text();
        message.track = from.text();
        return message;
    }
};

/// A track's info.
struct TrackInfoMessage {
    TrackInfo info;

    void write(detail::WireWriter &to) const {
        to.byte(info.priority);
        to.boolean(info.ordered);
        detail::write_milliseconds(to, info.max_latency);
        to.varint(info.timescale.units_per_second());
    }
    static TrackInfoMessage read(detail::WireReader &from) {
        TrackInfoMessage message;
        message.info.priority = from.byte();
        message.info.ordered = from.boolean();
        message.info.max_latency = detail::read_milliseconds(from);
        const std::uint64_t units = from.varint();
        // A timescale of zero units cannot measure a timestamp.
        if (units == 0) from.fail();
        message.info.timescale = Timescale(units);
        return message;
    }
};

/// Subscribes to a track; its groups carry the id.
struct Subscribe {
    std::uint64_t id = 0;
    std::string broadcast;
    std::string track;
    Subscription wishes;

    friend bool operator==(const Subscribe &, const Subscribe &) = default;
    void write(detail::WireWriter &to) const {
        to.varint(id);
        to.text(broadcast);
        to.text(track);
        detail::write_wishes(to, wishes);
    }
    static Subscribe read(detail::WireReader &from) {
        Subscribe message;
        message.id = from.varint();
        message.broadcast = from.text();
        message.track = from.text();
        message.wishes = detail::read_wishes(from);
        return message;
    }
};

/// On the Subscribe stream, by the subscriber: its new wishes.
struct SubscribeUpdate {
    Subscription wishes;

    friend bool operator==(const SubscribeUpdate &, const SubscribeUpdate &) = default;
    void write(detail::WireWriter &to) const { detail::write_wishes(to, wishes); }
    static SubscribeUpdate read(detail::WireReader &from) { return SubscribeUpdate{detail::read_wishes(from)}; }
};

/// By the publisher, with its type before it: the first group that comes.
struct SubscribeOk {
    std::uint64_t group = 0;

    friend bool operator==(const SubscribeOk &, const SubscribeOk &) = default;
    void write(detail::WireWriter &to) const { to.varint(group); }
    static SubscribeOk read(detail::WireReader &from) { return SubscribeOk{from.varint()}; }
};

/// The first group that will never come; 0 if none came.
struct SubscribeEnd {
    std::uint64_t group = 0;

    friend bool operator==(const SubscribeEnd &, const SubscribeEnd &) = default;
    void write(detail::WireWriter &to) const { to.varint(group); }
    static SubscribeEnd read(detail::WireReader &from) { return SubscribeEnd{from.varint()}; }
};

/// Groups that will not come, both ends included, and the reason.
struct SubscribeDrop {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t error = 0;

    friend bool operator==(const SubscribeDrop &, const SubscribeDrop &) = default;
    void write(detail::WireWriter &to) const {
        to.varint(start);
        to.varint(end);
        to.varint(error);
    }
    static SubscribeDrop read(detail::WireReader &from) {
        SubscribeDrop message;
        message.start = from.varint();
        message.end = from.varint();
        message.error = from.varint();
        if (message.end < message.start) from.fail();
        return message;
    }
};

/// Asks for one group by its number.
struct Fetch {
    std::string broadcast;
    std::string track;
    std::uint8_t priority = 0;
    std::uint64_t group = 0;

    friend bool operator==(const Fetch &, const Fetch &) = default;
    void write(detail::WireWriter &to) const {
        to.text(broadcast);
        to.text(track);
        to.byte(priority);
        to.varint(group);
    }
    static Fetch read(detail::WireReader &from) {
        Fetch message;
        message.broadcast = from.text();
        message.track = from.text();
        message.priority = from.byte();
        message.group = from.varint();
        return message;
    }
};

/// At the beginning of a group's stream: the subscription that it belongs to.
struct Group {
    std::uint64_t subscribe_id = 0;
    std::uint64_t sequence = 0;

    friend bool operator==(const Group &, const Group &) = default;
    void write(detail::WireWriter &to) const {
        to.varint(subscribe_id);
        to.varint(sequence);
    }
    static Group read(detail::WireReader &from) {
        Group message;
        message.subscribe_id = from.varint();
        message.sequence = from.varint();
        return message;
    }
};

/// The sender's measurements, 0 for unknown values.
struct Probe {
    std::uint64_t bitrate = 0;  // in bits a second
    std::uint64_t rtt = 0;      // in milliseconds

    friend bool operator==(const Probe &, const Probe &) = default;
    void write(detail::WireWriter &to) const {
        to.varint(bitrate);
        to.varint(rtt);
    }
    static Probe read(detail::WireReader &from) {
        Probe message;
        message.bitrate = from.varint();
        message.rtt = from.varint();
        return message;
    }
};

/// The peer should go to `uri`, or to where it came from if that is empty.
struct Goaway {
    std::string uri;

    friend bool operator==(const Goaway &, const Goaway &) = default;
    void write(detail::WireWriter &to) const { to.text(uri); }
    static Goaway read(detail::WireReader &from) {
        Goaway message;
        message.uri = from.text();
        return message;
    }
};

}  // namespace comoq::lite
