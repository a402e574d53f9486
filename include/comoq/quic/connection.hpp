// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/quic/http3_layer.hpp"
#include "../detail/quic/library_memory.hpp"
#include "../detail/quic/ngtcp2.hpp"
#include "../detail/quic/path_size.hpp"
#include "../detail/quic/sender.hpp"
#include "../detail/quic/stream_sides.hpp"
#include "../detail/quic/tls_session.hpp"
#include "../detail/stream/stream_handles.hpp"
#include "../detail/wait/step.hpp"
#include "../operation.hpp"
#include "address_tokens.hpp"
#include "connection_config.hpp"
#include "credentials.hpp"
#include "packet.hpp"

#include <asio/any_io_executor.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::quic {

/// Whether the QUIC library that this program uses is too old for a long life: ngtcp2 below 1.0, such as Debian 12's. A peer
/// may then open 2^18 unidirectional streams in all; a connection whose peer opens more ends with LimitReached. (With a newer
/// one this limits only streams that the peer resets before their first byte.)
inline constexpr bool library_is_limited = detail::peer_uni_streams_stay;

/// The connection ids by which packets find a connection. A router derives from it.
class ConnectionIds {
public:
    virtual ~ConnectionIds() = default;
    /// Packets with this id are for the connection from now on. Called while the connection takes or makes a packet.
    virtual void added(std::span<const std::byte> id) = 0;
    /// They are not any more.
    virtual void removed(std::span<const std::byte> id) = 0;
    /// An id that was made at random: changes of it what packets need to come to this router.
    virtual void mark(std::span<std::byte>) const noexcept {}
    /// The key of the tokens of stateless resets (RFC 9000, section 10.3.2).
    virtual std::span<const std::byte> reset_key() const = 0;
};

/// The first packet of a client: what a server needs for a connection.
struct Greeting {
    /// The ids that the client chose: for the server, and for itself.
    std::vector<std::byte> server_id, client_id;
    /// The client's version of QUIC.
    std::uint32_t version = 0;
    /// What the client returns to prove its address; empty if it has nothing.
    std::vector<std::byte> token;
    /// The id that the client had chosen for the server before it was asked for that proof; empty if it was not asked, or if the
    /// token has not been verified.
    std::vector<std::byte> original_id;
    /// The token is one that this server has given at an earlier connection, to the same address (`Connection::give_token`).
    bool is_known = false;
};
/// Empty if it is another packet, or of a version other than QUIC's first.
std::optional<Greeting> greeting_in(std::span<const std::byte> datagram);

/// A connection of QUIC, without the socket below it: it consumes and produces UDP payloads, and an endpoint moves them. Its
/// other side is a Transport.
///
/// A peer's error ends the connection, with a CONNECTION_CLOSE to the peer and ProtocolViolation here (Decode for
/// unreadable input, UnknownAlpn if both sides have no protocol in common, `is_certificate_error` for a server that was not
/// trusted). A peer that is silent for too long ends it with Timeout. A peer can make the connection hold at most the
/// windows of the config, and about a kilobyte for each stream that it may have open; what it does not acknowledge stays
/// here, too: at most its own window, and no more than a path carries. ngtcp2 0.12 does not keep to that: it keeps what came
/// out of order on a stream in blocks of 8 KiB and more, of which one byte of the peer fills one, and on a stream of the peer
/// that is reset until the connection ends; and it loses memory of some frames that it sends again (its commit af11b29c ended
/// that). A server for the public needs ngtcp2 1.11 or newer.
///
/// `SendStream::sent` completes when the peer has everything, and a reset is possible until then: what was lost is then not
/// sent again. `unsent` and `drained` count what has never been put into a packet.
///
/// Threads: the code that moves the packets calls `input`, `output`, `tick` and `lost`, one at a time.
class Connection final : public comoq::detail::StreamTransport {
public:
    /// A time of the config's clock.
    using Time = std::chrono::steady_clock::time_point;

    /// A client's. Must be owned by a std::shared_ptr. `server` is the name that the certificate must have, or an address.
    /// Throws `std::system_error` in GnuTLS's category, and std::bad_alloc.
    Connection(asio::any_io_executor executor, ConnectionConfig config, const ClientCredentials &credentials,
               const std::string &server, const Path &path);
    /// A server's, for a client that has greeted it. The datagram with the greeting is its first input. The ids, if there
    /// are any, must live as long. Throws as above.
    Connection(asio::any_io_executor executor, ConnectionConfig config, const ServerCredentials &credentials,
               const Greeting &greeting, const Path &path, ConnectionIds *ids = nullptr);
    ~Connection() override;

    /// \cond
    // The side of the wire, for an endpoint.

    /// Takes the payload of a UDP datagram. Throws std::bad_alloc: end the connection with `lost` then.
    void input(std::span<const std::byte> datagram, const Path &path, unsigned ecn = 0);
    /// Puts the next packet into `packet`; false if there is nothing to send now. Throws as `input` does.
    bool output(Packet &packet);
    /// Completes when `output` may have a packet, or never will have one again. `deadline` can have come forward.
    Operation<void> output_due();
    /// Nothing more will be sent, and nothing is taken.
    bool is_silent() const;
    /// When `tick` is due next, by the config's clock; nothing when the connection is silent. Every input and output can
    /// change it.
    std::optional<Time> deadline() const;
    Time now() const { return clock_(); }
    /// Sends again what seems to be lost, and ends the connection if the peer is gone.
    void tick();
    /// The socket broke.
    void lost(std::error_code code);

    /// It speaks HTTP/3, and sorts its streams by that.
    bool speaks_http3() const noexcept {
        Lock lock(mutex());
        return http3_ != nullptr;
    }
    /// Of a server whose handshake is over: gives the client what it may bring at its next connection (NEW_TOKEN). Any thread.
    void give_token(std::span<const std::byte> token);

    // The side of HTTP/3, for a session of WebTransport. The application's side is the session's, as soon as it begins; what it
    // opens before that is HTTP/3's own.

    /// A stream of HTTP/3's own that the peer opened: its type, or `h3::request_stream`.
    struct ProtocolStream {
        std::uint64_t type = 0;
        BidiStream stream;
    };
    Operation<ProtocolStream> accept_protocol_stream();
    /// The id of a stream of this connection.
    static std::uint64_t id_of(const SendStream &stream);
    /// What a session here would grant its peer, if it had a flow control of its own: of data any number, because the windows of
    /// QUIC bound the memory.
    h3::SessionLimits own_limits() const noexcept;
    /// The session of that CONNECT begins. It has a flow control of its own if both sides wish it.
    void begin_session(std::uint64_t id, bool has_datagrams, const h3::SessionLimits &own, const h3::SessionLimits &peers);
    /// The peer's limits, 0 for one that has not changed. False if it takes back what it gave.
    bool raise_limits(const h3::SessionLimits &peers);
    /// It is over, and so is the connection for the application, with `code`. `last` is the stream of its CONNECT: `words` and
    /// the stream's end are its last ones. When the peer has them, the connection closes with `number`; at once if there is no
    /// such stream. Any thread.
    void end_session(const SendStream *last, Bytes words, std::error_code code, std::uint64_t number, std::string_view reason);
    /// \endcond

    /// Completes when the handshake is over. Fails with the code of `closed()`.
    Operation<void> ready();
    /// Empty until it is agreed on. The text stays valid as long as the connection.
    std::string_view protocol() const noexcept override;
    /// 0 until the handshake is over. It can grow when the path turns out to carry more.
    std::size_t max_datagram_size() const noexcept override { return max_datagram_; }
    /// The round trip is smoothed. The bandwidth is not known.
    TransportStats stats() const override;
    /// Where the peer was when the connection began.
    const asio::ip::udp::endpoint &remote() const noexcept { return remote_; }
    /// Streams that are not over.
    std::size_t open_streams() const;
    /// Bytes that were sent, and that the peer has not acknowledged yet.
    std::size_t unacknowledged() const;

private:
    friend struct ConnectionEvents;
    using Aftermath = comoq::detail::Aftermath;
    using Lock = comoq::detail::Lock;
    using SendHalf = comoq::detail::SendHalf;
    using ReceiveHalf = comoq::detail::ReceiveHalf;
    using SendSide = detail::SendSide;
    using ReceiveSide = detail::ReceiveSide;
    using Stream = detail::Stream;

    class OutputRule {
    public:
        using value_type = void;
        explicit OutputRule(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
        comoq::detail::Mutex &mutex() const noexcept { return connection_->mutex(); }
        comoq::detail::WaitList &waits() const noexcept { return connection_->output_waits_; }
        bool available() const noexcept {
            return connection_->is_dirty_ || connection_->has_new_deadline_ || connection_->stage_ == Stage::Silent;
        }
        comoq::detail::Outcome<void> take() { return {}; }

    private:
        std::shared_ptr<Connection> connection_;
    };

    class ReadyRule {
    public:
        using value_type = void;
        explicit ReadyRule(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
        comoq::detail::Mutex &mutex() const noexcept { return connection_->mutex(); }
        comoq::detail::WaitList &waits() const noexcept { return connection_->ready_waits_; }
        bool available() const noexcept { return connection_->is_ready_ || connection_->is_closed(); }
        comoq::detail::Outcome<void> take() {
            return connection_->is_ready_ ? comoq::detail::Outcome<void>() : comoq::detail::Outcome<void>(connection_->lost_code());
        }

    private:
        std::shared_ptr<Connection> connection_;
    };

    class ProtocolRule {
    public:
        using value_type = detail::Http3Layer::Arrival;
        explicit ProtocolRule(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
        comoq::detail::Mutex &mutex() const noexcept { return connection_->mutex(); }
        comoq::detail::WaitList &waits() const noexcept { return connection_->http3_->waits; }
        bool available() const noexcept { return connection_->is_closed() || !connection_->http3_->arrivals.empty(); }
        comoq::detail::Outcome<value_type> take();

    private:
        std::shared_ptr<Connection> connection_;
    };

    /// Closing: this side ended it, and tells the peer. Draining: the peer did.
    enum class Stage { Open, Closing, Draining, Silent };

    // The beginning.

    void begin_client(const Path &path);
    void begin_server(const Greeting &greeting, const Path &path);
    void began(int result);
    void handshake_over();
    bool agrees_on_protocol();

    // The application's wishes.

    bool may_open(Kind kind) const noexcept override;
    Halves open(Kind kind) override;
    void accepted(const Halves &halves, Aftermath &after) override;
    void send_changed(SendHalf &half, Aftermath &after) override;
    void reset_wanted(SendHalf &half, std::uint64_t number, Aftermath &after) override;
    void order_changed(SendHalf &half, const SendOrder &order) override;
    std::size_t to_send(const SendHalf &half) const noexcept override;
    bool is_unanswered(const SendHalf &half) const noexcept override;
    void consumed(ReceiveHalf &half, std::size_t count, Aftermath &after) override;
    void stop_wanted(ReceiveHalf &half, bool over, std::uint64_t number, Aftermath &after) override;
    void datagram_wanted(Bytes &datagram, Aftermath &after) override;
    void close_wanted(std::uint64_t number, std::string_view reason, Aftermath &after) override;
    void fail_streams(std::error_code code, Aftermath &after) override;

    // Streams.

    Stream *find(std::int64_t id) noexcept;
    Stream &add(std::int64_t id, bool has_send, bool has_receive);
    bool is_of_peer(std::int64_t id) const noexcept { return ((id & 1) == 0) != is_client(); }
    static bool is_uni(std::int64_t id) noexcept { return (id & 2) != 0; }
    static Kind kind_of(std::int64_t id) noexcept { return is_uni(id) ? Kind::Uni : Kind::Bidi; }
    /// The stream may be over.
    void settle(std::int64_t id, Aftermath &after);
    /// The peer may open one more stream. It is told when an eighth of its limit has come together.
    void give_stream(bool uni) noexcept;
    void give_credit(std::int64_t id, std::uint64_t stream_bytes, std::uint64_t connection_bytes) noexcept;
    /// The library keeps one more stream until the connection ends. False if there are too many.
    bool may_leave_over() noexcept;
    /// The peer has reset it.
    void reset_by_peer(std::int64_t id, Aftermath &after);
    void stopped_by_peer(std::int64_t id, std::uint64_t number, Aftermath &after);

    // Numbers with which streams end, here and on the wire.

    std::uint64_t number_on_wire(std::int64_t id, std::uint64_t number) noexcept;
    std::error_code code_of_end(std::uint64_t number) const noexcept;

    // HTTP/3.

    /// The first bytes of a stream, which say whose it is.
    void sort(Stream &stream, std::span<const std::byte> bytes, bool is_end);
    void keep_early(Stream &stream, std::uint64_t session, Aftermath &after);
    /// The peer may not have it. The stream may be gone after that.
    void refuse(Stream &stream, h3::Code code, Aftermath &after);
    /// The session has one more stream of the peer's. False if the peer may not have that.
    bool comes(Stream &stream) noexcept;
    /// A stream of the peer's is over: it may open another one.
    void is_over_for_session(bool uni, Aftermath &after);
    /// One that the peer has counted, and of which the session will never know.
    void is_lost_for_session(bool uni, Aftermath &after);
    void datagram_of_layer(std::span<const std::byte> datagram, Aftermath &after);
    void datagram_of_session(std::span<const std::byte> datagram, std::size_t head, Aftermath &after);
    void fail_for_application(std::error_code code, Aftermath &after);
    /// The last words have arrived, or take too long.
    void look_for_leave(Time now, Aftermath &after);
    /// No last words any more.
    void stop_leaving(Aftermath &after);
    bool is_leaving() const noexcept { return http3_ != nullptr && http3_->leaving.has_value(); }

    // Output.

    void wake_output(Aftermath &after) noexcept {
        is_dirty_ = true;
        after.wake.take(output_waits_);
    }
    bool fill(Packet &packet, Time now, Aftermath &after);
    struct Writing;
    /// Each writes what it can into the packet. False if the packet is complete, or nothing more can be sent now.
    bool write_datagrams(Writing &writing, Aftermath &after);
    bool write_ends(Writing &writing, Aftermath &after);
    bool write_data(Writing &writing, Aftermath &after);
    bool write_stream(Writing &writing, SendSide &side, std::size_t most, Aftermath &after);
    bool fill_last_words(Packet &packet, Time now, Aftermath &after);
    void learn_path_size() noexcept;
    /// Looks whether large packets still arrive.
    void look_for_black_hole(Time now) noexcept;

    // Endings.

    /// The library refuses to go on, and the peer is to know why.
    void fail(int failure, Aftermath &after);
    void end_with(const detail::CloseError &words, std::error_code code, Aftermath &after);
    void closed_by_peer(Aftermath &after);
    void fall_silent(std::error_code code, Aftermath &after);

    const Clock clock_;
    const RandomSource random_;
    const ConnectionConfig config_;
    const asio::ip::udp::endpoint remote_;
    /// Of a client that keeps tokens: the server's name in the list of them.
    std::string server_;
    ConnectionIds *const ids_;
    std::array<std::byte, 32> reset_key_{};
    std::unique_ptr<detail::TlsSession> tls_;
    detail::LibraryMemory memory_;
    struct Deleter {
        void operator()(ngtcp2_conn *connection) const noexcept { ngtcp2_conn_del(connection); }
    };
    std::unique_ptr<ngtcp2_conn, Deleter> wire_;  // null when the connection is silent
    /// While the library runs that may call back.
    Aftermath *after_ = nullptr;
    std::error_code why_;                                             // a callback failed
    // Of the packet that is being read: stream and number of STOP_SENDING, and the peer's unidirectional streams that are reset.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> stops_;
    std::vector<std::int64_t> resets_;

    std::string protocol_;
    /// Of a connection that speaks HTTP/3.
    std::unique_ptr<detail::Http3Layer> http3_;
    bool is_ready_ = false;  // the handshake is over
    // Ordered, not hashed: the peer chooses the ids.
    std::map<std::int64_t, Stream> streams_;
    std::array<std::uint64_t, 2> own_{};  // streams that this side opened and that are not over, by kind
    std::array<std::uint64_t, 2> owed_streams_{};  // that the peer may open, and has not been told, by kind
    std::uint64_t leftovers_ = 0;         // streams that are over, and that the library keeps
    detail::Sender sender_;
    comoq::detail::DatagramBuffer datagrams_out_;
    comoq::detail::Atomic<std::size_t> max_datagram_ = 0;

    Stage stage_ = Stage::Open;
    bool is_dirty_ = true;  // there may be something to send
    bool has_new_deadline_ = false;
    std::size_t burst_ = 0;  // bytes since the pace was last looked at
    detail::PathSize path_size_;
    std::size_t acknowledged_ = 0;  // bytes of streams and datagrams, by the packet that is being read
    detail::CloseError last_words_{};
    std::string last_reason_;
    std::unique_ptr<Packet> farewell_;  // what closes the connection, to be sent again
    std::uint64_t after_farewell_ = 0;  // packets of the peer's since then
    Time silent_at_{};
    std::uint64_t received_bytes_ = 0, sent_bytes_ = 0, received_packets_ = 0, sent_packets_ = 0;
    comoq::detail::WaitList output_waits_, ready_waits_;
};

}  // namespace comoq::quic

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/quic/connection.ipp"
#include "../impl/quic/connection_begin.ipp"
#include "../impl/quic/connection_endings.ipp"
#include "../impl/quic/connection_events.ipp"
#include "../impl/quic/connection_http3.ipp"
#include "../impl/quic/connection_output.ipp"
#endif
