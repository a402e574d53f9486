#pragma once
#include "../detail/event.hpp"
#include "../detail/task_group.hpp"
#include "../origin.hpp"
#include "../origin_dynamic.hpp"
#include "../transport.hpp"
#include "session.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <system_error>
#include <utility>

namespace comoq::lite {

/// Makes a connection to the peer, or throws what kept it from that.
using Connect = std::function<asio::awaitable<std::shared_ptr<Transport>>()>;

struct ReconnectConfig {
    SessionConfig session;
    /// How long to wait before the next attempt: at first, then twice as long each time up to the other. A random half of it is
    /// left out, so that those who lost the same peer do not all come back at once.
    std::chrono::milliseconds first_delay = std::chrono::milliseconds(500);
    std::chrono::milliseconds longest_delay = std::chrono::seconds(30);
    /// Whether the peer is asked for what is asked of `session.subscribe` and not announced there.
    bool on_demand = true;
    /// How long such a request waits for a connection, before it is refused with Unroutable.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
};

namespace detail {

/// A session that is there most of the time.
class LastingSession {
public:
    LastingSession(Connect connect, ReconnectConfig config, asio::any_io_executor executor)
        : connect_(std::move(connect)), config_(std::move(config)), answers_(std::move(executor)) {}

    static asio::awaitable<void> run(std::shared_ptr<LastingSession> self) {
        if (self->config_.on_demand && self->config_.session.subscribe)
            self->answers_.spawn(serve(self, self->config_.session.subscribe->dynamic()));
        auto delay = self->config_.first_delay;
        while (true) {
            const bool lasted = co_await connect_once(self);
            if (lasted) delay = self->config_.first_delay;
            co_await self->sleep(self->random_part_of(delay));
            delay = std::min(2 * delay, self->config_.longest_delay);
        }
    }

    /// Nothing of it goes on.
    void end() {
        answers_.cancel();
        session_.reset();
    }

private:
    /// One session from its beginning to its end. False if the peer never said anything.
    static asio::awaitable<bool> connect_once(std::shared_ptr<LastingSession> self) {
        std::shared_ptr<Transport> transport;
        try {
            transport = co_await self->connect_();
        } catch (const std::exception &) {
            // Whatever it was, it is over; unless this coroutine is.
        }
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none)
            comoq::detail::throw_error(asio::error::make_error_code(asio::error::operation_aborted));
        if (transport == nullptr) co_return false;
        self->session_.emplace(std::move(transport), self->config_.session);
        auto over = completion_of(self->session_->closed());
        auto begun = completion_of(self->session_->peer());
        [[maybe_unused]] const auto first = co_await comoq::detail::first_of(std::move(begun), std::move(over));
        // Who is asked by somebody whom he does not know cannot tell when he is asked what he has asked himself.
        const bool established = self->session_->peer().ready();
        if (established) self->connected_.set();
        [[maybe_unused]] const auto code = co_await self->session_->closed();
        self->connected_.clear();
        self->session_.reset();
        co_return established;
    }

    static asio::awaitable<void> serve(std::shared_ptr<LastingSession> self, OriginDynamic handler) {
        while (auto request = co_await handler.requested_broadcast())
            self->answers_.spawn(answer(self, std::move(*request)));
    }

    static asio::awaitable<void> answer(std::shared_ptr<LastingSession> self, BroadcastRequest request) {
        const auto first = co_await comoq::detail::first_of(
            completion_of(self->connected_.wait()), self->sleep(self->config_.patience), until_abandoned(request));
        if (first.index == 2) co_return;
        if (!self->session_) {
            request.reject(make_error_code(Error::Unroutable));
            co_return;
        }
        try {
            request.accept(self->session_->broadcast(request.path().view()));
        } catch (const std::system_error &error) {
            request.reject(error.code());
        }
    }
    static asio::awaitable<void> until_abandoned(BroadcastRequest &request) {
        // Somebody may have come since the last one left.
        do {
            co_await request.abandoned();
        } while (!request.abandoned().ready());
    }

    asio::awaitable<void> sleep(std::chrono::milliseconds time) { return pass(config_.session, time); }
    std::chrono::milliseconds random_part_of(std::chrono::milliseconds delay) {
        std::uniform_int_distribution<std::chrono::milliseconds::rep> part((delay.count() + 1) / 2, delay.count());
        return std::chrono::milliseconds(part(random_));
    }

    const Connect connect_;
    const ReconnectConfig config_;
    std::optional<Session> session_;
    comoq::detail::Event connected_;
    std::minstd_rand random_{std::random_device{}()};
    comoq::detail::TaskGroup answers_;
};

}  // namespace detail

/// Keeps a session with a peer: connects, and when the connection is lost does so again, until it is cancelled. Meanwhile
/// whoever asks `config.session.subscribe` for a broadcast that is not announced waits for a while; so `proxy` from an origin
/// that is filled by this one goes on with its tracks as soon as the peer is back.
///
/// It never returns; cancelled, it throws `operation_aborted`, and the session is closed. It runs on the executor of the
/// awaiting coroutine, which must be that of the transports that `connect` gives.
inline asio::awaitable<void> keep_connected(Connect connect, ReconnectConfig config) {
    const auto executor = co_await asio::this_coro::executor;
    const auto state = std::make_shared<detail::LastingSession>(std::move(connect), std::move(config), executor);
    struct End {
        explicit End(detail::LastingSession &of) noexcept : session(of) {}
        End(const End &) = delete;
        End &operator=(const End &) = delete;
        ~End() { session.end(); }
        detail::LastingSession &session;
    };
    const End end(*state);
    co_await detail::LastingSession::run(state);
}

}  // namespace comoq::lite
