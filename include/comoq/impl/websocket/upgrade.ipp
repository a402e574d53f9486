// SPDX-License-Identifier: MIT
#pragma once
#include "../../websocket/upgrade.hpp"

namespace comoq::websocket::detail {

COMOQ_DECL std::vector<std::byte> bytes_behind(std::string_view input, std::size_t size) {
    const auto rest = std::as_bytes(std::span(input.substr(size)));
    return {rest.begin(), rest.end()};
}

}  // namespace comoq::websocket::detail
