// Crowds: what there may be many of at one origin, one track or one session.
#pragma once

#include "workload.hpp"

#include <comoq/comoq.hpp>
#include <comoq/detail/session/group_outbox.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>

#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

namespace comoq::bench {

/// How many members a crowd has.
inline std::vector<std::size_t> numbers() { return quick ? std::vector<std::size_t>{10, 100} : std::vector<std::size_t>{10, 100, 1000, 10000, 100000}; }

/// The common part of all crowds: a context on which waits are resumed.
struct Crowd {
    Crowd() = default;
    Crowd(const Crowd &) = delete;
    Crowd &operator=(const Crowd &) = delete;
    virtual ~Crowd() = default;
    /// Adds one more member.
    virtual void add(std::size_t i) = 0;
    virtual void reserve(std::size_t) {}
    virtual void begin(std::size_t) {}

    void run() {
        context.restart();
        context.poll();
    }
    template <class Operation> void wait(Operation operation) {
        operation.async_wait(asio::bind_executor(context, [](std::error_code, auto &&...) {}));
    }
    /// Waits again and again, as long as the operation does not fail.
    template <class Make> void keep_waiting(Make make) {
        auto operation = make();
        operation.async_wait(asio::bind_executor(context, [this, make](std::error_code code, auto &&value) mutable {
            if (!code && value.has_value()) keep_waiting(make);
        }));
    }
    /// The value of an operation that needs nothing but the context to run.
    template <class T> T value_of(Operation<T> operation) {
        std::optional<T> value;
        operation.async_wait(asio::bind_executor(context, [&value](std::error_code code, T came) {
            if (!code) value.emplace(std::move(came));
        }));
        run();
        if (!value) throw std::runtime_error("an operation that failed, or waits");
        return std::move(*value);
    }

    asio::io_context context;
};

inline Subscription wishes_of(std::size_t i) {
    Subscription wishes;
    wishes.priority = static_cast<std::uint8_t>(i % 100);
    wishes.max_latency = std::chrono::milliseconds(i % 1000);
    return wishes;
}
/// More urgent than all others, and different each time, so that the combined wishes change.
inline Subscription urgent_wishes(std::size_t i) {
    auto wishes = wishes_of(0);
    wishes.priority = static_cast<std::uint8_t>(100 + i % 100);
    return wishes;
}

/// Subscribers of one track that all wait for a group, while a producer follows their wishes.
struct Subscribers : Crowd {
    Subscribers() {
        keep_waiting([this] { return track.subscription_changed(); });
    }
    ~Subscribers() override { track.abort(Error::Cancelled); }
    void reserve(std::size_t count) override { all.reserve(count + 1); }
    void add(std::size_t i) override {
        all.push_back(value_of(track.consume().subscribe(wishes_of(i))));
        wait(all.back().next_group());
    }
    void update() { all.front().update(urgent_wishes(last++)); }
    void join_and_leave() {
        const auto one = value_of(track.consume().subscribe(urgent_wishes(last++)));
    }

    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    std::vector<TrackSubscriber> all;
    std::size_t last = 0;
};

/// Readers that have a cap below all groups that come.
struct CappedReaders : Crowd {
    CappedReaders() { track.append_group().finish(); }
    ~CappedReaders() override { track.abort(Error::Cancelled); }
    void reserve(std::size_t count) override { all.reserve(count); }
    void add(std::size_t) override {
        Subscription wishes;
        wishes.start = 5;
        wishes.end = 10;
        all.push_back(value_of(track.consume().subscribe(wishes)));
        wait(all.back().recv_group());
    }
    void group() { track.create_group(next++).finish(); }

    static TrackInfo info() {
        TrackInfo info;
        info.max_latency = std::chrono::milliseconds(0);
        return info;
    }
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("audio", info());
    std::vector<TrackSubscriber> all;
    std::uint64_t next = 100;
};

/// Groups behind the cap of one reader: as many as the pool holds. The oldest is evicted for each new one.
struct GroupsBehindCap : Crowd {
    ~GroupsBehindCap() override { track->abort(Error::Cancelled); }
    void reserve(std::size_t count) override {
        OriginConfig config;
        config.max_cached_bytes = count * detail::MediaCost::group;
        origin = Origin(std::move(config));
        broadcast.emplace(origin.producer().make_broadcast());
        TrackInfo info;
        info.max_latency = std::chrono::hours(1);
        track.emplace(broadcast->create_track("audio", info));
        Subscription wishes;
        wishes.start = 5;
        wishes.end = 10;
        reader = value_of(track->consume().subscribe(wishes));
        keep_waiting([this] { return reader.recv_group(); });
    }
    void add(std::size_t) override { group(); }
    void group() { track->create_group(next++).finish(); }

    Origin origin;
    std::optional<BroadcastProducer> broadcast;
    std::optional<TrackProducer> track;
    TrackSubscriber reader;
    std::uint64_t next = 100;
};

/// Watchers that wait for announcements, each below a prefix of its own.
struct Watchers : Crowd {
    void reserve(std::size_t count) override { all.reserve(count); }
    AnnounceConsumer watcher(std::size_t i) {
        return origin.consumer().with_root("watched/" + std::to_string(i))->announced();
    }
    void add(std::size_t i) override {
        all.push_back(watcher(i));
        wait(all.back().next());
    }
    void announce() { const auto published = origin.producer().publish_broadcast("other/room", broadcast.consume()); }
    void join_and_leave() {
        const auto one = watcher(0);
    }

    Origin origin;
    BroadcastProducer broadcast;
    std::vector<AnnounceConsumer> all;
};

/// Handlers that wait for requests, and answer them.
struct Handlers : Crowd {
    void reserve(std::size_t count) override { all.reserve(count); }
    virtual OriginDynamic handler(std::size_t) { return origin.producer().dynamic(); }
    void add(std::size_t i) override {
        all.push_back(handler(i));
        serve(all.size() - 1);
    }
    void serve(std::size_t i) {
        all[i].requested_broadcast().async_wait(
            asio::bind_executor(context, [this, i](std::error_code code, std::optional<BroadcastRequest> request) {
                if (code || !request) return;
                request->accept(answer.consume());
                serve(i);
            }));
    }
    void request(const std::string &path) {
        std::size_t answered = 0;
        origin.consumer().request_broadcast(path).async_wait(
            asio::bind_executor(context, [&answered](std::error_code code, const BroadcastConsumer &) { answered += code ? 0 : 1; }));
        run();
        if (answered != 1) throw std::runtime_error("a request without an answer");
        // The next request is for a new broadcast.
        answer = BroadcastProducer();
    }
    void join_and_leave() {
        const auto one = handler(0);
    }

    Origin origin;
    BroadcastProducer answer;
    std::vector<OriginDynamic> all;
    std::size_t asked = 0;
};
struct HandlersApart : Handlers {
    OriginDynamic handler(std::size_t i) override { return origin.producer().with_root("served/" + std::to_string(i))->dynamic(); }
};

/// Paths with equal last bits in the hash that everybody can compute.
inline const std::vector<std::string> &colliding_paths() {
    static const auto paths = [] {
        const std::size_t count = numbers().back(), mask = quick ? 15 : 1023;
        std::vector<std::string> all;
        for (std::size_t i = 0; all.size() <= count; ++i) {
            auto path = "room/" + std::to_string(i);
            if ((std::hash<std::string_view>()(path) & mask) == 0) all.push_back(std::move(path));
        }
        return all;
    }();
    return paths;
}
struct CollidingNames : Crowd {
    void reserve(std::size_t count) override { all.reserve(count); }
    void add(std::size_t i) override { all.push_back(origin.producer().publish_broadcast(colliding_paths()[i], broadcast.consume())); }
    void begin(std::size_t count) override { known = count; }
    void look_up() {
        wait(origin.consumer().request_broadcast(colliding_paths()[next]));
        if (++next == std::min<std::size_t>(known, 10)) next = 0;
    }
    void announce() { const auto published = origin.producer().publish_broadcast(colliding_paths().back(), broadcast.consume()); }

    Origin origin;
    BroadcastProducer broadcast;
    std::vector<OriginPublish> all;
    std::size_t known = 0, next = 0;
};

/// Subscribers of another origin's track, which comes by one session.
struct RemoteSubscribers : Crowd {
    RemoteSubscribers() {
        lite::SessionConfig of_server, of_client;
        of_server.publish = there.consumer();
        of_client.subscribe = here.producer();
        server.emplace(link.server(), std::move(of_server));
        client.emplace(link.client(), std::move(of_client));
        run();
        found.emplace(value_of(Operation<BroadcastConsumer>(here.consumer().announced_broadcast("a"))));
    }
    ~RemoteSubscribers() override {
        client->close();
        server->close();
        run();
    }
    void reserve(std::size_t count) override { all.reserve(count); }
    void add(std::size_t i) override {
        all.push_back(value_of(found->track("video").subscribe(wishes_of(i))));
        wait(all.back().next_group());
    }
    void join_and_leave() {
        const auto one = value_of(found->track("video").subscribe(urgent_wishes(last++)));
    }
    void update() { all.front().update(urgent_wishes(last++)); }

    Origin there, here;
    BroadcastPublish broadcast = there.producer().create_broadcast("a");
    TrackProducer track = broadcast.producer().create_track("video");
    MemoryLink link{context.get_executor(), context.get_executor()};
    std::optional<lite::Session> server, client;
    std::optional<BroadcastConsumer> found;
    std::vector<TrackSubscriber> all;
    std::size_t last = 0;
};

/// Groups of many subscriptions that wait until the peer has read more.
struct WaitingGroups : Crowd {
    using Outbox = detail::GroupOutbox;

    WaitingGroups() {
        unread.use(*stream);
        unread.settle(3 * limit);
    }
    ~WaitingGroups() override {
        for (auto &group : groups) group.give_up(make_error_code(Error::Cancelled), 0);
        run();
    }
    static SendOrder order_of(std::uint8_t priority, std::uint64_t rank) {
        SendOrder order;
        order.priority = priority;
        order.rank = rank;
        return order;
    }
    void add(std::size_t i) override {
        auto &group = groups.emplace_back(outbox, accounts[i % accounts.size()], order_of(static_cast<std::uint8_t>(i % 100), i));
        asio::co_spawn(context, group.room(), asio::detached);
    }
    /// One more group waits, and is the first to have room.
    void wait_and_take() {
        Outbox::Item urgent(outbox, accounts.front(), order_of(200, 0));
        bool done = false;
        asio::co_spawn(context, urgent.room(), [&done](const std::exception_ptr &) { done = true; });
        run();
        unread.settle(2 * limit - 1);
        run();
        if (!done) throw std::runtime_error("a group that has no room");
        unread.settle(3 * limit);
    }

    static constexpr std::size_t limit = 256 * 1024;
    static detail::SendBudget::Limits limits() {
        detail::SendBudget::Limits limits;
        limits.session = limit;
        return limits;
    }
    MemoryLink link{context.get_executor(), context.get_executor()};
    std::unique_ptr<SendStream> stream = [this] {
        std::unique_ptr<SendStream> opened;
        asio::co_spawn(context, link.client()->open_uni(),
                       [&opened](const std::exception_ptr &, std::unique_ptr<SendStream> one) { opened = std::move(one); });
        run();
        return opened;
    }();
    Outbox outbox{*link.client(), limits(), nullptr};
    std::deque<Outbox::Account> accounts{100};
    Outbox::Account of_unread;
    Outbox::Item unread{outbox, of_unread, order_of(150, 0)};
    std::deque<Outbox::Item> groups;
};

}  // namespace comoq::bench
