// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/reserve_one.hpp"
#include "../relay/lease.hpp"
#include "../wait/event.hpp"
#include "../wait/failure.hpp"
#include "../wait/sync.hpp"
#include "../../broadcast.hpp"
#include "../../origin.hpp"
#include "../../path.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The peer's broadcasts by path: those that it announced, and those that were requested without an announcement, which
/// go when nobody holds them. Threads: any.
///
/// What a lock finds here may be gone but for it: each handle that is made or replaced under the lock is released after it,
/// because the end of a broadcast frees frames, whose memory may be a program's.
class RequestedBroadcasts {
public:
    /// A requested broadcast, to be served. Its handler was made before anybody could ask it for a track.
    struct Made {
        explicit Made(BroadcastProducer made) : broadcast(std::move(made)), handler(broadcast.dynamic()) {}
        BroadcastProducer broadcast;
        BroadcastDynamic handler;
        /// Set when its holders may have let go of it.
        Event let_go;
        /// The share of it that callers get. Guarded by the lock of the table.
        std::shared_ptr<std::optional<Lease>> lease = std::make_shared<std::optional<Lease>>();
    };
    struct Asked {
        std::string path;
        Made made;
    };

    /// The view in which the peer may publish, once that is decided.
    void admit(std::optional<OriginProducer> view) {
        Lock lock(mutex_);
        view_.swap(view);
    }

    /// A path below the root of that view; nothing if it is not.
    std::optional<std::string> below_root(std::string_view absolute) {
        Lock lock(mutex_);
        const auto below = view_ ? strip_prefix(absolute, view_->root().view()) : std::nullopt;
        return below ? std::optional<std::string>(*below) : std::nullopt;
    }

    /// The caller of `next` serves the result of `make(view)`. Throws Unauthorized where the peer may not publish, and
    /// LimitReached if there are `most` others.
    template <class Make> BroadcastConsumer find_or_make(std::string_view path, std::size_t most, Make make) {
        State there;
        std::optional<Made> making;
        Known known;
        Lock lock(mutex_);
        if (!covers(path)) throw_error(make_error_code(Error::Unauthorized));
        const auto found = broadcasts_.find(path);
        if (found != broadcasts_.end()) there = found->second.state();
        if (there != nullptr && !there->closed()) return give(found->second, there);
        if (asked_ >= most) throw_error(make_error_code(Error::LimitReached));
        Made &made = making.emplace(make(*view_));
        if (is_leaving_) made.broadcast.state(Passkey())->route().leave();
        if (over_) {
            made.broadcast.abort(*over_);
            return made.broadcast.consume();
        }
        // In this order: a failure leaves nothing behind.
        reserve_one(to_serve_);
        known.asked_for = made.broadcast.state(Passkey());
        known.let_go = made.let_go;
        known.lease = made.lease;
        auto given = give(known, known.asked_for);
        auto mark = mark_of(known.asked_for, true);
        std::string key(path);
        std::swap(broadcasts_[key], known);
        put(std::move(mark));
        to_serve_.push_back(Asked{std::move(key), std::move(made)});
        any_to_serve_.set();
        return given;
    }

    /// The broadcasts that were made since the last call, once there are any.
    asio::awaitable<std::vector<Asked>> next() {
        co_await any_to_serve_.wait();
        Lock lock(mutex_);
        any_to_serve_.clear();
        co_return std::exchange(to_serve_, {});
    }

    void announced(std::string_view path, const BroadcastConsumer &broadcast) {
        Known known;
        Lock lock(mutex_);
        const auto &state = broadcast.state(Passkey());
        auto mark = mark_of(state, false);
        known.announced = state;
        std::swap(broadcasts_[std::string(path)], known);
        put(std::move(mark));
    }

    /// True if it is one of the peer's, whatever the path under which it was found: the peer may publish below another
    /// root than it asks below, and a handler may serve a broadcast of the peer's at another path. So it is until its
    /// service is over, also when another one of the peer's has taken its path.
    bool has(const BroadcastConsumer &broadcast) {
        Lock lock(mutex_);
        const auto found = marks_.find(broadcast.state(Passkey()).get());
        return found != marks_.end() && !found->second.broadcast.expired();
    }

    /// Its service is over.
    void forget(std::string_view path, const BroadcastProducer &broadcast) {
        State there;
        Lock lock(mutex_);
        erase(path, broadcast, there);
        take_off(broadcast);
    }

    /// Forgets a requested broadcast that nobody holds any more, nor a track of it. False if a holder remains, or came
    /// back: a later caller gets another one.
    bool retire(std::string_view path, const Made &made) {
        State there;
        Lock lock(mutex_);
        if (!(*made.lease)->held().expired() || made.broadcast.state(Passkey())->has_tracks()) return false;
        erase(path, made.broadcast, there);
        take_off(made.broadcast);
        return true;
    }

    /// The peer takes no new tracks: requests for the path of a requested broadcast, also later ones, are to get another
    /// one elsewhere.
    void leave() {
        std::vector<State> all;
        Lock lock(mutex_);
        all.reserve(marks_.size());
        is_leaving_ = true;
        for (const auto &[address, mark] : marks_) {
            if (!mark.was_asked_for) continue;
            const State &there = all.emplace_back(mark.broadcast.lock());
            if (there != nullptr) there->route().leave();
        }
    }

    /// The session is over: all requested broadcasts end with `code`, also from now on, and so do the announced ones
    /// that have tracks. The task that announced the other ones, which may be many, ends them. Called once; `free_some` frees
    /// what was known of them.
    void abort_all(std::error_code code) {
        {
            Lock lock(mutex_);
            over_ = code;
            known_before_.swap(broadcasts_);
            marks_before_.swap(marks_);
            asked_ = 0;
        }
        for (const auto &[address, mark] : marks_before_) {
            const auto there = mark.broadcast.lock();
            if (there != nullptr && (mark.was_asked_for || there->has_tracks())) there->close(failure(code));
        }
    }

    /// After `abort_all`, on the executor that called it: frees a few of the places. False if there are no more.
    bool free_some() noexcept {
        for (int i = 0; i < 64; ++i) {
            if (!known_before_.empty()) known_before_.erase(known_before_.begin());
            if (!marks_before_.empty()) marks_before_.erase(marks_before_.begin());
        }
        return !known_before_.empty() || !marks_before_.empty();
    }

private:
    using State = std::shared_ptr<BroadcastState>;

    struct Mark {
        std::weak_ptr<BroadcastState> broadcast;
        bool was_asked_for;
    };
    /// The broadcasts that are served, each by its address: the mark of a broadcast that is gone has expired.
    using Marks = std::map<const BroadcastState *, Mark>;

    /// The last one of a path.
    struct Known {
        std::weak_ptr<BroadcastState> announced;
        std::shared_ptr<BroadcastState> asked_for;  // without an announcement
        // The lease of that one.
        std::shared_ptr<std::optional<Lease>> lease;
        Event let_go;
        State state() const noexcept {
            return asked_for != nullptr ? asked_for : announced.lock();
        }
    };

    using Broadcasts = std::map<std::string, Known, std::less<>>;

    static Marks::node_type mark_of(const std::shared_ptr<BroadcastState> &broadcast, bool was_asked_for) {
        Marks one;
        one.emplace(broadcast.get(), Mark{broadcast, was_asked_for});
        return one.extract(one.begin());
    }
    void put(Marks::node_type &&mark) noexcept {
        if (mark.mapped().was_asked_for) ++asked_;
        // One that has expired may have had the same address.
        take_off(mark.key());
        marks_.insert(std::move(mark));
    }
    void take_off(const BroadcastProducer &broadcast) noexcept {
        take_off(broadcast.state(Passkey()).get());
    }
    void take_off(const BroadcastState *broadcast) noexcept {
        const auto found = marks_.find(broadcast);
        if (found == marks_.end()) return;
        if (found->second.was_asked_for) --asked_;
        marks_.erase(found);
    }

    bool covers(std::string_view path) const {
        const auto has = [path](const Path &prefix) { return has_prefix(path, prefix.view()); };
        return view_ && std::ranges::any_of(view_->allowed(), has);
    }
    /// The same broadcast for all callers that hold it at a time, and a share in it again once they have let go of it.
    static BroadcastConsumer give(Known &known, const State &there) {
        if (known.asked_for == nullptr) return BroadcastConsumer(Passkey(), there);
        auto &lease = *known.lease;
        if (lease)
            if (auto held = lease->held().lock()) return BroadcastConsumer(Passkey(), std::move(held));
        // Made before the old one goes: `retire` looks at it in any case.
        Lease next(BroadcastConsumer(Passkey(), known.asked_for), known.let_go);
        lease.emplace(std::move(next));
        return lease->give();
    }
    void erase(std::string_view path, const BroadcastProducer &broadcast, State &there) {
        const auto found = broadcasts_.find(path);
        if (found == broadcasts_.end()) return;
        there = found->second.state();
        if (there == broadcast.state(Passkey())) broadcasts_.erase(found);
    }

    Mutex mutex_;
    std::optional<OriginProducer> view_;
    Broadcasts broadcasts_;
    Marks marks_;
    std::size_t asked_ = 0;  // of the marked ones
    std::vector<Asked> to_serve_;
    Event any_to_serve_;
    bool is_leaving_ = false;
    std::optional<std::error_code> over_;
    // Since `abort_all`, and of its caller alone.
    Broadcasts known_before_;
    Marks marks_before_;
};

}  // namespace comoq::detail
