// What the relay does and looks at now and then.
#include "server.hpp"

#include "log.hpp"

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <new>
#include <system_error>

using asio::awaitable;
using asio::use_awaitable;
using namespace std::chrono_literals;

awaitable<void> Server::log_stats() {
    Guests::Numbers before;
    while (true) {
        ticks_->expires_after(options_.stats);
        std::error_code over;
        co_await ticks_->async_wait(asio::redirect_error(use_awaitable, over));
        if (over) {
            co_return;
        }
        const auto origin = origin_.stats();
        const auto guests = house_.guests.numbers();
        const auto seconds = static_cast<std::uint64_t>(options_.stats.count());
        LogLine line(Level::Info, "stats");
        line.with("connected", guests.present).with("entered", guests.entered).with("refused", guests.refused);
        line.with("announced", origin.announced).with("left_out", guests.left_out).with("not_told", guests.not_told);
        line.with("served", origin.served).with("pending", origin.pending);
        line.with("watchers", origin.watchers).with("cached_groups", origin.cached_groups);
        line.with("cached_bytes", origin.cached_bytes).with("evicted_groups", origin.evicted_groups);
        line.with("lagged_readers", origin.lagged_readers);
        line.with("received_bytes_s", (guests.received_bytes - before.received_bytes) / seconds);
        line.with("sent_bytes_s", (guests.sent_bytes - before.sent_bytes) / seconds);
        before = guests;
    }
}

// Lines that peers would have caused are counted if there are too many, and a line says how many.
awaitable<void> Server::log_left_out() {
    while (true) {
        log_ticks_->expires_after(10s);
        std::error_code over;
        co_await log_ticks_->async_wait(asio::redirect_error(use_awaitable, over));
        const auto left = house_.log_budget.take_left_out(std::chrono::steady_clock::now());
        if (left.lines != 0) {
            LogLine line(Level::Warning, "log_left_out");
            line.with("lines", left.lines);
            if (left.most_of) {
                line.with("most_of", left.most_of->to_string()).with("lines_of_that", left.lines_of_that);
            }
        }
        if (over) {
            co_return;
        }
    }
}

// Connections that exist keep the certificate that they have.
void Server::renew_identity(bool always) noexcept {
    try {
        if (house_.identity->renew(always)) {
            use_identity();
            LogLine(Level::Info, "certificate").with("sha256", house_.identity->fingerprint());
        }
    } catch (const std::exception &error) {
        LogLine(Level::Error, "certificate_not_replaced").with("error", error.what());
    }
}

// Sessions that exist stay until the end of their tokens.
void Server::renew_keys(bool always) noexcept {
    try {
        if (house_.keys->renew(always)) {
            LogLine(Level::Info, "auth_keys").with("count", house_.keys->size());
        }
    } catch (const std::exception &error) {
        LogLine(Level::Error, "auth_keys_not_replaced").with("error", error.what());
    }
}

awaitable<void> Server::watch_files() {
    while (true) {
        file_ticks_->expires_after(10s);
        std::error_code over;
        co_await file_ticks_->async_wait(asio::redirect_error(use_awaitable, over));
        if (over) {
            co_return;
        }
        renew_files(false);
    }
}

awaitable<void> Server::wait_for_hang_up() {
    while (true) {
        std::error_code over;
        co_await hang_up_->async_wait(asio::redirect_error(use_awaitable, over));
        if (over) {
            co_return;
        }
        renew_files(true);
    }
}

void Server::renew_files(bool always) noexcept {
    if (house_.identity) {
        renew_identity(always);
    }
    if (house_.keys) {
        renew_keys(always);
    }
}

// So often that a session ends well within a second of its token.
awaitable<void> Server::watch_expiries() {
    while (true) {
        expiry_ticks_->expires_after(250ms);
        std::error_code over;
        co_await expiry_ticks_->async_wait(asio::redirect_error(use_awaitable, over));
        if (over) {
            co_return;
        }
        try {
            house_.guests.expire(std::chrono::system_clock::now());
        } catch (const std::bad_alloc &) {
            // Next time.
        }
    }
}
