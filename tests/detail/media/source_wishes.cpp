// The wishes for a track's source, and how a track leaves its broadcast when nobody wants it.
#include <comoq/detail/media/source_wishes.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace source_wishes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    TrackSubscriber subscribe(Subscription wishes = {}) { return now(broadcast.consume().track("t").subscribe(wishes)); }
    TrackSubscriber from(std::uint64_t start) {
        Subscription wishes;
        wishes.start = start;
        return subscribe(wishes);
    }
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("t");
    detail::SourceWishes source{track.state(detail::Passkey())};
};

}  // namespace

TEST_CASE("wishes for a source: the first ones, then each change, also a change that the combination does not show",
          "[session][source_wishes]") {
    Scene scene;
    CHECK_FALSE(now(scene.source.next()));
    auto next = wait(scene.source.next());
    CHECK_FALSE(next.done());
    auto far = scene.from(1000);
    REQUIRE(next.done());
    CHECK(next.value()->start == 1000);
    auto after = wait(scene.source.next());
    const auto combined = scene.track.subscription();
    auto live = std::make_unique<TrackSubscriber>(scene.subscribe());
    CHECK(scene.track.subscription() == combined);
    REQUIRE(after.done());
    CHECK_FALSE(after.value()->start);
    live.reset();
    CHECK(now(scene.source.next())->start == 1000);
    far = {};
    CHECK_FALSE(now(scene.source.next()));
    scene.track.abort(app_error(3));
    CHECK(code_now(scene.source.next()) == app_error(3));
}

TEST_CASE("wishes for a source: a reader with a start and no max_latency is not limited by that of others", "[session][source_wishes]") {
    Scene scene;
    Subscription hasty;
    hasty.max_latency = std::chrono::milliseconds(20);
    auto live = scene.subscribe(hasty);
    CHECK(now(scene.source.next()) == hasty);
    {
        auto all = scene.from(0);
        CHECK(scene.track.subscription()->max_latency == hasty.max_latency);
        const auto wanted = now(scene.source.next());
        CHECK(wanted->start == 0);
        CHECK(wanted->max_latency.count() == 0);
        Subscription both = hasty;
        both.start = 0;
        all.update(both);
        CHECK(now(scene.source.next()) == both);
    }
    CHECK(now(scene.source.next()) == hasty);
}

TEST_CASE("wishes for a source: a reader without max_latency is not limited by that of others, with or without a start",
          "[session][source_wishes]") {
    Scene scene;
    auto live = std::make_unique<TrackSubscriber>(scene.subscribe());
    CHECK(now(scene.source.next()) == Subscription());
    Subscription newest;
    newest.max_latency = std::chrono::milliseconds(1);
    auto hasty = scene.subscribe(newest);
    CHECK(scene.track.subscription()->max_latency == newest.max_latency);
    CHECK_FALSE(wait(scene.source.next()).done());
    // With a start among them the publisher's own limit is the loosest: without any, all that it has would come.
    newest.start = 0;
    hasty.update(newest);
    const auto wanted = now(scene.source.next());
    CHECK(wanted->start == 0);
    CHECK(wanted->max_latency == scene.track.info().max_latency);
    live.reset();
    CHECK(now(scene.source.next()) == newest);
}

TEST_CASE("wishes for a source: a track is taken off its broadcast only while nobody subscribes to it",
          "[session][source_wishes]") {
    Scene scene;
    const auto state = scene.broadcast.state(detail::Passkey());
    auto subscriber = std::make_unique<TrackSubscriber>(scene.subscribe());
    CHECK_FALSE(state->retire_track(scene.track.state(detail::Passkey())));
    CHECK(scene.broadcast.stats().tracks == 1);
    subscriber.reset();
    CHECK(state->retire_track(scene.track.state(detail::Passkey())));
    CHECK(scene.broadcast.stats().tracks == 0);
    // The broadcast has forgotten it: another track may have its name.
    CHECK(state->retire_track(scene.track.state(detail::Passkey())));
    auto other = scene.broadcast.create_track("t");
    CHECK(state->retire_track(scene.track.state(detail::Passkey())));
    CHECK(scene.broadcast.stats().tracks == 1);
}

TEST_CASE("requests: an abandoned request is withdrawn, unless a requester has joined it again", "[session][source_wishes]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    const auto track = broadcast.consume().track("t");
    auto first = std::make_unique<Waiting<TrackInfo>>(wait(track.info()));
    auto request = now(handler.requested_track());
    REQUIRE(request);
    CHECK_FALSE(request->withdraw());
    first.reset();
    CHECK(request->abandoned().ready());
    auto second = std::make_unique<Waiting<TrackInfo>>(wait(track.info()));
    CHECK_FALSE(request->withdraw());
    second.reset();
    CHECK(request->withdraw());
    CHECK(request->withdraw());
    CHECK(broadcast.stats().pending == 0);
    // A requester that comes now asks anew.
    auto third = wait(track.info());
    CHECK_FALSE(third.done());
    CHECK(broadcast.stats().pending == 1);
    auto other = now(handler.requested_track());
    REQUIRE(other);
    static_cast<void>(other->accept());
    CHECK_FALSE(third.code());
}

TEST_CASE("tracks: readers do not wait for groups that the source will not give", "[session][source_wishes]") {
    Scene scene;
    auto subscriber = scene.from(0);
    scene.track.create_group(0).finish();
    scene.track.create_group(3).finish();
    scene.track.finish();
    CHECK(nexts(subscriber) == Numbers{0, 3});
    auto arrivals = scene.from(0);
    CHECK(now(arrivals.recv_group())->sequence() == 0);
    CHECK(now(arrivals.recv_group())->sequence() == 3);
    auto next = wait(arrivals.recv_group());
    CHECK_FALSE(next.done());
    scene.track.state(detail::Passkey())->change_numbers([](detail::TrackNumbers &numbers) { numbers.skip(1, 2); });
    REQUIRE(next.done());
    CHECK_FALSE(next.value());
}

TEST_CASE("tracks: a reader with a start takes groups in order while their source says so, and other readers do not wait",
          "[session][source_wishes]") {
    Scene scene;
    auto live = scene.subscribe();
    auto early = scene.from(0);
    const auto order = [&](std::optional<std::uint64_t> from) {
        scene.track.state(detail::Passkey())->change_numbers([from](detail::TrackNumbers &numbers) { numbers.keep_order(from); });
    };
    order(0);
    scene.track.create_group(4).finish();
    scene.track.create_group(1).finish();
    CHECK(nexts(early).empty());
    CHECK(now(live.next_group())->sequence() == 1);
    auto next = wait(early.next_group());
    scene.track.create_group(0).finish();
    REQUIRE(next.done());
    CHECK(next.value()->sequence() == 0);
    CHECK(nexts(early) == Numbers{1});
    CHECK(now(live.next_group())->sequence() == 4);
    // Groups that the source will not give are not waited for, and after a while none is.
    scene.track.state(detail::Passkey())->change_numbers([](detail::TrackNumbers &numbers) { numbers.skip(2, 2); });
    CHECK(nexts(early).empty());
    auto last = wait(early.next_group());
    SECTION("it comes") { scene.track.create_group(3).finish(); }
    SECTION("time passes") { order(std::nullopt); }
    SECTION("the track fails") { scene.track.abort(app_error(7)); }
    CHECK(last.done());
}

}
