// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/lite/codes.hpp"
#include "../../detail/net/connection_log.hpp"
#include "../../detail/net/spells.hpp"
#include "../../detail/wait/code_of.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../detail/wait/frame_turn.hpp"
#include "../../detail/wait/in_any_case.hpp"
#include "../../session.hpp"
#include "../../net/listener.hpp"
#include "../../net/schemes.hpp"
#include "../../net/source_limits.hpp"
#include "../../task_group.hpp"
#include "../../with_timeout.hpp"

#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <chrono>
#include <exception>
#include <new>
#include <optional>
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
        net::detail::log_connection(LogLevel::Info, "listening", url.text());
    }

    static asio::awaitable<void> run(Self self) {
        if (self == nullptr) co_return;
        const Closing closing(self);
        const Run body(self);
        co_await with_task_group(body);
    }
    void close() {
        for (const auto &acceptor : acceptors_) acceptor->close();
    }

    net::Url url;
    std::size_t connections = 0, refused = 0;

private:
    /// Nothing listens any more when the end of `run` has come, whatever it is.
    class Closing {
    public:
        explicit Closing(Self of) noexcept : of_(std::move(of)) {}
        Closing(const Closing &) = delete;
        Closing &operator=(const Closing &) = delete;
        ~Closing() { of_->close(); }

    private:
        const Self of_;
    };

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
        /// Why the connection cannot stay; nothing if it can.
        std::string_view refusal(const asio::ip::address &address) {
            if (of_->connections > of_->config_->max_connections) return "too many are connected";
            places_ = of_->limits_.enter(address);
            return places_ ? std::string_view() : "too many of one address";
        }
        void greeted() { places_.greeted(); }

    private:
        Self of_;
        net::SourceLimits::Places places_;
    };

    /// A client. Its connection ends with it, however that comes.
    struct Visit {
        explicit Visit(Self of) : stay(std::move(of)) {}
        Visit(const Visit &) = delete;
        Visit &operator=(const Visit &) = delete;
        ~Visit() { close({}); }
        /// Twice does no harm.
        void close(std::error_code code) {
            if (session) session->close(code);
            if (client.transport != nullptr) client.transport->close(lite::session_code(code), {});
        }

        Stay stay;
        AcceptedClient client;
        std::optional<Session> session;
    };

    /// The end of a client's session. It is a named class for the same reason.
    class Leaving {
    public:
        explicit Leaving(std::shared_ptr<Visit> visit) noexcept : visit_(std::move(visit)) {}
        Operation<void> operator()() const { return visit_->session->done(); }

    private:
        std::shared_ptr<Visit> visit_;
    };

    static asio::awaitable<void> accept(Self self, net::Acceptor &acceptor, TaskGroup &group) {
        for (comoq::detail::FrameTurn turn;;) {
            std::unique_ptr<net::Arrival> arrival;
            std::exception_ptr failure;
            try {
                auto next = acceptor.next();
                arrival = co_await std::move(next);
            } catch (...) {
                failure = std::current_exception();
            }
            if (comoq::detail::code_of(failure) == asio::error::operation_aborted) co_return;
            if (failure != nullptr && !comoq::detail::is_want_of_memory(failure)) std::rethrow_exception(failure);
            // Without memory for it, a connection is closed, and the listener goes on.
            try {
                if (failure != nullptr) std::rethrow_exception(failure);
                const auto address = arrival->address();
                group.spawn(serve(self, std::move(arrival)), [self, address](const std::exception_ptr &ended) {
                    self->tell(address, comoq::detail::told_of(ended));
                });
                continue;
            } catch (...) {
                failure = std::current_exception();
            }
            if (!comoq::detail::is_want_of_memory(failure)) std::rethrow_exception(failure);
            ++self->refused;
            net::detail::log_failure(LogLevel::Warning, "connection_refused", std::string_view(), failure);
            // The pause gives others time to free some. Where it finds no memory either, it is a turn.
            try {
                auto pause = sleep_for(std::chrono::milliseconds(100), self->config_->session.sleep);
                co_await std::move(pause);
                continue;
            } catch (const std::bad_alloc &) {
            }
            co_await turn.take();
        }
    }

    void tell(const asio::ip::address &address, std::error_code code) const {
        if (code && config_->on_refused) config_->on_refused(address, code);
    }

    /// Anybody can reach a limit, as often as they like: the log has a line for a spell of that.
    void tell_limit(std::string_view which) noexcept {
        if (!comoq::detail::is_logged(LogLevel::Warning)) return;
        try {
            if (limits_met_.begins(which, std::chrono::steady_clock::now()))
                net::detail::log_connection(LogLevel::Warning, "limit_reached", url.text(), make_error_code(Error::LimitReached), which);
        } catch (const std::bad_alloc &) {
        }
    }

    static asio::awaitable<void> serve(Self self, std::unique_ptr<net::Arrival> arrival) {
        const auto visit = std::make_shared<Visit>(self);
        const auto address = arrival->address();
        if (const auto refusal = visit->stay.refusal(address); !refusal.empty()) {
            ++self->refused;
            self->tell_limit(refusal);
            net::detail::log_connection(LogLevel::Debug, "connection_refused", address, make_error_code(Error::LimitReached), refusal);
            comoq::detail::throw_error(make_error_code(Error::LimitReached));
        }
        net::detail::log_connection(LogLevel::Debug, "accepted", address);
        // Made first: every session ends, however little memory there is then.
        auto leaving = comoq::detail::in_any_case(Leaving(visit));
        std::exception_ptr failure;
        std::error_code code;
        bool is_greeted = false;
        try {
            auto greeting = with_timeout(greet(self, visit, std::move(arrival)), self->config_->handshake_within,
                                         self->config_->session.sleep);
            co_await std::move(greeting);
            is_greeted = true;
            auto serving = serve_greeted(self, visit);
            code = co_await std::move(serving);
        } catch (...) {
            failure = std::current_exception();
            code = comoq::detail::told_of(failure);
        }
        // A session tells its end itself.
        if (failure != nullptr)
            net::detail::log_failure(is_greeted ? LogLevel::Info : LogLevel::Debug, is_greeted ? "client_failed" : "handshake_failed",
                                     address, failure);
        visit->close(code);
        if (visit->session) {
            co_await asio::this_coro::throw_if_cancelled(false);
            co_await std::move(leaving);
        }
        if (failure != nullptr) std::rethrow_exception(failure);
        if (code) comoq::detail::throw_error(code);
    }

    /// All that a client says before it is served.
    static asio::awaitable<void> greet(Self self, std::shared_ptr<Visit> visit, std::unique_ptr<net::Arrival> arrival) {
        auto shaking = arrival->shake_hands();
        visit->client = co_await std::move(shaking);
        if (!self->config_->serve) {
            auto config = self->config_->session;
            config.url_target = std::move(visit->client.url_target);
            if (config.name.empty()) config.name = arrival->address().to_string();
            visit->session.emplace(visit->client.transport, std::move(config));
            auto setup = visit->session->greeted();
            co_await std::move(setup);
        }
        visit->stay.greeted();
    }

    static asio::awaitable<std::error_code> serve_greeted(Self self, std::shared_ptr<Visit> visit) {
        if (visit->session) {
            auto closed = visit->session->closed();
            co_return co_await std::move(closed);
        }
        auto serving = self->config_->serve(visit->client);
        co_await std::move(serving);
        co_return std::error_code();
    }

    const std::shared_ptr<const ListenConfig> config_;
    net::SourceLimits limits_;
    net::detail::Spells<std::string_view> limits_met_;  // of literals
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

COMOQ_DECL const net::Url &Listener::url() const noexcept {
    static const net::Url none;
    return state_ != nullptr ? state_->url : none;
}
COMOQ_DECL asio::awaitable<void> Listener::run() { return State::run(state_); }
COMOQ_DECL void Listener::close() {
    if (state_ != nullptr) state_->close();
}
COMOQ_DECL std::size_t Listener::connections() const noexcept { return state_ != nullptr ? state_->connections : 0; }
COMOQ_DECL std::size_t Listener::refused() const noexcept { return state_ != nullptr ? state_->refused : 0; }

}  // namespace comoq
