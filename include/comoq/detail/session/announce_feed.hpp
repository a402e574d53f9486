// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../operation.hpp"
#include "../../origin.hpp"
#include "../containers/intrusive_list.hpp"
#include "../origin/announce_walk.hpp"
#include "../origin/origin_state.hpp"
#include "../origin/origin_view.hpp"
#include "../origin/path_order.hpp"
#include "../origin/watch_queue.hpp"
#include "../wait/outcome.hpp"
#include "../wait/step.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Tells a session's peer of an origin's announcements: one watcher of the origin, however many of the peer's streams
/// follow, each below prefixes of its own.
///
/// Existing announcements go out from a cursor, a few at a time, as the peer takes them: the feed holds nothing for
/// them but the last path sent. Changes behind a stream's cursor are queued for it, at most one entry a path; all
/// streams together hold `most_waiting`, and the stream that exceeds it has fallen behind for good and fails with
/// Lagged. So does one that holds more than a few while the streams of all sessions hold too many (`UnseenChanges`).
///
/// The origin's lock guards it. A stream waits in the origin's own list; the feed runs no coroutine.
class AnnounceFeed : public std::enable_shared_from_this<AnnounceFeed> {
public:
    static constexpr std::size_t most_waiting = std::size_t{1} << 17;

    /// One announcement or one end, with the absolute path. The info is null at an end, and where it is not known any
    /// more.
    struct Told {
        Told(WatchQueue::PathText where, bool is_active, std::shared_ptr<const BroadcastInfo> with) noexcept
            : path(std::move(where)), active(is_active), info(std::move(with)) {}
        WatchQueue::PathText path;
        bool active;
        /// Set if the stream was told of another route at this path, which this one replaces.
        std::optional<RouteChange> change;
        std::shared_ptr<const BroadcastInfo> info;
    };
    /// The next changes for one stream, possibly none yet.
    struct Batch {
        /// Once, before all announcements: the number of existing ones that follow.
        std::optional<std::uint64_t> count;
        std::vector<Told> told;
        bool ended = false;  // the origin is gone
    };

    class Follower;

    AnnounceFeed(std::shared_ptr<OriginState> origin, std::vector<std::uint64_t> excluded_hops)
        : origin_(std::move(origin)) {
        watch_.excluded_hops = std::move(excluded_hops);
        Lock lock(origin_->mutex());
        watch_.queue.count_in(sum());
        watch_.ended = origin_->gone();
    }
    AnnounceFeed(const AnnounceFeed &) = delete;
    AnnounceFeed &operator=(const AnnounceFeed &) = delete;
    ~AnnounceFeed() {
        Lock lock(origin_->mutex());
        origin_->tree().unwatch(watch_);
        watch_.queue.clear();
    }

    const std::vector<std::uint64_t> &excluded_hops() const noexcept { return watch_.excluded_hops; }
    std::size_t followers() const noexcept {
        Lock lock(origin_->mutex());
        return followers_;
    }

private:
    class Rule;

    /// One stream's progress. It begins with a walk that counts, since the number is sent first.
    struct Progress : ListNode<Progress> {
        enum class Phase { Counting, Listing, Live };

        Progress(const OriginView &view, bool shows_hidden)
            : root(view.root()), prefixes(view.allowed()), with_hidden(shows_hidden) {
            const auto before = [](const Path &one, const Path &other) { return path_before(one.view(), other.view()); };
            std::sort(prefixes.begin(), prefixes.end(), before);
        }
        bool covers(std::string_view path) const noexcept {
            return shows(path) &&
                   std::any_of(prefixes.begin(), prefixes.end(), [&](const Path &one) { return has_prefix(path, one.view()); });
        }
        /// Of a path below the root: hidden ones are not told.
        bool shows(std::string_view path) const noexcept {
            if (with_hidden) return true;
            const auto below = strip_prefix(path, root.view());
            return !below || !is_hidden(*below);
        }
        /// True if the walk has passed this path, which it covers.
        bool has_passed(std::string_view path) const noexcept {
            if (phase == Phase::Live) return true;
            const auto below = [&](const Path &one) { return has_prefix(path, one.view()); };
            const auto of = std::find_if(prefixes.begin(), prefixes.end(), below) - prefixes.begin();
            if (static_cast<std::size_t>(of) != prefix) return static_cast<std::size_t>(of) < prefix;
            return last != nullptr && !path_before(*last, path);
        }
        std::size_t waiting() const noexcept { return queue.size() + missed.size(); }

        Path root;
        std::vector<Path> prefixes;
        bool with_hidden;
        Phase phase = Phase::Counting;
        // The walk: its current prefix, and the path that it saw last.
        std::size_t prefix = 0;
        WatchQueue::PathText last;
        std::uint64_t count = 0;  // then: the announcements that still have to come
        bool lagged = false;
        std::vector<WatchQueue::PathText> missed;  // counted, and ended before the walk reached them
        WatchQueue queue;
    };

    static constexpr std::size_t most_told = 64;
    static constexpr std::size_t most_octets = 16 * 1024;
    static constexpr std::size_t most_visited = 256;

    // The following functions are called under the lock.

    UnseenChanges &sum() const noexcept { return origin_->unseen_changes(); }

    /// Hands the changes that the watch has seen to the streams concerned.
    void distribute() {
        auto &changes = watch_.queue;
        while (!changes.empty()) {
            for (Progress *one = all_.front(); one != nullptr; one = all_.after(*one)) {
                one->queue.reserve();
                auto &missed = one->missed;
                if (missed.size() == missed.capacity()) missed.reserve(2 * missed.size() + 4);
            }
            const auto change = changes.pop();
            for (Progress *one = all_.front(); one != nullptr; one = all_.after(*one)) tell(*one, change);
        }
    }
    void tell(Progress &one, const WatchQueue::Change &change) noexcept {
        if (one.lagged || !one.covers(*change.path)) return;
        const bool ended = change.event == WatchQueue::Event::Ended;
        const bool passed = one.has_passed(*change.path);
        if (one.phase == Progress::Phase::Counting) {
            // Only the number is known yet.
            if (passed && change.event != WatchQueue::Event::Restart) one.count += ended ? std::uint64_t(-1) : 1;
            return;
        }
        if (!passed && (!ended || one.count == 0)) return;
        const std::size_t before = one.waiting();
        if (!passed) {
            --one.count;
            one.missed.push_back(change.path);
            ++sum().count;
        } else if (ended) {
            one.queue.unannounced(change.path);
        } else if (change.event == WatchQueue::Event::Active) {
            one.queue.announced(change.path, change.broadcast);
        } else {
            one.queue.restarted(change.path, change.broadcast, change.route);
        }
        waiting_ += one.waiting() - before;
        const bool are_too_many = one.queue.has_fallen_behind() || sum().are_too_many(one.waiting());
        if (waiting_ > most_waiting || are_too_many) give_up(one);
    }

    void give_up(Progress &one) noexcept {
        one.lagged = true;
        forget_waiting(one);
    }
    void forget_waiting(Progress &one) noexcept {
        waiting_ -= one.waiting();
        sum().count -= one.missed.size();
        one.missed = {};
        one.queue.clear();
    }

    bool has_something(const Progress &one) const noexcept {
        const bool has_watched = watch_.queue.lost() || watch_.queue.has_fallen_behind() || !watch_.queue.empty();
        return watch_.ended || has_watched || one.lagged || one.queue.lost() || one.phase != Progress::Phase::Live ||
               one.waiting() != 0;
    }

    Outcome<Batch> take(Progress &one) {
        distribute();
        Batch batch;
        batch.ended = watch_.ended;
        if (batch.ended) return Outcome<Batch>(std::in_place, std::move(batch));
        if (one.lagged || watch_.queue.has_fallen_behind()) return make_error_code(Error::Lagged);
        if (watch_.queue.lost() || one.queue.lost()) return std::make_error_code(std::errc::not_enough_memory);
        // Takes all the memory before it takes anything.
        batch.told.reserve(most_told + 2);
        if (one.phase == Progress::Phase::Counting) {
            count(one, batch);
        } else {
            const std::size_t before = one.waiting();
            take_waiting(one, batch);
            waiting_ -= before - one.waiting();
            if (one.phase == Progress::Phase::Listing && batch.told.empty()) list(one, batch);
        }
        return Outcome<Batch>(std::in_place, std::move(batch));
    }
    void take_waiting(Progress &one, Batch &batch) const noexcept {
        while (!one.missed.empty() && batch.told.size() < most_told) {
            batch.told.emplace_back(one.missed.back(), true, nullptr);
            batch.told.emplace_back(std::move(one.missed.back()), false, nullptr);
            one.missed.pop_back();
            --sum().count;
        }
        for (std::size_t octets = 0; !one.queue.empty() && batch.told.size() < most_told && octets < most_octets;) {
            auto change = one.queue.pop();
            octets += change.path->size();
            auto info = change.broadcast != nullptr ? change.broadcast->info() : nullptr;
            auto &told = batch.told.emplace_back(std::move(change.path), change.event != WatchQueue::Event::Ended, std::move(info));
            if (change.event == WatchQueue::Event::Restart) told.change = change.route;
        }
    }

    /// `visit(publication)` returns the octets that it took. True at the end of the walk.
    template <class Visit> bool walk(Progress &one, Visit visit) {
        std::size_t visited = 0, octets = 0;
        for (; one.prefix != one.prefixes.size(); ++one.prefix, one.last = nullptr) {
            const std::string_view prefix = one.prefixes[one.prefix].view();
            const auto step = [&](const AnnounceTree::Publication &first, const AnnounceTree::Publication *shown) {
                one.last = first.path();
                if (shown != nullptr && one.shows(*shown->path())) octets += visit(*shown);
                return ++visited < most_visited && octets < most_octets;
            };
            const auto last = one.last;  // the step changes it
            const bool all = last != nullptr ? AnnounceWalk::walk(origin_->tree(), watch_, prefix, *last, true, step)
                                             : AnnounceWalk::walk(origin_->tree(), watch_, prefix, prefix, false, step);
            if (!all) return false;
        }
        return true;
    }
    void count(Progress &one, Batch &batch) {
        const bool all = walk(one, [&](const AnnounceTree::Publication &) {
            ++one.count;
            return std::size_t{0};
        });
        if (!all) return;
        batch.count = one.count;
        one.phase = Progress::Phase::Listing;
        one.prefix = 0;
        one.last = nullptr;
    }
    void list(Progress &one, Batch &batch) {
        const bool all = walk(one, [&](const AnnounceTree::Publication &shown) {
            batch.told.emplace_back(shown.path(), true, shown.info());
            if (one.count != 0) --one.count;
            return shown.path()->size() + most_octets / most_told;
        });
        if (!all) return;
        one.phase = Progress::Phase::Live;
    }

    void join(Progress &one) {
        all_.push_back(one);
        one.queue.count_in(sum());
        try {
            watch_all();
        } catch (...) {
            all_.remove(one);
            throw;
        }
        ++followers_;
    }
    void leave(Progress &one) noexcept {
        all_.remove(one);
        --followers_;
        forget_waiting(one);
        try {
            watch_all();
        } catch (...) {
            // Then the watch hears of more than it needs.
        }
    }
    /// Places the watch where a stream wants to hear of changes.
    void watch_all() {
        if (watch_.ended) return;
        std::vector<Path> wanted;
        for (Progress *one = all_.front(); one != nullptr; one = all_.after(*one))
            for (const Path &prefix : one->prefixes) {
                const auto has = [&](const Path &other) { return prefix.has_prefix(other); };
                if (std::any_of(wanted.begin(), wanted.end(), has)) continue;
                std::erase_if(wanted, [&](const Path &other) { return other.has_prefix(prefix); });
                wanted.push_back(prefix);
            }
        AnnounceWalk::set_prefixes(origin_->tree(), watch_, wanted);
    }

    const std::shared_ptr<OriginState> origin_;
    AnnounceTree::Watch watch_;
    IntrusiveList<Progress> all_;
    std::size_t followers_ = 0;
    std::size_t waiting_ = 0;
};

/// One following stream of the peer's. It leaves once it and its steps are destroyed.
class AnnounceFeed::Follower {
public:
    Follower(std::shared_ptr<AnnounceFeed> feed, const OriginView &view, bool with_hidden)
        : state_(std::make_shared<State>(std::move(feed), view, with_hidden)) {}

    /// The next batch: as soon as there is one, and after the origin's end a batch that says so.
    Operation<Batch> next() const;

private:
    friend class Rule;
    struct State {
        State(std::shared_ptr<AnnounceFeed> of, const OriginView &view, bool with_hidden)
            : feed(std::move(of)), progress(view, with_hidden) {
            Lock lock(feed->origin_->mutex());
            feed->join(progress);
        }
        State(const State &) = delete;
        State &operator=(const State &) = delete;
        ~State() {
            Lock lock(feed->origin_->mutex());
            feed->leave(progress);
        }
        const std::shared_ptr<AnnounceFeed> feed;
        Progress progress;
    };
    std::shared_ptr<State> state_;
};

class AnnounceFeed::Rule {
public:
    using value_type = Batch;
    explicit Rule(std::shared_ptr<Follower::State> state) noexcept : state_(std::move(state)) {}
    Mutex &mutex() const noexcept { return feed().origin_->mutex(); }
    WaitList &waits() const noexcept { return feed().watch_.waits; }
    bool available() const noexcept { return feed().has_something(state_->progress); }
    Outcome<Batch> take() { return feed().take(state_->progress); }

private:
    AnnounceFeed &feed() const noexcept { return *state_->feed; }
    std::shared_ptr<Follower::State> state_;
};

inline Operation<AnnounceFeed::Batch> AnnounceFeed::Follower::next() const {
    return Operation<Batch>(Passkey(), Step(Rule(state_)));
}

/// The feeds of one session: one for each set of ids that its streams leave out, which is the peer's own routes, with or
/// without its hop id.
class AnnounceFeeds {
public:
    static constexpr std::size_t most_feeds = 2;
    static constexpr std::size_t most_followers = 16;

    /// Follows the announcements in `view`; if not `with_hidden`, without paths that have a part with a dot before it below
    /// the view's root. Throws LimitReached.
    AnnounceFeed::Follower follow(const OriginConsumer &view, bool with_hidden = false) {
        std::erase_if(feeds_, [](const auto &feed) { return feed.expired(); });
        std::shared_ptr<AnnounceFeed> wanted;
        std::size_t followers = 0;
        for (const auto &each : feeds_) {
            auto feed = each.lock();
            if (feed == nullptr) continue;
            followers += feed->followers();
            if (feed->excluded_hops() == view.view(Passkey()).excluded_hops()) wanted = std::move(feed);
        }
        if (followers >= most_followers) throw_error(make_error_code(Error::LimitReached));
        if (wanted == nullptr) {
            if (feeds_.size() == most_feeds) throw_error(make_error_code(Error::LimitReached));
            wanted = std::make_shared<AnnounceFeed>(view.state(Passkey()), view.view(Passkey()).excluded_hops());
            feeds_.push_back(wanted);
        }
        return AnnounceFeed::Follower(std::move(wanted), view.view(Passkey()), with_hidden);
    }

private:
    std::vector<std::weak_ptr<AnnounceFeed>> feeds_;
};

}  // namespace comoq::detail
