// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/wait/failure.hpp"
#include "detail/wait/mapped_source.hpp"
#include "detail/media/requested_group.hpp"
#include "detail/wait/share.hpp"
#include "group.hpp"
#include "operation.hpp"
#include "try_result.hpp"
#include "subscription.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq {

/// A handler's request for a missing group. Answer it once. Dropping it unanswered answers NotFound. Moves only; works
/// after the handler is gone. Threads: one handle is for one thread at a time.
class [[nodiscard]] GroupRequest {
public:
    /// Empty: its number is 0, it settles nothing, and `accept` throws Closed.
    GroupRequest() noexcept = default;
    explicit GroupRequest(detail::Passkey, detail::Obligation<detail::TrackState> obligation) noexcept
        : obligation_(std::move(obligation)) {}
    GroupRequest(GroupRequest &&) noexcept = default;
    GroupRequest &operator=(GroupRequest &&) noexcept = default;
    ~GroupRequest() = default;

    /// The number of the group that is asked for.
    std::uint64_t sequence() const noexcept { return obligation_ ? obligation_.entry()->key() : 0; }

    /// The highest priority of the requesters that wait for it now; 0 without one.
    std::uint8_t priority() const noexcept;
    /// For the library: the most urgent wish of those; a default one without any.
    detail::FetchWish wish(detail::Passkey) const noexcept;
    /// For the library: the askers that wait for it now (`Fetch::asker`), each perhaps more than once, the most urgent last.
    std::vector<std::uint64_t> askers(detail::Passkey) const;
    /// For the library: how often `priority` or `askers` have changed, once that is not `known` any more, or the request is
    /// settled. It begins with 0.
    Operation<std::uint64_t> wishes_changed(detail::Passkey, std::uint64_t known) const;

    /// Gives a group, to be written now, to all waiting requesters. `get_group` and other fetches find it while the
    /// track keeps it; subscribers do not see it. `info` becomes the track's if that is not fixed yet, and is ignored
    /// otherwise.
    ///
    /// Throws `std::system_error`: Duplicate if a group of that number came meanwhile, BoundsExceeded for properties of more
    /// than 4,096 bytes, or the code that ended the request or the track.
    GroupProducer accept(TrackInfo info = {});
    /// The same for a group that has more than frames. It is lane 0, whatever `group` says. Throws BoundsExceeded, too, for an
    /// object id above 2^62-1.
    GroupProducer accept(TrackInfo info, const GroupInfo &group);
    /// The same without exceptions: `ec` gets the code, and the result is empty then.
    GroupProducer accept(TrackInfo info, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return accept(info); });
    }
    GroupProducer accept(TrackInfo info, const GroupInfo &group, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return accept(info, group); });
    }
    GroupProducer accept(std::error_code &ec) noexcept { return accept({}, ec); }

    /// Refuses with `code` (a false one is Cancelled), which all waiting requesters get. False if it was settled
    /// before.
    bool reject(std::error_code code) { return obligation_.settle(detail::failure(code)); }

    /// Completes once nobody waits for the group any more, or the request is settled. Fails only with Closed, on an
    /// empty handle.
    Operation<void> abandoned();
    /// Gives the request up, unless a requester waits for it again: false then. A later caller makes a new request.
    bool withdraw() noexcept { return obligation_.withdraw(); }

private:
    detail::Obligation<detail::TrackState> obligation_;
};

/// Serves requests for missing groups of a track by number. Copies are handlers of the same kind: each request goes to
/// one of them. When the last one goes, requests that nobody has taken are NotFound. It does not keep the track alive.
///
/// Threads: distinct copies may be used at the same time.
class [[nodiscard]] TrackDynamic {
public:
    /// Empty: its steps fail with Closed.
    TrackDynamic() noexcept = default;
    explicit TrackDynamic(detail::Passkey, std::shared_ptr<detail::TrackState> track) noexcept : handler_(std::move(track)) {}
    TrackDynamic(const TrackDynamic &) noexcept = default;
    TrackDynamic(TrackDynamic &&) noexcept = default;
    TrackDynamic &operator=(const TrackDynamic &) noexcept = default;
    TrackDynamic &operator=(TrackDynamic &&) noexcept = default;
    ~TrackDynamic() = default;

    /// The oldest request that nobody has taken. Ends empty when the track has ended or its last handler is gone; a
    /// waiting step does not count as a handler.
    Operation<std::optional<GroupRequest>> requested_group();
    /// The same without a wait.
    TryResult<GroupRequest> try_requested_group() noexcept;

private:
    auto source() const {
        using Next = std::optional<GroupRequest>;
        return detail::mapped<Next>(detail::Step(detail::RequestedGroupRule(handler_.state())), [](std::optional<detail::Obligation<detail::TrackState>> &&request) {
            return request ? Next(std::in_place, detail::Passkey(), std::move(*request)) : Next();
        });
    }

    detail::Share<detail::TrackState, &detail::TrackState::handlers, &detail::TrackState::last_handler_gone> handler_;
};

COMOQ_DECLARE_OPERATION(std::optional<GroupRequest>);

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/track_dynamic.ipp"
#endif
