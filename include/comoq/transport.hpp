// SPDX-License-Identifier: MIT
#pragma once
#include "bytes.hpp"
#include "detail/wait/passkey.hpp"
#include "transport_code.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq {

namespace detail {
class StopHook;
}  // namespace detail

/// \file
/// A connection as a session needs it: streams like QUIC's, and datagrams if the transport has them. Sessions use only
/// these classes, so that a program can supply its own transport.
///
/// Streams and connections end with bare numbers, of at most 62 bits; a larger one counts as the largest. Whatever fails
/// because something ended with a number fails with a code of transport_code.hpp. Waits can be cancelled; a cancellation
/// takes back nothing that was done before. When the connection is lost or closed, everything that waits, and everything
/// begun afterwards, fails with the code of `closed()` (Closed if that is false).
///
/// Threads: as for sockets of asio, use a connection and its streams on one executor, a strand if several threads run
/// it. But any thread may call `close()` and destroy handles of streams at any time. Streams may outlive their
/// connection.

/// The order of sending when a connection does not take everything: control before media, then the higher priority,
/// then the higher tie-break. Of streams that are equal so far, those of one flow go by rank, the lowest first, and
/// flows take turns.
struct SendOrder {
    /// The subscriber's wish; higher goes first.
    std::uint8_t priority = 0;
    /// The publisher's wish, among equal priorities; higher goes first.
    std::uint8_t tie_break = 0;
    /// Streams of one flow, such as a subscription, follow one another. Flows that are equal so far take turns.
    std::uint64_t flow = 0;
    /// The place in the flow; lower goes first.
    std::uint64_t rank = 0;
    /// Requests, answers and announcements. A stream has this class until `set_order` lowers it, so that media never
    /// delays an answer.
    bool control = false;

    /// The order of a stream until somebody sets one.
    static constexpr SendOrder for_control() noexcept {
        SendOrder order;
        order.control = true;
        return order;
    }
    /// The greater, the sooner, in any flow.
    constexpr std::uint32_t urgency() const noexcept {
        return (control ? std::uint32_t{1} << 16 : 0) | static_cast<std::uint32_t>(priority << 8 | tie_break);
    }
    friend bool operator==(const SendOrder &, const SendOrder &) = default;
};

/// The writing end of a stream. If it is destroyed before `finish()`, it resets the stream with the number of
/// `Transport::abandon_with`.
class SendStream {
public:
    virtual ~SendStream() = default;
    SendStream(const SendStream &) = delete;
    SendStream &operator=(const SendStream &) = delete;

    /// Appends `head`, at most `max_head` bytes, which are copied, and `payload`, which is shared. Both are taken in
    /// the call; the awaitable completes when the stream can take more. Fails with the number of a reset, or of the
    /// peer's stop, and with Closed after `finish()`. The payload's owner is released when the payload has been sent or
    /// dropped, on any thread and without a lock of the connection.
    virtual asio::awaitable<void> write(std::span<const std::byte> head, Bytes payload) = 0;
    asio::awaitable<void> write(Bytes payload) { return write({}, std::move(payload)); }
    /// The most bytes of `head`.
    static constexpr std::size_t max_head = 16;

    /// Nothing follows. Data that is already written is still sent.
    virtual void finish() = 0;

    /// Completes when everything written has been sent, including the end. Fails as `write` does.
    virtual asio::awaitable<void> sent() = 0;

    /// Ends the stream here; unsent data is dropped. Does nothing if the stream was reset before, or has been sent
    /// completely.
    virtual void reset(std::uint64_t number) = 0;

    /// Completes when the stream is over: with the number with which the peer stopped it, or of a reset, with the code
    /// of the connection, or with a false code when everything has been sent, including the end.
    virtual asio::awaitable<std::error_code> stopped() = 0;

    /// `SendOrder::for_control()` until this is called. Applies to everything that has not been sent yet.
    virtual void set_order(const SendOrder &order) = 0;

    /// Bytes written and not sent yet; 0 after a reset, and 0 if a transport does not know.
    virtual std::size_t unsent() const noexcept { return 0; }
    /// True if some of it has been sent, and the peer has not confirmed that in the time that this takes: such a transport is about
    /// to send it again, before anything new. False if a transport does not know.
    virtual bool seems_lost() const noexcept { return false; }
    /// Completes when everything written has been sent, also before `finish()`. Fails as `write` does.
    virtual asio::awaitable<void> drained() { return write({}, Bytes()); }

    /// The library's own, which a program's transport leaves as it is: tells `hook` of a failure of the stream, as `stopped()`
    /// does, which is asked instead where this returns false. Null makes it forget a hook.
    virtual bool tell(detail::Passkey, detail::StopHook *) noexcept { return false; }
    /// The library's own, too: `write`, if that would complete at once. If it would not, and for a stream that has no such call,
    /// it returns false and takes nothing. Throws std::bad_alloc.
    virtual bool write_now(detail::Passkey, std::span<const std::byte>, Bytes &) { return false; }

protected:
    SendStream() = default;
};

/// The reading end of a stream. If it is destroyed before its end was read, it asks the peer to stop, with the number
/// of `Transport::abandon_with`.
class ReceiveStream {
public:
    virtual ~ReceiveStream() = default;
    ReceiveStream(const ReceiveStream &) = delete;
    ReceiveStream &operator=(const ReceiveStream &) = delete;

    /// The next bytes, as many as arrived together; empty at the end. Fails with the number of the peer's reset. One
    /// read at a time.
    virtual asio::awaitable<Bytes> read() = 0;

    /// Asks the peer to send no more. Data that still arrives is dropped. Reads fail with Cancelled from now on.
    virtual void stop(std::uint64_t number) = 0;

protected:
    ReceiveStream() = default;
};

/// Both ends of a bidirectional stream.
struct BidiStream {
    BidiStream() = default;
    BidiStream(std::unique_ptr<SendStream> to_send, std::unique_ptr<ReceiveStream> to_receive) noexcept
        : send(std::move(to_send)), receive(std::move(to_receive)) {}
    /// The way to the peer; null in an empty object.
    std::unique_ptr<SendStream> send;
    /// The way from the peer; null in an empty object.
    std::unique_ptr<ReceiveStream> receive;
};

/// Measurements of a transport; nothing if it does not know.
struct TransportStats {
    /// Zero if it can be measured and has not been yet.
    std::optional<std::chrono::microseconds> round_trip;
    /// The estimated capacity for sending, in bits per second. Nothing also while it is not known: a connection that
    /// sends less than it could learns little about it.
    std::optional<std::uint64_t> bandwidth;
    /// Bytes received and sent, including the transport's own framing of streams.
    std::optional<std::uint64_t> received_bytes, sent_bytes;
    /// The same in packets, where the transport makes them itself: over QUIC they are UDP payloads.
    std::optional<std::uint64_t> received_packets, sent_packets;
};

/// The counters as a JSON object in one line, by the names that they have here, null for what is not known; the round trip is
/// `round_trip_us`, in microseconds. It is what fmt and streams print.
std::string to_json(const TransportStats &stats);
/// The same as `to_json`.
inline std::string to_string(const TransportStats &stats) { return to_json(stats); }

/// A connection. Its owner must close it; destroying the handle does not close it.
class Transport {
public:
    virtual ~Transport() = default;
    Transport(const Transport &) = delete;
    Transport &operator=(const Transport &) = delete;

    /// The executor on which the connection and its streams are used.
    virtual asio::any_io_executor executor() const = 0;
    /// Whether this side opened the connection.
    virtual bool is_client() const noexcept = 0;
    /// The application protocol that both sides agreed on, such as "moq-lite-06".
    virtual std::string_view protocol() const noexcept = 0;

    /// Opens a stream, as soon as the peer allows one more. Fails with the code of `closed()`, as all waits here.
    virtual asio::awaitable<std::unique_ptr<SendStream>> open_uni() = 0;
    /// The library's own, which a program's transport leaves as it is: opens a stream if the peer allows one more now. Null if
    /// not, and for a transport that has no such call. Throws std::bad_alloc.
    virtual std::unique_ptr<SendStream> open_uni_now(detail::Passkey) { return nullptr; }
    /// Opens a bidirectional stream, as soon as the peer allows one more.
    virtual asio::awaitable<BidiStream> open_bidi() = 0;
    /// The next stream that the peer opened, in the order in which they came.
    virtual asio::awaitable<std::unique_ptr<ReceiveStream>> accept_uni() = 0;
    /// The next bidirectional stream that the peer opened.
    virtual asio::awaitable<BidiStream> accept_bidi() = 0;

    /// Bytes in the largest datagram that can be sent; 0 if none can.
    virtual std::size_t max_datagram_size() const noexcept = 0;
    /// Sends a datagram, or drops it.
    virtual void send_datagram(Bytes datagram) = 0;
    /// The next datagram. A receiver that is slow may lose the oldest ones.
    virtual asio::awaitable<Bytes> receive_datagram() = 0;

    /// Closes the connection; 0 means that all is well. Unsent data may be lost. Without memory the connection is
    /// closed as well: destructors call this.
    virtual void close(std::uint64_t number, std::string_view reason) = 0;
    /// Completes when the connection is over: with the number with which either side closed it, which is false for 0,
    /// or with the code of its loss.
    virtual asio::awaitable<std::error_code> closed() = 0;
    /// What was said when the connection was closed, by either side, or why it was lost, if that is known: for people, and
    /// cut off after some 200 bytes. Empty until the connection is over. Any thread.
    virtual std::string end_reason() const { return {}; }

    /// The number for streams whose handles are destroyed before their end, from now on; 0 until then. Any thread.
    virtual void abandon_with(std::uint64_t) {}

    /// Any thread.
    virtual TransportStats stats() const { return {}; }
    /// Measures what `stats()` needs the peer's answer for, unless that was done within the last second. Any thread.
    virtual void measure() {}

protected:
    Transport() = default;
};

}  // namespace comoq

COMOQ_PRINTED(comoq::TransportStats);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/transport.ipp"
#endif
