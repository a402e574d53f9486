// SPDX-License-Identifier: MIT
#pragma once
#include "frame_wait.hpp"
#include "post_room.hpp"
#include "poster.hpp"
#include "turn.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace comoq::detail {

/// A turn of the others on the executor, as `next_turn`, for a coroutine that must not fail for want of memory: the
/// memory is in the coroutine's own frame. Where waking a waiter needs no memory (see Operation), this needs none either,
/// so that a loop that waits for memory is always suspended between two attempts. Nothing cancels it.
///
///     FrameTurn turn;
///     co_await turn.take();
class FrameTurn {
public:
    FrameTurn() = default;
    FrameTurn(const FrameTurn &) = delete;
    FrameTurn &operator=(const FrameTurn &) = delete;

    auto take() {
        if constexpr (waits_in_frame)
            return [this](auto *frame) noexcept { return suspend(*frame); };
        else
            return attempt();
    }

private:
    /// The function on the executor. If it is destroyed without having run, it takes the coroutine along.
    class Resume {
    public:
        explicit Resume(FrameTurn &turn) noexcept : turn_(&turn) {}
        Resume(Resume &&other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}
        Resume &operator=(Resume &&) = delete;
        ~Resume() {
            if (turn_ != nullptr) const SuspendedThread destroyed(turn_->leave());
        }
        void operator()() {
            FrameTurn &turn = *std::exchange(turn_, nullptr);
            void *const frame = turn.frame_;
            const auto resume = turn.resume_;
            SuspendedThread thread(turn.leave());
            resume(frame, thread);
        }
        PostRoom::Allocator<std::byte> room() const noexcept { return PostRoom::Allocator<std::byte>(turn_->room_); }

    private:
        FrameTurn *turn_;
    };

    template <class Frame> auto suspend(Frame &frame) noexcept {
        const auto executor = frame.await_transform(asio::this_coro::executor).await_resume();
        const auto thread = frame.detach_thread();
        frame_ = &frame;
        resume_ = [](void *suspended, SuspendedThread &on) { on.resume(*static_cast<Frame *>(suspended)); };
        thread_.emplace(thread);
        PosterFor<asio::any_io_executor>::type poster(executor);
        // This object may be gone when the call is over.
        poster(Resume(*this));
        return thread;
    }
    SuspendedThread leave() noexcept {
        SuspendedThread thread(std::move(*thread_));
        thread_.reset();
        return thread;
    }

    /// With an asio whose awaitables are made in another way.
    static asio::awaitable<void> attempt() {
        try {
            auto turn = next_turn();
            co_await std::move(turn);
        } catch (const std::exception &) {
        }
    }

    PostRoom room_;
    void *frame_ = nullptr;
    void (*resume_)(void *, SuspendedThread &) = nullptr;
    std::optional<SuspendedThread> thread_;
};

}  // namespace comoq::detail
