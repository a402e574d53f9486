// SPDX-License-Identifier: MIT
#pragma once
#include "../session/untold_cost.hpp"
#include "../../broadcast_info.hpp"
#include "message_fields.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace comoq::lite {

// The messages on an Announce stream, as `messages.hpp` has the others.

/// Asks the publisher to tell of broadcasts below `prefix` from now on. On moq-lite-05, except those that came through
/// `exclude_hop` (0: of all); later versions know that from SETUP.
struct AnnounceRequest {
    std::string prefix;
    std::uint64_t exclude_hop = 0;

    friend bool operator==(const AnnounceRequest &, const AnnounceRequest &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const {
        to.text(prefix);
        if (layout.exclude_hop) to.varint(exclude_hop);
    }
    static AnnounceRequest read(detail::WireReader &from, const Layout &layout) {
        AnnounceRequest message;
        message.prefix = from.text();
        if (layout.exclude_hop) message.exclude_hop = from.varint();
        return message;
    }
};

/// The first answer: the hop id of the announcing origin, and the number of active broadcasts that follow at once.
struct AnnounceOk {
    std::uint64_t hop_id = 0;
    std::uint64_t active_count = 0;

    friend bool operator==(const AnnounceOk &, const AnnounceOk &) = default;
    void write(detail::WireWriter &to, const Layout &) const {
        to.varint(hop_id);
        to.varint(active_count);
    }
    static AnnounceOk read(detail::WireReader &from, const Layout &) {
        AnnounceOk message;
        message.hop_id = from.varint();
        message.active_count = from.varint();
        return message;
    }
};

using comoq::detail::untold_cost;

/// A broadcast below the requested prefix is active (or another one in its place), or has ended: the message of
/// moq-lite-05, and what those of later versions come to. Peers that know of restarts may say so (2) where another one
/// takes the place; this side writes `active`, which means the same.
struct Announce {
    bool active = false;
    std::string suffix;
    std::vector<std::uint64_t> hops;
    /// Not in the message.
    Cost cost = untold_cost;

    friend bool operator==(const Announce &, const Announce &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const {
        if (layout.announce_ids) comoq::detail::throw_error(make_error_code(Error::Encode));
        to.varint(active ? 1 : 0);
        to.text(suffix);
        detail::write_hops(to, hops);
    }
    static Announce read(detail::WireReader &from, const Layout &) {
        Announce message;
        const std::uint64_t status = from.varint();
        message.active = status != 0;
        message.suffix = from.text();
        message.hops = detail::read_hops(from);
        if (status > 2) from.fail();
        return message;
    }
};

/// A broadcast below the requested prefix is active. It takes the stream's next number: 0, 1, 2 and so on.
struct AnnounceStart {
    std::string suffix;
    std::vector<std::uint64_t> hops;
    Cost cost;

    friend bool operator==(const AnnounceStart &, const AnnounceStart &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const {
        detail::need_announce_ids(layout);
        to.text(suffix);
        detail::write_hops(to, hops);
        detail::write_cost(to, cost);
    }
    static AnnounceStart read(detail::WireReader &from, const Layout &) {
        AnnounceStart message;
        message.suffix = from.text();
        message.hops = detail::read_distinct_hops(from);
        message.cost = detail::read_cost(from);
        return message;
    }
};

/// The broadcast with that number is not active any more.
struct AnnounceEnd {
    std::uint64_t id = 0;

    friend bool operator==(const AnnounceEnd &, const AnnounceEnd &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const {
        detail::need_announce_ids(layout);
        to.varint(id);
    }
    static AnnounceEnd read(detail::WireReader &from, const Layout &) { return AnnounceEnd{from.varint()}; }
};

/// A message of a type that this side does not know: nothing but its length is of interest.
struct Skipped {
    static Skipped read(detail::WireReader &from, const Layout &) {
        from.rest();
        return {};
    }
};

/// The broadcast with that number has another route, or another one has taken its place.
struct AnnounceRestart {
    std::uint64_t id = 0;
    std::vector<std::uint64_t> hops;
    Cost cost;

    friend bool operator==(const AnnounceRestart &, const AnnounceRestart &) = default;
    void write(detail::WireWriter &to, const Layout &layout) const {
        detail::need_announce_ids(layout);
        to.varint(id);
        detail::write_hops(to, hops);
        detail::write_cost(to, cost);
    }
    static AnnounceRestart read(detail::WireReader &from, const Layout &) {
        AnnounceRestart message;
        message.id = from.varint();
        message.hops = detail::read_distinct_hops(from);
        message.cost = detail::read_cost(from);
        return message;
    }
};

}  // namespace comoq::lite
