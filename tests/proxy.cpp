// A broadcast served by another: what passes, in both directions, and what is left when one side goes.
#include <comoq/proxy.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include "proxy_scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace proxy_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

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
    CHECK(scene.next_groups(second) == Numbers{2});
    second = {};
    scene.run();
    // Nothing has come meanwhile.
    auto third = scene.subscriber();
    CHECK(scene.next_groups(third) == Numbers{2});
    scene.video->write_frame(payload("3"));
    CHECK(scene.next_groups(third) == Numbers{3});
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

TEST_CASE("proxy: a request for a track that something else answers leaves no handler behind", "[proxy]") {
    Scene scene;
    auto handler = scene.from->dynamic();
    auto waiting = scene.subscribe("local");
    auto local = scene.to.create_track("local");
    scene.run();
    CHECK(waiting.code() == std::error_code());
    CHECK(local.stats().handlers == 0);
}

}
