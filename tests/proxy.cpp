// A broadcast served by another: what passes, in both directions, and what is left when one side goes.
#include <comoq/proxy.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace proxy_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// `to` is served from `from`.
struct Scene {
    Scene() { asio::co_spawn(context, proxy(from->consume(), to), asio::detached); }

    void run() { settle_down(context); }
    auto subscribe(const std::string &name = "video", Subscription wishes = {}) {
        auto waiting = wait(to.consume().track(name).subscribe(wishes));
        run();
        return waiting;
    }
    /// A subscriber of a track that exists upstream.
    TrackSubscriber subscriber(Subscription wishes = {}) {
        auto waiting = subscribe("video", wishes);
        return std::move(waiting.value());
    }
    /// The numbers that come in order, each after every coroutine had its turn.
    Numbers next_groups(TrackSubscriber &of) {
        run();
        return nexts(of);
    }

    asio::io_context context;
    std::optional<BroadcastProducer> from = BroadcastProducer();
    BroadcastProducer to;
    std::optional<TrackProducer> video = from->create_track("video");
};

}  // namespace

TEST_CASE("proxy: a track comes with its info, its groups with their numbers, frames with their bytes", "[proxy]") {
    Scene scene;
    auto source = scene.from->create_track("audio", unusual_info());
    const auto bytes = payload("the bytes");
    auto group = source.create_group(41);
    group.write_frame(bytes, Timestamp(3, Timescale(1)));
    group.finish();
    auto waiting = scene.subscribe("audio");
    auto &subscriber = waiting.value();
    const auto info = now(scene.to.consume().track("audio").info());
    CHECK(info.priority == 9);
    CHECK(info.ordered);
    CHECK(info.max_latency == 77s);
    CHECK(info.timescale == Timescale(90'000));
    scene.run();
    auto copy = now(subscriber.next_group()).value();
    CHECK(copy.sequence() == 41);
    const auto frame = now(copy.read_frame()).value();
    CHECK(frame.timestamp == Timestamp(3, Timescale(1)));
    // Shared, not copied.
    CHECK(frame.payload.data() == bytes.data());
    CHECK_FALSE(now(copy.read_frame()).has_value());
    source.create_group(43).finish();
    CHECK(scene.next_groups(subscriber) == Numbers{43});
}

TEST_CASE("proxy: it has nothing to serve from an empty handle", "[proxy]") {
    asio::io_context context;
    const BroadcastProducer to;
    auto over = asio::co_spawn(context, proxy(BroadcastConsumer(), to), asio::use_future);
    settle_down(context);
    CHECK(error_of([&] { over.get(); }) == Error::Closed);
}

TEST_CASE("proxy: a frame can be read on both sides while it is written", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    auto group = scene.video->append_group();
    auto frame = group.create_frame(4);
    const auto chunk = payload("ab");
    frame.write(chunk);
    scene.run();
    auto reader = now(subscriber.next_group()).value();
    auto opened = now(reader.next_frame()).value();
    CHECK(opened.size() == 4);
    CHECK(now(opened.read_chunk())->data() == chunk.data());
    auto rest = wait(opened.read_chunk());
    CHECK_FALSE(rest.done());
    frame.write(payload("cd"));
    scene.run();
    CHECK(rest.value()->view() == "cd");
    frame.finish();
    group.finish();
    scene.run();
    CHECK_FALSE(now(opened.read_chunk()).has_value());
    CHECK_FALSE(now(reader.next_frame()).has_value());
}

TEST_CASE("proxy: all subscribers here share one subscription upstream, with their combined wishes", "[proxy]") {
    Scene scene;
    auto one = std::make_optional(scene.subscriber(Wish{.priority = 3, .start = 4, .end = 9}));
    auto changes = wait(scene.video->subscription_changed());
    REQUIRE(changes.value().has_value());
    CHECK(changes.value()->priority == 3);
    CHECK(changes.value()->start == 4);
    CHECK(changes.value()->end == 9);
    auto two = std::make_optional(scene.subscriber(Wish{.priority = 8, .start = 2}));
    CHECK(scene.video->stats().subscribers == 1);
    scene.run();
    CHECK(scene.video->subscription()->priority == 8);
    CHECK(scene.video->subscription()->start == 2);
    CHECK_FALSE(scene.video->subscription()->end.has_value());
    two->update(Wish{.priority = 5, .start = 2, .end = 20});
    scene.run();
    CHECK(scene.video->subscription()->priority == 5);
    CHECK(scene.video->subscription()->end == 20);
    two.reset();
    scene.run();
    CHECK(scene.video->subscription()->priority == 3);
    CHECK(scene.video->stats().subscribers == 1);
    one.reset();
    scene.run();
    CHECK(scene.video->stats().subscribers == 0);
}

TEST_CASE("proxy: interest upstream begins with the first reader, ends with the last, and begins again", "[proxy]") {
    Scene scene;
    // A request for the info does not count as interest.
    auto info = wait(scene.to.consume().track("video").info());
    scene.run();
    CHECK(info.done());
    CHECK(scene.video->stats().subscribers == 0);
    scene.video->write_frame(payload("0"));
    auto first = std::make_optional(scene.subscriber());
    CHECK(scene.video->stats().subscribers == 1);
    CHECK(scene.next_groups(*first) == Numbers{0});
    first.reset();
    scene.run();
    CHECK(scene.video->stats().subscribers == 0);
    scene.video->write_frame(payload("1"));
    scene.video->write_frame(payload("2"));
    auto second = scene.subscriber();
    CHECK(scene.video->stats().subscribers == 1);
    scene.run();
    CHECK(now(second.next_group())->sequence() == 0);
    CHECK(scene.next_groups(second) == Numbers{2});
}

TEST_CASE("proxy: a group that was begun is completed for the next reader", "[proxy]") {
    Scene scene;
    auto group = scene.video->append_group();
    group.write_frame(payload("a"));
    auto first = std::make_optional(scene.subscriber());
    first.reset();
    scene.run();
    group.write_frame(payload("b"));
    group.finish();
    scene.run();
    auto second = scene.subscriber();
    auto reader = now(second.next_group()).value();
    CHECK(texts(reader) == Words{"a", "b"});
    CHECK_FALSE(now(reader.read_frame()).has_value());
}

TEST_CASE("proxy: a finished track is subscribed to upstream until its last groups have come whole", "[proxy]") {
    Scene scene;
    auto subscriber = std::make_optional(scene.subscriber());
    auto first = scene.video->append_group();
    auto second = scene.video->append_group();
    scene.video->finish();
    CHECK(scene.next_groups(*subscriber) == Numbers{0, 1});
    auto unused = wait(scene.video->unused());
    SECTION("while they come") {
        second.finish();
        scene.run();
        CHECK_FALSE(unused.done());
        first.finish();
        scene.run();
        CHECK(unused.done());
    }
    SECTION("unless nobody subscribes here") {
        subscriber.reset();
        scene.run();
        CHECK(unused.done());
    }
}

TEST_CASE("proxy: datagrams keep their numbers", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    scene.video->append_datagram(payload("a"));
    scene.video->write_frame(payload("group"));
    scene.video->append_datagram(payload("b"), Timestamp(4, Timescale(1)));
    scene.run();
    const auto first = now(subscriber.recv_datagram()).value();
    CHECK(first.sequence == 0);
    CHECK(first.payload.view() == "a");
    const auto second = now(subscriber.recv_datagram()).value();
    CHECK(second.sequence == 2);
    CHECK(second.timestamp == Timestamp(4, Timescale(1)));
    CHECK(nexts(subscriber) == Numbers{1});
}

TEST_CASE("proxy: a group is fetched upstream once, however many ask", "[proxy]") {
    Scene scene;
    auto handler = scene.video->dynamic();
    const auto fetch = [&](std::uint64_t sequence, std::uint8_t priority) {
        Fetch how;
        how.priority = priority;
        return scene.to.consume().track("video").fetch_group(sequence, how);
    };
    auto one = wait(fetch(7, 5)), two = wait(fetch(7, 3));
    scene.run();
    CHECK(scene.video->stats().subscribers == 0);
    auto next = handler.requested_group();
    REQUIRE(next.ready());
    auto request = now(std::move(next)).value();
    CHECK(request.sequence() == 7);
    CHECK(request.priority() == 5);
    CHECK_FALSE(handler.requested_group().ready());
    {
        auto group = request.accept();
        group.write_frame(payload("old"));
        group.finish();
    }
    scene.run();
    CHECK(texts(one.value()) == Words{"old"});
    CHECK(texts(two.value()) == Words{"old"});
    // Refusals pass, and so does leaving.
    auto refused = wait(fetch(8, 0));
    scene.run();
    now(handler.requested_group())->reject(app_error(5));
    scene.run();
    CHECK(refused.code() == app_error(5));
    auto left = std::make_optional(fetch(9, 0));
    scene.run();
    auto third = now(handler.requested_group()).value();
    auto abandoned = wait(third.abandoned());
    CHECK_FALSE(abandoned.done());
    left.reset();
    scene.run();
    CHECK(abandoned.done());
}

TEST_CASE("proxy: a group can be fetched from a track that is live on neither side", "[proxy]") {
    asio::io_context context;
    BroadcastProducer from, to;
    auto upstream = from.dynamic();
    asio::co_spawn(context, proxy(from.consume(), to), asio::detached);
    auto waiting = wait(to.consume().track("video").fetch_group(5));
    settle_down(context);
    auto request = take_track(upstream).value();
    auto groups = request.dynamic();
    settle_down(context);
    auto asked = now(groups.requested_group()).value();
    auto group = asked.accept(unusual_info());
    group.write_frame(payload("x"), Timestamp(1, Timescale(1)));
    settle_down(context);
    CHECK(now(waiting.value().read_frame())->timestamp.value() == 90'000);
    auto abandoned = wait(request.abandoned());
    settle_down(context);
    CHECK(abandoned.done());
}

TEST_CASE("proxy: the codes of groups, tracks and the broadcast are passed on", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    auto group = scene.video->append_group();
    group.write_frame(payload("a"));
    scene.run();
    auto reader = now(subscriber.next_group()).value();
    CHECK(texts(reader) == Words{"a"});
    SECTION("a group is aborted, and its track goes on") {
        group.abort(app_error(1));
        scene.run();
        CHECK(code_now(reader.read_frame()) == app_error(1));
        scene.video->append_group().finish();
        CHECK(scene.next_groups(subscriber) == Numbers{1});
    }
    SECTION("a group is dropped, and leaves its complete frames") {
        group.write_frame(payload("b"));
        {
            const auto dropped = std::move(group);
        }
        scene.run();
        CHECK(texts(reader) == Words{"b"});
        CHECK(code_now(reader.read_frame()) == Error::Dropped);
    }
    SECTION("the track is aborted") {
        scene.video->abort(app_error(2));
        scene.run();
        CHECK(code_now(subscriber.next_group()) == app_error(2));
    }
    SECTION("the track is dropped") {
        scene.video.reset();
        scene.run();
        CHECK(code_now(subscriber.next_group()) == Error::Dropped);
    }
    SECTION("the track ends well") {
        group.finish();
        scene.video->finish_at(5);
        scene.run();
        CHECK(now(subscriber.finished()) == 5);
        scene.video.reset();
        scene.run();
        CHECK_FALSE(now(subscriber.next_group()).has_value());
        CHECK_FALSE(now(subscriber.closed()));
        CHECK(scene.to.stats().tracks == 0);
    }
    SECTION("the broadcast is aborted") {
        scene.from->abort(app_error(3));
        scene.run();
        CHECK(now(scene.to.consume().closed()) == app_error(3));
    }
    SECTION("the broadcast ends well") {
        scene.from->finish();
        scene.run();
        CHECK_FALSE(now(scene.to.consume().closed()));
    }
}

TEST_CASE("proxy: a request that upstream refuses is refused with upstream's code", "[proxy]") {
    Scene scene;
    auto handler = std::make_optional(scene.from->dynamic());
    auto waiting = scene.subscribe("secret");
    take_track(*handler)->reject(Error::Unauthorized);
    scene.run();
    CHECK(waiting.code() == Error::Unauthorized);
    handler.reset();
    auto unknown = scene.subscribe("unknown");
    scene.run();
    CHECK(unknown.code() == Error::NotFound);
    CHECK(scene.to.stats().pending == 0);
}

TEST_CASE("proxy: when nobody waits for a track any more, nobody upstream is kept busy with it", "[proxy]") {
    Scene scene;
    auto handler = scene.from->dynamic();
    auto waiting = std::make_optional(scene.subscribe("slow"));
    auto request = take_track(handler).value();
    auto abandoned = wait(request.abandoned());
    waiting.reset();
    scene.run();
    CHECK(abandoned.done());
}

TEST_CASE("proxy: a finished track that is still there stays for a reader that comes late", "[proxy]") {
    Scene scene;
    scene.video->write_frame(payload("only"));
    scene.video->finish();
    auto first = std::make_optional(scene.subscriber());
    CHECK(scene.next_groups(*first) == Numbers{0});
    CHECK_FALSE(now(first->next_group()).has_value());
    first.reset();
    scene.run();
    CHECK(scene.video->stats().subscribers == 0);
    auto second = scene.subscriber();
    CHECK(scene.next_groups(second) == Numbers{0});
    CHECK_FALSE(now(second.next_group()).has_value());
}

// Through origins

namespace {

/// A broadcast upstream with a track.
struct Source {
    explicit Source(BroadcastProducer made) : broadcast(std::move(made)) {}
    BroadcastProducer broadcast;
    TrackProducer video = broadcast.create_track("video");
};

/// `edge` has nothing itself, and fetches from `upstream`.
struct Relay {
    Relay() {
        asio::co_spawn(context, proxy(upstream.consumer(), edge->producer(), edge->producer().dynamic()),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
    }
    ~Relay() {
        stop.emit(asio::cancellation_type::terminal);
        run();
    }

    void run() { settle_down(context); }
    /// Takes upstream's request, and answers it with a new broadcast.
    Source answer(OriginDynamic &handler) {
        Source source(upstream.producer().make_broadcast());
        now(handler.requested_broadcast())->accept(source.broadcast.consume());
        run();
        return source;
    }
    auto ask() {
        auto waiting = wait(edge->consumer().request_broadcast("room/alice"));
        run();
        return waiting;
    }

    asio::io_context context;
    asio::cancellation_signal stop;
    Origin upstream;
    std::optional<Origin> edge = Origin();
};

}  // namespace

TEST_CASE("proxy: a relay asks upstream once, and gives every requester the same broadcast", "[proxy]") {
    Relay relay;
    auto handler = relay.upstream.producer().dynamic();
    auto one = relay.ask(), two = relay.ask();
    auto request = now(handler.requested_broadcast()).value();
    CHECK(request.path() == Path("room/alice"));
    CHECK_FALSE(handler.requested_broadcast().ready());
    Source source(relay.upstream.producer().make_broadcast(BroadcastInfo({1, 2})));
    request.accept(source.broadcast.consume());
    relay.run();
    CHECK(one.value() == two.value());
    CHECK(one.value().info().hops == std::vector<std::uint64_t>{1, 2});
    CHECK(relay.edge->stats().served == 1);
    CHECK(relay.edge->stats().announced == 0);
    source.broadcast.finish();
    relay.run();
    CHECK(relay.edge->stats().served == 0);
}

TEST_CASE("proxy: a relay's requesters get upstream's refusal, and upstream is told when they leave", "[proxy]") {
    Relay relay;
    CHECK(relay.ask().code() == Error::NotFound);
    auto handler = relay.upstream.producer().dynamic();
    auto waiting = relay.ask();
    now(handler.requested_broadcast())->reject(app_error(6));
    relay.run();
    CHECK(waiting.code() == app_error(6));
    auto left = std::make_optional(relay.ask());
    auto request = now(handler.requested_broadcast()).value();
    left.reset();
    relay.run();
    CHECK(request.abandoned().ready());
    CHECK(relay.edge->stats().pending == 0);
}

TEST_CASE("proxy: when the source fails and upstream gives another, readers go on at the next group", "[proxy]") {
    Relay relay;
    auto handler = relay.upstream.producer().dynamic();
    auto waiting = relay.ask();
    auto first = std::make_optional(relay.answer(handler));
    const auto broadcast = waiting.value();
    auto subscribing = wait(broadcast.track("video").subscribe());
    relay.run();
    auto &subscriber = subscribing.value();
    first->video.write_frame(payload("0"));
    auto under_way = std::make_optional(first->video.append_group());
    under_way->write_frame(payload("half of 1"));
    relay.run();
    CHECK(now(subscriber.next_group())->sequence() == 0);
    auto reader = now(subscriber.next_group()).value();
    auto next = wait(subscriber.next_group());
    auto fetched = wait(broadcast.track("video").fetch_group(30));

    Source second(relay.upstream.producer().make_broadcast());
    auto groups = second.video.dynamic();
    for (int i = 0; i < 4; ++i) {
        second.video.write_frame(payload("second"));
    }
    SECTION("dropped") {
        under_way.reset();
        first.reset();
    }
    SECTION("aborted") {
        first->video.abort(Error::Transport);
        first->broadcast.abort(Error::Transport);
        under_way.reset();
    }
    SECTION("the broadcast fails before its tracks") {
        first->broadcast.abort(Error::Transport);
        relay.run();
        under_way.reset();
        first.reset();
    }
    relay.run();
    now(handler.requested_broadcast())->accept(second.broadcast.consume());
    relay.run();
    // The group in progress failed, its track did not.
    auto after = texts(reader);
    CHECK(code_now(reader.read_frame()) != std::error_code());
    REQUIRE(next.done());
    CHECK(next.value()->sequence() == 2);
    CHECK(nexts(subscriber) == Numbers{3});
    CHECK_FALSE(broadcast.is_closed());
    CHECK(second.video.subscription()->start == 2);
    second.video.write_frame(payload("more"));
    relay.run();
    CHECK(nexts(subscriber) == Numbers{4});
    // Also a group that is requested after it.
    auto late = wait(broadcast.track("video").fetch_group(31));
    relay.run();
    CHECK(groups.requested_group().ready());
}

TEST_CASE("proxy: tracks that nobody reads go on with another source, too", "[proxy]") {
    Relay relay;
    auto handler = relay.upstream.producer().dynamic();
    auto waiting = relay.ask();
    auto first = std::make_optional(relay.answer(handler));
    const auto broadcast = waiting.value();
    auto info = wait(broadcast.track("video").info());
    relay.run();
    CHECK(info.done());
    first.reset();
    relay.run();
    Source second = relay.answer(handler);
    auto subscribing = wait(broadcast.track("video").subscribe());
    relay.run();
    second.video.write_frame(payload("x"));
    relay.run();
    CHECK(nexts(subscribing.value()) == Numbers{0});
}

TEST_CASE("proxy: when upstream gives no replacement, readers get the code of the failure", "[proxy]") {
    Relay relay;
    auto handler = std::make_optional(relay.upstream.producer().dynamic());
    auto waiting = relay.ask();
    Source source = relay.answer(*handler);
    auto subscribing = wait(waiting.value().track("video").subscribe());
    relay.run();
    handler.reset();
    source.video.abort(app_error(1));
    source.broadcast.abort(app_error(2));
    relay.run();
    CHECK(code_now(subscribing.value().next_group()) == app_error(1));
    CHECK(now(waiting.value().closed()) == app_error(2));
    CHECK(relay.edge->stats().served == 0);
}

TEST_CASE("section 7: sources that fail one after the other are not asked for without end", "[proxy]") {
    Relay relay;
    auto handler = relay.upstream.producer().dynamic();
    auto waiting = relay.ask();
    int asked = 0;
    std::optional<Waiting<TrackSubscriber>> subscribing;
    for (; asked < 100; ++asked) {
        relay.run();
        auto next = handler.requested_broadcast();
        if (!next.ready()) {
            break;
        }
        auto request = now(std::move(next)).value();
        Source source(relay.upstream.producer().make_broadcast());
        request.accept(source.broadcast.consume());
        relay.run();
        if (!subscribing) {
            subscribing.emplace(wait(waiting.value().track("video").subscribe()));
            relay.run();
        }
    }
    CHECK(asked > 1);
    CHECK(asked < 10);
    CHECK(code_now(subscribing->value().next_group()) == Error::Dropped);
}

TEST_CASE("proxy: a relay that is cancelled ends everything with Cancelled, and no part of it goes on", "[proxy]") {
    asio::io_context context;
    asio::cancellation_signal stop;
    Origin upstream, edge;
    Source source(upstream.producer().make_broadcast());
    auto published = upstream.producer().publish_broadcast("room/alice", source.broadcast.consume());
    auto silent = upstream.producer().dynamic();
    auto silent_tracks = source.broadcast.dynamic();
    auto silent_groups = source.video.dynamic();
    asio::co_spawn(context, proxy(upstream.consumer(), edge.producer(), edge.producer().dynamic()),
                   asio::bind_cancellation_slot(stop.slot(), asio::detached));
    auto waiting = wait(edge.consumer().request_broadcast("room/alice"));
    settle_down(context);
    auto subscribing = wait(waiting.value().track("video").subscribe());
    settle_down(context);
    auto group = source.video.append_group();
    group.write_frame(payload("begun"));
    settle_down(context);
    auto reader = now(subscribing.value().next_group()).value();
    CHECK(texts(reader) == Words{"begun"});
    // The pending operations.
    auto asked = wait(edge.consumer().request_broadcast("room/bob"));
    auto asked_track = wait(waiting.value().track("audio").subscribe());
    auto asked_group = wait(waiting.value().track("video").fetch_group(77));
    settle_down(context);
    auto abandoned = now(silent.requested_broadcast()).value();
    stop.emit(asio::cancellation_type::terminal);
    CHECK_FALSE(settle_down(context));
    CHECK(code_now(subscribing.value().next_group()) == Error::Cancelled);
    CHECK(code_now(reader.read_frame()) == Error::Cancelled);
    CHECK(asked.code() == Error::Cancelled);
    CHECK(asked_track.code() == Error::Cancelled);
    CHECK(asked_group.code() == Error::Cancelled);
    CHECK(now(waiting.value().closed()) == Error::Cancelled);
    CHECK(abandoned.abandoned().ready());
    CHECK(source.video.stats().subscribers == 0);
    CHECK(edge.stats().handlers == 0);
    CHECK(edge.stats().pending == 0);
    CHECK(edge.stats().served == 0);
}

TEST_CASE("proxy: when the proxy is cancelled, a broadcast that is served from another stays open, and its tracks do not",
          "[proxy]") {
    asio::io_context context;
    Disturbed proxying;
    BroadcastProducer from, to;
    auto video = from.create_track("video");
    proxying.start(context, proxy(from.consume(), to));
    settle_down(context);
    auto subscribing = wait(to.consume().track("video").subscribe());
    settle_down(context);
    proxying.cancel();
    CHECK_FALSE(settle_down(context));
    CHECK(proxying.was_cancelled());
    CHECK(code_now(subscribing.value().next_group()) == Error::Cancelled);
    CHECK_FALSE(to.consume().is_closed());
    CHECK(to.stats().handlers == 0);
}

TEST_CASE("proxy: the last datagrams of a track pass before its end", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    for (int i = 0; i < 1000; ++i) {
        scene.video->append_datagram(payload("x"));
    }
    scene.video->finish();
    scene.video.reset();
    scene.run();
    int count = 0;
    while (now(subscriber.recv_datagram())) {
        ++count;
    }
    CHECK(count == 1000);
}

TEST_CASE("proxy: readers with a cap learn of the end, and get the groups within it", "[proxy]") {
    Scene scene;
    auto capped = scene.subscriber(Wish{.start = 0, .end = 1});
    for (int i = 0; i < 4; ++i) {
        scene.video->write_frame(payload("x"));
    }
    CHECK(scene.next_groups(capped) == Numbers{0, 1});
    auto closed = wait(capped.closed());
    scene.video.reset();
    scene.run();
    CHECK(closed.value() == Error::Dropped);
}

TEST_CASE("proxy: an earlier start brings the groups that a finished track still has", "[proxy]") {
    Scene scene;
    for (int i = 0; i < 6; ++i) {
        scene.video->write_frame(payload("x"));
    }
    scene.video->finish();
    auto late = scene.subscriber(Wish{.start = 5});
    CHECK(scene.next_groups(late) == Numbers{5});
    auto early = scene.subscriber(Wish{.start = 0});
    CHECK(scene.next_groups(early) == Numbers{0, 1, 2, 3, 4, 5});
    CHECK_FALSE(now(early.next_group()).has_value());
}

TEST_CASE("proxy: an earlier start brings back groups that were evicted here", "[proxy]") {
    Scene scene;
    OriginConfig config;
    config.max_cached_bytes = pool_of(3, 3'000);
    const Origin origin(config);
    const auto published = origin.producer().publish_broadcast("here", scene.to.consume());
    for (int i = 0; i < 6; ++i) scene.video->write_frame(payload(1'000));
    auto first = std::make_optional(scene.subscriber(Wish{.start = 0}));
    scene.run();
    first.reset();
    scene.run();
    const auto here = scene.to.consume().track("video");
    REQUIRE(here.get_group(5));
    REQUIRE_FALSE(here.get_group(0));
    auto second = scene.subscriber(Wish{.start = 0, .end = 0});
    CHECK(scene.next_groups(second) == Numbers{0});
}

TEST_CASE("proxy: a start that is far ahead keeps no reader from the live edge", "[proxy]") {
    Scene scene;
    scene.video->write_frame(payload("x"));
    auto live = scene.subscriber();
    auto ahead = scene.subscriber(Wish{.start = 100});
    scene.run();
    scene.video->write_frame(payload("x"));
    CHECK(scene.next_groups(live) == Numbers{0, 1});
    CHECK(scene.next_groups(ahead).empty());
}

TEST_CASE("proxy: a track that ends while nobody reads it ends here, and a later one of its name is a new track", "[proxy]") {
    Scene scene;
    scene.video->write_frame(payload("old"));
    auto first = std::make_optional(scene.subscriber());
    scene.run();
    first.reset();
    scene.run();
    SECTION("dropped") { scene.video.reset(); }
    SECTION("ended well") {
        scene.video->finish();
        scene.video.reset();
    }
    SECTION("aborted") {
        scene.video->abort(Error::Timeout);
        scene.video.reset();
    }
    scene.run();
    CHECK(scene.to.stats().tracks == 0);
    scene.video = scene.from->create_track("video", unusual_info());
    scene.video->write_frame(payload("new"));
    auto second = scene.subscriber();
    scene.run();
    auto group = now(second.next_group()).value();
    CHECK(texts(group) == Words{"new"});
    CHECK(now(scene.to.consume().track("video").info()).priority == 9);
}

TEST_CASE("proxy: a group that is aborted within a frame ends with that code", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    auto group = scene.video->append_group();
    auto frame = group.create_frame(4);
    frame.write(payload("ab"));
    scene.run();
    auto reader = now(subscriber.next_group()).value();
    auto opened = now(reader.next_frame()).value();
    auto whole = wait(opened.read_all());
    frame.abort(app_error(7));
    scene.run();
    CHECK(whole.code() == app_error(7));
    CHECK(code_now(reader.read_frame()) == app_error(7));
}

TEST_CASE("proxy: a subscriber that comes as the last one leaves is served", "[proxy]") {
    // Once at each turn of the executor.
    for (int turns = 0; turns < 30; ++turns) {
        Scene scene;
        auto handler = scene.from->dynamic();
        auto leaves = std::make_optional(scene.subscribe("slow"));
        auto request = take_track(handler).value();
        leaves.reset();
        for (int i = 0; i < turns; ++i) {
            scene.context.restart();
            scene.context.poll_one();
        }
        auto comes = scene.subscribe("slow");
        scene.run();
        if (auto again = take_track(handler)) {
            request = std::move(*again);
        }
        auto track = request.accept();
        scene.run();
        CHECK(comes.code() == std::error_code());
    }
}

TEST_CASE("proxy: a subscriber that comes as upstream lets go of an unused track gets the next track, at every step", "[proxy]") {
    bool more = true;
    for (int steps = 0; more; ++steps) {
        CAPTURE(steps);
        REQUIRE(steps < 200);
        Relay relay;
        auto source = relay.upstream.producer().create_broadcast("room/alice");
        auto handler = source.producer().dynamic();
        auto found = relay.ask();
        auto leaves = std::make_optional(wait(found.value().track("t").subscribe()));
        relay.run();
        auto track = std::make_optional(take_track(handler).value().accept());
        track->write_frame(payload("old"));
        relay.run();
        REQUIRE(leaves->code() == std::error_code());
        leaves.reset();
        relay.run();
        // As a session does when nobody has wanted a track for a while.
        REQUIRE(source.producer().state(detail::Passkey())->retire_track(track->state(detail::Passkey())));
        track.reset();
        for (int i = 0; i < steps && more; ++i) {
            relay.context.restart();
            more = relay.context.poll_one() != 0;
        }
        auto comes = wait(found.value().track("t").subscribe());
        relay.run();
        auto again = take_track(handler);
        REQUIRE(again.has_value());
        auto next = again->accept();
        auto group = next.create_group(1);
        group.write_frame(payload("new"));
        relay.run();
        REQUIRE(comes.code() == std::error_code());
        // The groups that the relay still has of the first track may come before.
        const auto groups = nexts(comes.value());
        REQUIRE_FALSE(groups.empty());
        CHECK(groups.back() == 1);
    }
}

TEST_CASE("proxy: a request for a track that something else answers leaves no handler behind", "[proxy]") {
    Scene scene;
    auto handler = scene.from->dynamic();
    auto waiting = scene.subscribe("local");
    auto local = scene.to.create_track("local");
    scene.run();
    CHECK(waiting.code() == std::error_code());
    CHECK(local.stats().handlers == 0);
}

TEST_CASE("proxy: cancelling it throws operation_aborted", "[proxy]") {
    asio::io_context context;
    asio::cancellation_signal stop;
    const BroadcastProducer from;
    BroadcastProducer to;
    std::error_code code;
    const auto run = [&]() -> asio::awaitable<void> {
        try {
            co_await proxy(from.consume(), to);
        } catch (const std::system_error &error) {
            code = error.code();
        }
    };
    asio::co_spawn(context, run(), asio::bind_cancellation_slot(stop.slot(), asio::detached));
    settle_down(context);
    stop.emit(asio::cancellation_type::terminal);
    settle_down(context);
    CHECK(code == asio::error::operation_aborted);
}

TEST_CASE("proxy: a cancelled relay does not keep its origin", "[proxy]") {
    Relay relay;
    Source source(relay.upstream.producer().make_broadcast());
    auto published = relay.upstream.producer().publish_broadcast("room/alice", source.broadcast.consume());
    CHECK_FALSE(relay.ask().value().is_closed());
    auto watcher = relay.edge->consumer().announced();
    auto next = wait(watcher.next());
    relay.stop.emit(asio::cancellation_type::terminal);
    relay.run();
    relay.edge.reset();
    CHECK_FALSE(next.value().has_value());
}

TEST_CASE("proxy: a request that an announcement answers is not served", "[proxy]") {
    Relay relay;
    auto handler = relay.upstream.producer().dynamic();
    auto waiting = relay.ask();
    auto request = now(handler.requested_broadcast()).value();
    BroadcastProducer announced;
    auto guard = relay.edge->producer().publish_broadcast("room/alice", announced.consume());
    Source source(relay.upstream.producer().make_broadcast());
    request.accept(source.broadcast.consume());
    relay.run();
    CHECK(waiting.value() == announced.consume());
    CHECK(relay.edge->stats().served == 0);
}

TEST_CASE("proxy: after a survived failure and the last reader's departure, the next reader begins at the live edge", "[proxy]") {
    Relay relay;
    auto handler = relay.upstream.producer().dynamic();
    auto waiting = relay.ask();
    auto first = std::make_optional(relay.answer(handler));
    auto subscribing = std::make_optional(wait(waiting.value().track("video").subscribe()));
    relay.run();
    first->video.write_frame(payload("0"));
    relay.run();
    first.reset();
    relay.run();
    Source second = relay.answer(handler);
    subscribing.reset();
    relay.run();
    for (int i = 0; i < 10; ++i) {
        second.video.write_frame(payload("x"));
    }
    auto late = wait(waiting.value().track("video").subscribe());
    relay.run();
    CHECK_FALSE(second.video.subscription()->start.has_value());
    auto numbers = nexts(late.value());
    CHECK(numbers.back() == 9);
    CHECK(numbers.size() <= 2);
}

TEST_CASE("proxy: sources that deliver something may fail any number of times", "[proxy]") {
    Relay relay;
    auto handler = relay.upstream.producer().dynamic();
    auto waiting = relay.ask();
    std::optional<Waiting<TrackSubscriber>> subscribing;
    for (std::uint64_t i = 0; i < 10; ++i) {
        auto next = handler.requested_broadcast();
        REQUIRE(next.ready());
        auto request = now(std::move(next)).value();
        Source source(relay.upstream.producer().make_broadcast());
        request.accept(source.broadcast.consume());
        relay.run();
        if (!subscribing) {
            subscribing.emplace(wait(waiting.value().track("video").subscribe()));
            relay.run();
        }
        source.video.create_group(i).finish();
        relay.run();
        // Tracks that fail while their broadcast goes on do not count as its failure.
        auto other = source.broadcast.create_track("other");
        auto reader = wait(waiting.value().track("other").subscribe());
        relay.run();
        other.abort(Error::Timeout);
        relay.run();
        CHECK(code_now(reader.value().next_group()) == Error::Timeout);
        {
            const auto gone = std::move(source);
        }
        relay.run();
    }
    CHECK(nexts(subscribing->value()).size() == 10);
}

}
