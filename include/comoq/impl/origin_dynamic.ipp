// SPDX-License-Identifier: MIT
#pragma once
#include "../origin_dynamic.hpp"

namespace comoq {

COMOQ_DECL BroadcastRequest::BroadcastRequest(detail::Passkey, detail::TakenBroadcastRequest taken) noexcept
    : obligation_(std::move(taken.obligation)), relative_(std::move(taken.relative_path)) {}

COMOQ_DECL BroadcastRequest &BroadcastRequest::operator=(BroadcastRequest &&other) noexcept {
    BroadcastRequest previous(std::move(*this));
    obligation_ = std::move(other.obligation_);
    relative_ = std::move(other.relative_);
    return *this;
}

COMOQ_DECL const Path &BroadcastRequest::absolute_path() const & {
    static const Path none;
    return obligation_ ? obligation_.entry()->key() : none;
}

COMOQ_DECL std::shared_ptr<const detail::OriginState> BroadcastRequest::origin(detail::Passkey) const noexcept {
    return obligation_ ? obligation_.owner() : nullptr;
}

COMOQ_DECL void BroadcastRequest::pass_on(detail::Passkey, std::weak_ptr<detail::PassedOn> how) noexcept {
    if (obligation_) obligation_.owner()->pass_on(*obligation_.entry(), std::move(how));
}

COMOQ_DECL Operation<void> BroadcastRequest::abandoned() { return Operation<void>(detail::Passkey(), obligation_.abandoned()); }

COMOQ_DECL Operation<std::optional<BroadcastRequest>> OriginDynamic::requested_broadcast() {
    using Next = std::optional<BroadcastRequest>;
    if (!handler_) return detail::closed_operation<Next>();
    return Operation<Next>(detail::Passkey(), source());
}

COMOQ_DECL TryResult<BroadcastRequest> OriginDynamic::try_requested_broadcast() noexcept {
    if (!handler_) return detail::try_closed<BroadcastRequest>();
    return detail::try_take<BroadcastRequest>(source());
}

COMOQ_DEFINE_OPERATION(std::optional<BroadcastRequest>);

}  // namespace comoq
