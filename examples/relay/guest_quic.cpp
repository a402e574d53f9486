// A client that has come by QUIC, up to its session.
#include "guest.hpp"

#if COMOQ_RELAY_QUIC
#include <comoq/quic/connection.hpp>

#include <mutex>
#include <string>
#include <utility>

asio::awaitable<void> Guest::serve(std::shared_ptr<Guest> self, std::shared_ptr<QuicConnection> connection) {
    auto service = serve_here(self, std::move(connection));
    return serve_and_log(std::move(self), std::move(service));
}

asio::awaitable<void> Guest::serve_here(std::shared_ptr<Guest> self, std::shared_ptr<QuicConnection> connection) {
    const auto &remote = connection->remote();
    if (!self->enter({remote.address(), remote.port()}, connection->executor())) {
        connection->close(0, "too many are connected");
        co_return;
    }
    {
        std::lock_guard lock(self->mutex_);
        self->transport_ = connection;
    }
    // It ends by itself if that takes too long.
    auto ready = connection->ready();
    co_await std::move(ready);
    self->log_.speaks(std::string(connection->protocol()));
    auto serving = self->serve_session();
    co_await std::move(serving);
}
#endif
