#pragma once
#include "detail/memory_link.hpp"
#include "transport.hpp"

#include <asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

namespace comoq {

/// How a connection inside one process behaves.
using MemoryLinkConfig = detail::MemoryLinkConfig;

/// Two transports that are each other's peer, without a network: for tests, and for both ends in one process. The same
/// config and the same calls give the same order of events, where one thread runs the executors.
///
/// Bytes are delivered by handlers posted to the client's executor: as soon as it runs where there is no delay, else after
/// `advance()`, which is the only clock. Each stream's bytes come in order; of several streams that have something
/// due, chance decides which goes first (or the priority, if the config says so). That the connection is over is known at
/// both ends at once. Close it before the context of the client's executor is destroyed, if streams are left afterwards.
/// Threads: as for transports; what is called here may be called from any.
class MemoryLink {
public:
    MemoryLink(asio::any_io_executor client, asio::any_io_executor server, MemoryLinkConfig config = {})
        : wire_(std::make_shared<detail::MemoryWire>(client, std::move(config))),
          client_(std::make_shared<detail::MemoryEnd>(wire_, std::move(client), 0)),
          server_(std::make_shared<detail::MemoryEnd>(wire_, std::move(server), 1)) {
        wire_->connect(client_, server_);
    }

    std::shared_ptr<Transport> client() const noexcept { return client_; }
    std::shared_ptr<Transport> server() const noexcept { return server_; }

    /// Lets time pass: what is due by then is delivered.
    void advance(std::chrono::nanoseconds time) { wire_->advance(time); }

    /// Delivers nothing until `resume()`, and loses nothing either.
    void pause() { wire_->set_paused(true); }
    void resume() { wire_->set_paused(false); }

    /// Breaks the connection: both ends fail with `code`.
    void cut(std::error_code code = make_error_code(Error::Transport)) { wire_->cut(code); }

    /// Directions of streams that are open: two for a bidirectional one.
    std::size_t open_streams() const { return wire_->open_streams(); }

private:
    const std::shared_ptr<detail::MemoryWire> wire_;
    const std::shared_ptr<detail::MemoryEnd> client_;
    const std::shared_ptr<detail::MemoryEnd> server_;
};

}  // namespace comoq
