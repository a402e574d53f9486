// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "announce.hpp"
#include "broadcast.hpp"
#include "detail/containers/config_member.hpp"
#include "detail/origin/origin_handler.hpp"
#include "detail/origin/origin_state.hpp"
#include "detail/origin/origin_view.hpp"
#include "detail/origin/origin_watch.hpp"
#include "detail/wait/share.hpp"
#include "origin_dynamic.hpp"
#include "path.hpp"
#include "pending.hpp"
#include "time.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace comoq {

/// How an origin bounds what its broadcasts keep, and which clock it reads.
struct OriginConfig {
    /// This origin's hop id, of at most 62 bits: broadcasts that pass through it carry the id. 0 means a random one.
    std::uint64_t id = 0;
    /// Pending requests for broadcasts, and in each of the origin's broadcasts pending requests for tracks; more are
    /// refused with LimitReached.
    std::size_t max_pending_requests = 65536;
    /// Bytes of media that the origin's broadcasts hold for readers, counted at their real cost: groups, frames, chunks
    /// and datagrams, not only their payload. Beyond it groups are evicted, except for the newest of each live track, at most
    /// 32 MiB. Of one session's tracks the largest of these may go, too (`lite::SessionConfig::max_newest_bytes`).
    std::size_t max_cached_bytes = std::size_t{1} << 30;
    /// Bytes in a frame; larger ones are refused with FrameTooLarge.
    std::size_t max_frame_size = std::size_t{32} << 20;
    /// The source of time; empty means the steady clock, on Linux its value at the kernel's last tick, at most 1 to 10
    /// ms ago: that costs a third, and ages are seconds.
    detail::ConfigMember<Clock> clock = {};
    /// Tracks keep groups and datagrams no longer than this, whatever their publishers say.
    std::chrono::milliseconds max_latency = std::chrono::milliseconds::max();
};

/// A snapshot of an origin's counters.
struct OriginStats {
    /// Announced paths.
    std::size_t announced = 0;
    /// Nodes of the tree below its root.
    std::size_t nodes = 0;
    /// Live watchers, including callers that wait in `announced_broadcast`.
    std::size_t watchers = 0;
    /// Copies of handlers.
    std::size_t handlers = 0;
    /// Pending requests.
    std::size_t pending = 0;
    /// Open broadcasts that handlers served.
    std::size_t served = 0;
    /// The cost of the media that is held by broadcasts made here, or announced or served here first.
    std::size_t cached_bytes = 0;
    /// The groups of this media.
    std::size_t cached_groups = 0;
    /// Groups that expired or were evicted from the pool, since the beginning.
    std::uint64_t evicted_groups = 0;
    /// Backlog of sessions: bytes taken for their peers and not sent yet. Up to 256 KiB of a session may be left out.
    std::size_t unsent_bytes = 0;
    /// Readers that got Lagged, since the beginning.
    std::uint64_t lagged_readers = 0;
};

/// The counters as a JSON object in one line, by the names that they have here. It is what fmt and streams print.
std::string to_json(const OriginStats &stats);
/// The same as `to_json`.
inline std::string to_string(const OriginStats &stats) { return to_json(stats); }

/// Keeps a broadcast announced at a path. It does nothing once the broadcast has closed or the origin is gone, and
/// keeps neither alive. Moves only.
class [[nodiscard]] OriginPublish {
public:
    /// Empty: it guards nothing.
    OriginPublish() noexcept = default;
    OriginPublish(detail::Passkey, std::shared_ptr<detail::OriginState> origin,
                  detail::OriginState::PublicationPtr publication) noexcept
        : origin_(std::move(origin)), publication_(std::move(publication)) {}
    OriginPublish(OriginPublish &&) noexcept = default;
    OriginPublish &operator=(OriginPublish &&other) noexcept;
    ~OriginPublish();

    /// The broadcast has come by another route, or at another cost, from now on: it gets a new place among the publishers
    /// of its path. It stays the same broadcast, and its tracks and readers go on. Watchers of the path get Restart,
    /// with this broadcast if it is active, unless nothing has changed. Other announcements of the broadcast do
    /// not change. Throws RoutingLoop and BoundsExceeded as `publish_broadcast`, and then nothing has changed.
    void update(BroadcastInfo info);
    /// The same without exceptions: `ec` gets the code.
    void update(BroadcastInfo info, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return update(std::move(info)); });
    }

    /// Ends the announcement before the guard's end. The announcement has ended when the call returns, unless another
    /// guard holds the same broadcast at the same path.
    void unannounce();

private:
    detail::LastAct last_act_;
    std::shared_ptr<detail::OriginState> origin_;
    detail::OriginState::PublicationPtr publication_;
};

/// A broadcast with its announcement. Its end withdraws the announcement first, and then releases the producer. Moves
/// only.
class [[nodiscard]] BroadcastPublish {
public:
    /// Empty: an empty producer and an empty guard.
    BroadcastPublish() noexcept : producer_(detail::Passkey(), detail::EmptyHandle()) {}
    BroadcastPublish(detail::Passkey, BroadcastProducer producer, OriginPublish guard) noexcept
        : producer_(std::move(producer)), guard_(std::move(guard)) {}
    BroadcastPublish(BroadcastPublish &&) noexcept = default;
    BroadcastPublish &operator=(BroadcastPublish &&other) noexcept;
    ~BroadcastPublish() { last_act_.arm(); }

    /// The broadcast, to write its tracks.
    BroadcastProducer &producer() & noexcept { return producer_; }
    /// From a temporary, whose announcement ends with it: the producer itself.
    BroadcastProducer producer() && noexcept { return std::move(producer_); }
    /// The same as `producer().create_track`. Not for a temporary, whose announcement ends with it.
    TrackProducer create_track(std::string_view name, TrackInfo info = {}) & { return producer_.create_track(name, info); }

    /// Changes the broadcast's route, as `OriginPublish::update`.
    void update(BroadcastInfo info) { guard_.update(std::move(info)); }
    void update(BroadcastInfo info, std::error_code &ec) noexcept { guard_.update(std::move(info), ec); }

    /// Ends the announcement; the broadcast goes on.
    void unannounce() { guard_.unannounce(); }

private:
    detail::LastAct last_act_;
    BroadcastProducer producer_;
    OriginPublish guard_;
};

namespace detail {

using OriginOwner = Share<OriginState, &OriginState::owners, &OriginState::last_owner_gone>;

/// Throws Closed if it is empty.
const OriginView &not_empty(const std::shared_ptr<const OriginView> &view);

// A refusal keeps the path, for the exception.
Pending<BroadcastConsumer> pending_broadcast(std::error_code refusal, std::string_view path);
Pending<BroadcastConsumer> pending_broadcast(std::shared_ptr<BroadcastState> &&broadcast, std::string_view path);
template <class Rule> Pending<BroadcastConsumer> pending_broadcast(Rule &&rule, std::string_view) {
    return Pending<BroadcastConsumer>(
        Passkey(), mapped<BroadcastConsumer>(Step(std::move(rule)), [](typename Rule::value_type &&broadcast) {
            return BroadcastConsumer(Passkey(), BroadcastInterest(std::move(broadcast)));
        }));
}

}  // namespace detail

/// Reads an origin: watches, looks up and requests. It is a view of all or a part of the origin; it does not keep the
/// origin alive.
///
/// Paths are relative to `root()`; calls that take one as text take a `Path` as well, unless they take a `std::error_code`.
/// Copyable. Threads: distinct copies may be used at the same time.
class OriginConsumer {
public:
    /// Empty: its calls throw Closed, and its operations fail with it.
    OriginConsumer() noexcept = default;
    OriginConsumer(detail::Passkey, std::shared_ptr<detail::OriginState> state,
                   std::shared_ptr<const detail::OriginView> view) noexcept
        : state_(std::move(state)), view_(std::move(view)) {}

    /// A watcher of everything in this view.
    AnnounceConsumer announced() const;

    /// The broadcast that is announced at exactly this path, now or later. It asks no handler. Fails at once with
    /// InvalidPath or Unauthorized, and with Dropped when the origin is gone.
    Pending<BroadcastConsumer> announced_broadcast(std::string_view path) const;
    Pending<BroadcastConsumer> announced_broadcast(const std::same_as<Path> auto &path) const {
        return announced_broadcast(path.view());
    }

    /// The broadcast at a path, made on demand if necessary. The call decides, in this order: InvalidPath; Unauthorized
    /// outside this view; Dropped when the origin is gone; an announced broadcast; an open one that a handler served; a
    /// pending request, which it joins; the broadcast of the session's peer that announced the longest path above this
    /// one, which is asked for its tracks, unless a handler has as long a prefix; a new request if a handler covers the
    /// path (LimitReached if too many are pending); NotFound. All except the joined and the new request are ready at once.
    ///
    /// A request is settled by its handler's answer, whose exact code every requester gets, or by an announcement at
    /// the path. Refusals are the operation's outcome; the call itself throws only std::bad_alloc.
    Pending<BroadcastConsumer> request_broadcast(std::string_view path) const;
    Pending<BroadcastConsumer> request_broadcast(const std::same_as<Path> auto &path) const {
        return request_broadcast(path.view());
    }

    /// The view of everything below any of `prefixes` that this one sees; nothing if it sees none of it.
    [[nodiscard]] std::optional<OriginConsumer> scope(std::span<const Path> prefixes) const {
        return narrowed(view().scope(prefixes));
    }
    /// The same with a list: `scope({"room/1", "room/2"})`. Throws InvalidPath.
    [[nodiscard]] std::optional<OriginConsumer> scope(std::initializer_list<Path> prefixes) const {
        return scope(std::span(prefixes.begin(), prefixes.size()));
    }

    /// The view with `prefix` as its root; nothing if this view sees nothing there. Throws InvalidPath.
    [[nodiscard]] std::optional<OriginConsumer> with_root(std::string_view prefix) const {
        return narrowed(view().with_root(prefix));
    }
    [[nodiscard]] std::optional<OriginConsumer> with_root(const std::same_as<Path> auto &prefix) const {
        return with_root(prefix.view());
    }
    /// The same without exceptions: `ec` gets the code, and the result is empty then.
    [[nodiscard]] std::optional<OriginConsumer> with_root(std::string_view prefix, std::error_code &ec) const noexcept {
        return detail::with_code(ec, [&] { return with_root(prefix); });
    }

    /// The view without broadcasts that came through the origin with this hop id (`BroadcastInfo::came_through`): they
    /// are neither announced nor found here. Another broadcast takes the place of such a one, and a request that is
    /// settled with one is NotFound. No origin has the id 0.
    [[nodiscard]] OriginConsumer without_hop(std::uint64_t hop) const {
        return OriginConsumer(detail::Passkey(), state_, view().without_hop(hop));
    }

    /// The same view with its own share of the origin's pending requests: through it, its copies and the views made of
    /// it at most `most` requests may be pending at once. More get LimitReached, even if the origin would take them.
    /// For a program that asks on behalf of others, so that none of them takes all the places.
    [[nodiscard]] OriginConsumer with_request_share(std::size_t most) const {
        return OriginConsumer(detail::Passkey(), state_, view().with_request_share(most));
    }

    /// The origin's hop id.
    std::uint64_t id() const noexcept { return state_ != nullptr ? state_->id() : 0; }

    /// The prefix that all paths leave out, in both directions.
    const Path &root() const { return view().root(); }
    /// The prefixes that this view sees, relative to its root.
    std::vector<Path> allowed() const { return view().relative_allowed(); }

    const std::shared_ptr<detail::OriginState> &state(detail::Passkey) const noexcept { return state_; }
    /// Throws Closed if the handle is empty.
    const detail::OriginView &view(detail::Passkey) const { return view(); }

private:
    const detail::OriginView &view() const { return detail::not_empty(view_); }
    std::optional<OriginConsumer> narrowed(std::shared_ptr<const detail::OriginView> view) const;

    std::shared_ptr<detail::OriginState> state_;
    std::shared_ptr<const detail::OriginView> view_;
};

/// Writes to an origin: announces, and serves on demand. It is a view of all or a part of the origin. Copies keep the
/// origin alive.
///
/// Announcing calls throw `std::system_error`: InvalidPath; Unauthorized outside this view; RoutingLoop for a broadcast
/// that came through this origin, or twice through another; BoundsExceeded for more than 32 hops; Closed for a closed
/// broadcast, NotFound for an empty handle; Dropped when the origin is gone. Threads: distinct copies may be used at
/// the same time.
class [[nodiscard]] OriginProducer {
public:
    /// Empty: its calls throw Closed.
    OriginProducer() noexcept = default;
    OriginProducer(detail::Passkey, detail::OriginOwner owner, std::shared_ptr<const detail::OriginView> view) noexcept
        : owner_(std::move(owner)), view_(std::move(view)) {}

    /// A reader with the same view.
    OriginConsumer consume() const { return OriginConsumer(detail::Passkey(), owner_.held(), view_); }

    /// A handler for requests within this view that no announcement answers.
    OriginDynamic dynamic() const;

    /// Announces `broadcast` at `path` until the guard is destroyed or the broadcast closes. Watchers have been told
    /// when the call returns. The same broadcast announced twice stays until both guards are gone.
    ///
    /// Of several at one path one is active, and the rest are its backups. The order: one whose hops are all known
    /// comes before one with an unknown hop (0); the lower cost; the fewer hops, so that a broadcast of this origin
    /// itself comes first; for two hops or more the lower hash of path and hops, the same one on every origin; the
    /// latest.
    OriginPublish publish_broadcast(std::string_view path, BroadcastConsumer broadcast) const;
    OriginPublish publish_broadcast(const std::same_as<Path> auto &path, BroadcastConsumer broadcast) const {
        return publish_broadcast(path.view(), std::move(broadcast));
    }

    /// The same for a peer, which answers for the paths below as well.
    OriginPublish publish_broadcast(detail::Passkey, std::string_view path, BroadcastConsumer broadcast,
                                    std::weak_ptr<detail::PrefixSource> below) const;

    /// Makes a broadcast and announces it for as long as the result lives, and no longer: a statement that drops the
    /// result announces nothing that lasts, and the compiler warns of it.
    BroadcastPublish create_broadcast(std::string_view path, BroadcastInfo info = {}) const;
    BroadcastPublish create_broadcast(const std::same_as<Path> auto &path, BroadcastInfo info = {}) const {
        return create_broadcast(path.view(), std::move(info));
    }

    // The same without exceptions: `ec` gets the code, a false one after success, and `std::errc::not_enough_memory` for want of
    // memory. What a failed call returns is empty, or 0.
    OriginPublish publish_broadcast(std::string_view path, BroadcastConsumer broadcast, std::error_code &ec) const noexcept {
        return detail::with_code(ec, [&] { return publish_broadcast(path, std::move(broadcast)); });
    }
    BroadcastPublish create_broadcast(std::string_view path, BroadcastInfo info, std::error_code &ec) const noexcept {
        return detail::with_code(ec, [&] { return create_broadcast(path, std::move(info)); });
    }
    BroadcastPublish create_broadcast(std::string_view path, std::error_code &ec) const noexcept {
        return create_broadcast(path, {}, ec);
    }
    OriginPublish publish_broadcast(const std::same_as<Path> auto &path, BroadcastConsumer broadcast, std::error_code &ec) const noexcept {
        return publish_broadcast(path.view(), std::move(broadcast), ec);
    }

    /// Makes a broadcast that is not announced and shares the origin's pool, clock and bounds: for a handler to serve.
    BroadcastProducer make_broadcast(BroadcastInfo info = {}) const;

    /// The view of everything below any of `prefixes` that this one reaches; nothing if it reaches none of it.
    [[nodiscard]] std::optional<OriginProducer> scope(std::span<const Path> prefixes) const {
        return narrowed(view().scope(prefixes));
    }
    /// The same with a list: `scope({"room/1", "room/2"})`. Throws InvalidPath.
    [[nodiscard]] std::optional<OriginProducer> scope(std::initializer_list<Path> prefixes) const {
        return scope(std::span(prefixes.begin(), prefixes.size()));
    }

    /// The view with `prefix` as its root; nothing if this view reaches nothing there. Throws InvalidPath.
    [[nodiscard]] std::optional<OriginProducer> with_root(std::string_view prefix) const {
        return narrowed(view().with_root(prefix));
    }
    [[nodiscard]] std::optional<OriginProducer> with_root(const std::same_as<Path> auto &prefix) const {
        return with_root(prefix.view());
    }
    /// The same without exceptions: `ec` gets the code, and the result is empty then.
    [[nodiscard]] std::optional<OriginProducer> with_root(std::string_view prefix, std::error_code &ec) const noexcept {
        return detail::with_code(ec, [&] { return with_root(prefix); });
    }

    /// The origin's hop id.
    std::uint64_t id() const noexcept { return owner_ ? owner_->id() : 0; }

    /// The prefix that all paths leave out, in both directions.
    const Path &root() const { return view().root(); }
    /// The prefixes that this view reaches, relative to its root.
    std::vector<Path> allowed() const { return view().relative_allowed(); }

private:
    std::optional<OriginProducer> narrowed(std::shared_ptr<const detail::OriginView> view) const;
    /// Throws Closed if the handle is empty.
    const detail::OriginView &view() const { return detail::not_empty(view_); }

    // First, to be destroyed last: its end may be the origin's.
    detail::OriginOwner owner_;
    std::shared_ptr<const detail::OriginView> view_;
};

/// A collection of broadcasts by path: an announce tree, and handlers for requests that no announcement answers.
///
/// It is gone once this object and every OriginProducer are gone: then watchers end, pending requests settle with
/// Dropped, and guards and handlers do nothing any more. Moves only. Threads: calls on one object from several threads
/// are safe as long as none of them moves or destroys it.
class [[nodiscard]] Origin {
public:
    Origin() : Origin(OriginConfig()) {}
    /// Throws BoundsExceeded for an id of more than 62 bits, because the wire cannot carry it.
    explicit Origin(OriginConfig config) : owner_(make_state(std::move(config))) {}
    Origin(Origin &&) noexcept = default;
    Origin &operator=(Origin &&) noexcept = default;
    Origin(const Origin &) = delete;
    Origin &operator=(const Origin &) = delete;
    ~Origin() = default;

    /// The origin's hop id: the config's, or a random one.
    std::uint64_t id() const noexcept { return owner_ ? owner_->id() : 0; }

    // A moved-from origin is empty: its calls throw Closed.
    OriginProducer producer() const;
    OriginConsumer consumer() const;

    /// The counters, taken at one moment.
    OriginStats stats() const;

private:
    static std::shared_ptr<const detail::OriginView> everything();

    static std::shared_ptr<detail::OriginState> make_state(OriginConfig &&config);

    detail::OriginOwner owner_;
};

COMOQ_DECLARE_OPERATION(BroadcastConsumer);

}  // namespace comoq

COMOQ_PRINTED(comoq::OriginStats);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/origin.ipp"
#endif
