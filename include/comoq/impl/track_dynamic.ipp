// SPDX-License-Identifier: MIT
#pragma once
#include "../track_dynamic.hpp"

namespace comoq {

COMOQ_DECL std::uint8_t GroupRequest::priority() const noexcept { return wish(detail::Passkey()).priority; }

COMOQ_DECL detail::FetchWish GroupRequest::wish(detail::Passkey) const noexcept {
    if (!obligation_) return {};
    detail::Lock lock(obligation_.owner()->mutex());
    return obligation_.entry()->payload().most_urgent();
}

COMOQ_DECL std::vector<std::uint64_t> GroupRequest::askers(detail::Passkey) const {
    if (!obligation_) return {};
    detail::Lock lock(obligation_.owner()->mutex());
    return obligation_.entry()->payload().askers();
}

COMOQ_DECL Operation<std::uint64_t> GroupRequest::wishes_changed(detail::Passkey, std::uint64_t known) const {
    if (!obligation_) return detail::closed_operation<std::uint64_t>();
    detail::FetchWishesRule rule(obligation_.owner(), obligation_.entry(), known);
    return Operation<std::uint64_t>(detail::Passkey(), detail::Step(std::move(rule)));
}

COMOQ_DECL GroupProducer GroupRequest::accept(TrackInfo info) { return accept(std::move(info), GroupInfo()); }

COMOQ_DECL GroupProducer GroupRequest::accept(TrackInfo info, const GroupInfo &group) {
    const auto track = obligation_ ? std::string_view(obligation_.owner()->name()) : std::string_view("");
    return detail::naming({"track", track, sequence()}, [&] {
        auto &entry = *obligation_.held();
        detail::throw_unless_possible(info);
        detail::throw_unless_possible(group);
        return GroupProducer(detail::Passkey(), obligation_.owner()->accept(entry, info, group));
    });
}

COMOQ_DECL Operation<void> GroupRequest::abandoned() { return Operation<void>(detail::Passkey(), obligation_.abandoned()); }

COMOQ_DECL Operation<std::optional<GroupRequest>> TrackDynamic::requested_group() {
    using Next = std::optional<GroupRequest>;
    if (!handler_) return detail::closed_operation<Next>();
    return Operation<Next>(detail::Passkey(), source());
}

COMOQ_DECL TryResult<GroupRequest> TrackDynamic::try_requested_group() noexcept {
    if (!handler_) return detail::try_closed<GroupRequest>();
    return detail::try_take<GroupRequest>(source());
}

COMOQ_DEFINE_OPERATION(std::optional<GroupRequest>);

}  // namespace comoq
