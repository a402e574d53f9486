// SPDX-License-Identifier: MIT
#pragma once
#include "announce_tree.hpp"
#include "announce_walk.hpp"
#include "bounded_requester.hpp"
#include "../media/broadcast_state.hpp"
#include "../request/handler_lanes.hpp"
#include "../containers/hash_index.hpp"
#include "../media/media_bounds.hpp"
#include "origin_view.hpp"
#include "route_update.hpp"
#include "../request/request.hpp"
#include "../request/request_table.hpp"
#include "../../path.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::detail {

class PassedOn;

/// An origin: the announce tree, the requests for paths that nobody announced, and the broadcasts that handlers served.
/// One lock guards all of it, so that a request is resolved in one decision.
class OriginState : public std::enable_shared_from_this<OriginState> {
public:
    using Broadcast = std::shared_ptr<BroadcastState>;
    /// Requesters share in having the broadcast from the moment of the answer: its producer does not find it unused before
    /// they have taken it.
    /// A request that its handler asks other origins for tells so: a ring of origins would wait for itself.
    using Requests = RequestTable<Path, BroadcastInterest, std::weak_ptr<PassedOn>>;
    using Requester = detail::Requester<OriginState, BroadcastInterest>;
    using BoundedRequester = detail::BoundedRequester<OriginState>;
    using PublicationPtr = AnnounceTree::PublicationPtr;

    OriginState(std::uint64_t id, std::shared_ptr<MediaBounds> media_bounds)
        : id_(id), bounds_(std::move(media_bounds)) {}

    /// The hop id.
    std::uint64_t id() const noexcept { return id_; }
    static std::string subject_of(const Path &path) { return About{"broadcast", path.view()}.text(); }
    const std::shared_ptr<MediaBounds> &bounds() const noexcept { return bounds_; }
    Mutex &mutex() const noexcept { return mutex_; }

    // The following functions are called under the lock.

    Requests &requests() noexcept { return requests_; }
    HandlerLanes<Requests> &lanes() noexcept { return lanes_; }
    AnnounceTree &tree() noexcept { return tree_; }
    /// Of all sessions that tell their peers of announcements.
    UnseenChanges &unseen_changes() noexcept { return unseen_changes_; }
    bool gone() const noexcept { return gone_; }
    std::size_t pending() const noexcept { return requests_.size(); }
    std::size_t served() const noexcept { return served_.size(); }

    // The following functions take the lock.

    /// The result of a request for a path: a refusal, an existing broadcast, or a place in a request.
    using Resolution = std::variant<std::error_code, Broadcast, Requester, BoundedRequester>;

    Resolution request(const std::shared_ptr<const OriginView> &through, std::string_view text) {
        const OriginView &view = *through;
        const AbsolutePath path(view.root().view(), text);
        if (!path.valid()) return make_error_code(Error::InvalidPath);
        if (!view.covers(path.view())) return make_error_code(Error::Unauthorized);
        const HashedText hashed(path.view());
        Lock lock(mutex_);
        if (gone_) return make_error_code(Error::Dropped);
        if (const Broadcast &announced = tree_.active(hashed, view.excluded_hops())) return announced;
        if (serves_nothing()) return make_error_code(Error::NotFound);
        return request_unannounced(through, hashed, std::move(lock));
    }

    /// Settles a request with a handler's answer, while the caller has the broadcast. It is remembered for the path while it is
    /// open.
    bool settle_request(Requests::Entry &entry, Broadcast broadcast) {
        if (broadcast == nullptr) return settle_request(entry, make_error_code(Error::NotFound));
        if (broadcast->with_info([this](const BroadcastInfo &info) { return loops(info); }))
            return settle_request(entry, make_error_code(Error::RoutingLoop));
        ResumeScope scope;
        Outcome<BroadcastInterest> answer(std::in_place, broadcast);
        auto served = std::make_shared<Served>(weak_from_this(), entry, broadcast);
        const bool open = broadcast->add_hook(served);
        bool settled = false, remembered = false;
        std::shared_ptr<Served> forgotten;
        {
            WakeList wake;
            Lock lock(mutex_);
            if (!entry.settled() && open && !broadcast->closed()) {
                // An older one can only be a broadcast that is closing at this moment, which will not find itself here, or
                // one whose source is leaving.
                if (Served *older = served_at(served->path, served->hash())) forgotten = take_off(*older);
                served->self = served;
                served_.insert(*served);
                remembered = true;
            }
            settled = requests_.settle(entry, std::move(answer), wake);
        }
        if (!remembered) broadcast->remove_hook(*served);
        if (forgotten != nullptr)
            if (const auto older = forgotten->broadcast.lock()) older->remove_hook(*forgotten);
        if (settled) broadcast->join(bounds_);
        return settled;
    }

    bool settle_request(Requests::Entry &entry, std::error_code code) noexcept {
        WakeList wake;
        Lock lock(mutex_);
        return requests_.settle(entry, Outcome<BroadcastInterest>(code), wake);
    }

    void pass_on(Requests::Entry &entry, std::weak_ptr<PassedOn> how) noexcept {
        Lock lock(mutex_);
        entry.payload().swap(how);  // the former one goes after the lock
        lock.unlock();
    }
    /// How the pending request for an absolute path is passed on; null if there is none, or its handler serves it.
    std::shared_ptr<PassedOn> passed_on(std::string_view path) const noexcept {
        Lock lock(mutex_);
        const auto pending = requests_.find(path);
        return pending != nullptr ? pending->payload().lock() : nullptr;
    }

    /// Announces, or adds a guard to an existing announcement, while the caller has the broadcast. Throws the errors that
    /// `OriginProducer` documents.
    PublicationPtr publish(const OriginView &view, std::string_view text, Broadcast broadcast,
                           std::weak_ptr<PrefixSource> below = {}) {
        const AbsolutePath path(view.root().view(), text);
        if (!path.valid()) throw_error(make_error_code(Error::InvalidPath));
        if (!view.covers(path.view())) throw_error(make_error_code(Error::Unauthorized));
        if (broadcast == nullptr) throw_error(make_error_code(Error::NotFound));
        broadcast->with_info([this](const BroadcastInfo &info) { throw_if_refused(info); });
        ResumeScope scope;
        auto added = std::make_shared<Announced>(weak_from_this(), path.view(), broadcast);
        added->below = std::move(below);
        if (!broadcast->add_hook(added)) throw_error(make_error_code(Error::Closed));
        std::error_code refusal;
        PublicationPtr existing;
        try {
            WakeList wake;
            Lock lock(mutex_);
            if (gone_) {
                refusal = make_error_code(Error::Dropped);
            } else if (broadcast->closed()) {
                refusal = make_error_code(Error::Closed);
            } else if ((existing = tree_.published(path.view(), *broadcast))) {
                ++existing->guards;
            } else {
                tree_.add(added, wake);
                if (auto pending = requests_.find(path.view()))
                    requests_.settle(*pending, Outcome<BroadcastInterest>(std::in_place, broadcast), wake);
                return added;
            }
        } catch (...) {
            broadcast->remove_hook(*added);
            throw;
        }
        broadcast->remove_hook(*added);
        if (refusal) throw_error(refusal);
        return existing;
    }

    /// The broadcast goes on by another route. Throws as `publish`, and then nothing has changed.
    void update(AnnounceTree::Publication &publication, BroadcastInfo info) {
        throw_if_refused(info);
        auto route = std::make_shared<const BroadcastInfo>(std::move(info));
        ResumeScope scope;
        WakeList wake;
        Lock lock(mutex_);
        if (publication.in_tree()) RouteUpdate::apply(tree_, publication, std::move(route), wake);
    }

    /// Drops a guard; the publication goes with the last one.
    void drop_guard(AnnounceTree::Publication &publication) noexcept {
        ResumeScope scope;
        {
            WakeList wake;
            Lock lock(mutex_);
            if (!publication.in_tree() || --publication.guards != 0) return;
            tree_.remove(publication, wake);
        }
        publication.broadcast->remove_hook(publication);
    }

    Atomic<std::size_t> owners{0};
    void last_owner_gone() noexcept {
        std::optional<AnnounceTree::Remains> published;
        HashIndex<Served> served;
        WakeList wake;
        {
            const auto code = make_error_code(Error::Dropped);
            Lock lock(mutex_);
            gone_ = true;
            requests_.settle_all(code, wake);
            lanes_.wake_all(wake);
            published.emplace(tree_.clear(code, wake));
            served = std::move(served_);
        }
        published->for_each([](AnnounceTree::Publication &one) { one.broadcast->remove_hook(one); });
        served.for_each([](Served &one) {
            const auto last = std::move(one.self);
            if (auto broadcast = one.broadcast.lock()) broadcast->remove_hook(one);
        });
    }

private:
    /// Nothing was served, nothing is pending, and nobody could be asked, whatever the path.
    bool serves_nothing() const noexcept {
        return lanes_.empty() && served_.empty() && requests_.size() == 0 && !AnnounceWalk::has_sources(tree_);
    }

    /// The rest of `request`: most paths are announced.
    COMOQ_APART Resolution request_unannounced(const std::shared_ptr<const OriginView> &through, const HashedText &path,
                                               Lock &&locked) {
        const OriginView &view = *through;
        std::optional<WakeList> wake;  // for a new request only
        // It may be the last handle of the broadcast, whose end must not come under the lock.
        Broadcast served;
        std::shared_ptr<PrefixSource> announcer;
        Lock lock(std::move(locked));
        if ((served = find_served(path)) != nullptr && !served->closed() && !served->route().is_leaving()) {
            // Asking the handler again would give the same broadcast.
            if (!served->with_info([&](const BroadcastInfo &info) { return view.shows(info); }))
                return make_error_code(Error::NotFound);
            return served;
        }
        const auto *share = view.request_share().get();
        const bool share_is_full = share != nullptr && share->used >= share->most;
        if (auto pending = requests_.find(path.text, path.hash)) {
            if (share_is_full) return make_error_code(Error::LimitReached);
            requests_.join(*pending);
            return requester(std::move(pending), through);
        }
        auto prefix = path.text;
        auto *lane = lanes_.lane_from(prefix);
        // The nearer of a handler and an announcer answers; of two at the same path, the handler.
        const std::size_t nearer = lane != nullptr ? prefix.size() + 1 : 0;
        if ((announcer = AnnounceWalk::source_above(tree_, path.text, nearer, view.excluded_hops())) != nullptr) {
            lock.unlock();
            return of_announcer(*announcer, path.text);
        }
        if (lane == nullptr) return make_error_code(Error::NotFound);
        if (share_is_full || requests_.size() >= bounds_->max_pending_requests) return make_error_code(Error::LimitReached);
        auto entry = requests_.open(PathAccess::make(path.text), path.hash, lane->queue);
        lane->wake_one(wake.emplace());
        return requester(std::move(entry), through);
    }

    static Resolution of_announcer(PrefixSource &announcer, std::string_view path) {
        try {
            return announcer.broadcast_at(path);
        } catch (const std::system_error &error) {
            return error.code();
        }
    }

    /// Most requesters need not remember the view, and are moved often.
    Resolution requester(Requests::EntryPtr &&entry, const std::shared_ptr<const OriginView> &view) {
        if (view->bounds_requests()) return BoundedRequester(shared_from_this(), std::move(entry), view);
        return Requester(shared_from_this(), std::move(entry));
    }

    /// True if a broadcast came through this origin, or twice through another.
    bool loops(const BroadcastInfo &info) const noexcept { return info.came_through(id_) || info.has_loop(); }
    void throw_if_refused(const BroadcastInfo &info) const {
        if (!info.came_through(id_) && info.hops.size() > BroadcastInfo::max_hops)
            throw_error(make_error_code(Error::BoundsExceeded));
        if (loops(info)) throw_error(make_error_code(Error::RoutingLoop));
    }

    /// A publication that leaves the tree when its broadcast ends, whatever guards it has.
    class Announced final : public AnnounceTree::Publication {
    public:
        Announced(std::weak_ptr<OriginState> origin, std::string_view path, Broadcast published)
            : Publication(path, std::move(published)), origin_(std::move(origin)) {}
        void ended() noexcept override {
            auto origin = origin_.lock();
            if (origin == nullptr) return;
            WakeList wake;
            Lock lock(origin->mutex_);
            origin->tree_.remove(*this, wake);
        }

    private:
        const std::weak_ptr<OriginState> origin_;
    };

    /// A broadcast that a handler served, forgotten when it ends. It does not keep the broadcast alive.
    class Served final : public EndHook, public HashLink<Served> {
    public:
        Served(std::weak_ptr<OriginState> origin, const Requests::Entry &request, const Broadcast &served)
            : HashLink<Served>(request.hash()), path(request.key().view()), broadcast(served), origin_(std::move(origin)) {}
        void ended() noexcept override {
            if (auto origin = origin_.lock()) origin->forget(*this);
        }
        const std::string path;
        const std::weak_ptr<BroadcastState> broadcast;
        std::shared_ptr<Served> self;  // while it is remembered; guarded by the origin's lock, until the origin is gone

    private:
        const std::weak_ptr<OriginState> origin_;
    };

    Served *served_at(std::string_view path, std::size_t hash) const noexcept {
        return served_.find(hash, [&](const Served &served) { return same_text(served.path, path); });
    }
    Broadcast find_served(const HashedText &path) const noexcept {
        const Served *served = served_at(path.text, path.hash);
        return served != nullptr ? served->broadcast.lock() : nullptr;
    }

    std::shared_ptr<Served> take_off(Served &served) noexcept {
        served_.erase(served);
        return std::move(served.self);
    }
    void forget(Served &served) noexcept {
        std::shared_ptr<Served> forgotten;
        Lock lock(mutex_);
        if (!gone_ && served.self != nullptr) forgotten = take_off(served);
    }

    const std::uint64_t id_;
    const std::shared_ptr<MediaBounds> bounds_;
    mutable Mutex mutex_;
    bool gone_ = false;
    AnnounceTree tree_;
    UnseenChanges unseen_changes_;
    Requests requests_;
    HandlerLanes<Requests> lanes_;
    HashIndex<Served> served_;
};

}  // namespace comoq::detail
