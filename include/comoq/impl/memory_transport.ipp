// SPDX-License-Identifier: MIT
#pragma once
#include "../memory_transport.hpp"

namespace comoq {

COMOQ_DECL MemoryLink::MemoryLink(asio::any_io_executor client, asio::any_io_executor server, MemoryLinkConfig config)
    : wire_(std::make_shared<detail::MemoryWire>(client, std::move(config))),
      client_(std::make_shared<detail::MemoryEnd>(wire_, std::move(client), 0)),
      server_(std::make_shared<detail::MemoryEnd>(wire_, std::move(server), 1)) {
    wire_->connect(client_, server_);
}

}  // namespace comoq
