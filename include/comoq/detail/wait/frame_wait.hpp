// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "queued_wait.hpp"
#include "source.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#if !defined(ASIO_HAS_CO_AWAIT)
#error "comoq: asio has no coroutines here. With clang and asio before 1.26, define ASIO_HAS_CO_AWAIT=1 and ASIO_HAS_STD_COROUTINE=1 for the whole program (the CMake target comoq::comoq and pkg-config do)"
#include COMOQ_STOP
#endif

#include <concepts>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The handler with which `use_awaitable` completes an operation without an outcome: meanwhile it owns a thread of
/// awaitables.
using AwaitingHandler = typename asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

/// True if that is as in asio 1.22 to 1.38. Otherwise a wait is made in asio's own way: with a frame above the
/// operation's and a handler for each type of outcome, which takes longer to run (110 ns of the 940 of a request's
/// round trip, which waits twice) and to compile.
template <class Handler>
concept OwnsAwaitables = std::same_as<typename Handler::awaitable_type, asio::awaitable<void>>;
inline constexpr bool waits_in_frame = OwnsAwaitables<AwaitingHandler>;

/// A thread of awaitables that was taken off its topmost frame, and goes on there later.
class SuspendedThread : public AwaitingHandler {
public:
    using AwaitingHandler::AwaitingHandler;

    /// Runs the frame, and the coroutines that await it, until the thread is suspended again or over.
    template <class Frame> void resume(Frame &frame) {
        frame.attach_thread(this);
        this->pump();
    }
};

/// A wait in the frame of the coroutine that waits: it owns the thread of awaitables whose topmost frame that is. It
/// costs no allocation, and asio's part of it is compiled once for all types of outcome.
class FrameWait : public ExecutorWait<asio::any_io_executor> {
public:
    using ExecutorWait<asio::any_io_executor>::ExecutorWait;

    /// Makes the wait, once it is complete, known to the context and to the cancellation slot. Called once.
    void begin(asio::cancellation_slot slot) {
        enlist();
        if (!slot.is_connected()) return;
        try {
            slot.emplace<Cancel>(this);
        } catch (...) {
            retire();
            throw;
        }
    }

    using QueuedWait::cancelled;

    /// Takes the thread off the frame, whose coroutine has been suspended. The coroutine may run, and end this object,
    /// before the call is over.
    template <class Frame, class Thread> void suspend(Frame &frame, Thread &thread) noexcept {
        frame_ = &frame;
        resume_ = [](void *suspended, SuspendedThread &on) { on.resume(*static_cast<Frame *>(suspended)); };
        thread_.emplace(&thread);
        if (!enter_source()) schedule();
    }

protected:
    ~FrameWait() = default;

    /// Begins to wait. False if there is something to take.
    virtual bool enter_source() noexcept = 0;

private:
    void run() override {
        // The slot is left empty for the coroutine's next operation. A slot whose signal is gone has destroyed
        // `Cancel`.
        if (cancel_ != nullptr) {
            cancel_->disconnect();
            thread_->get_cancellation_slot().clear();
        }
        retire();
        SuspendedThread thread(std::move(*thread_));
        resume_(frame_, thread);
    }

    void destroy() noexcept override {
        retire();
        // The thread takes its frames along, and this object in one of them.
        const SuspendedThread thread(std::move(*thread_));
    }

    void *frame_ = nullptr;
    void (*resume_)(void *, SuspendedThread &) = nullptr;
    std::optional<SuspendedThread> thread_;
};

/// A coroutine's repeated wait for its turn to look into `source`, which is in the same frame.
template <class T> class FrameSuspension {
public:
    explicit FrameSuspension(AnySource<T> &source) noexcept : source_(source) {}

    /// asio calls this with the frame when its coroutine has been suspended: in a function that must not throw.
    template <class Frame> auto suspend(Frame *frame) noexcept {
        using Thread = decltype(frame->detach_thread());
        if (const auto failure = begin(*frame)) {
            // The thread goes on with its topmost frame, which is still this one.
            failure_ = failure;
            return Thread();
        }
        const Thread thread = frame->detach_thread();
        wait_->suspend(*frame, *thread);
        return thread;
    }

    /// The reason why there is nothing to take, if that is final.
    std::error_code failure() const noexcept {
        if (failure_) return *failure_;
        return wait_->cancelled() ? std::error_code(asio::error::operation_aborted) : std::error_code();
    }

private:
    class Wait final : public FrameWait {
    public:
        Wait(AnySource<T> &source, const asio::any_io_executor &executor) : FrameWait(executor), source_(source) {}
        bool leave_source() noexcept override { return source_.withdraw(*this); }

    private:
        bool enter_source() noexcept override { return source_.wait(*this); }
        AnySource<T> &source_;
    };

    /// The part that may fail.
    template <class Frame> std::error_code begin(Frame &frame) noexcept {
        try {
            const auto executor = frame.await_transform(asio::this_coro::executor).await_resume();
            const auto cancellation = frame.await_transform(asio::this_coro::cancellation_state).await_resume();
            wait_.emplace(source_, executor).begin(cancellation.slot());
        } catch (const std::system_error &error) {
            return error.code();
        } catch (const std::bad_alloc &) {
            return std::make_error_code(std::errc::not_enough_memory);
        }
        return {};
    }

    AnySource<T> &source_;
    std::optional<Wait> wait_;
    std::optional<std::error_code> failure_;
};

}  // namespace comoq::detail
