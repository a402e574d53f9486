// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../connect_error.hpp"
#include "listen_config.hpp"
#include "url.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string_view>

namespace comoq {

/// Accepts sessions at a URL: the server beside `connect`, for the same schemes.
///
///     comoq::Listener listener(executor, "tcp://127.0.0.1:4443", config);
///     co_await listener.run();
///
/// It listens from its construction on, and accepts while `run()` runs. Make, use and destroy it on its executor, which must be
/// a strand, or a context that one thread runs: all its sessions run there. For more threads make one listener on each of
/// several contexts, or serve the sockets of `net::listen_at` as `examples/relay` does.
class Listener {
public:
    /// A port 0 lets the system choose one. The URL has no path: that is the clients' to choose. Throws `std::system_error`,
    /// whose `what()` says what is wrong: a URL, an address that cannot be used, a file of the certificate.
    Listener(asio::any_io_executor executor, std::string_view url, ListenConfig config = {});
    /// A listener that was moved from accepts nothing, and has an empty URL.
    Listener(Listener &&) noexcept = default;
    Listener &operator=(Listener &&) noexcept;
    /// Closes it. Clients that are connected end with `run()`.
    ~Listener();

    /// With the port that is used.
    const net::Url &url() const noexcept;

    /// Accepts and serves, until `close()` has been called and the last client has gone. When it is cancelled it ends all
    /// clients, waits for them, and throws `operation_aborted`. After its end nothing listens any more. Call it once.
    asio::awaitable<void> run();

    /// No client is accepted any more; those that are connected stay.
    void close();

    /// Connections that are open.
    std::size_t connections() const noexcept;
    /// Connections that were refused so far: at a limit, or for want of memory.
    std::size_t refused() const noexcept;

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/listener.ipp"
#endif
