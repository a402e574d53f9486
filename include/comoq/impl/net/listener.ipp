// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/wait/code_of.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../lite/session.hpp"
#include "../../net/listener.hpp"
#include "../../net/schemes.hpp"
#include "../../net/source_limits.hpp"
#include "../../task_group.hpp"
#include "../../with_timeout.hpp"

#include <asio/error.hpp>

#include <exception>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq {

class Listener::State {
public:
    using Self = std::shared_ptr<State>;

    State(asio::any_io_executor executor, std::string_view text, ListenConfig config)
        : url(net::known_url(text)), config_(std::make_shared<const ListenConfig>(std::move(config))),
          limits_(config_->max_connections_of_address, config_->max_handshakes_of_address) {
        if (url.target != "/")
            throw std::system_error(make_error_code(ConnectError::InvalidUrl),
                                    comoq::detail::quoted(url.text()) + " has a path, which a listener cannot have");
        const auto scheme = net::scheme_of(url);
        if (scheme.listen == nullptr)
            throw std::system_error(make_error_code(ConnectError::UnknownScheme),
                                    comoq::detail::quoted(url.text()) + ": this scheme can connect, but not listen");
        acceptors_ = scheme.listen(std::move(executor), url, config_);
    }

    static asio::awaitable<void> run(Self self) {
        const Run body(self);
        co_await with_task_group(body);
    }
    void close() {
        for (const auto &acceptor : acceptors_) acceptor->close();
    }

    net::Url url;
    std::size_t connections = 0, refused = 0;

private:
    /// The first task of the group. It is a named class because g++ warns of a lambda in a coroutine that is not inline.
    class Run {
    public:
        explicit Run(Self self) noexcept : self_(std::move(self)) {}
        asio::awaitable<void> operator()(TaskGroup &group) const { return begin(self_, group); }

    private:
        static asio::awaitable<void> begin(Self self, TaskGroup &group) {
            for (const auto &acceptor : self->acceptors_) group.spawn(accept(self, *acceptor, group));
            co_return;
        }
        Self self_;
    };

    /// A connection's places in the limits.
    class Stay {
    public:
        explicit Stay(Self of) : of_(std::move(of)) { ++of_->connections; }
        Stay(Stay &&) noexcept = default;
        Stay &operator=(Stay &&) = delete;
        ~Stay() {
            if (of_ != nullptr) --of_->connections;
        }
        bool enter(const asio::ip::address &address) {
            if (of_->connections > of_->config_->max_connections) return false;
            places_ = of_->limits_.enter(address);
            return static_cast<bool>(places_);
        }
        void greeted() { places_.greeted(); }

    private:
        Self of_;
        net::SourceLimits::Places places_;
    };

    static asio::awaitable<void> accept(Self self, net::Acceptor &acceptor, TaskGroup &group) {
        while (true) {
            std::unique_ptr<net::Arrival> arrival;
            std::exception_ptr failure;
            try {
                auto next = acceptor.next();
                arrival = co_await std::move(next);
            } catch (...) {
                failure = std::current_exception();
            }
            if (failure != nullptr) {
                if (comoq::detail::code_of(failure) == asio::error::operation_aborted) co_return;
                std::rethrow_exception(failure);
            }
            // Without memory for it, a connection is closed, and the listener goes on.
            try {
                const auto address = arrival->address();
                group.spawn(serve(self, std::move(arrival)), [self, address](const std::exception_ptr &ended) {
                    self->tell(address, comoq::detail::told_of(ended));
                });
            } catch (const std::bad_alloc &) {
                ++self->refused;
            }
        }
    }

    void tell(const asio::ip::address &address, std::error_code code) const {
        if (code && config_->on_refused) config_->on_refused(address, code);
    }

    static asio::awaitable<void> serve(Self self, std::unique_ptr<net::Arrival> arrival) {
        Stay stay(self);
        if (!stay.enter(arrival->address())) {
            ++self->refused;
            comoq::detail::throw_error(make_error_code(Error::LimitReached));
        }
        auto shaking = with_timeout(arrival->shake_hands(), self->config_->handshake_within, self->config_->session.sleep);
        AcceptedClient client = co_await std::move(shaking);
        if (self->config_->serve) {
            stay.greeted();
            auto serving = self->config_->serve(std::move(client));
            co_await std::move(serving);
            co_return;
        }
        auto serving = serve_session(self, std::move(client), stay);
        co_await std::move(serving);
    }

    static asio::awaitable<void> serve_session(Self self, AcceptedClient client, Stay &stay) {
        auto config = self->config_->session;
        config.url_target = std::move(client.url_target);
        lite::Session session(client.transport, std::move(config));
        auto greeting = with_timeout<std::shared_ptr<const lite::Setup>>(session.peer(), self->config_->handshake_within,
                                                                         self->config_->session.sleep);
        co_await std::move(greeting);
        stay.greeted();
        auto closed = session.closed();
        const std::error_code code = co_await std::move(closed);
        auto done = session.done();
        co_await std::move(done);
        if (code) comoq::detail::throw_error(code);
    }

    const std::shared_ptr<const ListenConfig> config_;
    net::SourceLimits limits_;
    std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
};

COMOQ_DECL Listener::Listener(asio::any_io_executor executor, std::string_view url, ListenConfig config)
    : state_(std::make_shared<State>(std::move(executor), url, std::move(config))) {}

COMOQ_DECL Listener &Listener::operator=(Listener &&other) noexcept {
    if (state_ != nullptr) state_->close();
    state_ = std::move(other.state_);
    return *this;
}

COMOQ_DECL Listener::~Listener() {
    if (state_ != nullptr) state_->close();
}

COMOQ_DECL const net::Url &Listener::url() const noexcept { return state_->url; }
COMOQ_DECL asio::awaitable<void> Listener::run() { return State::run(state_); }
COMOQ_DECL void Listener::close() { state_->close(); }
COMOQ_DECL std::size_t Listener::connections() const noexcept { return state_->connections; }
COMOQ_DECL std::size_t Listener::refused() const noexcept { return state_->refused; }

}  // namespace comoq
