/// \file
/// A coroutine type that knows no executor and leaves every awaitable as it is.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

namespace comoq::test {

/// Runs at once up to its first suspension, and from there wherever it is resumed. Owns the coroutine: destroying the
/// task destroys a coroutine that is suspended.
class PlainTask {
public:
    struct promise_type {
        PlainTask get_return_object() { return PlainTask(Handle::from_promise(*this)); }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { failure = std::current_exception(); }

        std::exception_ptr failure;
    };

    PlainTask() = default;
    PlainTask(PlainTask &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    PlainTask &operator=(PlainTask &&other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~PlainTask() { destroy(); }

    void destroy() {
        if (auto handle = std::exchange(handle_, nullptr)) {
            handle.destroy();
        }
    }

    /// True if it has ended. Throws the exception that ended it, if any.
    bool done() const {
        if (!handle_ || !handle_.done()) {
            return false;
        }
        if (handle_.promise().failure) {
            std::rethrow_exception(handle_.promise().failure);
        }
        return true;
    }

private:
    using Handle = std::coroutine_handle<promise_type>;
    explicit PlainTask(Handle handle) noexcept : handle_(handle) {}

    Handle handle_;
};

}  // namespace comoq::test
