#pragma once
#include "broadcast.hpp"
#include "detail/mapped_source.hpp"
#include "detail/origin_watch.hpp"
#include "operation.hpp"
#include "path.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace comoq {

/// A change of what is announced at one path.
class Announcement {
public:
    enum class Event {
        Active,   ///< a path that had no broadcast has one
        Restart,  ///< its broadcast was replaced by another one without a gap
        Ended     ///< it has none any more
    };

    Announcement() = default;
    Announcement(Path where, Event what, BroadcastConsumer with)
        : path(std::move(where)), event(what), broadcast(std::move(with)) {}

    /// Relative to the root of the view that was watched.
    Path path;
    Event event = Event::Ended;
    /// Empty when Ended.
    BroadcastConsumer broadcast;
};

/// Follows what is announced within the view that it was made from, beginning with what is active already.
///
/// A slow watcher holds at most one entry a path: what it never saw and is gone again cancels out, and of several
/// replacements it sees the last. A path that ended and was announced again gives Ended and then Active. Entries come in
/// the order in which their paths first changed, so that no path can starve another.
///
/// An end cannot be refused. Where there is no memory to note one down, the watcher does not know any more what there is: one
/// step fails with `std::errc::not_enough_memory`, and those after it end empty. A new watcher sees what is active.
///
/// Threads: one handle is for one thread at a time. It does not keep the origin alive.
class AnnounceConsumer {
public:
    /// For the library.
    explicit AnnounceConsumer(std::shared_ptr<detail::OriginWatch> watch) noexcept : watch_(std::move(watch)) {}
    AnnounceConsumer(AnnounceConsumer &&) noexcept = default;
    AnnounceConsumer &operator=(AnnounceConsumer &&) noexcept = default;
    ~AnnounceConsumer() = default;

    /// The next change. Ends empty, at once and without any further Ended, when the origin is gone.
    Operation<std::optional<Announcement>> next() {
        using Next = std::optional<Announcement>;
        if (watch_ == nullptr) return Operation<Next>(detail::AnySource<Next>());
        return Operation<Next>(detail::mapped<Next>(
            detail::Step(detail::NextChangeRule(watch_)), [](std::optional<detail::SeenChange> &&change) {
                if (!change) return Next();
                return Next(std::in_place, std::move(change->path), event_of(change->event),
                            BroadcastConsumer(std::move(change->broadcast)));
            }));
    }

private:
    static Announcement::Event event_of(detail::WatchQueue::Event event) noexcept {
        switch (event) {
        case detail::WatchQueue::Event::Active: return Announcement::Event::Active;
        case detail::WatchQueue::Event::Restart: return Announcement::Event::Restart;
        case detail::WatchQueue::Event::Ended: break;
        }
        return Announcement::Event::Ended;
    }

    std::shared_ptr<detail::OriginWatch> watch_;
};

}  // namespace comoq
