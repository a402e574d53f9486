// Where guests come in.
#include "server.hpp"

#include "begin_there.hpp"
#include "log.hpp"

#include <comoq/net/sockets.hpp>

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

// Listens at all addresses of a name, and at the same port of each.
void Server::listen(Address &address) {
    auto &first = threads_.front();
    if (address.is_quic && !address.is_tcp) {
        listen_quic(address);
        return;
    }
    for (auto &acceptor : comoq::net::listen_at(first.context.get_executor(), address.url)) {
        auto &kept = listeners_.emplace_back(address, std::move(acceptor));
        begin(first.tasks, first.context.get_executor(), "a listener", accept(kept));
    }
    // At the same port of UDP.
    if (address.is_quic) {
        listen_quic(address);
    }
}

awaitable<void> Server::accept(Listener &listener) {
    asio::steady_timer pause(threads_.front().context);
    const std::string address = listener.address.text();
    while (true) {
        auto &thread = next_thread();
        std::error_code failure;
        asio::any_io_executor strand;
        try {
            strand = strand_of(thread);
        } catch (const std::bad_alloc &) {
            failure = std::make_error_code(std::errc::not_enough_memory);
        }
        std::optional<tcp::socket> socket;
        if (!failure) {
            socket.emplace(co_await listener.acceptor.async_accept(strand, asio::redirect_error(use_awaitable, failure)));
        }
        if (!listener.acceptor.is_open()) {
            co_return;
        }
        if (failure) {
            // Too many open files, for instance: waiting connections stay where they are.
            LogLine(Level::Error, "cannot_accept").with("listener", address).with("error", failure);
            pause.expires_after(100ms);
            co_await pause.async_wait(use_awaitable);
            continue;
        }
        // Without memory for it, a connection is turned away, and the listener goes on.
        auto serve = [this, &thread, &listener, strand, id = next_guest_++, socket = std::move(*socket)]() mutable {
            auto guest = std::make_shared<Guest>(house_, listener.address, id);
            begin(thread.guests, strand, "a guest", Guest::serve(std::move(guest), std::move(socket)));
        };
        const auto refused = [this]() noexcept {
            house_.guests.turned_away();
            LogLine(Level::Warning, "refused").with("reason", "no memory");
        };
        begin_there(thread.context, std::move(serve), refused);
    }
}

#if COMOQ_RELAY_QUIC
// Every thread has a socket of the port, where the system lets them share it: a connection runs on the thread of its socket, with a
// strand for its session.
void Server::listen_quic(Address &address) {
    std::vector<Thread *> there;
    if (comoq::quic::ports_can_be_shared) {
        for (auto &each : threads_) {
            there.push_back(&each);
        }
    } else {
        there.push_back(&next_thread());
    }
    comoq::quic::ListenerConfig config;
    // The guests are counted, and told why they are turned away. What is dropped here hears nothing.
    constexpr std::size_t to_be_turned_away = 64;
    config.max_connections = options_.max_sessions + to_be_turned_away;
    // More threads do not let more strangers in whose addresses nobody has proved.
    const std::size_t threads = there.size();
    config.max_handshakes = (config.max_handshakes + threads - 1) / threads;
    config.retry_above = (config.retry_above + threads - 1) / threads;
    config.connection.protocols = options_.protocols;
    config.connection.key_log = key_log_;
    // Browsers need HTTP/3; a listener for QUIC alone has none.
    if (address.is_tcp) {
        config.connection.protocols.push_back("h3");
    }
    std::vector<comoq::quic::ListenerPlace> places(threads);
    for (std::size_t i = 0; i < threads; ++i) {
        places[i].executor = there[i]->context.get_executor();
        places[i].config = config;
        places[i].config.executor = [thread = there[i]] { return strand_of(*thread); };
    }
    std::size_t next = 0;
    for (auto &listener : comoq::net::listen_at(places, address.url, house_.identity->quic())) {
        auto &thread = *there[next++ % threads];
        auto &kept = quic_listeners_.emplace_back(address, thread, std::move(listener));
        begin(thread.tasks, thread.context.get_executor(), "a listener of QUIC", accept_quic(kept));
    }
}

awaitable<void> Server::accept_quic(QuicListener &listener) {
    while (true) {
        auto connection = co_await listener.listener.accept();
        ++listener.accepted;
        try {
            auto guest = std::make_shared<Guest>(house_, listener.address, next_guest_++);
            const auto strand = connection->executor();
            begin(listener.thread.guests, strand, "a guest", Guest::serve(std::move(guest), std::move(connection)));
        } catch (const std::bad_alloc &) {
            if (connection != nullptr) {
                connection->close(0, "no memory");
            }
            house_.guests.turned_away();
            LogLine(Level::Warning, "refused").with("reason", "no memory");
        }
    }
}

// Each on its own thread.
void Server::stop_quic() {
    for (auto &each : quic_listeners_) {
        asio::post(each.thread.context, [&each] { each.listener.close(); });
    }
}

// What each socket has had, when no thread runs any more.
void Server::log_quic() {
    for (auto &each : quic_listeners_) {
        const auto counts = each.listener.counts();
        LogLine(Level::Info, "socket_closed")
            .with("listener", each.address.text())
            .with("connections", each.accepted)
            .with("packets", counts.received)
            .with("passed_on", counts.passed_on)
            .with("dropped", counts.dropped);
    }
}

void Server::use_identity() {
    for (auto &each : quic_listeners_) {
        asio::post(each.thread.context, [&each, identity = house_.identity->quic()] { each.listener.use(identity); });
    }
}
#else
void Server::listen_quic(Address &) {}
void Server::stop_quic() {}
void Server::log_quic() {}
void Server::use_identity() {}
#endif
