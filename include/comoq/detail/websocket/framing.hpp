// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "../../error.hpp"
#include "../../websocket/role.hpp"
#include "../qmux/record.hpp"

#include <asio/buffer.hpp>
#include <asio/error.hpp>

#include <openssl/rand.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::websocket {

/// The frames of a WebSocket (RFC 6455, section 5) by wslay, without the byte stream below: it takes received bytes,
/// returns the records in them, and produces the bytes to send. A record is a binary message. It answers pings and the
/// close frame.
///
/// A close frame reports a peer's error to it and ends the input: text (1003), a record that is too large (1009), bytes
/// that are not a WebSocket's (1002, or without a code). For any input, this holds at most a record, some kilobytes,
/// and the answers. Threads: one at a time.
class Framing {
public:
    /// `max_record_size` in bytes.
    Framing(Role role, std::uint64_t max_record_size) : role_(role), max_record_size_(max_record_size) {
        wslay_event_callbacks events{};
        events.recv_callback = &Framing::give_input;
        events.send_callback = &Framing::take_answer;
        events.genmask_callback = [](wslay_event_context_ptr, std::uint8_t *to, std::size_t size, void *) {
            return make_mask(to, size, nullptr);
        };
        events.on_frame_recv_start_callback = &Framing::frame_begins;
        events.on_frame_recv_chunk_callback = &Framing::payload_comes;
        events.on_msg_recv_callback = &Framing::message_ends;
        const auto make = role == Role::Server ? &wslay_event_context_server_init : &wslay_event_context_client_init;
        wslay_event_context_ptr made = nullptr;
        if (make(&made, &events, this) != 0) throw std::bad_alloc();
        events_.reset(made);
        // The payload comes as it arrives and is assembled here, which saves a copy.
        wslay_event_config_set_no_buffering(made, 1);
        // So is the size of a record with all of its parts.
        wslay_event_config_set_max_recv_msg_length(made, std::numeric_limits<std::uint64_t>::max());

        wslay_frame_callbacks frames{};
        frames.send_callback = &Framing::take_frame;
        frames.genmask_callback = &Framing::make_mask;
        wslay_frame_context_ptr made_for_records = nullptr;
        if (wslay_frame_context_init(&made_for_records, &frames, this) != 0) throw std::bad_alloc();
        frames_.reset(made_for_records);
    }
    Framing(const Framing &) = delete;
    Framing &operator=(const Framing &) = delete;

    // Input.

    /// Takes bytes up to the end of a record, some bytes more, or all of them, and returns how many it took. Takes none
    /// while there is a record, or while too many answers wait to be sent: `is_clogged()`. Invalidates records returned
    /// earlier.
    std::size_t input(std::span<const std::byte> bytes) {
        if (has_record() || ends()) return 0;
        records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(begin_of_open_record()));
        ends_.clear();
        given_ = 0;
        input_ = bytes;
        const int result = wslay_event_recv(events_.get());
        const auto taken = bytes.size() - std::exchange(input_, {}).size();
        if (failure_) std::rethrow_exception(failure_);
        if (result == WSLAY_ERR_NOMEM) throw std::bad_alloc();
        if (!wslay_event_get_read_enabled(events_.get()) && !end_) {
            end_ = make_error_code(Error::ProtocolViolation);
            if (wslay_event_get_close_received(events_.get())) end_ = asio::error::eof;
        }
        return taken;
    }
    bool has_record() const noexcept { return given_ != ends_.size(); }
    /// Some of the answers must be sent before more input is taken.
    bool is_clogged() const noexcept { return wslay_event_get_queued_msg_count(events_.get()) >= most_answers; }
    /// The oldest record; it stays until the next `input`.
    std::span<const std::byte> take_record() noexcept {
        const auto begin = given_ == 0 ? 0 : ends_[given_ - 1];
        const auto end = ends_[given_++];
        return std::span(records_).subspan(begin, end - begin);
    }
    /// Why no more records come after the ones that are here: `asio::error::eof` if the peer has closed,
    /// ProtocolViolation, Decode for a record that was too large. False as long as records may come.
    std::error_code end() const noexcept { return end_; }
    bool ends() const noexcept { return static_cast<bool>(end_); }

    // Output.

    /// Frames a record: appends the bytes to send to `to`; a server's payload is not copied. All of it stays valid
    /// until the next call. Throws Unsupported if no random numbers are available for a mask.
    void frame(std::span<const asio::const_buffer> record, std::vector<asio::const_buffer> &to) {
        const auto size = asio::buffer_size(record);
        own_.clear();
        // The callbacks that wslay calls must not throw.
        own_.reserve(longest_frame_head + (role_ == Role::Client ? size : 0));
        const auto place = to.size();
        to.resize(place + 1);
        to.reserve(to.size() + record.size());
        to_ = &to;

        wslay_frame_iocb part{};
        part.fin = 1;
        part.opcode = WSLAY_BINARY_FRAME;
        part.payload_length = size;
        part.mask = role_ == Role::Client ? 1 : 0;
        head_is_next_ = true;
        send(part);
        head_is_next_ = false;
        for (const asio::const_buffer &buffer : record) {
            part.data = static_cast<const std::uint8_t *>(buffer.data());
            part.data_length = buffer.size();
            if (part.data_length != 0) send(part);
        }
        to[place] = asio::buffer(own_);
    }

    /// Queues a close frame, unless one was queued before.
    void queue_close(std::uint16_t code) noexcept { wslay_event_queue_close(events_.get(), code, nullptr, 0); }
    /// No further record may be sent.
    bool is_closing() const noexcept { return ends() || !wslay_event_get_write_enabled(events_.get()); }
    /// Answers or a close frame wait to be sent.
    bool has_answers() const noexcept { return wslay_event_want_write(events_.get()) != 0; }
    /// Appends them to `to`.
    void take_answers(std::vector<std::byte> &to) {
        answers_ = &to;
        const int result = wslay_event_send(events_.get());
        if (failure_) std::rethrow_exception(failure_);
        if (result != 0) comoq::detail::throw_error(make_error_code(Error::Unsupported));
    }

private:
    static constexpr std::size_t longest_frame_head = 14;
    // A peer that pings faster than it reads is not read until it catches up.
    static constexpr std::size_t most_answers = 16;

    std::size_t begin_of_open_record() const noexcept { return ends_.empty() ? 0 : ends_.back(); }

    void fail(std::uint16_t code, Error error) noexcept {
        if (!end_) end_ = make_error_code(error);
        queue_close(code);
        wslay_event_shutdown_read(events_.get());
    }

    void send(wslay_frame_iocb &part) {
        if (wslay_frame_send(frames_.get(), &part) < 0) comoq::detail::throw_error(make_error_code(Error::Unsupported));
    }

    // Callbacks of wslay. It is C, and no exception may pass through it.

    static Framing &self_of(void *data) noexcept { return *static_cast<Framing *>(data); }

    static ssize_t give_input(wslay_event_context_ptr context, std::uint8_t *to, std::size_t room, int, void *data) noexcept {
        Framing &self = self_of(data);
        const auto size = self.has_record() || self.is_clogged() ? 0 : std::min(room, self.input_.size());
        if (size == 0) {
            wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
            return -1;
        }
        std::memcpy(to, self.input_.data(), size);
        self.input_ = self.input_.subspan(size);
        return static_cast<ssize_t>(size);
    }

    static void frame_begins(wslay_event_context_ptr, const wslay_event_on_frame_recv_start_arg *frame, void *data) noexcept {
        Framing &self = self_of(data);
        self.is_control_ = wslay_is_ctrl_frame(frame->opcode) != 0;
        // Half a code (RFC 6455, section 5.5.1), which wslay takes for none.
        if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1)
            self.fail(WSLAY_CODE_PROTOCOL_ERROR, Error::ProtocolViolation);
        if (self.is_control_) return;
        const auto have = self.records_.size() - self.begin_of_open_record();
        if (frame->opcode == WSLAY_TEXT_FRAME)
            self.fail(WSLAY_CODE_UNSUPPORTED_DATA, Error::ProtocolViolation);
        else if (frame->payload_length > self.max_record_size_ - have)
            self.fail(WSLAY_CODE_MESSAGE_TOO_BIG, Error::Decode);
    }

    static void payload_comes(wslay_event_context_ptr context, const wslay_event_on_frame_recv_chunk_arg *chunk,
                              void *data) noexcept {
        Framing &self = self_of(data);
        if (self.is_control_ || self.ends()) return;
        try {
            const auto bytes = std::as_bytes(std::span(chunk->data, chunk->data_length));
            self.records_.insert(self.records_.end(), bytes.begin(), bytes.end());
        } catch (...) {
            self.failure_ = std::current_exception();
            wslay_event_shutdown_read(context);
        }
    }

    static void message_ends(wslay_event_context_ptr context, const wslay_event_on_msg_recv_arg *message,
                             void *data) noexcept {
        Framing &self = self_of(data);
        if (wslay_is_ctrl_frame(message->opcode) || self.ends() || self.failure_) return;
        try {
            self.ends_.push_back(self.records_.size());
        } catch (...) {
            self.failure_ = std::current_exception();
            wslay_event_shutdown_read(context);
        }
    }

    static ssize_t take_answer(wslay_event_context_ptr context, const std::uint8_t *bytes, std::size_t size, int,
                               void *data) noexcept {
        Framing &self = self_of(data);
        try {
            const auto all = std::as_bytes(std::span(bytes, size));
            self.answers_->insert(self.answers_->end(), all.begin(), all.end());
            return static_cast<ssize_t>(size);
        } catch (...) {
            self.failure_ = std::current_exception();
            wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
            return -1;
        }
    }

    static ssize_t take_frame(const std::uint8_t *bytes, std::size_t size, int, void *data) noexcept {
        Framing &self = self_of(data);
        // Only on a server's side is the payload the one passed to `frame`, and stays in place.
        if (self.role_ == Role::Server && !self.head_is_next_) {
            self.to_->emplace_back(bytes, size);
        } else {
            const auto all = std::as_bytes(std::span(bytes, size));
            self.own_.insert(self.own_.end(), all.begin(), all.end());
        }
        return static_cast<ssize_t>(size);
    }

    static int make_mask(std::uint8_t *to, std::size_t size, void *) noexcept {
        return RAND_bytes(to, static_cast<int>(size)) == 1 ? 0 : -1;
    }

    struct Free {
        void operator()(wslay_event_context_ptr context) const noexcept { wslay_event_context_free(context); }
        void operator()(wslay_frame_context_ptr context) const noexcept { wslay_frame_context_free(context); }
    };

    const Role role_;
    const std::uint64_t max_record_size_;
    std::unique_ptr<wslay_event_context, Free> events_;
    std::unique_ptr<wslay_frame_context, Free> frames_;  // of outgoing records
    std::exception_ptr failure_;

    std::span<const std::byte> input_;
    std::vector<std::byte> records_;
    std::vector<std::size_t> ends_;  // ends of complete records in `records_`
    std::size_t given_ = 0;          // how many of those were returned
    bool is_control_ = false;        // of the incoming frame
    std::error_code end_;

    std::vector<std::byte> *answers_ = nullptr;
    std::vector<asio::const_buffer> *to_ = nullptr;
    std::vector<std::byte> own_;  // of the outgoing frame: its head, and the masked payload
    bool head_is_next_ = false;
};

}  // namespace comoq::websocket
