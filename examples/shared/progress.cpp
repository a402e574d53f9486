#include "progress.hpp"

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

std::string Progress::line() const {
    auto text = fmt::format("{} frames, {:.1f} s, {:.1f} MB", frames_, static_cast<double>(at_.count()) / 1e6, static_cast<double>(bytes_) / 1e6);
    if (late_ != 0) text += fmt::format(", {} groups late", late_);
    if (lost_ != 0) text += fmt::format(", {} groups lost", lost_);
    return text;
}

asio::awaitable<void> Progress::show() const {
    using namespace std::chrono_literals;
    if (::isatty(STDERR_FILENO) != 1) {
        co_return;
    }
    struct LineEnd {
        ~LineEnd() { std::fputc('\n', stderr); }
    } at_the_end;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (true) {
        // The rest of an older line goes.
        fmt::print(stderr, "\r{}\x1b[K", line());
        std::fflush(stderr);
        timer.expires_after(500ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
}
