// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "broadcast.hpp"
#include "detail/wait/failure.hpp"
#include "detail/wait/mapped_source.hpp"
#include "detail/origin/origin_handler.hpp"
#include "detail/wait/share.hpp"
#include "operation.hpp"
#include "try_result.hpp"
#include "path.hpp"

#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq {

/// A handler's request for a broadcast that nobody announced. Answer it once, by `accept` or `reject`. Dropping it
/// unanswered answers NotFound.
///
/// While it is held, every caller that asks for its path joins it, even when all earlier ones have left: also the handler
/// itself, which would wait for its own answer. It works after
/// its handler is gone. Moves only; one handle is for one thread at a time.
class [[nodiscard]] BroadcastRequest {
public:
    /// Empty: its paths are empty, and answering it does nothing.
    BroadcastRequest() noexcept = default;
    explicit BroadcastRequest(detail::Passkey, detail::TakenBroadcastRequest taken) noexcept;
    BroadcastRequest(BroadcastRequest &&) noexcept = default;
    BroadcastRequest &operator=(BroadcastRequest &&other) noexcept;
    ~BroadcastRequest() = default;

    /// Relative to the handler's root.
    const Path &path() const & { return relative_ != nullptr ? *relative_ : absolute_path(); }
    /// From the root of the origin. Valid as long as this handle.
    const Path &absolute_path() const &;
    // Returns a copy: a temporary does not keep the path.
    Path path() && { return path(); }
    Path absolute_path() && { return absolute_path(); }

    /// Gives `broadcast` to all waiting requesters, and to later ones until it closes. It is not announced. An empty
    /// handle settles with NotFound; a closed broadcast is passed on but not remembered. True if this call settled the
    /// request; false, without a change, if an announcement, the origin's end or an earlier answer did.
    bool accept(BroadcastConsumer broadcast) { return obligation_.settle(broadcast.state(detail::Passkey())); }

    /// Gives `code` (a false one is Cancelled) to all waiting requesters. True if this call settled the request. The
    /// next request for the path reaches a handler again.
    bool reject(std::error_code code) { return obligation_.settle(detail::failure(code)); }

    /// Completes once nobody waits for the broadcast any more, or the request is settled. Fails only with Closed, on an
    /// empty handle.
    Operation<void> abandoned();

    /// The origin that it was made at; null for an empty one.
    std::shared_ptr<const detail::OriginState> origin(detail::Passkey) const noexcept;
    /// It is asked for at other origins, as `how` tells while it lives.
    void pass_on(detail::Passkey, std::weak_ptr<detail::PassedOn> how) noexcept;

private:
    detail::Obligation<detail::OriginState> obligation_;
    std::unique_ptr<const Path> relative_;  // if the handler's root is not the origin's
};

/// Serves requests for broadcasts that nobody announced, within the view it was made from. Every copy counts as a
/// handler, and each request goes to one of them; a handler with a longer prefix comes first.
///
/// When the last copy is destroyed, queued requests that no other handler covers fail with NotFound. It does not keep
/// the origin alive. Threads: distinct copies may be used at the same time.
class [[nodiscard]] OriginDynamic {
public:
    /// Empty: its steps fail with Closed.
    OriginDynamic() noexcept = default;
    explicit OriginDynamic(detail::Passkey, std::shared_ptr<detail::OriginHandler> handler) noexcept
        : handler_(std::move(handler)) {}
    OriginDynamic(const OriginDynamic &) noexcept = default;
    OriginDynamic(OriginDynamic &&) noexcept = default;
    OriginDynamic &operator=(const OriginDynamic &) noexcept = default;
    OriginDynamic &operator=(OriginDynamic &&) noexcept = default;
    ~OriginDynamic() = default;

    /// The oldest request that this handler may take. Ends empty when the origin is gone, and when the last copy of the
    /// handler is gone: a waiting step does not count as a copy.
    Operation<std::optional<BroadcastRequest>> requested_broadcast();
    /// The same without a wait.
    TryResult<BroadcastRequest> try_requested_broadcast() noexcept;

private:
    auto source() const {
        using Next = std::optional<BroadcastRequest>;
        return detail::mapped<Next>(detail::Step(detail::RequestedBroadcastRule(handler_.state())), [](std::optional<detail::TakenBroadcastRequest> &&request) {
            return request ? Next(std::in_place, detail::Passkey(), std::move(*request)) : Next();
        });
    }

    detail::Share<detail::OriginHandler, &detail::OriginHandler::copies, &detail::OriginHandler::last_copy_gone> handler_;
};

COMOQ_DECLARE_OPERATION(std::optional<BroadcastRequest>);

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/origin_dynamic.ipp"
#endif
