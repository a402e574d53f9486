// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../pending.hpp"
#include "../../session_stats.hpp"
#include "../../task_group.hpp"
#include "../../transport.hpp"
#include "../../with_timeout.hpp"
#include "../origin/hop_id.hpp"
#include "../origin/prefix_source.hpp"
#include "../text/path_text.hpp"
#include "../wait/event.hpp"
#include "../wait/latch.hpp"
#include "../wait/sync.hpp"
#include "../wait/task_group_state.hpp"
#include "announce_feed.hpp"
#include "asked_paths.hpp"
#include "awaited_sources.hpp"
#include "fetch_places.hpp"
#include "gauge.hpp"
#include "group_outbox.hpp"
#include "newest_groups.hpp"
#include "outcome_of.hpp"
#include "requested_broadcasts.hpp"
#include "resolver.hpp"
#include "session_log.hpp"
#include "told.hpp"

#include <asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// What all parts of a session share, whatever its protocol is. The protocol says what the numbers of ends mean. Used on the
/// transport's executor, except where noted.
template <class Config> class SessionBase {
public:
    using SessionEvent = lite::SessionEvent;

    SessionBase(std::shared_ptr<Transport> connection, Config configuration)
        : transport(std::move(connection)), url_target(take_target(configuration)), config(std::move(configuration)),
          whole(std::make_shared<TaskGroupState>(transport->executor())), tasks(transport->executor()),
          broadcasts(transport->executor()),
          resolver(asking_limits(config), config.answer_within, [this](std::chrono::milliseconds time) { return sleep(time); }),
          outbox(*transport, send_limits(config), config.publish ? config.publish->state(Passkey())->bounds() : nullptr) {
        requested.admit(subscribe);
    }
    SessionBase(const SessionBase &) = delete;
    SessionBase &operator=(const SessionBase &) = delete;
    virtual ~SessionBase() = default;

    const std::shared_ptr<Transport> transport;
    /// The config's, which may be long: until the peer's views are decided.
    std::optional<std::string> url_target;
    const Config config;
    SessionLog log{*transport, config.name};
    /// The number that stands for the peer in the routes that it announces, whether it has a hop id or not.
    const std::uint64_t via = random_hop_id();
    /// The group of the coroutine that ends everything else, and that keeps this object. It ends with the transport and
    /// in no other way, and another thread may destroy this object in that moment.
    const std::shared_ptr<TaskGroupState> whole;
    /// All other tasks.
    comoq::TaskGroup tasks;
    /// The broadcasts that the peer has announced: each ends when it is unannounced.
    comoq::TaskGroup broadcasts;
    /// Where the peer's announcements are published: the config's, until the peer's views are decided.
    std::optional<OriginProducer> subscribe = config.authorize ? std::nullopt : config.subscribe;
    /// The broadcasts that the peer may see: none until its views are decided.
    std::optional<OriginConsumer> publish;
    Resolver resolver;
    GroupOutbox outbox;
    /// What the newest groups of the peer's tracks hold.
    NewestGroups newest_groups{config.max_newest_bytes};
    /// The source of the peer's announce streams.
    AnnounceFeeds announcements;
    /// The absolute paths for which the peer has asked. For others it does not care which of two broadcasts is there.
    AskedPaths asked;
    /// How many broadcasts the peer has announced, and how many of them found no room.
    Gauge announced;
    std::atomic<std::size_t> left_out{0};
    /// Any thread.
    RequestedBroadcasts requested;
    /// Answers for the paths below those that the peer announces, for as long as the peer may be asked.
    std::shared_ptr<PrefixSource> below;
    /// What the peer has asked about, and is about to subscribe to.
    AwaitedSources awaited;
    /// How many groups are in flight to the peer.
    Gauge sending_groups;
    /// What the session's counters have beside.
    Gauge streams, served_subscriptions, announcements_told, groups_sent, groups_given_up;
    /// The groups that the peer is being asked for, by FETCH.
    FetchPlaces fetch_places;
    /// How many of its tracks are requested or live here.
    Gauge tracks;
    /// Set when the peer's SETUP has come.
    Event greeted;
    /// Set when the peer's views are decided: nothing is served before.
    Event admitted;
    /// The address to which the peer sends this side. Once it is set the peer is asked nothing new, and its routes are the
    /// dearest.
    Latch<std::string> goaway;
    /// The peer was sent away.
    bool has_sent_away = false;
    /// Tells the peer's fetches apart where they are sent together with groups of subscriptions.
    std::uint64_t next_flow = std::uint64_t{1} << 63;
    /// How the session ended.
    Latch<std::error_code> ended;

    /// Of this session, and of all together.
    bool has_room_for_announcement() const noexcept {
        const auto &left = config.announcements_left;
        return announced.get() < config.max_announced && (left == nullptr || left->load() > 0);
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

    /// Any thread: it takes no lock but the transport's.
    SessionStats stats() const {
        const auto measured = transport->stats();
        SessionStats stats;
        stats.streams = streams.get();
        stats.subscriptions = served_subscriptions.get();
        stats.tracks = tracks.get();
        stats.announced = announced.get();
        stats.announcements_left_out = left_out.load(std::memory_order_relaxed);
        stats.announcements_told = announcements_told.get();
        stats.groups_in_flight = sending_groups.get();
        stats.groups_sent = groups_sent.get();
        stats.groups_given_up = groups_given_up.get();
        stats.media_bytes = outbox.budget().taken();
        stats.unsent_bytes = outbox.budget().held();
        stats.round_trip = measured.round_trip;
        stats.bandwidth = measured.bandwidth;
        stats.received_bytes = measured.received_bytes;
        stats.sent_bytes = measured.sent_bytes;
        stats.received_packets = measured.received_packets;
        stats.sent_packets = measured.sent_packets;
        return stats;
    }

    std::uint64_t hop_id() const noexcept {
        return config.subscribe ? config.subscribe->id() : config.publish ? config.publish->id() : 0;
    }

    /// What a failure of the transport says.
    virtual std::error_code meaning(std::error_code failure) const noexcept = 0;
    /// The number with which a session is closed.
    virtual std::uint64_t close_number(std::error_code code) const noexcept = 0;
    /// The hop id of the peer's origin, if it has said it.
    virtual std::optional<std::uint64_t> peer_hop() const = 0;

    /// The code for work that a coroutine leaves unfinished when it fails with `code`: the session's code if the
    /// session is over.
    std::error_code lost_code(std::error_code code) const {
        const auto over = ended.peek();
        if (!over) return meaning(told(code));
        return *over ? *over : make_error_code(Error::Closed);
    }

    /// The session's end code is known. Waits for events that cannot come any more end.
    void end(std::error_code code) {
        ended.set(code);
        const auto failure = lost_code({});
        fail_waits(failure);
        greeted.fail(failure);
        admitted.fail(failure);
        goaway.fail(failure);
        awaited.clear();
        log.ended(code);
    }

    /// Begins a part that a session cannot do without: its failure ends the session. `core` keeps this object.
    template <class Core> static void spawn_vital(const std::shared_ptr<Core> &core, asio::awaitable<void> task) {
        core->tasks.spawn(std::move(task), [core](const std::exception_ptr &failure) {
            if (failure == nullptr || core->ended.peek()) return;
            const auto code = code_of(failure);
            // The connection is over, and the session is about to hear of it.
            if (code == Error::Closed || connection_end_number(code)) return;
            core->close(core->meaning(told(code)), "a part failed");
        });
    }
    /// Begins a task that ends with the session at the latest.
    void spawn(asio::awaitable<void> task) { tasks.spawn(std::move(task), &its_own_affair); }

    /// The peer is told what a track of `source` is, and may subscribe to it: `source` stays until then, for the time of `linger`
    /// at most. Without memory it does not. `core` keeps this object.
    template <class Core> static void await_subscription(const std::shared_ptr<Core> &core, const BroadcastConsumer &source) noexcept {
        if (core->ended.peek()) return;
        bool is_first = false;
        try {
            is_first = core->awaited.add(source);
            if (is_first) core->spawn(take_turns(core));
        } catch (const std::bad_alloc &) {
            if (is_first) core->awaited.clear();
        }
    }

    /// Closes the session. Any thread.
    void close(std::error_code code, std::string_view reason) {
        {
            Lock lock(closing_mutex_);
            if (!closing_) closing_ = code;
        }
        transport->close(close_number(code), reason);
    }
    /// The session's code for the transport's end: this side's own one if it closed the session, or else the meaning of
    /// the peer's number.
    std::error_code end_code(std::error_code closed) const {
        const auto number = connection_end_number(closed);
        Lock lock(closing_mutex_);
        if (closing_ && number == close_number(*closing_)) return *closing_;
        return meaning(closed);
    }

    /// Resolves a request of the peer. Only after it was admitted.
    asio::awaitable<BroadcastConsumer> request(std::string_view path) {
        if (publish) {
            const AbsolutePath absolute(publish->root().view(), path);
            if (absolute.valid()) asked.add(absolute.view());
        }
        const auto is_peers = [this](const BroadcastConsumer &found) { return requested.has(found); };
        return resolver.broadcast(path, is_peers);
    }
    /// The time at the origin that the peer is shown.
    TimePoint now() const { return publish ? publish->state(Passkey())->bounds()->now() : TimePoint(); }

    asio::awaitable<void> sleep(std::chrono::milliseconds time) { return sleep_for(time, config.sleep); }

protected:
    /// Waits of the protocol's own.
    virtual void fail_waits(std::error_code code) = 0;

private:
    template <class Core> static asio::awaitable<void> take_turns(std::shared_ptr<Core> core) {
        do co_await core->sleep(core->config.linger / 2);
        while (core->awaited.turn());
    }
    static std::optional<std::string> take_target(Config &config) {
        std::optional<std::string> &target = config.url_target;
        return std::exchange(target, std::nullopt);
    }
    static AskingShare::Limits asking_limits(const Config &config) noexcept {
        AskingShare::Limits limits;
        limits.waiting = config.max_waiting;
        limits.passed_on = config.max_passed_on;
        return limits;
    }
    static SendBudget::Limits send_limits(const Config &config) noexcept {
        SendBudget::Limits limits;
        limits.session = config.max_unsent;
        limits.subscription = config.max_unsent_each;
        return limits;
    }

    mutable Mutex closing_mutex_;
    std::optional<std::error_code> closing_;  // the code with which this side closed the session first
};

}  // namespace comoq::detail
