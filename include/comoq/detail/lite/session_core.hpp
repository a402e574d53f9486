// SPDX-License-Identifier: MIT
#pragma once
#include "requested_broadcasts.hpp"
#include "../origin/prefix_source.hpp"
#include "../origin/hop_id.hpp"
#include "../session/announce_feed.hpp"
#include "../session/asked_paths.hpp"
#include "../session/group_outbox.hpp"
#include "../session/newest_groups.hpp"
#include "../session/resolver.hpp"
#include "subscribe_ids.hpp"
#include "subscription_table.hpp"
#include "told.hpp"
#include "../text/path_text.hpp"
#include "../session/fetch_places.hpp"
#include "../wait/code_of.hpp"
#include "../wait/event.hpp"
#include "../wait/latch.hpp"
#include "../wait/sync.hpp"
#include "../wait/task_group_state.hpp"
#include "../../error.hpp"
#include "../../first_of.hpp"
#include "announce_ids.hpp"
#include "announce_messages.hpp"
#include "codec.hpp"
#include "codes.hpp"
#include "session_log.hpp"
#include "../../lite/session_config.hpp"
#include "stream_type.hpp"
#include "version.hpp"
#include "../../pending.hpp"
#include "../../task_group.hpp"
#include "../../transport.hpp"
#include "../../with_timeout.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

/// The failure of a coroutine, as a value; its result is lost.
template <class T> asio::awaitable<std::error_code> outcome_of(asio::awaitable<T> work) {
    std::exception_ptr failure;
    try {
        co_await std::move(work);
    } catch (...) {
        failure = std::current_exception();
    }
    co_return comoq::detail::code_of(failure);
}

/// For a task whose failure concerns nobody else.
inline void its_own_affair(const std::exception_ptr &) noexcept {}

/// The last value that was set, if any. Any thread.
template <class T> class LastWord {
public:
    void set(const T &value) {
        comoq::detail::Lock lock(mutex_);
        value_ = value;
    }
    std::optional<T> get() const {
        comoq::detail::Lock lock(mutex_);
        return value_;
    }

private:
    mutable comoq::detail::Mutex mutex_;
    std::optional<T> value_;
};

/// The state that all parts of a session share. Used on the transport's executor, except where noted.
class SessionCore {
public:
    SessionCore(std::shared_ptr<Transport> connection, SessionConfig configuration)
        : transport(std::move(connection)), url_target(take_target(configuration)), config(std::move(configuration)),
          whole(std::make_shared<comoq::detail::TaskGroupState>(transport->executor())), tasks(transport->executor()),
          broadcasts(transport->executor()),
          resolver(asking_limits(config), config.answer_within, [this](std::chrono::milliseconds time) { return sleep(time); }),
          outbox(*transport, send_limits(config),
                 config.publish ? config.publish->state(comoq::detail::Passkey())->bounds() : nullptr) {
        requested.admit(subscribe);
        transport->abandon_with(stream_code(make_error_code(Error::Cancelled), StreamUse::Request));
    }

    const std::shared_ptr<Transport> transport;
    /// The config's, which may be long: until the peer's views are decided.
    std::optional<std::string> url_target;
    const SessionConfig config;
    SessionLog log{*transport, config.name};
    /// The number that stands for the peer in the routes that it announces, whether it has a hop id or not.
    const std::uint64_t via = comoq::detail::random_hop_id();
    /// The group of the coroutine that ends everything else, and that keeps this object. It ends with the transport and
    /// in no other way, and another thread may destroy this object in that moment.
    const std::shared_ptr<comoq::detail::TaskGroupState> whole;
    /// All other tasks.
    comoq::TaskGroup tasks;
    /// The broadcasts that the peer has announced: each ends when it is unannounced.
    comoq::TaskGroup broadcasts;
    /// Where the peer's announcements are published: the config's, until the peer's views are decided.
    std::optional<OriginProducer> subscribe = config.authorize ? std::nullopt : config.subscribe;
    /// The broadcasts that the peer may see: none until its views are decided.
    std::optional<OriginConsumer> publish;
    comoq::detail::Resolver resolver;
    comoq::detail::GroupOutbox outbox;
    SubscribeIds subscribe_ids;
    /// True if this side has said that it can measure.
    bool measures = false;
    SubscriptionTable subscriptions;
    /// What the newest groups of the peer's tracks hold.
    comoq::detail::NewestGroups newest_groups{config.max_newest_bytes};
    /// The source of the peer's announce streams.
    comoq::detail::AnnounceFeeds announcements;
    /// The places for what these streams tell.
    AnnouncePlaces told_places{config.max_told};
    /// The absolute paths for which the peer has asked. For others it does not care which of two broadcasts is there.
    comoq::detail::AskedPaths asked;
    /// How many broadcasts the peer has announced, and how many of them found no room. Any thread for the latter.
    std::size_t announced = 0;
    std::atomic<std::size_t> left_out{0};
    /// Any thread.
    RequestedBroadcasts requested;
    /// Answers for the paths below those that the peer announces, for as long as the peer may be asked.
    std::shared_ptr<comoq::detail::PrefixSource> below;
    /// How many groups are in flight to the peer.
    std::size_t sending_groups = 0;
    /// The groups that the peer is being asked for, by FETCH.
    comoq::detail::FetchPlaces fetch_places;
    /// How many of its tracks are requested or live here.
    std::size_t tracks = 0;
    /// The peer's SETUP.
    comoq::detail::Latch<std::shared_ptr<const Setup>> setup;
    /// Set when the peer's views are decided: nothing is served before.
    comoq::detail::Event admitted;
    /// The address to which the peer sends this side. Once it is set the peer is asked nothing new, and its routes are the
    /// dearest.
    comoq::detail::Latch<std::string> goaway;
    /// Called then.
    std::vector<std::function<void()>> when_told_to_go;
    /// The peer was sent away.
    bool has_sent_away = false;
    /// The peer's last measurement. Any thread.
    LastWord<Probe> probed;
    /// Tells the peer's fetches apart where they are sent together with groups of subscriptions.
    std::uint64_t next_flow = std::uint64_t{1} << 63;
    /// How the session ended.
    comoq::detail::Latch<std::error_code> ended;

    /// Of this session, and of all together.
    bool has_room_for_announcement() const noexcept {
        const auto &left = config.announcements_left;
        return announced < config.max_announced && (left == nullptr || left->load() > 0);
    }

    /// Whether the peer's SETUP decides what it may see, and where it may publish: nothing is asked before.
    bool waits_for_peer() const noexcept { return config.authorize || !transport->is_client(); }

    /// Whether somebody wants to know what the peer does.
    bool has_observer() const noexcept { return config.on_event || SessionLog::wants_events(); }
    void report(SessionEvent::Kind kind, std::string_view path, std::string_view track = {}, std::error_code code = {}) const {
        const SessionEvent event{kind, path, track, code};
        const std::function<void(const SessionEvent &)> &observe = config.on_event;
        if (observe) observe(event);
        log.happened(event);
    }

    /// Known once the transport has agreed on it: before anything comes on a stream.
    Version version() const noexcept { return version_of(transport->protocol()); }

    Layout layout() const noexcept { return layout_of(version()); }

    /// What a route costs more here than at the peer. A peer that does not tell costs has none to add to.
    std::uint64_t link_price() const {
        if (!layout().route_cost) return 0;
        if (config.link_cost) return *config.link_cost;
        const auto said = setup.peek();
        return said ? (*said)->cost.value_or(1) : 1;
    }

    /// What a failure of the transport says.
    std::error_code meaning(std::error_code failure) const noexcept {
        return meaning_of(failure, version(), StreamUse::Request);
    }

    std::uint64_t hop_id() const noexcept {
        return config.subscribe ? config.subscribe->id() : config.publish ? config.publish->id() : 0;
    }

    /// The code for work that a coroutine leaves unfinished when it fails with `code`: the session's code if the
    /// session is over.
    std::error_code lost_code(std::error_code code) const {
        const auto over = ended.peek();
        if (!over) return meaning(told(code));
        return *over ? *over : make_error_code(Error::Closed);
    }

    /// The hop id of the peer's origin, if it has said it.
    std::optional<std::uint64_t> peer_hop() const {
        const auto said = setup.peek();
        return said ? (*said)->origin : std::nullopt;
    }

    /// The session's end code is known. Waits for events that cannot come any more end.
    void end(std::error_code code) {
        ended.set(code);
        const auto failure = lost_code({});
        setup.fail(failure);
        admitted.fail(failure);
        goaway.fail(failure);
        log.ended(code);
    }

    /// The same for a part that a session cannot do without: its failure ends the session. `core` keeps this object.
    void spawn_vital(const std::shared_ptr<SessionCore> &core, asio::awaitable<void> task) {
        tasks.spawn(std::move(task), [core](const std::exception_ptr &failure) {
            if (failure == nullptr || core->ended.peek()) return;
            const auto code = comoq::detail::code_of(failure);
            // The connection is over, and the session is about to hear of it.
            if (code == Error::Closed || connection_end_number(code)) return;
            core->close(core->meaning(told(code)), "a part failed");
        });
    }
    /// Begins a task that ends with the session at the latest.
    void spawn(asio::awaitable<void> task) { tasks.spawn(std::move(task), &its_own_affair); }

    /// Closes the session. Any thread.
    void close(std::error_code code, std::string_view reason) {
        {
            comoq::detail::Lock lock(closing_mutex_);
            if (!closing_) closing_ = code;
        }
        transport->close(session_code(code), reason);
    }
    /// The session's code for the transport's end: this side's own one if it closed the session, or else the meaning of
    /// the peer's number.
    std::error_code end_code(std::error_code closed) const {
        const auto number = connection_end_number(closed);
        comoq::detail::Lock lock(closing_mutex_);
        if (closing_ && number == session_code(*closing_)) return *closing_;
        return meaning(closed);
    }
    /// Ends a stream of this side's early.
    void reset(SendStream &stream, std::error_code code, StreamUse use) const {
        stream.reset(stream_code(meaning_of(code, version(), use), use));
    }

    /// Resolves a request of the peer. Only after it was admitted.
    asio::awaitable<BroadcastConsumer> request(std::string_view path) {
        if (publish) {
            const comoq::detail::AbsolutePath absolute(publish->root().view(), path);
            if (absolute.valid()) asked.add(absolute.view());
        }
        const auto is_peers = [this](const BroadcastConsumer &found) { return requested.has(found); };
        return resolver.broadcast(path, is_peers);
    }
    /// The time at the origin that the peer is shown.
    comoq::detail::TimePoint now() const {
        return publish ? publish->state(comoq::detail::Passkey())->bounds()->now() : comoq::detail::TimePoint();
    }

    /// The transport's measurements, in the form that the peer is told: 0 for what is unknown, and never for what was
    /// measured.
    Probe measured() const {
        transport->measure();
        const auto stats = transport->stats();
        Probe probe;
        if (stats.bandwidth) probe.bitrate = std::clamp<std::uint64_t>(*stats.bandwidth, 1, comoq::detail::max_varint);
        using std::chrono::milliseconds;
        // Whole milliseconds, rounded up.
        const auto rtt = std::chrono::ceil<milliseconds>(stats.round_trip.value_or(std::chrono::microseconds(0)));
        probe.rtt = static_cast<std::uint64_t>(rtt.count());
        return probe;
    }

    asio::awaitable<void> sleep(std::chrono::milliseconds time) { return sleep_for(time, config.sleep); }

private:
    static std::optional<std::string> take_target(SessionConfig &config) {
        std::optional<std::string> &target = config.url_target;
        return std::exchange(target, std::nullopt);
    }
    static comoq::detail::AskingShare::Limits asking_limits(const SessionConfig &config) noexcept {
        comoq::detail::AskingShare::Limits limits;
        limits.waiting = config.max_waiting;
        limits.passed_on = config.max_passed_on;
        return limits;
    }
    static comoq::detail::SendBudget::Limits send_limits(const SessionConfig &config) noexcept {
        comoq::detail::SendBudget::Limits limits;
        limits.session = config.max_unsent;
        limits.subscription = config.max_unsent_each;
        return limits;
    }

    mutable comoq::detail::Mutex closing_mutex_;
    std::optional<std::error_code> closing_;  // the code with which this side closed the session first
};

/// The first bytes of a stream: its type, and the first message on it.
template <class Type, class Message> Bytes opening(Version version, Type type, const Message &message) {
    std::vector<std::byte> bytes;
    encode_typed(type, message, version, bytes);
    return Bytes(std::move(bytes));
}
/// Opens a stream and asks a question on it. The question is encoded when the stream is open: without a handshake that names
/// the protocol, the sides agree on the version before that. A peer that has told this side to go elsewhere is asked nothing
/// new: Unroutable.
template <class Message>
asio::awaitable<BidiStream> ask_with(std::shared_ptr<SessionCore> core, BidiStreamType type, Message message) {
    const auto check = [&core] {
        if (core->goaway.peek()) comoq::detail::throw_error(make_error_code(Error::Unroutable));
    };
    check();
    auto stream = co_await core->transport->open_bidi();
    check();
    auto written = stream.send->write(opening(core->version(), type, message));
    co_await std::move(written);
    co_return stream;
}
template <class Message> Bytes encoded(Version version, const Message &message) {
    std::vector<std::byte> bytes;
    encode(message, version, bytes);
    return Bytes(std::move(bytes));
}
template <class Message> Bytes encoded_reply(Version version, SubscribeReply type, const Message &message) {
    std::vector<std::byte> bytes;
    encode_typed(type, message, version, bytes);
    return Bytes(std::move(bytes));
}

}  // namespace comoq::lite::detail
