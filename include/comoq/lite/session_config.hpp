// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/containers/config_member.hpp"
#include "../origin.hpp"
#include "../transport.hpp"
#include "session_event.hpp"
#include "setup.hpp"

#include <asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace comoq::lite {

/// The part of the origins that one peer may see, and the part in which it may publish.
struct SessionViews {
    SessionViews() {}
    SessionViews(std::optional<OriginConsumer> to_publish, std::optional<OriginProducer> to_subscribe)
        : publish(std::move(to_publish)), subscribe(std::move(to_subscribe)) {}

    /// The same with `root` as the root of all paths: nothing outside of it can be seen, asked for or announced. A view that
    /// has nothing there is left out. Throws InvalidPath.
    SessionViews below(std::string_view root) const {
        SessionViews narrowed;
        if (publish) narrowed.publish = publish->with_root(root);
        if (subscribe) narrowed.subscribe = subscribe->with_root(root);
        return narrowed;
    }
    SessionViews below(const std::same_as<Path> auto &root) const { return below(root.view()); }
    /// True if the peer may neither see nor publish anything.
    bool empty() const noexcept { return !publish && !subscribe; }

    /// What the peer may see, in the place of `SessionConfig::publish`.
    std::optional<OriginConsumer> publish;
    /// Where the peer may publish, in the place of `SessionConfig::subscribe`.
    std::optional<OriginProducer> subscribe;
};

/// What a session serves to its peer and asks of it.
struct SessionConfig {
    /// The broadcasts that the peer may see and ask for, on demand too. If empty, it may see none.
    comoq::detail::ConfigMember<std::optional<OriginConsumer>> publish = std::nullopt;
    /// Broadcasts that the peer announces are published here. If empty, the session does not ask the peer for
    /// announcements.
    comoq::detail::ConfigMember<std::optional<OriginProducer>> subscribe = std::nullopt;

    /// Decides, when the peer's SETUP has come, which broadcasts the peer may see and where it may publish. The result
    /// replaces `publish` and `subscribe`, which then only identify this side. Before the decision the session serves
    /// nothing and asks for nothing. A coroutine that throws `std::system_error` refuses the peer: the session is
    /// closed with its code. It has `answer_within` to decide; after that the session is closed with Timeout. Runs on
    /// the transport's executor. A server finds what the client asks for in `Setup::path`, query included, wherever the
    /// client has said it: in SETUP or in the URL. `read_target` takes it apart.
    ///
    /// Without this function the path that a client asks for is the root of its session: a server shows and takes what is
    /// below it in `publish` and `subscribe` (`SessionViews::below`), and refuses a client with Unauthorized if that is
    /// nothing.
    comoq::detail::ConfigMember<std::function<asio::awaitable<SessionViews>(const Setup &, const Transport &)>> authorize = {};

    /// What is added to both costs of each route of the peer's that tells its cost: the price of this link. If it is not set,
    /// what the peer says in its SETUP, or else 1. A client tells the peer.
    std::optional<std::uint64_t> link_cost = std::nullopt;

    /// The path that a client asks for, with its query, on a transport without a URL.
    comoq::detail::ConfigMember<std::optional<std::string>> path = std::nullopt;
    /// The path for which a client has asked a server in the transport's URL, with its query, on a transport that has one,
    /// such as a WebSocket. A SETUP that asks for another one then closes the session with ProtocolViolation.
    comoq::detail::ConfigMember<std::optional<std::string>> url_target = std::nullopt;
    /// The one role this client will take, if it takes only one.
    std::optional<Setup::Role> role = std::nullopt;

    /// How long a track of the peer's without subscribers keeps its groups here, for the next subscriber.
    std::chrono::milliseconds linger = std::chrono::seconds(5);
    /// How long the peer may take to answer a question before waiting requests are refused with Timeout: a track's
    /// info; a group that is fetched, from when it is asked for; a stream for a subscription.
    std::chrono::milliseconds patience = std::chrono::seconds(10);

    /// How long a reader that takes groups by number (`next_group`), and has a start, waits for groups that newer ones
    /// overtook. A peer may first send the groups that it has at hand, or the newest ones.
    std::chrono::milliseconds catch_up = std::chrono::seconds(2);

    /// How long a track of the peer's keeps its groups here at most, whatever the peer says.
    std::chrono::milliseconds max_latency = std::chrono::hours(1);

    /// The most broadcasts that the peer may have announced at a time. The session leaves out the rest and counts it
    /// (`Session::announcements_left_out`); those can still be requested by path. When there is room again, the session
    /// asks the peer to list its announcements once more, at most once a second, and brings in what was left out. Each
    /// takes some kilobytes.
    std::size_t max_announced = 16'384;
    /// The announcements that several sessions may have together, counted down by the sessions that share it; the rest
    /// is left out as well.
    comoq::detail::ConfigMember<std::shared_ptr<std::atomic<std::int64_t>>> announcements_left = {};

    /// The most announcements that the peer is told of at a time, on all streams together on which it asks for them, where
    /// the protocol numbers them (moq-lite-06). Further ones are not told, and counted
    /// (`Session::announcements_not_told`); the peer can still request them by path, or ask anew when there is room. Each
    /// takes some 50 bytes.
    std::size_t max_told = 131'072;

    /// The most broadcasts requested of the peer at a time without an announcement; more are refused with LimitReached.
    std::size_t max_requested = 16'384;
    /// The most tracks of the peer's that are requested or live here at a time; more are refused with LimitReached.
    std::size_t max_tracks = 16'384;
    /// The most groups of one track that the peer may be sending at a time; more are stopped with LimitReached.
    std::size_t max_open_groups = 1'024;
    /// The most bytes of the newest groups of the peer's tracks, of all together, that stay here whatever
    /// `OriginConfig::max_cached_bytes` says, because the next subscriber begins there. Above it the largest of these groups
    /// is evicted when its turn comes, as older groups are. Twice what one group may take (32 MiB): a peer's smaller
    /// tracks keep theirs beside the largest group that there can be.
    ///
    /// What `proxy` and `mirror` serve of these tracks at another origin does not count: there each track that somebody
    /// reads keeps a newest group of its own, until its last reader leaves.
    std::size_t max_newest_bytes = std::size_t{64} << 20;

    /// How long a question of the peer's may wait for its answer here before it is refused with Timeout. Longer than
    /// `patience`, so that the failure code of another session gets through.
    std::chrono::milliseconds answer_within = std::chrono::seconds(15);
    /// The most questions of the peer's that may wait for an answer at a time; more are refused with LimitReached. So one
    /// viewer leaves places for others.
    std::size_t max_waiting = 512;
    /// The most questions within 5 seconds that may have had to wait; more are refused with LimitReached.
    std::size_t max_passed_on = 2'048;
    /// How many bytes of media may be in flight to the peer, of all subscriptions together, before others wait. The oldest
    /// group of each subscription, which the peer may want first, and groups that are more urgent than all that is in
    /// flight, may take up to as much again; the last frame may exceed that. So the most is twice this and one frame.
    /// While the transport knows that its link is slow, this is no more than that carries in two seconds, or 256 KiB.
    std::size_t max_unsent = std::size_t{4} << 20;
    /// The same for each subscription.
    std::size_t max_unsent_each = std::size_t{1} << 20;
    /// How long a peer may take none of the groups that wait for it before the session is closed with Timeout.
    std::chrono::milliseconds stall_timeout = std::chrono::seconds(30);

    /// Whether the peer is asked for its measurements of the way to here, if it can measure (`Session::measured`).
    bool probe = false;

    /// Whether the peer is told of broadcasts with a hidden name, too: with a part that begins with a dot, below the prefix
    /// whose announcements it asks for. Hidden or not, it can request each of them. A relay asks a publisher only for what
    /// the publisher announces: one whose hidden broadcasts are to be found through a relay sets this.
    bool announce_hidden = false;

    /// What the program's log (`comoq::set_log`) calls this session, such as the address of the peer. It must not be a
    /// secret: leave out the query of a URL.
    comoq::detail::ConfigMember<std::string> name = {};

    /// Is told what the peer does. It is called at the peer's pace, on the transport's executor, and must not throw. A
    /// program that writes a log bounds it. The texts are valid during the call.
    comoq::detail::ConfigMember<std::function<void(const SessionEvent &)>> on_event = {};

    /// Completes after that time; empty means a timer of asio. For tests, which have a time of their own.
    comoq::detail::ConfigMember<std::function<asio::awaitable<void>(std::chrono::milliseconds)>> sleep = {};
};

}  // namespace comoq::lite
