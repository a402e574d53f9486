// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../lite/link_price.hpp"
#include "../origin/told_hops.hpp"
#include "../session/untold_cost.hpp"
#include "parameters.hpp"
#include "session_core.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace comoq::ietf::detail {

/// True if a message has anything of a route.
inline bool has_route(const Parameters &parameters) noexcept { return parameters.hop_path || parameters.route_cost; }
/// Breaks a rule unless there is a route if both sides tell them, and none if they do not.
inline void check_route(const SessionCore &core, const Parameters *parameters, StreamReader &reader) {
    const bool is_right = core.tells_hops() ? parameters != nullptr && parameters->hop_path.has_value()
                                            : parameters == nullptr || !has_route(*parameters);
    if (!is_right) reader.refuse(CloseCode::ProtocolViolation);
}

/// The route of what a peer announces; without hops, of one that does not tell them. Throws BoundsExceeded for hops that cannot be
/// told in another protocol.
inline BroadcastInfo route_of(const SessionCore &core, const HopPath *hops, std::uint64_t cost = 0) {
    BroadcastInfo info({core.peer_hop().value_or(0)});
    info.cost = comoq::detail::untold_cost;
    info.via = core.via;
    if (hops == nullptr) return info;
    const auto is_too_high = [](std::uint64_t hop) { return hop > comoq::detail::max_varint; };
    if (std::any_of(hops->begin(), hops->end(), is_too_high)) comoq::detail::throw_error(make_error_code(Error::BoundsExceeded));
    info.hops = *hops;
    const std::optional<std::uint64_t> &own = core.config.link_cost;
    const auto said = core.setup.peek();
    const auto price = own ? *own : said ? (*said)->relay_cost.value_or(1) : 1;
    // What it costs where it has to be fetched first is not told.
    const auto warm = lite::detail::over_link({cost, 0}, price).warm;
    info.cost = core.goaway.peek() ? lite::detail::dearest : Cost{warm, comoq::detail::untold_cost.cold};
    return info;
}

/// What a peer that tells hops is told of a route; nothing of one that cannot be told, because it has too many hops.
inline std::optional<Parameters> told_route(const SessionCore &core, const BroadcastInfo &info) {
    Parameters parameters;
    parameters.hop_path = comoq::detail::told_hops(info);
    parameters.hop_path->push_back(core.hop_id());
    if (!is_hop_path(*parameters.hop_path)) return std::nullopt;
    if (info.cost.warm != 0) parameters.route_cost = info.cost.warm;
    return parameters;
}

}  // namespace comoq::ietf::detail
