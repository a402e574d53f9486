// SPDX-License-Identifier: MIT
#pragma once
#include "session_messages.hpp"

#include <cstdint>
#include <optional>
#include <utility>

namespace comoq::ietf::detail {

/// A SETUP as the other side of the sorter has it: the peer's without the number of requests, which is none of the session's
/// business, or the session's with it. Hops and their prices are not told in such a draft. Tokens are left out, too: no session
/// reads those of SETUP, and here one to be registered, for which no room was offered, breaks no rule.
inline Setup with_options(const Setup &setup, std::optional<std::uint64_t> most, bool of_server) {
    Setup with;
    with.of_server = of_server;
    constexpr auto number = static_cast<std::uint64_t>(SetupOption::MaxRequestId);
    bool is_due = most.has_value();
    const auto add = [&] {
        if (std::exchange(is_due, false)) with.options.add(number, most.value_or(0));
    };
    for (const Pair &pair : setup.options) {
        if (pair.type >= number) add();
        const auto option = static_cast<SetupOption>(pair.type);
        if (option == SetupOption::MaxRequestId || option == SetupOption::HopId || option == SetupOption::RelayCost) continue;
        if (option == SetupOption::AuthorizationToken) continue;
        with.options.add(pair);
    }
    add();
    return with;
}

}  // namespace comoq::ietf::detail
