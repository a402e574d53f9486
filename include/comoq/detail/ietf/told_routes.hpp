// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../origin/told_hops.hpp"
#include "../session/announce_feed.hpp"
#include "../session/link_price.hpp"
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

/// The route of what a peer announces that does not tell it.
inline BroadcastInfo unknown_route(const SessionCore &core) {
    BroadcastInfo info({core.peer_hop().value_or(0)});
    info.cost = comoq::detail::untold_cost;
    info.via = core.via;
    return info;
}
/// The route that a peer tells; nothing if it tells none. Throws BoundsExceeded for hops that cannot be told in another protocol.
inline std::optional<BroadcastInfo> given_route(const SessionCore &core, const std::optional<HopPath> &hops,
                                                std::optional<std::uint64_t> cost) {
    if (!hops) return std::nullopt;
    const auto is_too_high = [](std::uint64_t hop) { return hop > comoq::detail::max_varint; };
    if (std::any_of(hops->begin(), hops->end(), is_too_high)) comoq::detail::throw_error(make_error_code(Error::BoundsExceeded));
    BroadcastInfo info = unknown_route(core);
    info.hops = *hops;
    const auto said = core.setup.peek();
    const auto price = comoq::detail::link_price(core.config.link_cost, said ? (*said)->relay_cost : std::nullopt);
    // The peer does not tell what it costs to fetch it first.
    const auto warm = comoq::detail::over_link({cost.value_or(0), 0}, price).warm;
    info.cost = core.goaway.peek() ? comoq::detail::dearest : Cost{warm, comoq::detail::untold_cost.cold};
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
/// What the peer is told of a namespace after a change: its route, empty for a peer that does not tell hops. Nothing if the namespace
/// is not there for the peer.
inline std::optional<Parameters> told_of(const SessionCore &core, const comoq::detail::AnnounceFeed::Told &change) {
    if (!change.active) return std::nullopt;
    if (!core.tells_hops()) return Parameters();
    return change.info != nullptr ? told_route(core, *change.info) : std::nullopt;
}

}  // namespace comoq::ietf::detail
