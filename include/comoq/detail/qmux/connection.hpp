// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../operation.hpp"
#include "../../qmux/connection_config.hpp"
#include "../../qmux/negotiation.hpp"
#include "../stream/stream_handles.hpp"
#include "../wait/step.hpp"
#include "../wait/task_group_state.hpp"
#include "codec.hpp"
#include "datagram_outbox.hpp"
#include "delivery_rate.hpp"
#include "faults.hpp"
#include "flight_limit.hpp"
#include "outgoing_record.hpp"
#include "pings.hpp"
#include "receiver.hpp"
#include "send_ahead.hpp"
#include "sender.hpp"
#include "stall_timer.hpp"
#include "stream_table.hpp"
#include "transport_parameters.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
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

/// A connection of qmux, without the byte stream below it: it consumes and produces records, and `run` moves them. Its
/// other side is a Transport.
///
/// A peer's error ends the connection, with a CONNECTION_CLOSE to the peer and ProtocolViolation here (Decode for
/// unreadable input, UnknownAlpn if both sides have no protocol in common). A peer that is silent for too long, or
/// takes nothing of its backlog for the idle time, ends it with Timeout. A peer can make the connection hold at most
/// the limits that it was told, and about a kilobyte for each stream that it may have open.
///
/// Threads: the code that moves the bytes calls `input`, `output`, `tick` and `lost`, one at a time.
class Connection final : public comoq::detail::StreamTransport {
public:
    /// A time of the config's clock.
    using Time = std::chrono::steady_clock::time_point;

    /// Must be owned by a std::shared_ptr. Throws Encode for parameters that cannot be sent.
    Connection(asio::any_io_executor executor, bool client, ConnectionConfig config);

    /// \cond
    // The side of the wire, for `run`.

    /// Takes the frames of one record; an empty record does nothing. Throws std::bad_alloc: end the connection with
    /// `lost` then.
    void input(std::span<const std::byte> frames);
    /// The same for at most `most` of the frames. Returns the rest of the record: the caller gives it back before anything
    /// else, with the same bound or another.
    std::span<const std::byte> input(std::span<const std::byte> frames, std::size_t most);
    /// The input is not a sequence of records.
    void malformed();
    /// Clears `record` and puts the next record into it; false if there is nothing to send now. Urgent data comes
    /// first: ask for the next record once this one has been written. Throws as `input` does.
    bool output(OutgoingRecord &record);
    /// How many bytes the system should hold ahead of what it has sent, at most, after the last `output`: as much as a
    /// slow link carries soon.
    std::size_t queue_goal() const noexcept { return queue_goal_; }
    /// Completes when `output` has a record, or never will have one again. The last record has then been written.
    Operation<void> output_due();
    /// True if nothing waits that is better sent at once, as control and credit are, and the stream whose turn is next has less
    /// than 1,000 bytes.
    bool has_little() const;
    /// Nothing more will be sent: `output` has returned the last record, or the peer is gone.
    bool is_silent() const;
    /// This side ended the connection, and the last record tells the peer.
    bool ends_here() const;

    /// When `tick` is due next, by the config's clock; nothing when the connection is over. `input` can make it sooner,
    /// with the peer's parameters, and so can `output`, with a ping.
    std::optional<Time> deadline() const;
    /// True if that may have become sooner since the last call of this. Takes no lock.
    bool takes_sooner() noexcept { return is_sooner_ && is_sooner_.exchange(false); }
    Time now() const { return clock_(); }
    /// Pings a peer, and ends the connection with Timeout if the peer is gone or takes nothing.
    void tick();
    /// The byte stream broke, or ended without a close. A code that is not one of comoq's becomes Transport here: a
    /// reader of a stream would mistake it for an outcome of its own.
    void lost(std::error_code code);

    /// \endcond
    // The application's side.

    /// Empty until it is agreed on. The text stays valid as long as the connection.
    std::string_view protocol() const noexcept override;
    /// 0 until the peer's parameters arrive.
    std::size_t max_datagram_size() const noexcept override { return datagrams_.max_size(); }
    /// The round trip is that of a ping, including the backlog in the sockets before it. The bandwidth is an estimate by
    /// what the channel has taken while more was waiting for it, and, while somebody calls `measure()` again and again,
    /// by pings behind bursts of records. It is there only for as long as one of the two has shown it lately.
    TransportStats stats() const override;
    /// Sends a ping that measures, unless that was done within the last second.
    void measure() override;

    /// Runs the coroutine that moves its records. Call it once, before anything else.
    void begin(asio::awaitable<void> running);
    /// Completes when that coroutine is over: after `closed()`, once the channel is closed too.
    Operation<void> done() const { return running_->idle(); }

    /// How the channel ended, if the connection was lost with it: `asio::error::eof` if the peer closed it in order and
    /// without a word, as a browser does with the WebSocket of a tab that is closed. False otherwise. `closed()` says
    /// Transport in either case.
    std::error_code channel_end() const;

    /// Streams that are not over.
    std::size_t open_streams() const;

private:
    using Aftermath = comoq::detail::Aftermath;
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

    // The application's wishes.

    bool may_open(Kind kind) const noexcept override { return streams_.may_open(direction_of(kind)); }
    Halves open(Kind kind) override;
    void accepted(const Halves &halves, Aftermath &after) override;
    void send_changed(SendHalf &half, Aftermath &after) override;
    void reset_wanted(SendHalf &half, std::uint64_t number, Aftermath &after) override;
    void order_changed(SendHalf &half, const SendOrder &order) override;
    void consumed(ReceiveHalf &half, std::size_t count, Aftermath &after) override;
    void stop_wanted(ReceiveHalf &half, bool over, std::uint64_t number, Aftermath &after) override;
    void datagram_wanted(Bytes &datagram, Aftermath &after) override;
    void close_wanted(std::uint64_t number, std::string_view reason, Aftermath &after) override;
    void fail_streams(std::error_code code, Aftermath &after) override;

    // The peer's frames, one by one.

    /// Leaves in `frames` what it has not taken: frames beyond the first `most`.
    MaybeFault take_frames(std::span<const std::byte> &frames, std::size_t most, Aftermath &after);
    template <class Frame> MaybeFault take(const Frame &frame, Aftermath &after) {
        if constexpr (!std::is_same_v<Frame, EncodedParameters> && !is_close<Frame>) {
            if (!has_parameters_ && version_ == Version::Draft02)
                return Fault{TransportError::ProtocolViolation, FrameType::Padding, "something before the parameters"};
        }
        return received(frame, after);
    }
    template <class Frame>
    static constexpr bool is_close = std::is_same_v<Frame, ConnectionClose> || std::is_same_v<Frame, ApplicationClose>;

    MaybeFault received(const EncodedParameters &frame, Aftermath &after);
    MaybeFault received(const Stream &frame, Aftermath &after);
    MaybeFault received(const ResetStream &frame, Aftermath &after);
    MaybeFault received(const StopSending &frame, Aftermath &after);
    MaybeFault received(const MaxData &frame, Aftermath &after);
    MaybeFault received(const MaxStreamData &frame, Aftermath &after);
    MaybeFault received(const MaxStreams &frame, Aftermath &after);
    MaybeFault received(const StreamDataBlocked &frame, Aftermath &after);
    MaybeFault received(const DataBlocked &, Aftermath &) { return std::nullopt; }
    MaybeFault received(const StreamsBlocked &, Aftermath &) { return std::nullopt; }
    MaybeFault received(const ConnectionClose &frame, Aftermath &after);
    MaybeFault received(const ApplicationClose &frame, Aftermath &after);
    MaybeFault received(const Datagram &frame, Aftermath &after);
    MaybeFault received(const PingRequest &frame, Aftermath &after);
    MaybeFault received(const PingResponse &frame, Aftermath &after);

    MaybeFault agree_on_protocol(const TransportParameters &theirs);
    /// Finds the stream of a frame, null if it is over. A stream that the peer opens by this frame becomes available to
    /// accept.
    MaybeFault find(std::uint64_t id, bool of_peer, FrameType frame, Entry *&found, Aftermath &after);

    // Endings.

    /// A side of the stream may be over.
    void settle(std::uint64_t id, Aftermath &after);
    /// The peer made an error, and is told of it.
    void fail(const Fault &fault, Aftermath &after);
    /// Nothing is sent to anybody any more.
    void fall_silent(std::error_code code, Aftermath &after);

    // Output.

    /// The peer is owed a word that is not of a stream's data: an answer to a ping, credit, a STOP_SENDING.
    bool owes_word() const noexcept;
    bool has_news() const noexcept;
    bool has_output() const noexcept;
    /// Something waits in a stream, and may go now.
    bool may_send() const noexcept { return may_send_media() ? sender_.has_data() : sender_.has_control(); }
    bool may_send_media() const noexcept { return flight_.room() != 0; }
    /// Media waits for what is on the way.
    bool is_held() const noexcept { return !may_send_media() && (sender_.has_data() || !datagrams_.empty()); }
    void wake_output(Aftermath &after) noexcept {
        if (!output_waits_.empty() && has_output()) after.wake.take(output_waits_);
    }
    /// True if a ping that measures went with it.
    bool fill(OutgoingRecord &record, Time now, Aftermath &after);
    void write_media(OutgoingRecord &record, Time now, Aftermath &after);
    /// A record is complete but for a ping at its end: for the bandwidth, and as a marker of what is on the way. True if it
    /// measures the round trip.
    bool end_record(OutgoingRecord &record, Time now);
    /// The channel has taken the last record.
    void written(Time now) noexcept;

    const Version version_;
    const Clock clock_;
    const TransportParameters ours_;
    std::vector<std::byte> parameters_;  // until they are sent
    bool has_parameters_ = false;        // the peer's
    std::string protocol_;

    detail::StreamTable streams_;
    detail::Sender sender_;
    detail::Receiver receiver_;
    detail::DatagramOutbox datagrams_;

    detail::Pings pings_;
    detail::DeliveryRate rate_;
    detail::SendAhead ahead_;
    detail::FlightLimit flight_;
    comoq::detail::Atomic<std::size_t> queue_goal_ = detail::SendAhead::no_limit;
    detail::StallTimer stall_;
    bool is_writing_ = false;  // the last record is not written yet
    std::uint64_t received_bytes_ = 0, sent_bytes_ = 0;  // of records

    std::vector<std::byte> last_words_;  // the frame that closes the connection
    // Written under the lock.
    comoq::detail::Atomic<bool> silent_ = false, is_sooner_ = false;
    std::error_code channel_end_;
    // Not a group that cancels: another thread may destroy this object while its coroutine comes to its end.
    const std::shared_ptr<comoq::detail::TaskGroupState> running_;
    comoq::detail::WaitList output_waits_;
};

}  // namespace comoq::qmux

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/qmux/connection.ipp"
#include "../../impl/detail/qmux/connection_frames.ipp"
#endif
