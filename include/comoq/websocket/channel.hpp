// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/wait/failure.hpp"
#include "../detail/qmux/record.hpp"
#include "../detail/qmux/unsent_limit.hpp"
#include "../detail/qmux/write_now.hpp"
#include "../detail/websocket/framing.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::websocket {

/// Records over a WebSocket: each binary message is a record. The byte stream is one of asio's: a TCP socket, or TLS
/// over one (`Stream` has `async_read_some`, `async_write_some`, `get_executor()` and `lowest_layer()`).
///
/// The stream's upgrade must be complete (`accept`, `connect`). Set TCP_NODELAY for small records. Reading records also
/// answers pings and the peer's close frame. Threads: as for the stream.
template <class Stream> class WebSocketChannel {
public:
    /// `leftover`: bytes of the stream that arrived behind the handshake. `max_record_size`, in bytes: this side's
    /// limit in the connection's parameters.
    WebSocketChannel(Stream stream, Role role, std::vector<std::byte> leftover = {},
                     std::uint64_t max_record_size = qmux::default_max_record_size)
        : state_(std::make_shared<State>(std::move(stream), role, std::move(leftover), max_record_size)) {}
    WebSocketChannel(WebSocketChannel &&) noexcept = default;
    WebSocketChannel &operator=(WebSocketChannel &&) = delete;
    /// Pending reads and writes fail.
    ~WebSocketChannel() {
        if (state_) state_->shut();
    }

    /// The executor of the stream.
    asio::any_io_executor get_executor() { return state_->stream.get_executor(); }

    /// Returns the next message, which may be empty and stays until the next call. Throws Decode for a message that is
    /// too large, ProtocolViolation for text and for bytes that are not a WebSocket's (a close frame tells the peer),
    /// `asio::error::eof` when the peer has closed, with or without a close frame, and the stream's errors.
    asio::awaitable<std::span<const std::byte>> read_record() {
        const auto state = state_;
        if (!state->executor) state->executor = co_await asio::this_coro::executor;
        while (true) {
            if (state->framing.has_record()) co_return state->framing.take_record();
            if (state->framing.ends()) comoq::detail::throw_error(state->framing.end());
            if (state->framing.is_clogged()) {
                if (state->is_mute) comoq::detail::throw_error(asio::error::broken_pipe);
                co_await wait_for_turn(state);
                continue;
            }
            if (state->begin == state->end) {
                const asio::mutable_buffer room(state->input.data(), state->input.size());
                const std::size_t count = co_await state->stream.async_read_some(room, asio::use_awaitable);
                state->begin = 0;
                state->end = count;
            }
            state->begin += state->framing.input(std::span(state->input).subspan(state->begin, state->end - state->begin));
            answer(state);
        }
    }

    /// Writes one message, after those that are being written. The frames must stay in place until it completes. Throws the
    /// stream's errors, and `asio::error::broken_pipe` after a close frame. If it fails or is cancelled while it writes, a part
    /// may have been sent, and later calls throw `asio::error::broken_pipe`.
    asio::awaitable<void> write_record(std::span<const asio::const_buffer> frames) {
        const auto state = state_;
        if (!state->executor) state->executor = co_await asio::this_coro::executor;
        if (!std::exchange(state->is_begun, false)) {
            while (state->is_writing) co_await wait_for_turn(state);
            if (state->is_mute || state->framing.is_closing()) comoq::detail::throw_error(asio::error::broken_pipe);
            state->frame(frames);
        }
        {
            Writing writing(state);
            const std::span<const asio::const_buffer> all(state->output);
            co_await asio::async_write(state->stream, all, asio::use_awaitable);
            writing.succeeds();
        }
        answer(state);
    }

    /// Writes as much of a message as the socket takes without a wait, unless something else is being written. If that is not
    /// all of it, returns false: `write_record` with the same frames writes the rest, and must be called next. Not over TLS.
    bool write_now(std::span<const asio::const_buffer> frames)
        requires qmux::detail::WritesNow<Stream>
    {
        State &state = *state_;
        if (state.is_writing || state.is_mute || state.framing.is_closing()) return false;
        state.frame(frames);
        qmux::detail::drop_front(state.output, qmux::detail::write_now(state.stream, state.output));
        // Answers do not go between the two parts.
        state.is_writing = state.is_begun = !state.output.empty();
        return !state.is_begun;
    }

    /// The peer is still to be told something: the answer to its close frame, or to a fault of its. It follows the record
    /// that is being written.
    bool is_answering() const noexcept {
        return !state_->is_mute && state_->framing.is_closing() && (state_->is_writing || state_->framing.has_answers());
    }
    /// Completes when the peer has been told, or cannot be any more. Call it in the place of another `read_record`.
    asio::awaitable<void> answered() {
        const auto state = state_;
        while (state->is_writing && !state->is_mute) co_await wait_for_turn(state);
    }

    /// The most bytes that the system should hold ahead of what it has sent, if it can be told that; never more than the
    /// socket's own limit when this is called first.
    void limit_unsent(std::size_t bytes) noexcept { state_->unsent_limit.set(state_->stream.lowest_layer(), bytes); }

    /// Immediate. Waiting reads and writes fail. Sends a close frame first if there is room for it.
    void close() noexcept {
        try {
            // Writes as much as goes without waiting.
            if (!state_->is_mute) state_->framing.queue_close(WSLAY_CODE_NORMAL_CLOSURE);
            answer(state_);
        } catch (...) {
        }
        state_->shut();
    }

private:
    struct State {
        State(Stream stream_, Role role, std::vector<std::byte> leftover, std::uint64_t max_record_size)
            : stream(std::move(stream_)), turn(stream.get_executor()), framing(role, max_record_size),
              input(std::move(leftover)), end(input.size()) {
            if (input.size() < read_at_once) input.resize(read_at_once);
            turn.expires_at(asio::steady_timer::time_point::max());
        }

        void frame(std::span<const asio::const_buffer> frames) {
            output.clear();
            framing.frame(frames, output);
        }
        void shut() noexcept {
            is_mute = true;
            if (std::exchange(is_begun, false)) {
                // The rest of that record will not come.
                is_writing = false;
                turn.cancel();
            }
            std::error_code ignored;
            stream.lowest_layer().close(ignored);
        }

        Stream stream;
        asio::any_io_executor executor;  // of the coroutines
        asio::steady_timer turn;         // cancelled when a write is over
        Framing framing;
        std::vector<std::byte> input;
        std::size_t begin = 0, end;  // the received bytes that nobody has taken
        std::vector<asio::const_buffer> output;
        std::vector<std::byte> answers;  // the answers being written
        qmux::detail::UnsentLimit unsent_limit;
        bool is_writing = false;
        bool is_begun = false;  // a part of a record is written, and the rest is in `output`
        bool is_mute = false;  // nothing can be written any more
    };

    /// True while a record is being written. If the write fails, part of a frame may have been sent.
    class Writing {
    public:
        explicit Writing(std::shared_ptr<State> state) noexcept : state_(std::move(state)) { state_->is_writing = true; }
        Writing(const Writing &) = delete;
        Writing &operator=(const Writing &) = delete;
        ~Writing() {
            state_->is_writing = false;
            state_->is_mute = state_->is_mute || !succeeded_;
            state_->turn.cancel();
        }
        void succeeds() noexcept { succeeded_ = true; }

    private:
        const std::shared_ptr<State> state_;
        bool succeeded_ = false;
    };

    /// Writes the answers that are due, beside the reading. If a record is being written, the answers follow it.
    static void answer(const std::shared_ptr<State> &state) {
        if (state->is_writing || state->is_mute || !state->framing.has_answers()) return;
        state->answers.clear();
        state->framing.take_answers(state->answers);
        const auto over = [state](std::error_code code, std::size_t) {
            state->is_writing = false;
            if (code) state->is_mute = true;
            state->turn.cancel();
            answer(state);
        };
        const auto executor = state->executor ? state->executor : asio::any_io_executor(state->stream.get_executor());
        asio::async_write(state->stream, asio::buffer(state->answers), asio::bind_executor(executor, over));
        state->is_writing = true;
    }

    static asio::awaitable<void> wait_for_turn(std::shared_ptr<State> state) {
        std::error_code ignored;
        co_await state->turn.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

    // In bytes: the largest record of the other implementations, with some room to spare.
    static constexpr std::size_t read_at_once = 16 * 1024;

    std::shared_ptr<State> state_;
};

}  // namespace comoq::websocket
