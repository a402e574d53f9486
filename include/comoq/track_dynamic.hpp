#pragma once
#include "detail/failure.hpp"
#include "detail/mapped_source.hpp"
#include "detail/requested_group.hpp"
#include "detail/share.hpp"
#include "group.hpp"
#include "operation.hpp"
#include "subscription.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq {

/// A request for a group that is not there, taken by a handler: to be answered once. Dropping it unanswered answers
/// NotFound. Moves only; works after the handler is gone. Threads: one handle is for one thread at a time.
class GroupRequest {
public:
    /// For the library.
    explicit GroupRequest(detail::Obligation<detail::TrackState> obligation) noexcept
        : obligation_(std::move(obligation)) {}
    GroupRequest(GroupRequest &&) noexcept = default;
    GroupRequest &operator=(GroupRequest &&) noexcept = default;
    ~GroupRequest() = default;

    std::uint64_t sequence() const noexcept { return obligation_.entry()->key(); }

    /// The highest priority of those who have asked so far.
    std::uint8_t priority() const noexcept {
        detail::Lock lock(obligation_.owner()->mutex());
        return obligation_.entry()->payload().priority;
    }

    /// Gives a group, to be written now, to everyone who waits. It is there for `get_group` and other fetches while the
    /// track keeps it; subscribers do not see it. `info` becomes the track's if that is not fixed yet, and is ignored
    /// otherwise.
    ///
    /// Throws `std::system_error`: Duplicate if a group of that number came meanwhile, or the code that the request or the
    /// track ended with.
    GroupProducer accept(TrackInfo info = {}) {
        return GroupProducer(obligation_.owner()->accept(*obligation_.entry(), info));
    }

    /// Refuses with `code` (a false one is Cancelled), which everyone who waits gets. False if it was settled before.
    bool reject(std::error_code code) { return obligation_.settle(detail::failure(code)); }

    /// Completes once nobody waits for the group any more, or the request is settled.
    Operation<void> abandoned() { return Operation<void>(obligation_.abandoned()); }

private:
    detail::Obligation<detail::TrackState> obligation_;
};

/// Serves the groups of a track that are asked for by number and not there. Copies are handlers of the same kind: each
/// request goes to one of them. When the last one goes, requests that nobody has taken are NotFound. It does not keep the
/// track.
///
/// Threads: distinct copies may be used at the same time.
class TrackDynamic {
public:
    /// For the library.
    explicit TrackDynamic(std::shared_ptr<detail::TrackState> track) noexcept : handler_(std::move(track)) {}
    TrackDynamic(const TrackDynamic &) noexcept = default;
    TrackDynamic(TrackDynamic &&) noexcept = default;
    TrackDynamic &operator=(const TrackDynamic &) noexcept = default;
    TrackDynamic &operator=(TrackDynamic &&) noexcept = default;
    ~TrackDynamic() = default;

    /// The oldest request that nobody has taken. Ends empty when the track has ended or its last handler is gone; a
    /// waiting step does not count as a handler.
    Operation<std::optional<GroupRequest>> requested_group() {
        using Next = std::optional<GroupRequest>;
        if (!handler_) return Operation<Next>(detail::AnySource<Next>());
        return Operation<Next>(detail::mapped<Next>(
            detail::Step(detail::RequestedGroupRule(handler_.state())),
            [](std::optional<detail::Obligation<detail::TrackState>> &&request) {
                return request ? Next(std::in_place, std::move(*request)) : Next();
            }));
    }

private:
    detail::Share<detail::TrackState, &detail::TrackState::handlers, &detail::TrackState::last_handler_gone> handler_;
};

}  // namespace comoq
