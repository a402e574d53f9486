// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace comoq::ietf::detail {

inline constexpr std::chrono::milliseconds longest_rendezvous = std::chrono::minutes(5);

/// The broadcast of a path; or the one that is announced there, or above it, while the peer is willing to wait for it: for
/// `patience` milliseconds.
inline asio::awaitable<BroadcastConsumer> meet(std::shared_ptr<SessionCore> core, std::string path, std::uint64_t patience) {
    const auto above = patience != 0 ? core->resolver.announced_above(path) : 0;
    auto asking = core->request(path);
    std::optional<BroadcastConsumer> found;
    const auto refusal = co_await comoq::detail::outcome_into(std::move(asking), found);
    if (found) co_return std::move(*found);
    if (refusal != Error::NotFound || patience == 0) comoq::detail::throw_error(refusal);
    const auto longest = static_cast<std::uint64_t>(longest_rendezvous.count());
    const auto ask = [core, path] { return core->request(path); };
    auto waiting = core->resolver.announced(path, above, std::chrono::milliseconds(std::min(patience, longest)), ask);
    co_return co_await std::move(waiting);
}

}  // namespace comoq::ietf::detail
