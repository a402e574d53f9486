// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/stream/memory_link.hpp"
#include "memory_link_config.hpp"
#include "transport.hpp"

#include <asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

namespace comoq {

/// Two transports that are each other's peer, without a network: for tests, and for both ends in one process. The same
/// config and the same calls give the same order of events if one thread runs the executors.
///
/// Handlers posted to the client's executor deliver bytes: as soon as it runs if no delay is set, otherwise after
/// `advance()`, which is the only clock. Each stream's bytes arrive in order; of several streams with data due, chance
/// decides which goes first (or the priority, if the config says so). Both ends learn of the connection's end at once.
/// If streams are left afterwards, close the connection before the context of the client's executor is destroyed.
/// Threads: as for transports; calls on this class are safe from any thread.
class MemoryLink {
public:
    /// A connection that is open from now on. The executors are those of the two transports.
    MemoryLink(asio::any_io_executor client, asio::any_io_executor server, MemoryLinkConfig config = {});

    /// The end that opened the connection.
    std::shared_ptr<Transport> client() const noexcept { return client_; }
    /// The end that accepted it.
    std::shared_ptr<Transport> server() const noexcept { return server_; }

    /// Lets time pass: data that is due by then is delivered.
    void advance(std::chrono::nanoseconds time) { wire_->advance(time); }

    /// Delivers nothing until `resume()`, and loses nothing either.
    void pause() { wire_->set_paused(true); }
    /// Delivers again, beginning with what was held back.
    void resume() { wire_->set_paused(false); }

    /// Breaks the connection: both ends fail with `code`.
    void cut(std::error_code code = make_error_code(Error::Transport)) { wire_->cut(code); }

    /// Directions of open streams: two for a bidirectional one.
    std::size_t open_streams() const { return wire_->open_streams(); }

private:
    const std::shared_ptr<detail::MemoryWire> wire_;
    const std::shared_ptr<detail::MemoryEnd> client_;
    const std::shared_ptr<detail::MemoryEnd> server_;
};

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/memory_transport.ipp"
#endif
