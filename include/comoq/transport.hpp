#pragma once
#include "bytes.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq {

// What a session needs of a connection: streams as QUIC has them, and datagrams where there are any. Sessions are written
// against these classes alone, so that whoever implements them brings a transport of his own.
//
// Codes that travel are those of `wire_code` and `error_from_wire`. What waits can be cancelled, which takes back nothing
// that was done before. When the connection is lost or closed, everything that waits, and everything that is begun
// afterwards, fails with the code that `closed()` gives (Closed where that is false).
//
// Threads: as for sockets of asio, a connection and its streams are used on one executor, a strand if several threads run
// it. But `close()` may be called, and handles of streams destroyed, by any thread at any time. Streams may outlive their
// connection.

/// What is to be sent first when not everything can be: the higher priority, then the higher tie-break. Of streams that are
/// equal in both, those of one flow go by rank, the lowest first, and flows take turns.
struct SendOrder {
    std::uint8_t priority = 0;
    std::uint8_t tie_break = 0;
    std::uint64_t flow = 0;
    std::uint64_t rank = 0;

    friend bool operator==(const SendOrder &, const SendOrder &) = default;
};

/// The end of a stream that is written. Destroyed before `finish()`, it resets the stream with Cancelled.
class SendStream {
public:
    virtual ~SendStream() = default;
    SendStream(const SendStream &) = delete;
    SendStream &operator=(const SendStream &) = delete;

    /// Appends `head`, at most `max_head` bytes, which are copied, and `payload`, which is shared. They are taken in the
    /// call; what it gives completes when the stream can take more. Fails with the code of a reset, or with which the peer
    /// stopped the stream: then nobody reads it any more.
    virtual asio::awaitable<void> write(std::span<const std::byte> head, Bytes payload) = 0;
    asio::awaitable<void> write(Bytes payload) { return write({}, std::move(payload)); }
    static constexpr std::size_t max_head = 16;

    /// Nothing follows. What was written is still sent.
    virtual void finish() = 0;

    /// Completes when everything that was written has been sent, the end included. Fails as `write` does.
    virtual asio::awaitable<void> sent() = 0;

    /// Ends the stream here; what was written and not sent is dropped. Nothing if it was reset before, or all of it has
    /// been sent.
    virtual void reset(std::error_code code) = 0;

    /// Completes when the stream is over before its time: with the code with which the peer stopped it, or with that of the
    /// connection. Not after `finish()` was sent.
    virtual asio::awaitable<std::error_code> stopped() = 0;

    virtual void set_order(const SendOrder &order) = 0;

protected:
    SendStream() = default;
};

/// The end of a stream that is read. Destroyed before its end was read, it asks the peer to stop, with Cancelled.
class ReceiveStream {
public:
    virtual ~ReceiveStream() = default;
    ReceiveStream(const ReceiveStream &) = delete;
    ReceiveStream &operator=(const ReceiveStream &) = delete;

    /// The next bytes, as many as came together; none at the end. Fails with the code with which the peer reset it. One read
    /// at a time.
    virtual asio::awaitable<Bytes> read() = 0;

    /// Asks the peer to send no more. What comes nevertheless is dropped.
    virtual void stop(std::error_code code) = 0;

protected:
    ReceiveStream() = default;
};

/// Both ends of a bidirectional stream.
struct BidiStream {
    BidiStream() = default;
    BidiStream(std::unique_ptr<SendStream> to_send, std::unique_ptr<ReceiveStream> to_receive) noexcept
        : send(std::move(to_send)), receive(std::move(to_receive)) {}
    std::unique_ptr<SendStream> send;
    std::unique_ptr<ReceiveStream> receive;
};

/// What a transport measures; nothing where it does not know.
struct TransportStats {
    /// Zero where one can be measured, and none has been.
    std::optional<std::chrono::microseconds> round_trip;
    /// What could be sent, in bits a second.
    std::optional<std::uint64_t> bandwidth;
    /// Bytes that came, and that were sent, of what this transport itself puts around streams, too.
    std::optional<std::uint64_t> received_bytes, sent_bytes;
};

/// A connection. Its owner closes it; it is not closed by being let go.
class Transport {
public:
    virtual ~Transport() = default;
    Transport(const Transport &) = delete;
    Transport &operator=(const Transport &) = delete;

    virtual asio::any_io_executor executor() const = 0;
    /// Which side opened the connection.
    virtual bool is_client() const noexcept = 0;
    /// The application protocol that both sides agreed on, such as "moq-lite-05".
    virtual std::string_view protocol() const noexcept = 0;

    /// Opens a stream, as soon as the peer allows one more.
    virtual asio::awaitable<std::unique_ptr<SendStream>> open_uni() = 0;
    virtual asio::awaitable<BidiStream> open_bidi() = 0;
    /// The next stream that the peer opened, in the order in which they came.
    virtual asio::awaitable<std::unique_ptr<ReceiveStream>> accept_uni() = 0;
    virtual asio::awaitable<BidiStream> accept_bidi() = 0;

    /// Bytes in the largest datagram that can be sent; 0 if none can.
    virtual std::size_t max_datagram_size() const noexcept = 0;
    /// Sends a datagram, or drops it.
    virtual void send_datagram(Bytes datagram) = 0;
    virtual asio::awaitable<Bytes> receive_datagram() = 0;

    /// Closes the connection; a false code says that all is well. What was written and not sent may be lost.
    virtual void close(std::error_code code, std::string_view reason) = 0;
    /// Completes when the connection is over: false if it was closed, here or by the peer, because all was done.
    virtual asio::awaitable<std::error_code> closed() = 0;

    /// Any thread.
    virtual TransportStats stats() const { return {}; }
    /// Asks the peer what has to be asked for `stats()`, if that was not done within the last second. Any thread.
    virtual void measure() {}

protected:
    Transport() = default;
};

}  // namespace comoq
