// SPDX-License-Identifier: MIT
#pragma once
#include "../../lite/probe.hpp"
#include "../../subscription.hpp"
#include "announce_messages.hpp"
#include "message_fields.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace comoq::lite {

// The messages of moq-lite (wire.md, section 3), each without its length, in the layout of a version. `write` throws
// Encode for numbers of more than 62 bits, and for what the version cannot say; the result of `read` counts only if the
// reader is complete afterwards.

/// Asks for a track's info.
struct Track {
    std::string broadcast;
    std::string track;

    friend bool operator==(const Track &, const Track &) = default;
    void write(detail::WireWriter &to, const Layout &) const {
        to.text(broadcast);
        to.text(track);
    }
    static Track read(detail::WireReader &from, const Layout &) {
        Track message;
        message.broadcast = from.text();
        message.track = from.text();
        return message;
    }
};

/// A track's info.
struct TrackInfoMessage {
    TrackInfo info;

    void write(detail::WireWriter &to, const Layout &layout) const {
        to.byte(info.priority);
        if (layout.ordered_byte) to.boolean(info.ordered);
        detail::write_milliseconds(to, info.max_latency);
        to.varint(info.timescale.units_per_second());
    }
    static TrackInfoMessage read(detail::WireReader &from, const Layout &layout) {
        TrackInfoMessage message;
        message.info.priority = from.byte();
        if (layout.ordered_byte) message.info.ordered = from.boolean();
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
    FrameBounds frames{};

    friend bool operator==(const Subscribe &, const Subscribe &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const {
        to.varint(id);
        to.text(broadcast);
        to.text(track);
        detail::write_wishes(to, wishes, frames, layout);
    }
    static Subscribe read(detail::WireReader &from, const Layout &layout) {
        Subscribe message;
        message.id = from.varint();
        message.broadcast = from.text();
        message.track = from.text();
        detail::read_wishes(from, message.wishes, message.frames, layout);
        return message;
    }
};

/// On the Subscribe stream, by the subscriber: its new wishes.
struct SubscribeUpdate {
    Subscription wishes;
    FrameBounds frames{};

    friend bool operator==(const SubscribeUpdate &, const SubscribeUpdate &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const { detail::write_wishes(to, wishes, frames, layout); }
    static SubscribeUpdate read(detail::WireReader &from, const Layout &layout) {
        SubscribeUpdate message;
        detail::read_wishes(from, message.wishes, message.frames, layout);
        return message;
    }
};

/// By the publisher, with its type before it: the first group that comes.
struct SubscribeOk {
    std::uint64_t group = 0;

    friend bool operator==(const SubscribeOk &, const SubscribeOk &) = default;
    void write(detail::WireWriter &to, const Layout &) const { to.varint(group); }
    static SubscribeOk read(detail::WireReader &from, const Layout &) { return SubscribeOk{from.varint()}; }
};

/// The first group that will never come; 0 if none came.
struct SubscribeEnd {
    std::uint64_t group = 0;

    friend bool operator==(const SubscribeEnd &, const SubscribeEnd &) = default;
    void write(detail::WireWriter &to, const Layout &) const { to.varint(group); }
    static SubscribeEnd read(detail::WireReader &from, const Layout &) { return SubscribeEnd{from.varint()}; }
};

/// Groups that will not come, both ends included, and the reason.
struct SubscribeDrop {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t error = 0;

    friend bool operator==(const SubscribeDrop &, const SubscribeDrop &) = default;
    void write(detail::WireWriter &to, const Layout &) const {
        to.varint(start);
        to.varint(end);
        to.varint(error);
    }
    static SubscribeDrop read(detail::WireReader &from, const Layout &) {
        SubscribeDrop message;
        message.start = from.varint();
        message.end = from.varint();
        message.error = from.varint();
        if (message.end < message.start) from.fail();
        return message;
    }
};

/// Asks for one group by its number, or for a part of it.
struct Fetch {
    std::string broadcast;
    std::string track;
    std::uint8_t priority = 0;
    std::uint64_t group = 0;
    FrameBounds frames{};

    friend bool operator==(const Fetch &, const Fetch &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const {
        to.text(broadcast);
        to.text(track);
        to.byte(priority);
        to.varint(group);
        if (frames.last && *frames.last < frames.first) comoq::detail::throw_error(make_error_code(Error::Encode));
        detail::write_frames(to, frames, layout);
    }
    static Fetch read(detail::WireReader &from, const Layout &layout) {
        Fetch message;
        message.broadcast = from.text();
        message.track = from.text();
        message.priority = from.byte();
        message.group = from.varint();
        message.frames = detail::read_frames(from, layout);
        if (message.frames.last && *message.frames.last < message.frames.first) from.fail();
        return message;
    }
};

/// At the beginning of a group's stream: the subscription that it belongs to.
struct Group {
    std::uint64_t subscribe_id = 0;
    std::uint64_t sequence = 0;
    /// The number of the first frame that comes on the stream.
    std::uint64_t first_frame = 0;

    friend bool operator==(const Group &, const Group &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const {
        to.varint(subscribe_id);
        to.varint(sequence);
        if (layout.frame_bounds)
            to.varint(first_frame);
        else if (first_frame != 0)
            comoq::detail::throw_error(make_error_code(Error::Encode));
    }
    static Group read(detail::WireReader &from, const Layout &layout) {
        Group message;
        message.subscribe_id = from.varint();
        message.sequence = from.varint();
        if (layout.frame_bounds) message.first_frame = from.varint();
        return message;
    }
};

/// The peer should go to `uri`, or to where it came from if that is empty.
struct Goaway {
    std::string uri;

    friend bool operator==(const Goaway &, const Goaway &) = default;
    void write(detail::WireWriter &to, const Layout &) const { to.text(uri); }
    static Goaway read(detail::WireReader &from, const Layout &) {
        Goaway message;
        message.uri = from.text();
        return message;
    }
};

}  // namespace comoq::lite
