// SPDX-License-Identifier: MIT
#pragma once
#include "../../qmux/connection_config.hpp"

namespace comoq::net::detail {

/// What a connection over qmux takes from the configuration of a client or of a listener.
template <class Config> qmux::ConnectionConfig connection_config(const Config &config) {
    qmux::ConnectionConfig taken;
    taken.parameters = config.parameters;
    taken.protocols = config.protocols;
    return taken;
}

}  // namespace comoq::net::detail
