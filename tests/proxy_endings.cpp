// What a proxy passes on when a group, a track, a broadcast or the proxy ends, and who is served at that moment.
#include <comoq/proxy.hpp>

#include <optional>
#include <system_error>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/origin.hpp>

#include "proxy_scene.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace proxy_endings_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace proxy_tests;

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

}
