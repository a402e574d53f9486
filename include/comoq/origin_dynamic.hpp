#pragma once
#include "broadcast.hpp"
#include "detail/failure.hpp"
#include "detail/mapped_source.hpp"
#include "detail/origin_handler.hpp"
#include "detail/share.hpp"
#include "operation.hpp"
#include "path.hpp"

#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq {

/// A request for a broadcast that nobody announced, taken by a handler: to be answered once, by `accept` or `reject`.
/// Dropping it unanswered answers NotFound.
///
/// While it is held, everyone who asks for its path joins it, also when all who asked before have gone. It works after
/// its handler is gone. Moves only; one handle is for one thread at a time.
class BroadcastRequest {
public:
    /// Empty: its paths are empty, and answering it does nothing.
    BroadcastRequest() noexcept = default;
    /// For the library.
    explicit BroadcastRequest(detail::TakenBroadcastRequest taken) noexcept
        : obligation_(std::move(taken.obligation)), relative_(std::move(taken.relative_path)) {}
    BroadcastRequest(BroadcastRequest &&) noexcept = default;
    BroadcastRequest &operator=(BroadcastRequest &&other) noexcept {
        BroadcastRequest previous(std::move(*this));
        obligation_ = std::move(other.obligation_);
        relative_ = std::move(other.relative_);
        return *this;
    }
    ~BroadcastRequest() = default;

    /// Relative to the handler's root.
    const Path &path() const { return relative_ != nullptr ? *relative_ : absolute_path(); }
    const Path &absolute_path() const {
        static const Path none;
        return obligation_ ? obligation_.entry()->key() : none;
    }

    /// Gives everyone who waits `broadcast`, and until that closes everyone who asks after them. It is not announced. An
    /// empty handle settles with NotFound; a closed broadcast is passed on but not remembered. True if this call settled
    /// the request; false, and nothing changes, if an announcement, the origin's end or an earlier answer did.
    bool accept(BroadcastConsumer broadcast) { return obligation_.settle(broadcast.state()); }

    /// Gives everyone who waits `code` (a false one is Cancelled). True if this call settled the request. The next request
    /// for the path reaches a handler again.
    bool reject(std::error_code code) { return obligation_.settle(detail::failure(code)); }

    /// Completes once nobody waits for the broadcast any more, or the request is settled.
    Operation<void> abandoned() { return Operation<void>(obligation_.abandoned()); }

private:
    detail::Obligation<detail::OriginState> obligation_;
    std::unique_ptr<const Path> relative_;  // where the handler's root is not the origin's
};

/// Serves the broadcasts that are asked for and that nobody announced, within the view it was made from. Every copy
/// counts as a handler, and each request goes to one of them; a handler with a longer prefix comes first.
///
/// Dropping the last copy refuses, with NotFound, what is queued and covered by no other handler. It does not keep the
/// origin alive. Threads: distinct copies may be used at the same time.
class OriginDynamic {
public:
    /// For the library.
    explicit OriginDynamic(std::shared_ptr<detail::OriginHandler> handler) noexcept : handler_(std::move(handler)) {}
    OriginDynamic(const OriginDynamic &) noexcept = default;
    OriginDynamic(OriginDynamic &&) noexcept = default;
    OriginDynamic &operator=(const OriginDynamic &) noexcept = default;
    OriginDynamic &operator=(OriginDynamic &&) noexcept = default;
    ~OriginDynamic() = default;

    /// The oldest request that this handler may take. Ends empty when the origin is gone, and when the last copy of the
    /// handler is: a waiting step does not count as one.
    Operation<std::optional<BroadcastRequest>> requested_broadcast() {
        using Next = std::optional<BroadcastRequest>;
        if (!handler_) return Operation<Next>(detail::AnySource<Next>());
        return Operation<Next>(detail::mapped<Next>(
            detail::Step(detail::RequestedBroadcastRule(handler_.state())),
            [](std::optional<detail::TakenBroadcastRequest> &&request) {
                return request ? Next(std::in_place, std::move(*request)) : Next();
            }));
    }

private:
    detail::Share<detail::OriginHandler, &detail::OriginHandler::copies, &detail::OriginHandler::last_copy_gone> handler_;
};

}  // namespace comoq
