// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/hash_index.hpp"
#include "../containers/intrusive_list.hpp"
#include "told_route.hpp"

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace comoq::detail {

class BroadcastState;

/// The unseen changes of many queues together, of one origin. One that holds more than its free part while there are too
/// many in all falls behind for good. So together they hold at most `most`, and the free part of each.
struct UnseenChanges {
    static constexpr std::size_t free_each = 128;
    std::size_t most = std::size_t{1} << 20;
    std::size_t count = 0;

    bool are_too_many(std::size_t of_one) const noexcept { return count >= most && of_one >= free_each; }
};

/// One watcher's unseen changes: at most one entry a path, in the order in which the paths first became dirty.
///
/// It does not keep the broadcasts: entries come and go under the origin's lock, and the end of a broadcast must not. The
/// broadcast of an entry is announced, and held there, for as long as the queue knows of all changes.
class WatchQueue {
public:
    enum class Event { Active, Restart, Ended };
    using PathText = std::shared_ptr<const std::string>;
    using Broadcast = std::shared_ptr<BroadcastState>;

    struct Change {
        PathText path;
        Event event;
        Broadcast broadcast;  // null when Ended
        RouteChange route{};  // of a Restart: since what the watcher saw last
    };

    WatchQueue() = default;
    WatchQueue(const WatchQueue &) = delete;
    WatchQueue &operator=(const WatchQueue &) = delete;
    ~WatchQueue() { clear(); }

    /// Its changes count in `sum`. `clear` takes them out, and must be called, under the lock of everything else, before the
    /// queue goes.
    void count_in(UnseenChanges &sum) noexcept { sum_ = &sum; }
    /// Forgets all changes.
    void clear() noexcept {
        while (Entry *entry = order_.front()) erase(*entry);
    }
    /// True if it had too many changes, and has forgotten them. It records nothing from then on.
    bool has_fallen_behind() const noexcept { return is_behind_; }

    bool empty() const noexcept { return order_.empty(); }
    std::size_t size() const noexcept { return places_.size(); }
    /// True if a change that could not be refused found no memory. From then on the queue records nothing: the watcher
    /// must be told, once, that its knowledge is incomplete.
    bool lost() const noexcept { return lost_; }
    bool tell_loss() noexcept { return !std::exchange(told_, true); }

    /// Makes sure that the next change finds memory.
    void reserve() {
        if (spare_ == nullptr && !lost_) spare_.reset(new Entry(nullptr, 0, State::Active, nullptr));
    }

    /// A path without a broadcast has one now.
    void announced(const PathText &path, const Broadcast &broadcast) noexcept {
        const HashedText hashed(*path);
        Entry *entry = find(hashed);
        if (entry == nullptr)
            add(path, hashed.hash, State::Active, broadcast);
        else
            set(*entry, State::EndedThenActive, broadcast);  // only an unseen end can be waiting there
    }

    /// A path's broadcast was replaced by another one, or has another route.
    void restarted(const PathText &path, const Broadcast &broadcast, const RouteChange &route) noexcept {
        const HashedText hashed(*path);
        Entry *entry = find(hashed);
        if (entry != nullptr) {
            set(*entry, entry->state, broadcast);
            entry->route.then(route);
        } else if ((entry = add(path, hashed.hash, State::Restart, broadcast)) != nullptr) {
            entry->route = route;
        }
    }

    /// A path's broadcast is gone.
    void unannounced(const PathText &path) noexcept {
        const HashedText hashed(*path);
        Entry *entry = find(hashed);
        if (entry == nullptr)
            add(path, hashed.hash, State::Ended, nullptr);
        else if (entry->state == State::Active)
            erase(*entry);  // the watcher never saw it
        else
            set(*entry, State::Ended, nullptr);
    }

    /// The path of the next change. The queue must not be empty.
    std::string_view front_path() const noexcept { return *order_.front()->path; }
    /// Takes the next change. The queue must not be empty.
    Change pop() noexcept {
        Entry &front = *order_.front();
        if (front.state == State::EndedThenActive) {
            front.state = State::Active;
            return {front.path, Event::Ended, nullptr, {}};
        }
        Change change{std::move(front.path), event_of(front.state), front.broadcast.lock(), front.route};
        erase(front);
        return change;
    }

private:
    // The change that is due, relative to what the watcher saw last. Active: it saw nothing there, or the end. Restart,
    // Ended: it saw a broadcast. EndedThenActive: it saw one, and the present one came after a gap.
    enum class State { Active, Restart, Ended, EndedThenActive };

    struct Entry : ListNode<Entry>, HashLink<Entry> {
        Entry(PathText changed, std::size_t hash, State due, const Broadcast &with) noexcept
            : HashLink<Entry>(hash), path(std::move(changed)), state(due), broadcast(with) {}
        PathText path;
        State state;
        std::weak_ptr<BroadcastState> broadcast;
        RouteChange route;  // of a Restart
    };

    static Event event_of(State state) noexcept {
        return state == State::Active ? Event::Active : state == State::Restart ? Event::Restart : Event::Ended;
    }

    Entry *find(const HashedText &path) const noexcept {
        return places_.find(path.hash, [&](const Entry &entry) { return *entry.path == path.text; });
    }
    /// The new entry; null if there is no memory for it.
    Entry *add(const PathText &path, std::size_t hash, State state, const Broadcast &broadcast) noexcept {
        if (lost_ || is_behind_) return nullptr;
        if (sum_ != nullptr && sum_->are_too_many(size())) {
            is_behind_ = true;
            clear();
            return nullptr;
        }
        Entry *entry = spare_.release();
        if (entry != nullptr) {
            std::destroy_at(entry);
            std::construct_at(entry, path, hash, state, broadcast);
        } else {
            entry = new (std::nothrow) Entry(path, hash, state, broadcast);
            if (entry == nullptr) {
                lost_ = true;
                return nullptr;
            }
        }
        order_.push_back(*entry);
        places_.insert(*entry);
        if (sum_ != nullptr) ++sum_->count;
        return entry;
    }
    static void set(Entry &entry, State state, const Broadcast &broadcast) noexcept {
        entry.state = state;
        entry.broadcast = broadcast;
    }
    void erase(Entry &entry) noexcept {
        places_.erase(entry);
        order_.remove(entry);
        if (sum_ != nullptr) --sum_->count;
        entry.path = nullptr;
        entry.broadcast.reset();
        spare_.reset(&entry);
    }

    IntrusiveList<Entry> order_;
    HashIndex<Entry> places_;
    std::unique_ptr<Entry> spare_;  // most watchers keep up, and have one change at a time
    UnseenChanges *sum_ = nullptr;
    bool is_behind_ = false;
    bool lost_ = false;
    bool told_ = false;
};

}  // namespace comoq::detail
