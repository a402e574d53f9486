#pragma once
#include "../detail/qmux/faults.hpp"
#include "../detail/qmux/idle_timer.hpp"
#include "../detail/qmux/outgoing_record.hpp"
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
        return is_closed() ? std::nullopt : idle_.deadline(ping_due_);
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
        // Who asks faster than answers can be written learns from the latest what there is to learn.
        if (pongs_.size() == most_pongs) pongs_.pop_front();
        pongs_.push_back(frame.sequence);
        return std::nullopt;
    }
    MaybeFault received(const PingResponse &, WakeList &) { return std::nullopt; }

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
        return ping_due_ || !pongs_.empty() || receiver_.has_news() || streams_.has_news() || sender_.has_ends();
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
    void write_pings(OutgoingRecord &record, Time now);
    void write_datagrams(OutgoingRecord &record);

    static constexpr std::size_t most_pongs = 16;
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

    detail::IdleTimer idle_;
    bool ping_due_ = false;
    std::uint64_t next_ping_ = 0;
    std::deque<std::uint64_t> pongs_;

    std::vector<std::byte> last_words_;  // the frame that closes the connection
    bool silent_ = false;
    comoq::detail::WaitList output_waits_;
};

}  // namespace comoq::qmux

#include "../detail/qmux/connection_impl.hpp"
