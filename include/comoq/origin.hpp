#pragma once
#include "announce.hpp"
#include "broadcast.hpp"
#include "detail/origin_handler.hpp"
#include "detail/origin_state.hpp"
#include "detail/origin_view.hpp"
#include "detail/origin_watch.hpp"
#include "detail/share.hpp"
#include "origin_dynamic.hpp"
#include "path.hpp"
#include "pending.hpp"
#include "time.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace comoq {

struct OriginConfig {
    /// This origin's hop id: what a broadcast that passed through it carries. 0 means a random one.
    std::uint64_t id = 0;
    /// Requests for broadcasts that are not settled, and in each of the origin's broadcasts requests for tracks; more are
    /// refused with LimitReached.
    std::size_t max_pending_requests = 65536;
    /// Bytes of media that the origin's broadcasts hold for readers.
    std::size_t max_cached_bytes = std::size_t{1} << 30;
    /// Bytes in a frame; larger ones are refused with FrameTooLarge.
    std::size_t max_frame_size = std::size_t{32} << 20;
    /// What time it is; empty means the steady clock, on Linux as it stood at the kernel's last tick, 1 to 10 ms ago at
    /// most: that costs a third, and ages are seconds.
    Clock clock = {};
};

/// A snapshot of an origin's counters.
struct OriginStats {
    /// Paths announced; nodes of the tree below its root; live watchers, with everyone who waits in
    /// `announced_broadcast`; copies of handlers; requests not settled; open broadcasts that handlers served.
    std::size_t announced = 0, nodes = 0, watchers = 0, handlers = 0, pending = 0, served = 0;
    /// Media held by broadcasts made by `create_broadcast` and `make_broadcast`.
    std::size_t cached_bytes = 0, cached_groups = 0;
    /// Groups that went for their age or to the pool, and readers that were told Lagged, since the beginning.
    std::uint64_t evicted_groups = 0, lagged_readers = 0;
};

/// Keeps a broadcast announced at a path. Inert once the broadcast has closed or the origin is gone, neither of which it
/// keeps alive. Moves only.
class OriginPublish {
public:
    /// For the library.
    OriginPublish(std::shared_ptr<detail::OriginState> origin, detail::OriginState::PublicationPtr publication) noexcept
        : origin_(std::move(origin)), publication_(std::move(publication)) {}
    OriginPublish(OriginPublish &&) noexcept = default;
    OriginPublish &operator=(OriginPublish &&other) noexcept {
        OriginPublish previous(std::move(*this));
        origin_ = std::move(other.origin_);
        publication_ = std::move(other.publication_);
        return *this;
    }
    ~OriginPublish() {
        last_act_.arm();
        unannounce();
    }

    /// Ends the announcement before the guard's end. It has happened when the call returns, unless another guard holds the
    /// same broadcast at the same path.
    void unannounce() {
        const auto publication = std::exchange(publication_, nullptr);
        if (publication != nullptr) origin_->drop_guard(*publication);
    }

private:
    detail::LastAct last_act_;
    std::shared_ptr<detail::OriginState> origin_;
    detail::OriginState::PublicationPtr publication_;
};

/// A broadcast with its announcement: unannounced first, then left by its producer. Moves only.
class BroadcastPublish {
public:
    /// For the library.
    BroadcastPublish(BroadcastProducer producer, OriginPublish guard) noexcept
        : producer_(std::move(producer)), guard_(std::move(guard)) {}
    BroadcastPublish(BroadcastPublish &&) noexcept = default;
    BroadcastPublish &operator=(BroadcastPublish &&other) noexcept {
        BroadcastPublish previous(std::move(*this));
        producer_ = std::move(other.producer_);
        guard_ = std::move(other.guard_);
        return *this;
    }
    ~BroadcastPublish() { last_act_.arm(); }

    BroadcastProducer &producer() { return producer_; }

    /// Ends the announcement; the broadcast goes on.
    void unannounce() { guard_.unannounce(); }

private:
    detail::LastAct last_act_;
    BroadcastProducer producer_;
    OriginPublish guard_;
};

namespace detail {

inline Pending<BroadcastConsumer> pending_broadcast(std::error_code refusal) {
    return Pending<BroadcastConsumer>(ReadySource<BroadcastConsumer>(Outcome<BroadcastConsumer>(refusal)));
}
inline Pending<BroadcastConsumer> pending_broadcast(std::shared_ptr<BroadcastState> &&broadcast) {
    return Pending<BroadcastConsumer>(
        ReadySource<BroadcastConsumer>(Outcome<BroadcastConsumer>(std::in_place, std::move(broadcast))));
}
template <class Rule> Pending<BroadcastConsumer> pending_broadcast(Rule &&rule) {
    return Pending<BroadcastConsumer>(mapped<BroadcastConsumer>(
        Step(std::move(rule)),
        [](std::shared_ptr<BroadcastState> &&broadcast) { return BroadcastConsumer(std::move(broadcast)); }));
}

}  // namespace detail

/// Reads an origin: watches, looks up and asks. A view of all of it or of a part; it does not keep the origin alive.
///
/// Paths go in relative to `root()`. Copyable. Threads: distinct copies may be used at the same time.
class OriginConsumer {
public:
    /// For the library.
    OriginConsumer(std::shared_ptr<detail::OriginState> state, std::shared_ptr<const detail::OriginView> view) noexcept
        : state_(std::move(state)), view_(std::move(view)) {}

    /// A watcher of everything in this view.
    AnnounceConsumer announced() const {
        return AnnounceConsumer(std::make_shared<detail::OriginWatch>(state_, view_));
    }

    /// The broadcast that is announced at exactly this path, now or as soon as one is. No handler is asked. Fails at once
    /// with InvalidPath or Unauthorized, and with Dropped when the origin is gone.
    Pending<BroadcastConsumer> announced_broadcast(std::string_view path) const {
        return std::visit([](auto &&found) { return detail::pending_broadcast(std::move(found)); },
                          detail::AwaitedBroadcastRule::make(state_, *view_, path));
    }

    /// The broadcast at a path, made on demand if need be. Decided in the call, in this order: InvalidPath; Unauthorized
    /// outside this view; Dropped when the origin is gone; what is announced; what a handler served and is open; a
    /// request that is pending is joined; a new request if a handler covers the path (LimitReached if too many are
    /// pending); NotFound. All but the joined and the new request are ready at once.
    ///
    /// A request is settled by its handler's answer, whose very code every requester gets, or by an announcement at the
    /// path. Refusals are the operation's outcome; the call itself throws nothing but std::bad_alloc.
    Pending<BroadcastConsumer> request_broadcast(std::string_view path) const {
        return std::visit([](auto &&found) { return detail::pending_broadcast(std::move(found)); },
                          state_->request(*view_, path));
    }

    /// The view of what lies below any of `prefixes`, as far as this one sees it; nothing if that is nothing.
    std::optional<OriginConsumer> scope(std::span<const Path> prefixes) const { return narrowed(view_->scope(prefixes)); }

    /// The view with `prefix` as its root; nothing if this one sees nothing there. Throws InvalidPath.
    std::optional<OriginConsumer> with_root(std::string_view prefix) const { return narrowed(view_->with_root(prefix)); }

    /// The view without what came through the origin with this hop id, which is neither announced nor found here; a broadcast
    /// that did not takes its place. For who would send it back there.
    OriginConsumer without_hop(std::uint64_t hop) const { return OriginConsumer(state_, view_->without_hop(hop)); }

    /// The origin's hop id.
    std::uint64_t id() const noexcept { return state_->id(); }

    /// What is left out of every path that goes in or out.
    const Path &root() const { return view_->root(); }
    /// The prefixes that this view sees, relative to its root.
    std::vector<Path> allowed() const { return view_->relative_allowed(); }

private:
    std::optional<OriginConsumer> narrowed(std::shared_ptr<const detail::OriginView> view) const {
        if (view == nullptr) return std::nullopt;
        return OriginConsumer(state_, std::move(view));
    }

    std::shared_ptr<detail::OriginState> state_;
    std::shared_ptr<const detail::OriginView> view_;
};

/// Writes to an origin: announces, and serves on demand. A view of all of it or of a part. Copies keep the origin alive.
///
/// Announcing calls throw `std::system_error`: InvalidPath; Unauthorized outside this view; RoutingLoop for a broadcast
/// that came through this origin; BoundsExceeded for more than 32 hops; Closed for a closed broadcast, NotFound for an
/// empty handle; Dropped when the origin is gone. Threads: distinct copies may be used at the same time.
class OriginProducer {
public:
    using Owner =
        detail::Share<detail::OriginState, &detail::OriginState::owners, &detail::OriginState::last_owner_gone>;

    /// For the library.
    OriginProducer(Owner owner, std::shared_ptr<const detail::OriginView> view) noexcept
        : owner_(std::move(owner)), view_(std::move(view)) {}

    /// A reader with the same view.
    OriginConsumer consume() const { return OriginConsumer(owner_.state(), view_); }

    /// A handler for what is asked for within this view and not announced.
    OriginDynamic dynamic() const { return OriginDynamic(detail::OriginHandler::make(owner_.state(), view_)); }

    /// Announces `broadcast` at `path` until the guard goes or the broadcast closes. Of several at one path the one with
    /// the fewest hops is active (ties are broken alike on every origin), and the rest are its backups. The same
    /// broadcast announced twice stays until both guards are gone. Watchers have been told when the call returns.
    OriginPublish publish_broadcast(std::string_view path, BroadcastConsumer broadcast) const {
        detail::ResumeScope scope;
        return OriginPublish(owner_.state(), owner_->publish(*view_, path, broadcast.state()));
    }

    /// Makes a broadcast and announces it.
    BroadcastPublish create_broadcast(std::string_view path, BroadcastInfo info = {}) const {
        detail::ResumeScope scope;
        auto producer = make_broadcast(std::move(info));
        auto guard = publish_broadcast(path, producer.consume());
        return BroadcastPublish(std::move(producer), std::move(guard));
    }

    /// Makes a broadcast that is not announced and shares the origin's pool, clock and bounds: what a handler serves.
    BroadcastProducer make_broadcast(BroadcastInfo info = {}) const {
        return BroadcastProducer(std::move(info), owner_->bounds());
    }

    /// The view of what lies below any of `prefixes`, as far as this one reaches; nothing if that is nothing.
    std::optional<OriginProducer> scope(std::span<const Path> prefixes) const { return narrowed(view_->scope(prefixes)); }

    /// The view with `prefix` as its root; nothing if this one reaches nothing there. Throws InvalidPath.
    std::optional<OriginProducer> with_root(std::string_view prefix) const { return narrowed(view_->with_root(prefix)); }

    /// The origin's hop id.
    std::uint64_t id() const noexcept { return owner_->id(); }

    /// What is left out of every path that goes in or out.
    const Path &root() const { return view_->root(); }
    /// The prefixes that this view reaches, relative to its root.
    std::vector<Path> allowed() const { return view_->relative_allowed(); }

private:
    std::optional<OriginProducer> narrowed(std::shared_ptr<const detail::OriginView> view) const {
        if (view == nullptr) return std::nullopt;
        return OriginProducer(owner_, std::move(view));
    }

    // First, to be destroyed last: its end may be the origin's.
    Owner owner_;
    std::shared_ptr<const detail::OriginView> view_;
};

/// A collection of broadcasts by path: an announce tree, and handlers for what is asked for and not announced.
///
/// It is gone once this object and every OriginProducer are gone: then watchers end, pending requests settle with
/// Dropped, and guards and handlers become inert. Moves only. Threads: calls on one object from several threads are safe
/// as long as none of them moves or destroys it.
class Origin {
public:
    Origin() : Origin(OriginConfig()) {}
    explicit Origin(OriginConfig config) : owner_(make_state(std::move(config))) {}
    Origin(Origin &&) noexcept = default;
    Origin &operator=(Origin &&) noexcept = default;
    Origin(const Origin &) = delete;
    Origin &operator=(const Origin &) = delete;
    ~Origin() = default;

    /// The origin's hop id: the config's, or a random one.
    std::uint64_t id() const noexcept { return owner_->id(); }

    OriginProducer producer() const { return OriginProducer(owner_, everything()); }
    OriginConsumer consumer() const { return OriginConsumer(owner_.state(), everything()); }

    OriginStats stats() const {
        OriginStats stats;
        {
            detail::Lock lock(owner_->mutex());
            stats.announced = owner_->tree().announced();
            stats.nodes = owner_->tree().nodes();
            stats.watchers = owner_->tree().watchers();
            stats.handlers = owner_->lanes().copies();
            stats.pending = owner_->pending();
            stats.served = owner_->served();
        }
        const auto &bounds = *owner_->bounds();
        stats.cached_bytes = bounds.cached_bytes.load();
        stats.cached_groups = bounds.cached_groups.load();
        stats.evicted_groups = bounds.evicted_groups.load();
        stats.lagged_readers = bounds.lagged_readers.load();
        return stats;
    }

private:
    static std::shared_ptr<const detail::OriginView> everything() {
        static const auto view = std::make_shared<const detail::OriginView>();
        return view;
    }

    static std::shared_ptr<detail::OriginState> make_state(OriginConfig &&config) {
        auto bounds = std::make_shared<detail::MediaBounds>();
        bounds->max_pending_requests = config.max_pending_requests;
        bounds->max_frame_size = config.max_frame_size;
        bounds->max_cached_bytes = config.max_cached_bytes;
        bounds->clock = std::move(config.clock);
        const auto id = config.id != 0 ? config.id : random_id();
        return std::make_shared<detail::OriginState>(id, std::move(bounds));
    }

    /// Hop ids have 62 bits on the wire; peers written in JavaScript refuse more than 53.
    static std::uint64_t random_id() {
        std::random_device device;
        return std::uniform_int_distribution<std::uint64_t>(1, (std::uint64_t{1} << 53) - 1)(device);
    }

    OriginProducer::Owner owner_;
};

}  // namespace comoq
