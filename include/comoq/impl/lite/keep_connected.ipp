// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/lite/codes.hpp"
#include "../../detail/lite/session_core.hpp"
#include "../../session.hpp"
#include "../../detail/text/without_secrets.hpp"
#include "../../detail/wait/code_of.hpp"
#include "../../detail/wait/event.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../detail/wait/in_any_case.hpp"
#include "../../detail/wait/take_each.hpp"
#include "../../detail/wait/words_of.hpp"
#include "../../first_of.hpp"
#include "../../lite/keep_connected.hpp"
#include "../../log.hpp"
#include "../../lite/session.hpp"
#include "../../origin.hpp"
#include "../../origin_dynamic.hpp"
#include "../../task_group.hpp"
#include "../../with_timeout.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::lite {

namespace detail {

/// A session that exists most of the time. Its coroutines are tasks of one group.
class LastingSession {
public:
    using Self = std::shared_ptr<LastingSession>;

    LastingSession(Connect connect, ReconnectConfig config) : connect_(std::move(connect)), config_(std::move(config)) {
        nothing_.set();
    }

    static asio::awaitable<void> run(Self self, TaskGroup &group) {
        if (self->config_.on_demand && self->config_.session.subscribe)
            group.spawn(serve(self, group, self->config_.session.subscribe->dynamic()));
        auto delay = self->config_.first_delay;
        while (true) {
            ++self->attempt_;
            self->tell(ConnectionEvent::Kind::Connecting);
            const bool lasted = co_await connect_once(self, group);
            if (self->leads_home()) {
                self->tell(ConnectionEvent::Kind::Lost);
                --self->attempt_;
                continue;
            }
            if (self->gives_up(lasted)) self->give_up();
            if (lasted) delay = self->config_.first_delay;
            const bool at_once = lasted && self->is_sent_away_;
            const auto pause = at_once ? std::chrono::milliseconds(0) : self->random_part_of(delay);
            self->tell(self->is_sent_away_ ? ConnectionEvent::Kind::SentAway : ConnectionEvent::Kind::Lost, pause);
            if (lasted) self->attempt_ = 0;
            if (at_once) continue;
            const std::function<void(std::error_code, std::chrono::milliseconds)> &on_retry = self->config_.on_retry;
            if (on_retry) on_retry(self->lost_, pause);
            co_await self->sleep(pause);
            delay = std::min(2 * delay, self->config_.longest_delay);
        }
    }

    /// Closes the present session, if any.
    void close() {
        if (session_) session_->close();
    }
    void end() { session_.reset(); }
    /// Begins to wait until nothing of the session goes on.
    class Leaving {
    public:
        explicit Leaving(Self of) noexcept : of_(std::move(of)) {}
        Operation<void> operator()() const { return of_->session_ ? of_->session_->done() : of_->nothing_.wait(); }

    private:
        Self of_;
    };

private:
    /// Runs one session from its beginning to its end. False if it was too short, or never began.
    static asio::awaitable<bool> connect_once(Self self, TaskGroup &group) {
        self->is_sent_away_ = false;
        self->reason_.clear();
        // Made first: every connected session ends, however little memory there is then.
        auto leaving = comoq::detail::in_any_case(Leaving(self));
        std::shared_ptr<Transport> transport;
        std::exception_ptr failure;
        try {
            auto connecting = self->connecting();
            transport = co_await std::move(connecting);
            if (transport == nullptr) throw std::system_error(make_error_code(Error::Transport), "there is no connection");
        } catch (...) {
            // Any failure ends this attempt; only a cancellation ends this coroutine.
            failure = std::current_exception();
        }
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            if (transport != nullptr) transport->close(session_code(make_error_code(Error::Cancelled)), {});
            comoq::detail::throw_error(asio::error::make_error_code(asio::error::operation_aborted));
        }
        self->lost_ = comoq::detail::code_of(failure);
        self->had_connection_ = transport != nullptr;
        if (transport == nullptr) {
            self->reason_ = comoq::detail::words_of(failure);
            co_return false;
        }
        bool lasted = false;
        try {
            self->session_ = std::make_shared<comoq::Session>(transport, self->config_.session);
            lasted = co_await follow(self);
            failure = nullptr;
        } catch (...) {
            failure = std::current_exception();
        }
        if (failure != nullptr) {
            self->lost_ = comoq::detail::code_of(failure);
            transport->close(session_code(comoq::detail::told_of(failure)), {});
            if (self->lost_ != std::errc::not_enough_memory) std::rethrow_exception(failure);
        }
        self->reason_ = reason_of(*transport);
        transport.reset();
        self->connected_.clear();
        if (self->is_sent_away_ && hand_over(self, group)) co_return lasted;
        co_await std::move(leaving);
        self->session_.reset();
        co_return lasted;
    }

    /// Runs until the session is over.
    static asio::awaitable<bool> follow(Self self) {
        // Wait for the peer's SETUP: until each side knows the other's hop id, neither can recognise its own request coming
        // back.
        auto begun = self->session_->admitted().as_tuple();
        auto late = self->sleep(self->config_.session.answer_within);
        const auto first = co_await comoq::first_of(std::move(begun), std::move(late));
        const bool established = first.index() == 0 && !std::get<0>(std::get<0>(first));
        if (established) {
            self->connected_.set();
            self->tell(ConnectionEvent::Kind::Connected);
        }
        if (first.index() == 1) self->session_->close(make_error_code(Error::Timeout), "no SETUP came");
        auto over = until_over(self);
        auto steady = self->sleep(self->config_.steady_after);
        const auto sooner = co_await comoq::first_of(std::move(over), std::move(steady));
        if (sooner.index() == 1) co_await until_over(self);
        co_return established && sooner.index() == 1;
    }
    /// Until the session has ended, or its peer has told this side to go.
    static asio::awaitable<void> until_over(Self self) {
        auto closed = self->session_->closed();
        auto told_to_go = self->session_->goaway_received().as_tuple();
        auto first = co_await comoq::first_of(std::move(closed), std::move(told_to_go));
        if (first.index() == 1) {
            auto &[code, uri] = std::get<1>(first);
            if (!code) {
                self->is_sent_away_ = true;
                self->uri_ = std::move(uri);
                co_return;
            }
        }
        self->lost_ = co_await self->session_->closed();
    }

    /// The present session goes on beside the next one for a while. False if there is no memory for that.
    static bool hand_over(Self self, TaskGroup &group) {
        try {
            group.spawn(let_finish(self, self->session_), [](const std::exception_ptr &) {});
        } catch (const std::bad_alloc &) {
            self->session_->close();
            return false;
        }
        self->session_.reset();
        return true;
    }
    static asio::awaitable<void> let_finish(Self self, std::shared_ptr<comoq::Session> session) {
        // Made first: the session ends, however little memory there is then.
        auto leaving = comoq::detail::in_any_case([session] { return session->done(); });
        [[maybe_unused]] const auto code = co_await comoq::lite::detail::outcome_of(until_handed_over(self, session));
        co_await asio::this_coro::throw_if_cancelled(false);
        session->close();
        co_await std::move(leaving);
    }
    static asio::awaitable<void> until_handed_over(Self self, std::shared_ptr<comoq::Session> session) {
        auto closed = session->closed();
        auto too_long = self->sleep(self->config_.handover);
        co_await comoq::first_of(std::move(closed), std::move(too_long));
    }

    /// What the last attempt was, for the observer and the log.
    void tell(ConnectionEvent::Kind kind, std::chrono::milliseconds next_try = std::chrono::milliseconds(0)) const {
        using Kind = ConnectionEvent::Kind;
        const std::function<void(const ConnectionEvent &)> &observe = config_.on_change;
        const bool is_over = kind == Kind::Lost || kind == Kind::GivingUp;
        const auto level = kind == Kind::Connecting ? LogLevel::Debug
                           : kind == Kind::Lost     ? LogLevel::Warning
                           : kind == Kind::GivingUp ? LogLevel::Error
                                                    : LogLevel::Info;
        if (!observe && !comoq::detail::is_logged(level)) return;
        ConnectionEvent event{kind, attempt_};
        if (kind == Kind::Connected) event.protocol = session_->protocol();
        if (is_over) event.code = lost_;
        const bool has_address = kind == Kind::SentAway && !uri_.empty();
        const auto address = text_of([&] { return has_address ? comoq::detail::without_secrets(uri_) : std::string(); });
        const auto shown = text_of([&] { return has_address ? comoq::detail::quoted(address) : std::string(); });
        event.reason = is_over ? std::string_view(reason_) : std::string_view(shown);
        event.next_try = next_try;
        if (observe) observe(event);
        if (!comoq::detail::is_logged(level)) return;
        constexpr std::string_view names[] = {"connecting", "connected", "connection_lost", "sent_away", "giving_up"};
        LogRecord record;
        record.level = level;
        record.event = names[static_cast<std::size_t>(kind)];
        record.session = kind == Kind::Connected ? session_->number() : 0;
        record.name = config_.session.name;
        record.protocol = event.protocol;
        record.code = event.code;
        record.reason = is_over ? std::string_view(reason_) : std::string_view(address);
        record.attempt = attempt_;
        record.next_try = next_try;
        comoq::detail::write_log(record);
    }

    /// After an attempt that made no connection to the address of a peer. That peer's choice neither counts against this side
    /// nor delays it; and the next attempt has no address.
    bool leads_home() const noexcept { return is_elsewhere_ && !had_connection_; }
    bool gives_up(bool lasted) const {
        const std::function<bool(std::error_code)> &is_final = config_.gives_up_on;
        const bool is_last = config_.tries != 0 && !lasted && attempt_ >= config_.tries;
        return is_last || (!is_sent_away_ && !is_elsewhere_ && is_final && lost_ && is_final(lost_));
    }
    [[noreturn]] void give_up() {
        tell(ConnectionEvent::Kind::GivingUp);
        gave_up_ = lost_ ? lost_ : make_error_code(Error::Closed);
        const std::string &name = config_.session.name;
        // A program shows this, perhaps on a terminal.
        const auto reason = had_connection_ && !reason_.empty() ? comoq::detail::quoted(reason_) : reason_;
        const auto about = name.empty() || reason.empty() ? name + reason : name + ": " + reason;
        if (about.empty()) comoq::detail::throw_error(gave_up_);
        throw std::system_error(gave_up_, about);
    }

    static std::string reason_of(const Transport &transport) noexcept {
        return text_of([&transport] { return transport.end_reason(); });
    }
    /// Empty without memory for it.
    template <class Make> static std::string text_of(Make make) noexcept {
        try {
            return make();
        } catch (...) {
            return {};
        }
    }

    asio::awaitable<std::shared_ptr<Transport>> connecting() {
        auto uri = std::exchange(uri_, {});
        const std::function<asio::awaitable<std::shared_ptr<Transport>>(std::string)> &connect_to = config_.connect_to;
        is_elsewhere_ = !uri.empty() && connect_to;
        return is_elsewhere_ ? connect_to(std::move(uri)) : connect_();
    }

    static asio::awaitable<void> serve(Self self, TaskGroup &group, OriginDynamic handler) {
        // A request for which there is no memory is refused.
        struct Requests {
            Self of;
            TaskGroup &group;
            OriginDynamic handler;
            auto next() { return handler.requested_broadcast(); }
            void take(BroadcastRequest &&request) {
                group.spawn(answer(of, std::move(request)), [](const std::exception_ptr &) {});
            }
        };
        Requests requests{self, group, handler};
        auto taking = comoq::detail::take_each(std::move(requests));
        std::exception_ptr failure;
        try {
            co_await std::move(taking);
        } catch (...) {
            failure = std::current_exception();
        }
        // Those that came in the last moment.
        while (auto request = handler.try_requested_broadcast()) request->reject(self->code_for(failure));
        if (failure != nullptr) std::rethrow_exception(failure);
    }
    /// What requests are refused with, after a failure of their own or because all is over.
    std::error_code code_for(const std::exception_ptr &failure) const {
        return gave_up_ ? gave_up_ : comoq::detail::told_of(failure);
    }

    static asio::awaitable<void> answer(Self self, BroadcastRequest request) {
        std::exception_ptr failure;
        try {
            co_await wait_for_session(self, request);
        } catch (...) {
            failure = std::current_exception();
        }
        if (failure != nullptr) {
            request.reject(self->code_for(failure));
            std::rethrow_exception(failure);
        }
    }
    static asio::awaitable<void> wait_for_session(Self self, BroadcastRequest &request) {
        auto connected = until_connected(self);
        auto impatient = self->sleep(self->config_.patience);
        auto first = co_await comoq::first_of(std::move(connected), std::move(impatient), until_abandoned(request));
        if (first.index() == 2) co_return;
        if (!self->session_) comoq::detail::throw_error(make_error_code(Error::Unroutable));
        request.accept(self->session_->broadcast(request.path().view()));
    }
    /// Until there is a session whose peer has not told this side to go.
    static asio::awaitable<void> until_connected(Self self) {
        while (true) {
            co_await self->connected_.wait();
            if (!self->session_ || !self->session_->goaway_received().ready()) co_return;
            self->connected_.clear();
        }
    }
    static asio::awaitable<void> until_abandoned(BroadcastRequest &request) {
        // A requester may have come since the last one left.
        do {
            co_await request.abandoned();
        } while (!request.abandoned().ready());
    }

    asio::awaitable<void> sleep(std::chrono::milliseconds time) { return sleep_for(time, config_.session.sleep); }
    std::chrono::milliseconds random_part_of(std::chrono::milliseconds delay) {
        std::uniform_int_distribution<std::chrono::milliseconds::rep> part((delay.count() + 1) / 2, delay.count());
        return std::chrono::milliseconds(part(random_));
    }

    const Connect connect_;
    const ReconnectConfig config_;
    std::shared_ptr<comoq::Session> session_;
    bool is_sent_away_ = false;  // by the last peer
    std::string uri_;            // to there, unless it is empty
    bool is_elsewhere_ = false;  // the last attempt went where a peer had sent this side
    std::error_code lost_;  // the code that ended the last attempt or session
    std::string reason_;    // and more about it
    bool had_connection_ = false;  // the last attempt; then the reason is the peer's words
    std::error_code gave_up_;         // false until it gives up
    std::size_t attempt_ = 0;  // since the last session that lasted
    comoq::detail::Event connected_;
    comoq::detail::Event nothing_;  // set while no session exists, for coroutines that wait for that
    std::minstd_rand random_{std::random_device{}()};
};

/// The task of the group. It is a named class because g++ warns of a lambda in a coroutine that is not inline.
class RunLasting {
public:
    explicit RunLasting(std::shared_ptr<LastingSession> session) noexcept : session_(std::move(session)) {}
    asio::awaitable<void> operator()(TaskGroup &group) const { return LastingSession::run(session_, group); }

private:
    std::shared_ptr<LastingSession> session_;
};

}  // namespace detail

COMOQ_DECL asio::awaitable<void> keep_connected(Connect connect, ReconnectConfig config) {
    const auto session = std::make_shared<detail::LastingSession>(std::move(connect), std::move(config));
    const detail::RunLasting body(session);
    auto leaving = comoq::detail::in_any_case(detail::LastingSession::Leaving(session));
    std::exception_ptr failure;
    try {
        co_await with_task_group(body);
    } catch (...) {
        failure = std::current_exception();
    }
    // The caller that cancels this waits for its end.
    co_await asio::this_coro::throw_if_cancelled(false);
    // In peace, so not while an exception unwinds the stack.
    session->close();
    co_await std::move(leaving);
    session->end();
    std::rethrow_exception(failure);
}

}  // namespace comoq::lite
