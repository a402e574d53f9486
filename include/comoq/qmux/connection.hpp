#pragma once
#include "../detail/qmux/faults.hpp"
#include "../detail/qmux/outgoing_record.hpp"
#include "../detail/qmux/pings.hpp"
#include "../detail/qmux/receiver.hpp"
#include "../detail/qmux/sender.hpp"
#include "../detail/qmux/stream_table.hpp"
#include "../detail/step.hpp"
#include "../detail/stream_transport.hpp"
#include "../operation.hpp"
#include "codec.hpp"
#include "connection_config.hpp"
#include "negotiation.hpp"
#include "transport_parameters.hpp"

#include <asio/any_io_executor.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::qmux {

/// A connection of qmux, without the byte stream below it: it takes records and makes records, and `run` moves them. On its
/// other side it is a Transport.
///
/// What the peer does wrong ends the connection, with a CONNECTION_CLOSE to the peer and ProtocolViolation here (Decode for
/// what cannot be read, UnknownAlpn if both have no protocol in common). Whatever the peer does, it can make the connection
/// hold no more than the limits that it was told, and a kilobyte or so for each stream that it may have open.
///
/// Threads: `input`, `output`, `tick` and `lost` by whoever moves the bytes, one at a time.
class Connection final : public comoq::detail::StreamTransport {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// To be owned by a std::shared_ptr. Throws Encode for parameters that cannot be sent.
    Connection(asio::any_io_executor executor, bool client, ConnectionConfig config);

    // The side of the wire.

    /// The frames of one record. Throws std::bad_alloc: the connection must then be given up by `lost`.
    void input(std::span<const std::byte> frames);
    /// What came is no row of records.
    void malformed();
    /// Puts the next record into `record`, which is cleared before; false if there is nothing to send now. What is urgent
    /// is in it first: ask for the next one when this one has been written. Throws as `input` does.
    bool output(OutgoingRecord &record);
    /// Completes when there is something for `output`, or never will be again.
    Operation<void> output_due() {
        return Operation<void>(comoq::detail::Step(OutputRule(std::static_pointer_cast<Connection>(shared_from_this()))));
    }
    /// Nothing is sent any more: the last record was given out, or there is nobody to send it to.
    bool is_silent() const {
        comoq::detail::Lock lock(mutex());
        return silent_;
    }
    /// It was ended on this side, and the last record says so to the peer.
    bool ends_here() const {
        comoq::detail::Lock lock(mutex());
        return !last_words_.empty();
    }

    /// When `tick` has something to do, by the config's clock. It can become sooner by `input`, when that brings the peer's
    /// parameters, and nothing when the connection is over.
    std::optional<Time> deadline() const {
        comoq::detail::Lock lock(mutex());
        return is_closed() ? std::nullopt : pings_.deadline();
    }
    Time now() const { return clock_(); }
    /// Pings a peer, and ends the connection with Timeout when nothing has come from it for the idle time.
    void tick();
    /// The byte stream broke, or ended without a word. A code that is not one of comoq's is Transport here: it would be
    /// mistaken for what happened to who waits for a stream.
    void lost(std::error_code code);

    // The application's side.

    /// Nothing before it is agreed on. What it gives stays as long as the connection.
    std::string_view protocol() const noexcept override {
        comoq::detail::Lock lock(mutex());
        return protocol_;
    }
    std::size_t max_datagram_size() const noexcept override { return max_datagram_size_; }
    /// The round trip is that of a ping, with what waits in the sockets before it.
    TransportStats stats() const override {
        Lock lock(mutex());
        TransportStats stats;
        stats.round_trip = pings_.round_trip();
        stats.received_bytes = received_bytes_;
        stats.sent_bytes = sent_bytes_;
        return stats;
    }

    void measure() override {
        const Time now = clock_();
        WakeList wake;
        Lock lock(mutex());
        pings_.measure(now);
        wake_output(wake);
    }

    /// Streams that are not over. For tests, and for who wants to know.
    std::size_t open_streams() const {
        comoq::detail::Lock lock(mutex());
        return streams_.size();
    }

private:
    using WakeList = comoq::detail::WakeList;
    using Lock = comoq::detail::Lock;
    using SendHalf = comoq::detail::SendHalf;
    using ReceiveHalf = comoq::detail::ReceiveHalf;
    using Fault = detail::Fault;
    using MaybeFault = std::optional<Fault>;
    using TransportError = detail::TransportError;
    using SendSide = detail::SendSide;
    using ReceiveSide = detail::ReceiveSide;
    using Entry = detail::StreamTable::Entry;

    class OutputRule {
    public:
        using value_type = void;
        explicit OutputRule(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
        comoq::detail::Mutex &mutex() const noexcept { return connection_->mutex(); }
        comoq::detail::WaitList &waits() const noexcept { return connection_->output_waits_; }
        bool available() const noexcept { return connection_->silent_ || connection_->has_output(); }
        comoq::detail::Outcome<void> take() { return {}; }

    private:
        std::shared_ptr<Connection> connection_;
    };

    static Direction direction_of(Kind kind) noexcept { return kind == Kind::Bidi ? Direction::Bidi : Direction::Uni; }
    static Kind kind_of(Direction direction) noexcept { return direction == Direction::Bidi ? Kind::Bidi : Kind::Uni; }

    // What the application wants.

    bool may_open(Kind kind) const noexcept override { return streams_.may_open(direction_of(kind)); }
    Halves open(Kind kind) override {
        const Entry &entry = streams_.open(direction_of(kind));
        return {entry.send, entry.receive};
    }
    void accepted(const Halves &halves, WakeList &wake) override {
        const std::uint64_t id = static_cast<const ReceiveSide &>(*halves.receive).id;
        if (Entry *entry = streams_.find(id)) entry->accepted = true;
        settle(id, wake);
        wake_output(wake);
    }
    void send_changed(SendHalf &half, WakeList &wake) override {
        sender_.changed(static_cast<SendSide &>(half));
        wake_output(wake);
    }
    void reset_wanted(SendHalf &half, std::uint32_t code, WakeList &wake) override {
        auto &side = static_cast<SendSide &>(half);
        side.reset_code = code;
        sender_.changed(side);
        wake_output(wake);
    }
    void order_changed(SendHalf &half, const SendOrder &order) override {
        sender_.reorder(static_cast<SendSide &>(half), order);
    }
    void consumed(ReceiveHalf &half, std::size_t count, WakeList &wake) override {
        auto &side = static_cast<ReceiveSide &>(half);
        receiver_.consume(side, count);
        if (side.is_over()) settle(side.id, wake);
        wake_output(wake);
    }
    void stop_wanted(ReceiveHalf &half, bool over, std::uint32_t code, WakeList &wake) override {
        if (!over) receiver_.stop(static_cast<ReceiveSide &>(half), code);
        wake_output(wake);
    }
    void datagram_wanted(Bytes datagram, WakeList &wake) override {
        if (datagrams_out_.size() == most_datagrams) datagrams_out_.pop_front();
        datagrams_out_.push_back(std::move(datagram));
        wake_output(wake);
    }
    void close_wanted(std::error_code code, std::string_view reason, WakeList &wake) override {
        encode(ApplicationClose{wire_code(code), detail::reason_to_send(reason)}, last_words_);
        wake.take(output_waits_);
    }
    void fail_streams(std::error_code code, WakeList &wake) override;

    // What the peer says.

    MaybeFault take_frames(std::span<const std::byte> frames, WakeList &wake);
    template <class Frame> MaybeFault take(const Frame &frame, WakeList &wake) {
        if constexpr (!std::is_same_v<Frame, EncodedParameters> && !is_close<Frame>) {
            if (!has_parameters_ && version_ == Version::Draft02)
                return Fault{TransportError::ProtocolViolation, FrameType::Padding, "something before the parameters"};
        }
        return received(frame, wake);
    }
    template <class Frame>
    static constexpr bool is_close = std::is_same_v<Frame, ConnectionClose> || std::is_same_v<Frame, ApplicationClose>;

    MaybeFault received(const EncodedParameters &frame, WakeList &wake);
    MaybeFault received(const Stream &frame, WakeList &wake);
    MaybeFault received(const ResetStream &frame, WakeList &wake);
    MaybeFault received(const StopSending &frame, WakeList &wake);
    MaybeFault received(const MaxData &frame, WakeList &) {
        sender_.raise_limit(frame.limit);
        return std::nullopt;
    }
    MaybeFault received(const MaxStreamData &frame, WakeList &wake) {
        Entry *entry = nullptr;
        if (auto fault = find(frame.id, false, FrameType::MaxStreamData, entry, wake)) return fault;
        if (entry != nullptr && entry->send != nullptr) sender_.raise_limit(*entry->send, frame.limit);
        return std::nullopt;
    }
    MaybeFault received(const MaxStreams &frame, WakeList &wake) {
        streams_.raise_limit(frame.direction, frame.limit);
        if (streams_.may_open(frame.direction)) may_open_more(kind_of(frame.direction), wake);
        return std::nullopt;
    }
    // Whoever has no credit gets it when the application has read; but a stream can be opened by this.
    MaybeFault received(const StreamDataBlocked &frame, WakeList &wake) {
        Entry *entry = nullptr;
        return find(frame.id, true, FrameType::StreamDataBlocked, entry, wake);
    }
    MaybeFault received(const DataBlocked &, WakeList &) { return std::nullopt; }
    MaybeFault received(const StreamsBlocked &, WakeList &) { return std::nullopt; }
    MaybeFault received(const ConnectionClose &frame, WakeList &wake) {
        fall_silent(detail::error_of_close(frame.code), wake);
        return std::nullopt;
    }
    MaybeFault received(const ApplicationClose &frame, WakeList &wake) {
        fall_silent(frame.code == 0 ? std::error_code() : detail::error_of_code(frame.code), wake);
        return std::nullopt;
    }
    MaybeFault received(const Datagram &frame, WakeList &wake);
    MaybeFault received(const PingRequest &frame, WakeList &) {
        pings_.answer(frame.sequence);
        return std::nullopt;
    }
    MaybeFault received(const PingResponse &frame, WakeList &) {
        pings_.answered(frame.sequence);
        return std::nullopt;
    }

    MaybeFault find(std::uint64_t id, bool of_peer, FrameType frame, Entry *&found, WakeList &wake) {
        return streams_.find(id, of_peer, frame, found, [&](Direction direction, const Entry &entry) {
            arrived(kind_of(direction), {entry.send, entry.receive}, wake);
        });
    }
    MaybeFault agree_on_protocol(const TransportParameters &theirs);

    /// A side of the stream may be over.
    void settle(std::uint64_t id, WakeList &wake) {
        if (streams_.settle(id)) may_open_more(kind_of(detail::direction_of(id)), wake);
    }
    void fail(const Fault &fault, WakeList &wake) {
        last_words_ = detail::frame_of(fault);
        lose(detail::error_of(fault), wake);
        wake.take(output_waits_);
    }
    void fall_silent(std::error_code code, WakeList &wake) {
        silent_ = true;
        lose(code, wake);
        wake.take(output_waits_);
    }

    // What is sent.

    bool has_news() const noexcept {
        return pings_.has_news() || receiver_.has_news() || streams_.has_news() || sender_.has_ends();
    }
    bool has_output() const noexcept {
        if (silent_) return false;
        if (!parameters_.empty() || is_closed()) return true;
        return has_parameters_ && (has_news() || !datagrams_out_.empty() || sender_.has_data());
    }
    void wake_output(WakeList &wake) noexcept {
        if (has_output()) wake.take(output_waits_);
    }
    void fill(OutgoingRecord &record, Time now, WakeList &wake);
    void write_datagrams(OutgoingRecord &record);

    static constexpr std::size_t most_datagrams = 256;

    const Version version_;
    const Clock clock_;
    const TransportParameters ours_;
    std::vector<std::byte> parameters_;  // until they are sent
    bool has_parameters_ = false;        // the peer's
    std::string protocol_;
    comoq::detail::Atomic<std::size_t> max_datagram_size_ = 0;

    detail::StreamTable streams_;
    detail::Sender sender_;
    detail::Receiver receiver_;
    std::deque<Bytes> datagrams_out_;

    detail::Pings pings_;
    std::uint64_t received_bytes_ = 0, sent_bytes_ = 0;  // of records

    std::vector<std::byte> last_words_;  // the frame that closes the connection
    bool silent_ = false;
    comoq::detail::WaitList output_waits_;
};

namespace detail {

/// What is told to the peer: where the protocol is known already, none is listed.
inline TransportParameters parameters_to_send(ConnectionConfig &config) {
    TransportParameters parameters = std::move(config.parameters);
    parameters.protocols = config.protocol.empty() ? std::move(config.protocols) : std::vector<std::string>();
    parameters.reset_stream_at = false;
    return parameters;
}

}  // namespace detail

inline Connection::Connection(asio::any_io_executor executor, bool client, ConnectionConfig config)
    : StreamTransport(std::move(executor), std::make_shared<comoq::detail::Mutex>(), client),
      version_(config.version),
      clock_(config.clock),
      ours_(detail::parameters_to_send(config)),
      protocol_(std::move(config.protocol)),
      streams_(!client, ours_),
      receiver_(ours_.max_data),
      pings_(clock_(), ours_.idle_timeout) {
    encode(ours_, parameters_);
    if (parameters_.size() > OutgoingRecord::most) comoq::detail::throw_error(make_error_code(Error::Encode));
}

inline void Connection::input(std::span<const std::byte> frames) {
    const Time now = clock_();
    WakeList wake;
    Lock lock(mutex());
    if (is_closed()) return;
    pings_.received(now);
    received_bytes_ += frames.size();
    if (const auto fault = take_frames(frames, wake)) fail(*fault, wake);
    wake_output(wake);
}

inline void Connection::malformed() {
    WakeList wake;
    Lock lock(mutex());
    if (is_closed()) return;
    fail(Fault{TransportError::FrameEncoding, FrameType::Padding, "what came is no record"}, wake);
}

inline Connection::MaybeFault Connection::take_frames(std::span<const std::byte> frames, WakeList &wake) {
    if (frames.empty()) return Fault{TransportError::ProtocolViolation, FrameType::Padding, "a record without frames"};
    if (frames.size() > ours_.max_record_size)
        return Fault{TransportError::FrameEncoding, FrameType::Padding, "a record that is too large"};
    std::error_code failure;
    while (const auto read = next_frame(frames, failure)) {
        const auto take_it = [this, &wake](const auto &frame) { return take(frame, wake); };
        if (auto fault = std::visit(take_it, read->frame)) return fault;
        if (is_closed()) return std::nullopt;
        frames = frames.subspan(read->size);
    }
    if (failure == Error::Decode) return Fault{TransportError::FrameEncoding, FrameType::Padding, "a malformed frame"};
    if (failure) return Fault{TransportError::ProtocolViolation, FrameType::Padding, "a frame that has no place here"};
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const EncodedParameters &frame, WakeList &wake) {
    if (has_parameters_) {
        if (version_ == Version::Draft01) return std::nullopt;
        return Fault{TransportError::ProtocolViolation, FrameType::TransportParameters, "parameters twice"};
    }
    const auto theirs = decode(frame);
    if (!theirs) return Fault{TransportError::TransportParameter, FrameType::TransportParameters, "malformed parameters"};
    if (auto fault = agree_on_protocol(*theirs)) return fault;
    has_parameters_ = true;
    pings_.begin(theirs->idle_timeout);
    sender_.raise_limit(theirs->max_data);
    streams_.learn(*theirs, [this](SendSide &side, std::uint64_t limit) { sender_.raise_limit(side, limit); });
    for (const Direction direction : {Direction::Bidi, Direction::Uni})
        if (streams_.may_open(direction)) may_open_more(kind_of(direction), wake);

    // The limit is one of whole frames: there are a type and a length before the payload.
    const std::uint64_t largest = std::min<std::uint64_t>(theirs->max_datagram_frame_size, OutgoingRecord::most);
    const std::uint64_t head = 1 + comoq::detail::varint_size(largest);
    max_datagram_size_ = static_cast<std::size_t>(largest > head ? largest - head : 0);
    return std::nullopt;
}

inline Connection::MaybeFault Connection::agree_on_protocol(const TransportParameters &theirs) {
    if (!protocol_.empty()) return std::nullopt;
    const auto chosen = is_client() ? choose_protocol(theirs.protocols, ours_.protocols)
                                    : choose_protocol(ours_.protocols, theirs.protocols);
    if (!chosen)
        return Fault{TransportError::NoApplicationProtocol, FrameType::TransportParameters, "no protocol in common"};
    protocol_ = *chosen;
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const Stream &frame, WakeList &wake) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, true, FrameType::Stream, entry, wake)) return fault;
    // Peers in JavaScript that are stopped while they write reset the stream and then send the rest of that write, for which
    // they take no credit: it is dropped, and counts for nothing.
    if (entry == nullptr || entry->receive == nullptr) return std::nullopt;
    if (auto fault = receiver_.receive(*entry->receive, frame, wake)) return fault;
    if (entry->receive->is_over()) settle(frame.id, wake);
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const ResetStream &frame, WakeList &wake) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, true, FrameType::ResetStream, entry, wake)) return fault;
    if (entry == nullptr || entry->receive == nullptr) return std::nullopt;
    if (auto fault = receiver_.receive(*entry->receive, frame, wake)) return fault;
    if (entry->receive->is_over()) settle(frame.id, wake);
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const StopSending &frame, WakeList &wake) {
    Entry *entry = nullptr;
    if (auto fault = find(frame.id, false, FrameType::StopSending, entry, wake)) return fault;
    if (entry == nullptr || entry->send == nullptr) return std::nullopt;
    SendSide &side = *entry->send;
    if (!side.fail(detail::error_of_code(frame.code), wake)) return std::nullopt;
    side.reset_code = frame.code;
    sender_.changed(side);
    return std::nullopt;
}

inline Connection::MaybeFault Connection::received(const Datagram &frame, WakeList &wake) {
    // The shortest that it can have come in has a type and no length.
    if (frame.payload.size() + 1 > ours_.max_datagram_frame_size)
        return Fault{TransportError::ProtocolViolation, FrameType::Datagram, "a datagram that is too large"};
    datagram_arrived(Bytes::copy(frame.payload), wake);
    return std::nullopt;
}

inline void Connection::fail_streams(std::error_code code, WakeList &wake) {
    for (auto &[id, entry] : streams_.take_all()) {
        if (entry.send != nullptr) {
            sender_.forget(*entry.send);
            entry.send->fail(code, wake);
        }
        if (entry.receive != nullptr) {
            receiver_.forget(*entry.receive);
            entry.receive->fail(code, wake);
        }
    }
    datagrams_out_.clear();
    pings_.clear();
}

inline bool Connection::output(OutgoingRecord &record) {
    const Time now = clock_();
    record.clear();
    WakeList wake;
    Lock lock(mutex());
    if (!has_output()) return false;
    fill(record, now, wake);
    pings_.sent(now);
    sent_bytes_ += record.size();
    return true;
}

inline void Connection::fill(OutgoingRecord &record, Time now, WakeList &wake) {
    if (!parameters_.empty()) {
        record.add_copy(parameters_);
        parameters_.clear();
        return;
    }
    if (is_closed()) {
        record.add_copy(last_words_);
        silent_ = true;
        wake.take(output_waits_);
        return;
    }
    const auto is_gone = [this, &wake](SendSide &side) { settle(side.id, wake); };
    pings_.write_news(record, now);
    receiver_.write_news(record);
    sender_.write_ends(record, wake, is_gone);
    streams_.write_news(record);
    write_datagrams(record);
    sender_.write_data(record, wake, is_gone);
}

inline void Connection::write_datagrams(OutgoingRecord &record) {
    for (; !datagrams_out_.empty(); datagrams_out_.pop_front()) {
        const Bytes &datagram = datagrams_out_.front();
        if (record.room() < 1 + comoq::detail::varint_size(datagram.size()) + datagram.size()) return;
        record.add_datagram_head(datagram.size());
        record.add_payload(datagram.span(), datagram);
    }
}

inline void Connection::tick() {
    const Time now = clock_();
    WakeList wake;
    Lock lock(mutex());
    if (is_closed()) return;
    if (pings_.is_over(now)) return fall_silent(make_error_code(Error::Timeout), wake);
    pings_.tick(now);
    wake_output(wake);
}

inline void Connection::lost(std::error_code code) {
    WakeList wake;
    Lock lock(mutex());
    const bool ours = code && code.category() == error_category();
    fall_silent(ours ? code : make_error_code(Error::Transport), wake);
}

}  // namespace comoq::qmux
