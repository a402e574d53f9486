#pragma once
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace comoq::detail {

class BroadcastState;

/// What one watcher has not seen yet: at most one entry a path, in the order in which the paths first became dirty.
class WatchQueue {
public:
    enum class Event { Active, Restart, Ended };
    using PathText = std::shared_ptr<const std::string>;
    using Broadcast = std::shared_ptr<BroadcastState>;

    struct Change {
        PathText path;
        Event event;
        Broadcast broadcast;  // null when Ended
    };

    bool empty() const noexcept { return order_.empty(); }

    /// A path that had no broadcast has one.
    void announced(const PathText &path, Broadcast broadcast) {
        auto entry = find(path);
        if (entry == order_.end())
            add(path, State::Active, std::move(broadcast));
        else
            set(*entry, State::EndedThenActive, std::move(broadcast));  // only an unseen end can be waiting there
    }

    /// A path's broadcast was replaced by another one.
    void restarted(const PathText &path, Broadcast broadcast) {
        auto entry = find(path);
        if (entry == order_.end())
            add(path, State::Restart, std::move(broadcast));
        else
            set(*entry, entry->state, std::move(broadcast));
    }

    /// A path has no broadcast any more.
    void unannounced(const PathText &path) {
        auto entry = find(path);
        if (entry == order_.end())
            add(path, State::Ended, nullptr);
        else if (entry->state == State::Active)
            erase(entry);  // the watcher never saw it
        else
            set(*entry, State::Ended, nullptr);
    }

    /// Takes the next change. The queue must not be empty.
    Change pop() {
        auto front = order_.begin();
        if (front->state == State::EndedThenActive) {
            front->state = State::Active;
            return {front->path, Event::Ended, nullptr};
        }
        Change change{std::move(front->path), event_of(front->state), std::move(front->broadcast)};
        places_.erase(*change.path);
        order_.pop_front();
        return change;
    }

private:
    // What is due, relative to what the watcher saw last. Active: it saw nothing there, or the end. Restart, Ended: it saw
    // a broadcast. EndedThenActive: it saw one, and what is there now came after a gap.
    enum class State { Active, Restart, Ended, EndedThenActive };

    struct Entry {
        PathText path;
        State state;
        Broadcast broadcast;
    };
    using Order = std::list<Entry>;

    static Event event_of(State state) noexcept {
        return state == State::Active ? Event::Active : state == State::Restart ? Event::Restart : Event::Ended;
    }

    Order::iterator find(const PathText &path) noexcept {
        auto place = places_.find(*path);
        return place != places_.end() ? place->second : order_.end();
    }
    void add(const PathText &path, State state, Broadcast broadcast) {
        order_.push_back(Entry{path, state, std::move(broadcast)});
        try {
            places_.emplace(*path, std::prev(order_.end()));
        } catch (...) {
            order_.pop_back();
            throw;
        }
    }
    static void set(Entry &entry, State state, Broadcast broadcast) noexcept {
        entry.state = state;
        entry.broadcast = std::move(broadcast);
    }
    void erase(Order::iterator entry) noexcept {
        places_.erase(*entry->path);
        order_.erase(entry);
    }

    Order order_;
    std::unordered_map<std::string_view, Order::iterator> places_;  // the keys are the entries' own paths
};

}  // namespace comoq::detail
