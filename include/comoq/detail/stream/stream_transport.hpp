// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "../wait/mapped_source.hpp"
#include "../wait/outcome.hpp"
#include "aftermath.hpp"
#include "datagram_buffer.hpp"
#include "receive_half.hpp"
#include "send_half.hpp"
#include "../wait/step.hpp"
#include "stream_rules.hpp"
#include "../wait/sync.hpp"
#include "../../operation.hpp"
#include "../../transport.hpp"
#include "../../transport_code.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The application's side of a connection, which is the same for every wire: handles, queues and waiters. The wire's
/// side derives from it, and includes stream_handles.hpp, which has the handles. This class tells it under the lock of the
/// application's actions, and the wire wakes the code that moves the bytes.
class StreamTransport : public Transport, public std::enable_shared_from_this<StreamTransport> {
public:
    /// A stream as the wire makes it: a missing half is null.
    struct Halves {
        std::shared_ptr<SendHalf> send;
        std::shared_ptr<ReceiveHalf> receive;
    };
    enum class Kind { Bidi, Uni };

    Mutex &mutex() const noexcept { return *mutex_; }
    bool is_closed() const noexcept { return closed_; }
    std::error_code close_code() const noexcept { return close_code_; }
    WaitList &closed_waits() noexcept { return closed_waits_; }

    asio::any_io_executor executor() const override { return executor_; }
    bool is_client() const noexcept override { return client_; }

    asio::awaitable<std::unique_ptr<SendStream>> open_uni() override;
    std::unique_ptr<SendStream> open_uni_now(Passkey) override;
    asio::awaitable<BidiStream> open_bidi() override;
    asio::awaitable<std::unique_ptr<ReceiveStream>> accept_uni() override;
    asio::awaitable<BidiStream> accept_bidi() override;
    asio::awaitable<Bytes> receive_datagram() override {
        return Operation<Bytes>(Passkey(), Step(DatagramRule<StreamTransport>(shared_from_this())));
    }
    asio::awaitable<std::error_code> closed() override {
        return Operation<std::error_code>(Passkey(), Step(ClosedRule<StreamTransport>(shared_from_this())));
    }
    std::string end_reason() const override {
        Lock lock(mutex());
        return closed_ ? end_reason_ : std::string();
    }
    void close(std::uint64_t number, std::string_view reason) override {
        Aftermath after;
        Lock lock(mutex());
        if (closed_) return;
        ends_because(reason);
        number = std::min(number, max_end_number);
        try {
            close_wanted(number, reason, after);
        } catch (const std::bad_alloc &) {
            // It is over for this side nevertheless.
        }
        lose(connection_ended(number), after);
    }
    void abandon_with(std::uint64_t number) override {
        Lock lock(mutex());
        abandon_number_ = number;
    }
    void send_datagram(Bytes datagram) override {
        Aftermath after;
        Lock lock(mutex());
        if (!closed_ && may_send(datagram.size())) datagram_wanted(datagram, after);
    }

    // For the rules: under the lock.

    WaitList &open_waits(Kind kind) noexcept { return queues(kind).open_waits; }
    bool may_open_now(Kind kind) const noexcept { return closed_ || may_open(kind); }
    Outcome<Halves> open_now(Kind kind) {
        return closed_ ? Outcome<Halves>(lost_code()) : Outcome<Halves>(std::in_place, open(kind));
    }
    WaitList &accept_waits(Kind kind) noexcept { return queues(kind).accept_waits; }
    bool has_incoming(Kind kind) const noexcept { return closed_ || !queues(kind).incoming.empty(); }
    Outcome<Halves> take_incoming(Kind kind) noexcept {
        return closed_ ? Outcome<Halves>(lost_code()) : taken_from(queues(kind).incoming);
    }
    WaitList &datagram_waits() noexcept { return datagram_waits_; }
    bool has_datagram() const noexcept { return closed_ || !datagrams_.empty(); }
    Outcome<Bytes> take_datagram() noexcept {
        return closed_ ? Outcome<Bytes>(lost_code()) : Outcome<Bytes>(std::in_place, datagrams_.take());
    }

    // For the handles of streams.

    void was_accepted(const Halves &halves) {
        Aftermath after;
        Lock lock(mutex());
        if (!closed_) accepted(halves, after);
    }
    void was_read(ReceiveHalf &half, std::size_t count) {
        Aftermath after;
        Lock lock(mutex());
        if (!closed_) consumed(half, count, after);
    }
    /// False after `finish()`. A payload that is not taken stays with the caller.
    bool write(SendHalf &half, std::span<const std::byte> head, Bytes &&payload) {
        Aftermath after;
        Lock lock(mutex());
        if (half.finished()) return false;
        if (half.push(head, std::move(payload))) send_changed(half, after);
        return true;
    }
    /// The same for a writer that does not wait: false if it would have to, or if the stream is over.
    bool write_now(SendHalf &half, std::span<const std::byte> head, Bytes &payload) {
        Aftermath after;
        Lock lock(mutex());
        if (!half.has_room_for(head.size() + payload.size())) return false;
        if (half.push(head, std::move(payload))) send_changed(half, after);
        return true;
    }
    void finish(SendHalf &half) {
        Aftermath after;
        Lock lock(mutex());
        if (half.over() || half.finished()) return;
        half.finish(after.wake);
        send_changed(half, after);
    }
    void reset(SendHalf &half, std::uint64_t number) {
        Aftermath after;
        Lock lock(mutex());
        reset(half, number, after);
    }
    /// Nobody writes to it any more. Without memory to say that, the peer learns of it at the end of the connection.
    void abandon(SendHalf &half) noexcept {
        try {
            Aftermath after;
            Lock lock(mutex());
            if (!half.finished()) reset(half, abandon_number_, after);
        } catch (const std::bad_alloc &) {
        }
    }
    /// The same for its reader.
    void abandon(ReceiveHalf &half) noexcept {
        try {
            Aftermath after;
            Lock lock(mutex());
            stop(half, abandon_number_, after);
        } catch (const std::bad_alloc &) {
        }
    }
    /// For a stream of the peer's that found no memory here.
    void refuse(const Halves &halves) noexcept {
        try {
            was_accepted(halves);
        } catch (const std::bad_alloc &) {
        }
        if (halves.send != nullptr) abandon(*halves.send);
        if (halves.receive != nullptr) abandon(*halves.receive);
    }
    /// The handle that `make()` gives to a stream of the peer's. Without memory for it the stream is refused.
    template <class Make> auto accepted(const Halves &halves, Make make) {
        try {
            auto stream = make();
            was_accepted(halves);
            return stream;
        } catch (...) {
            refuse(halves);
            throw;
        }
    }
    void set_order(SendHalf &half, const SendOrder &order) {
        Lock lock(mutex());
        if (!(half.order() == order)) order_changed(half, order);
    }
    bool tell(SendHalf &half, StopHook *hook) noexcept {
        WakeList wake;
        Lock lock(mutex());
        return half.tell(hook, wake);
    }
    std::size_t unsent(const SendHalf &half) const noexcept {
        Lock lock(mutex());
        return to_send(half);
    }
    bool seems_lost(const SendHalf &half) const noexcept {
        Lock lock(mutex());
        return is_unanswered(half);
    }
    void stop(ReceiveHalf &half, std::uint64_t number) {
        Aftermath after;
        Lock lock(mutex());
        stop(half, number, after);
    }

protected:
    StreamTransport(asio::any_io_executor executor, std::shared_ptr<Mutex> mutex, bool client)
        : executor_(std::move(executor)), mutex_(std::move(mutex)), client_(client) {}

    // The wire's response to the application. All under the lock.

    virtual bool may_open(Kind kind) const noexcept = 0;
    virtual Halves open(Kind kind) = 0;
    /// The application has a stream that the peer opened.
    virtual void accepted(const Halves &, Aftermath &) {}
    /// There is more to send, or the end.
    virtual void send_changed(SendHalf &half, Aftermath &after) = 0;
    virtual void reset_wanted(SendHalf &half, std::uint64_t number, Aftermath &after) = 0;
    virtual void order_changed(SendHalf &half, const SendOrder &order) { half.set_order(order); }
    virtual std::size_t to_send(const SendHalf &half) const noexcept { return half.pending(); }
    virtual bool is_unanswered(const SendHalf &) const noexcept { return false; }
    /// The application has read or dropped `count` bytes.
    virtual void consumed(ReceiveHalf &half, std::size_t count, Aftermath &after) = 0;
    /// `over`: nothing more would arrive anyway.
    virtual void stop_wanted(ReceiveHalf &half, bool over, std::uint64_t number, Aftermath &after) = 0;
    /// The caller destroys the rest of `datagram` after the lock.
    virtual void datagram_wanted(Bytes &datagram, Aftermath &after) = 0;
    virtual void close_wanted(std::uint64_t number, std::string_view reason, Aftermath &after) = 0;
    /// Every stream that is not over fails with `code`.
    virtual void fail_streams(std::error_code code, Aftermath &after) = 0;

    // The wire's news for the application. All under the lock.

    void arrived(Kind kind, Halves halves, Aftermath &after) {
        queues(kind).incoming.push_back(std::move(halves));
        after.wake.take(queues(kind).accept_waits);
    }
    std::size_t waiting_to_be_accepted(Kind kind) const noexcept { return queues(kind).incoming.size(); }
    /// The code for everything that fails because the connection is over.
    std::error_code lost_code() const noexcept { return close_code_ ? close_code_ : make_error_code(Error::Closed); }
    void may_open_more(Kind kind, Aftermath &after) noexcept { after.wake.take(queues(kind).open_waits); }
    /// The caller destroys the rest of `datagram` after the lock.
    void datagram_arrived(Bytes &datagram, Aftermath &after) {
        datagrams_.push(datagram);
        after.wake.take(datagram_waits_);
    }
    /// What will be said of the end, if it has not come. Without memory nothing is.
    void ends_because(std::string_view reason) noexcept {
        if (closed_ || reason.empty()) return;
        try {
            end_reason_ = reason.substr(0, 200);
        } catch (const std::bad_alloc &) {
        }
    }
    /// The connection is over. The first code counts.
    void lose(std::error_code code, Aftermath &after) {
        if (closed_) return;
        closed_ = true;
        close_code_ = code;
        fail_streams(lost_code(), after);
        for (Queues *each : {&bidi_, &uni_}) {
            each->incoming.clear();
            after.wake.take(each->accept_waits);
            after.wake.take(each->open_waits);
        }
        datagrams_.clear(after);
        after.wake.take(datagram_waits_);
        after.wake.take(closed_waits_);
    }

private:
    BidiStream both(Halves &&halves);
    void reset(SendHalf &half, std::uint64_t number, Aftermath &after) {
        number = std::min(number, max_end_number);
        if (half.fail(stream_ended(number), after)) reset_wanted(half, number, after);
    }
    void stop(ReceiveHalf &half, std::uint64_t number, Aftermath &after) {
        if (half.stopped()) return;
        const bool over = half.ended();
        const std::size_t dropped = half.stop(after.wake);
        if (closed_) return;
        consumed(half, dropped, after);
        stop_wanted(half, over, std::min(number, max_end_number), after);
    }
    bool may_send(std::size_t size) const noexcept {
        const std::size_t most = max_datagram_size();
        return most != 0 && size <= most;
    }

    struct Queues {
        std::deque<Halves> incoming;
        WaitList accept_waits;
        WaitList open_waits;
    };
    Queues &queues(Kind kind) noexcept { return kind == Kind::Bidi ? bidi_ : uni_; }
    const Queues &queues(Kind kind) const noexcept { return kind == Kind::Bidi ? bidi_ : uni_; }

    template <class T> static Outcome<T> taken_from(std::deque<T> &queue) noexcept {
        Outcome<T> front(std::in_place, std::move(queue.front()));
        queue.pop_front();
        return front;
    }

    const asio::any_io_executor executor_;
    const std::shared_ptr<Mutex> mutex_;
    const bool client_;
    Queues bidi_;
    Queues uni_;
    DatagramBuffer datagrams_;
    WaitList datagram_waits_;
    bool closed_ = false;
    std::error_code close_code_;
    std::string end_reason_;
    std::uint64_t abandon_number_ = 0;
    WaitList closed_waits_;
};

}  // namespace comoq::detail
