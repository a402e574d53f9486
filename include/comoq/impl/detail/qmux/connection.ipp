// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/qmux/connection.hpp"
#include "../../../task_group.hpp"

#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

// A connection from its beginning to its end; connection_frames.ipp handles the peer's frames.

namespace comoq::qmux {

namespace detail {

/// The parameters that the peer gets: if the protocol is known already, they list none.
inline TransportParameters parameters_to_send(ConnectionConfig &config) {
    TransportParameters parameters = std::move(config.parameters);
    parameters.protocols = config.protocol.empty() ? std::move(config.protocols) : std::vector<std::string>();
    parameters.reset_stream_at = false;
    return parameters;
}

}  // namespace detail

COMOQ_DECL Connection::Connection(asio::any_io_executor executor, bool client, ConnectionConfig config)
    : StreamTransport(std::move(executor), std::make_shared<comoq::detail::Mutex>(), client),
      version_(config.version),
      clock_(config.clock),
      ours_(detail::parameters_to_send(config)),
      protocol_(std::move(config.protocol)),
      streams_(!client, ours_),
      receiver_(ours_.max_data),
      pings_(clock_(), ours_.idle_timeout),
      running_(std::make_shared<comoq::detail::TaskGroupState>(this->executor())) {
    last_words_.reserve(detail::longest_control_frame);
    encode(ours_, parameters_);
    if (parameters_.size() > OutgoingRecord::most) comoq::detail::throw_error(make_error_code(Error::Encode));
}

// The application's wishes.

COMOQ_DECL Connection::Halves Connection::open(Kind kind) {
    const Entry &entry = streams_.open(direction_of(kind));
    return {entry.send, entry.receive};
}
COMOQ_DECL void Connection::accepted(const Halves &halves, Aftermath &after) {
    const std::uint64_t id = static_cast<const ReceiveSide &>(*halves.receive).id;
    if (Entry *entry = streams_.find(id)) entry->accepted = true;
    settle(id, after);
    wake_output(after);
}
COMOQ_DECL void Connection::send_changed(SendHalf &half, Aftermath &after) {
    sender_.changed(static_cast<SendSide &>(half));
    wake_output(after);
}
COMOQ_DECL void Connection::reset_wanted(SendHalf &half, std::uint64_t number, Aftermath &after) {
    auto &side = static_cast<SendSide &>(half);
    side.reset_code = number;
    sender_.changed(side);
    wake_output(after);
}
COMOQ_DECL void Connection::order_changed(SendHalf &half, const SendOrder &order) {
    sender_.reorder(static_cast<SendSide &>(half), order);
}
COMOQ_DECL void Connection::consumed(ReceiveHalf &half, std::size_t count, Aftermath &after) {
    auto &side = static_cast<ReceiveSide &>(half);
    receiver_.consume(side, count);
    if (side.is_over()) settle(side.id, after);
    wake_output(after);
}
COMOQ_DECL void Connection::stop_wanted(ReceiveHalf &half, bool over, std::uint64_t number, Aftermath &after) {
    if (!over) receiver_.stop(static_cast<ReceiveSide &>(half), number);
    wake_output(after);
}
COMOQ_DECL void Connection::datagram_wanted(Bytes &datagram, Aftermath &after) {
    datagrams_.push(datagram);
    wake_output(after);
}
COMOQ_DECL void Connection::close_wanted(std::uint64_t number, std::string_view reason, Aftermath &after) {
    try {
        encode(ApplicationClose{number, detail::reason_to_send(reason)}, last_words_);
    } catch (const std::bad_alloc &) {
        // There is room for the number.
        last_words_.clear();
        encode(ApplicationClose{number, {}}, last_words_);
    }
    after.wake.take(output_waits_);
}

COMOQ_DECL void Connection::begin(asio::awaitable<void> running) {
    // Holders of the connection learn of its end, and of the failure, by `closed()`.
    comoq::detail::TaskGroupState::spawn(running_, std::move(running), [](const std::exception_ptr &) {});
}

// Output.

COMOQ_DECL Operation<void> Connection::output_due() {
    // `output` and this are called one at a time.
    if (is_writing_) {
        const Time now = clock_();
        Lock lock(mutex());
        written(now);
    }
    return Operation<void>(comoq::detail::Passkey(),
                           comoq::detail::Step(OutputRule(std::static_pointer_cast<Connection>(shared_from_this()))));
}

COMOQ_DECL bool Connection::output(OutgoingRecord &record) {
    const Time now = clock_();
    record.clear();
    Aftermath after;
    Lock lock(mutex());
    written(now);
    is_writing_ = has_output();
    if (!is_writing_) return false;
    ahead_.follow(rate_.busy_rate(now));
    queue_goal_ = ahead_.queue();
    const auto pings = pings_.next();
    const bool asks = fill(record, now, after);
    if (pings_.next() != pings || flight_.is_on()) is_sooner_ = true;
    pings_.sent(now);
    rate_.goes(now, record.size());
    if (asks) rate_.asked();
    sent_bytes_ += record.size();
    return true;
}

COMOQ_DECL bool Connection::has_little() const {
    // A packet's worth is worth a record.
    constexpr std::size_t enough = 1000;
    Lock lock(mutex());
    if (is_closed() || !parameters_.empty() || owes_word() || flight_.needs_marker()) return false;
    return datagrams_.empty() && !sender_.has_control() && sender_.next_size() < enough;
}

COMOQ_DECL void Connection::written(Time now) noexcept {
    if (!std::exchange(is_writing_, false)) return;
    rate_.taken(now, may_send());
    flight_.taken(now);
}

COMOQ_DECL bool Connection::owes_word() const noexcept {
    return pings_.has_news() || receiver_.has_news() || streams_.has_news();
}

COMOQ_DECL bool Connection::has_news() const noexcept { return owes_word() || sender_.has_ends(); }

COMOQ_DECL bool Connection::has_output() const noexcept {
    if (silent_) return false;
    if (!parameters_.empty() || is_closed()) return true;
    if (!has_parameters_) return false;
    return has_news() || may_send() || (may_send_media() && !datagrams_.empty()) || flight_.needs_marker();
}

COMOQ_DECL bool Connection::fill(OutgoingRecord &record, Time now, Aftermath &after) {
    if (!parameters_.empty()) {
        record.add_copy(parameters_);
        parameters_.clear();
        return false;
    }
    if (is_closed()) {
        record.add_copy(last_words_);
        silent_ = true;
        after.wake.take(output_waits_);
        return false;
    }
    const auto is_gone = [this, &after](SendSide &side) { settle(side.id, after); };
    const bool asks = pings_.write_news(record, now);
    receiver_.write_news(record);
    sender_.write_ends(record, after.wake, is_gone);
    streams_.write_news(record);
    write_media(record, now, after);
    return end_record(record, now) || asks;
}

COMOQ_DECL void Connection::write_media(OutgoingRecord &record, Time now, Aftermath &after) {
    // Less than a packet would save nothing.
    constexpr std::size_t least = 1024;
    const bool all = may_send_media();
    // Datagrams and streams share the room on the way. Each has at least a packet of it.
    const std::size_t room = std::clamp(flight_.room(), least, OutgoingRecord::most);
    const std::size_t before = record.size();
    if (all) {
        record.set_limit(before + std::max(room - std::min(room, least), datagrams_.first_size()));
        datagrams_.write(record);
    }
    const std::size_t rest = room - std::min(room, record.size() - before);
    std::size_t limit = ahead_.record();
    if (all) limit = std::min(limit, record.size() + std::max(rest, least));
    if (flight_.wants_marker(now, limit)) limit = std::min(limit, OutgoingRecord::most - detail::longest_control_frame);
    record.set_limit(limit);
    const auto is_gone = [this, &after](SendSide &side) { settle(side.id, after); };
    sender_.write_data(record, !all, after.wake, is_gone);
    record.set_limit(OutgoingRecord::most);
}

COMOQ_DECL bool Connection::end_record(OutgoingRecord &record, Time now) {
    const bool has_room = record.room() >= detail::longest_control_frame;
    const bool ends_burst = !may_send() && rate_.wants_ping(record.size());
    const bool measures = has_room && ends_burst && !pings_.is_out() && pings_.is_wanted(now);
    const bool marks = has_room && (flight_.wants_marker(now, record.size()) || flight_.needs_marker());
    const std::uint64_t sequence = pings_.next();
    if (measures)
        pings_.ask(record, now);
    else if (marks)
        pings_.mark(record);
    flight_.goes(now, record.size());
    if (marks) flight_.marked(now, sequence);
    if (is_held()) flight_.holds(now);
    return measures;
}

// Time.

COMOQ_DECL std::optional<Connection::Time> Connection::deadline() const {
    Lock lock(mutex());
    if (is_closed()) return std::nullopt;
    const auto of_pings = pings_.deadline();
    const auto of_stall = stall_.deadline(pings_.limit());
    const auto of_flight = flight_.deadline();
    auto first = of_pings;
    for (const auto &each : {of_stall, of_flight})
        if (each && (!first || *each < *first)) first = each;
    return first;
}

COMOQ_DECL void Connection::tick() {
    const Time now = clock_();
    Aftermath after;
    Lock lock(mutex());
    if (is_closed()) return;
    // What the limit of the flight holds back waits for the way, and not for the peer to take it.
    stall_.look(now, is_writing_ || (streams_.has_unsent() && !is_held()), sender_.sent());
    if (pings_.is_over(now) || stall_.is_over(now, pings_.limit()))
        return fall_silent(make_error_code(Error::Timeout), after);
    pings_.tick(now);
    flight_.tick(now);
    wake_output(after);
}

COMOQ_DECL void Connection::measure() {
    const Time now = clock_();
    Aftermath after;
    Lock lock(mutex());
    pings_.measure(now);
    wake_output(after);
}

// Endings.

COMOQ_DECL void Connection::settle(std::uint64_t id, Aftermath &after) {
    if (streams_.settle(id)) may_open_more(kind_of(detail::direction_of(id)), after);
}

COMOQ_DECL void Connection::fail_streams(std::error_code code, Aftermath &after) {
    for (auto &[id, entry] : streams_.take_all()) {
        if (entry.send != nullptr) {
            sender_.forget(*entry.send);
            entry.send->fail(code, after);
        }
        if (entry.receive != nullptr) {
            receiver_.forget(*entry.receive);
            entry.receive->fail(code, after.wake);
        }
    }
    datagrams_.clear(after);
    pings_.clear();
}

COMOQ_DECL void Connection::fail(const Fault &fault, Aftermath &after) {
    last_words_ = detail::frame_of(fault);
    ends_because(fault.reason);
    lose(detail::error_of(fault), after);
    after.wake.take(output_waits_);
}

COMOQ_DECL void Connection::fall_silent(std::error_code code, Aftermath &after) {
    silent_ = true;
    lose(code, after);
    after.wake.take(output_waits_);
}

COMOQ_DECL void Connection::lost(std::error_code code) {
    Aftermath after;
    Lock lock(mutex());
    const bool ours = code && code.category() == error_category();
    if (!is_closed() && !ours) channel_end_ = code;
    fall_silent(ours ? code : make_error_code(Error::Transport), after);
}

// Observation.

COMOQ_DECL bool Connection::is_silent() const { return silent_; }
COMOQ_DECL std::error_code Connection::channel_end() const {
    Lock lock(mutex());
    return channel_end_;
}
COMOQ_DECL bool Connection::ends_here() const {
    Lock lock(mutex());
    return !last_words_.empty();
}
COMOQ_DECL std::string_view Connection::protocol() const noexcept {
    Lock lock(mutex());
    return protocol_;
}
COMOQ_DECL TransportStats Connection::stats() const {
    const Time now = clock_();
    Lock lock(mutex());
    TransportStats stats;
    stats.round_trip = pings_.round_trip();
    stats.bandwidth = rate_.estimate(now);
    stats.received_bytes = received_bytes_;
    stats.sent_bytes = sent_bytes_;
    return stats;
}
COMOQ_DECL std::size_t Connection::open_streams() const {
    Lock lock(mutex());
    return streams_.size();
}

}  // namespace comoq::qmux
