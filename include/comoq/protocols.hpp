// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace comoq {

/// The protocols of sessions, by the names with which transports agree on them, the best first: moq-lite, whose announcements
/// tell their ways, and then MoQ Transport of the IETF, of whose drafts the one that most peers speak comes first.
inline constexpr std::array<std::string_view, 7> session_protocols{"moq-lite-06", "moq-lite-05", "moqt-18",
                                                                   "moqt-20",     "moqt-21",     "moqt-22", "moqt-16"};

/// The same, for the configs of transports and listeners.
inline std::vector<std::string> all_protocols() { return {session_protocols.begin(), session_protocols.end()}; }

/// Whether it is one of MoQ Transport.
constexpr bool speaks_ietf(std::string_view protocol) noexcept { return protocol.starts_with("moqt-"); }

}  // namespace comoq
