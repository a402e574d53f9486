// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace comoq::websocket {

/// A WebSocket's side: a client masks the data that it sends.
enum class Role : std::uint8_t { Client, Server };

}  // namespace comoq::websocket
