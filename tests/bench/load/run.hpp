// What all parts of a run share.
#pragma once

#include "load/options.hpp"

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <vector>

namespace relay_load {

using asio::awaitable;

// The groups that some viewer does not have whole: the publisher waits for the slowest viewer. Only `got` may be called off
// the publisher's context.
class Window {
public:
    Window(asio::io_context &context, std::size_t size, std::size_t viewers)
        : context_(context), timer_(context), missing_(size), viewers_(viewers) {}

    // All groups from this one on are counted; call it before the first is made.
    void begin(std::uint64_t first) {
        oldest_ = next_ = first;
        first_ = first;
    }
    bool counts(std::uint64_t group) const { return group >= first_; }

    // Before the next group is made. False if nothing has come for a long time.
    awaitable<bool> room() {
        while (true) {
            while (oldest_ < next_ && place(oldest_) == 0) ++oldest_;
            if (next_ - oldest_ < missing_.size()) break;
            timer_.expires_after(longest_stall);
            std::error_code woken;
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            if (!woken && place(oldest_) != 0) co_return false;
        }
        place(next_++) = viewers_;
        co_return true;
    }

    // On any thread: a viewer has read that group to its end.
    void got(std::uint64_t group) {
        if (place(group).fetch_sub(1) == 1) asio::post(context_, [this] { timer_.cancel(); });
    }

private:
    std::atomic<std::size_t> &place(std::uint64_t group) { return missing_[group % missing_.size()]; }

    asio::io_context &context_;
    asio::steady_timer timer_;
    std::vector<std::atomic<std::size_t>> missing_;
    const std::size_t viewers_;
    std::uint64_t oldest_ = 0, next_ = 0;
    std::atomic<std::uint64_t> first_{std::numeric_limits<std::uint64_t>::max()};
};

// The common state of all parts of a run.
struct Run {
    Run(const Options &given, asio::io_context &context)
        : options(given), window(context, options.window, options.viewers) {}

    void fail(const std::exception_ptr &thrown) {
        std::lock_guard lock(mutex_);
        if (thrown != nullptr && failure_ == nullptr) failure_ = thrown;
    }
    void rethrow() {
        std::lock_guard lock(mutex_);
        if (failure_ != nullptr) std::rethrow_exception(failure_);
    }

    const Options &options;
    Window window;
    std::atomic<std::size_t> viewers_ready{0};
    std::atomic<std::int64_t> measured_from{never}, measured_to{never};
    std::atomic<bool> over{false};

private:
    std::mutex mutex_;
    std::exception_ptr failure_;
};

}  // namespace relay_load
