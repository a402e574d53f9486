// A proxy that asks upstream, whose sources fail and are replaced.
#include <comoq/proxy.hpp>

#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "proxy_scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace proxy_sources_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace proxy_tests;

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
    CHECK(nexts(late.value()) == Numbers{9});
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
