// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "broadcast.hpp"
#include "detail/wait/mapped_source.hpp"
#include "detail/origin/origin_watch.hpp"
#include "operation.hpp"
#include "path.hpp"
#include "try_result.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace comoq {

/// A change of the announcements at one path.
class Announcement {
public:
    /// What has happened at the path.
    enum class Event {
        Active,   ///< a path without a broadcast got one
        Restart,  ///< without a gap, another broadcast replaced it, or the same one has another route (`BroadcastConsumer::info`)
        Ended     ///< the path has none any more
    };

    Announcement() = default;
    /// All members in their order.
    Announcement(Path where, Event what, BroadcastConsumer with)
        : path(std::move(where)), event(what), broadcast(std::move(with)) {}

    /// Relative to the root of the view that was watched.
    Path path;
    /// What has happened.
    Event event = Event::Ended;
    /// Empty when Ended.
    BroadcastConsumer broadcast;
};

/// "active", "restart" or "ended". It is what fmt and streams print.
std::string to_string(Announcement::Event event);

/// Follows the announcements within the view that it was made from, beginning with those already active.
///
/// A slow watcher holds at most one entry for each path: an announcement that came and went unseen cancels out, and of
/// several replacements it sees the last. A path that ended and was announced again gives Ended and then Active.
/// Entries come in the order in which their paths first changed, so that no path can starve another.
///
/// An end cannot be refused. If no memory is left to record one, the watcher no longer knows the announcements: one
/// step fails with `std::errc::not_enough_memory`, and those after it end empty. A new watcher sees the active ones.
///
/// Threads: one handle is for one thread at a time. It does not keep the origin alive.
class [[nodiscard]] AnnounceConsumer {
public:
    /// Empty: its steps fail with Closed.
    AnnounceConsumer() noexcept = default;
    explicit AnnounceConsumer(detail::Passkey, std::shared_ptr<detail::OriginWatch> watch) noexcept : watch_(std::move(watch)) {}
    AnnounceConsumer(AnnounceConsumer &&) noexcept = default;
    AnnounceConsumer &operator=(AnnounceConsumer &&) noexcept = default;
    ~AnnounceConsumer() = default;

    /// The next change. Ends empty, at once and without any further Ended, when the origin is gone.
    Operation<std::optional<Announcement>> next();
    /// The same without a wait.
    TryResult<Announcement> try_next() noexcept;

private:
    auto source() const {
        using Next = std::optional<Announcement>;
        return detail::mapped<Next>(detail::Step(detail::NextChangeRule(watch_)), [](std::optional<detail::SeenChange> &&change) {
            if (!change) return Next();
            return Next(std::in_place, std::move(change->path), event_of(change->event),
                        BroadcastConsumer(detail::Passkey(), std::move(change->broadcast)));
        });
    }

    static Announcement::Event event_of(detail::WatchQueue::Event event) noexcept;

    std::shared_ptr<detail::OriginWatch> watch_;
};

COMOQ_DECLARE_OPERATION(std::optional<Announcement>);

}  // namespace comoq

COMOQ_PRINTED(comoq::Announcement::Event);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/announce.ipp"
#endif
