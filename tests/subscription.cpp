#include <comoq/subscription.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace subscription_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

struct Scene {
    explicit Scene(TrackInfo info = {}) : track(broadcast.create_track("video", info)) {}

    TrackSubscriber subscribe(Subscription wishes = {}) { return now(track.consume().subscribe(wishes)); }

    BroadcastProducer broadcast;
    TrackProducer track;
};

}  // namespace

TEST_CASE("section 6 subscriptions: the producer sees the combination of all live subscriptions", "[subscription]") {
    Scene scene;
    CHECK(scene.track.subscription() == std::nullopt);
    auto one = scene.subscribe(Wish{.priority = 3, .ordered = true, .max_latency = 100ms, .start = 7, .end = 20});
    CHECK(scene.track.subscription() ==
          Wish{.priority = 3, .ordered = true, .max_latency = 100ms, .start = 7, .end = 20});
    auto two = scene.subscribe(Wish{.priority = 9, .ordered = false, .max_latency = 50ms, .start = 4, .end = 30});
    CHECK(scene.track.subscription() ==
          Wish{.priority = 9, .ordered = false, .max_latency = 100ms, .start = 4, .end = 30});
    {
        auto three = scene.subscribe(Wish{.priority = 1, .ordered = true, .max_latency = 400ms, .start = 5});
        CHECK(scene.track.subscription() ==
              Wish{.priority = 9, .ordered = false, .max_latency = 400ms, .start = 4, .end = std::nullopt});
    }
    CHECK(scene.track.subscription() ==
          Wish{.priority = 9, .ordered = false, .max_latency = 100ms, .start = 4, .end = 30});
}

TEST_CASE("section 7 subscriptions: a departed subscriber no longer counts in the combination", "[subscription]") {
    Scene scene;
    auto stays = scene.subscribe(Wish{.priority = 1});
    std::optional<TrackSubscriber> leaves = scene.subscribe(Wish{.priority = 200});
    auto moved = std::move(*leaves);
    leaves.reset();
    CHECK(scene.track.subscription()->priority == 200);
    moved = TrackSubscriber();
    CHECK(scene.track.subscription()->priority == 1);
    stays = TrackSubscriber();
    CHECK(scene.track.subscription() == std::nullopt);
}

TEST_CASE("section 6 subscriptions: max_latency is clamped to the track's", "[subscription]") {
    TrackInfo info;
    info.max_latency = 300ms;
    Scene scene(info);
    auto short_one = scene.subscribe(Wish{.max_latency = 100ms});
    CHECK(scene.track.subscription()->max_latency == 100ms);
    auto long_one = scene.subscribe(Wish{.max_latency = 10s});
    CHECK(scene.track.subscription()->max_latency == 300ms);
}

TEST_CASE("section 6 subscriptions: max_latency is not enforced locally", "[subscription]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.max_latency = 0ms, .start = 0});
    for (int i = 0; i < 10; ++i) {
        scene.track.write_frame(payload("x"), Timestamp(static_cast<std::uint64_t>(i), Timescale(1)));
    }
    CHECK(nexts(subscriber).size() == 10);
}

TEST_CASE("section 6 subscriptions: subscription_changed gives the present value first, then each real change",
          "[subscription]") {
    Scene scene;
    CHECK(now(scene.track.subscription_changed()) == std::nullopt);
    auto changed = wait(scene.track.subscription_changed());
    CHECK_FALSE(changed.done());
    auto one = scene.subscribe(Wish{.priority = 5});
    CHECK(changed.value()->priority == 5);
    // A wish that does not change the combination is not a change.
    auto again = wait(scene.track.subscription_changed());
    auto two = scene.subscribe(Wish{.priority = 5});
    two.update(Wish{.priority = 4});
    two.update(Wish{.priority = 4});
    CHECK_FALSE(again.done());
    two.update(Wish{.priority = 6});
    CHECK(again.value()->priority == 6);
}

TEST_CASE("section 6 subscriptions: several changes at once come as one, and a change that is taken back does not come",
          "[subscription]") {
    Scene scene;
    auto one = scene.subscribe(Wish{.priority = 1});
    CHECK(now(scene.track.subscription_changed())->priority == 1);
    one.update(Wish{.priority = 2});
    one.update(Wish{.priority = 3});
    auto two = scene.subscribe(Wish{.priority = 9});
    auto step = scene.track.subscription_changed();
    CHECK(step.ready());
    CHECK(now(std::move(step))->priority == 9);
    CHECK_FALSE(scene.track.subscription_changed().ready());
    one.update(Wish{.priority = 100});
    one.update(Wish{.priority = 3});
    CHECK_FALSE(scene.track.subscription_changed().ready());
}

TEST_CASE("section 6 subscriptions: an empty combination means that nobody subscribes", "[subscription]") {
    Scene scene;
    std::optional<TrackSubscriber> one = scene.subscribe();
    CHECK(now(scene.track.subscription_changed()).has_value());
    auto changed = wait(scene.track.subscription_changed());
    one.reset();
    CHECK(changed.value() == std::nullopt);
}

TEST_CASE("section 6 subscriptions: each copy of the producer follows the changes from its own beginning",
          "[subscription]") {
    Scene scene;
    auto one = scene.subscribe(Wish{.priority = 1});
    CHECK(now(scene.track.subscription_changed())->priority == 1);
    auto copy = scene.track;
    CHECK(now(copy.subscription_changed())->priority == 1);
    CHECK_FALSE(copy.subscription_changed().ready());
    one.update(Wish{.priority = 2});
    CHECK(now(copy.subscription_changed())->priority == 2);
    CHECK(now(scene.track.subscription_changed())->priority == 2);
}

TEST_CASE("section 2 subscriptions: a change that a destroyed step was to give is given by the next one",
          "[subscription]") {
    Scene scene;
    {
        auto step = scene.track.subscription_changed();
        CHECK(step.ready());
    }
    CHECK(now(scene.track.subscription_changed()) == std::nullopt);
    auto cancelled = wait(scene.track.subscription_changed());
    cancelled.cancel();
    auto one = scene.subscribe(Wish{.priority = 8});
    CHECK(now(scene.track.subscription_changed())->priority == 8);
}

TEST_CASE("section 6 subscriptions: the producer sees update, and sees neither start_at nor end_at", "[subscription]") {
    Scene scene;
    auto one = scene.subscribe(Wish{.start = 3, .end = 9});
    CHECK(now(scene.track.subscription_changed()).has_value());
    one.start_at(1);
    one.end_at(4);
    one.end_at(std::nullopt);
    CHECK_FALSE(scene.track.subscription_changed().ready());
    CHECK(scene.track.subscription() == Wish{.start = 3, .end = 9});
    one.update(Wish{.priority = 2, .start = 5});
    CHECK(now(scene.track.subscription_changed()) == Wish{.priority = 2, .start = 5});
}

TEST_CASE("section 6 subscriptions: used and unused count subscribers and not consumers", "[subscription]") {
    Scene scene;
    auto used = wait(scene.track.used());
    CHECK(scene.track.unused().ready());
    auto consumer = scene.track.consume();
    auto by_name = scene.broadcast.consume().track("video");
    CHECK(now(by_name.info()).timescale == Timescale(1000));
    CHECK_FALSE(used.done());
    std::optional<TrackSubscriber> one = now(by_name.subscribe());
    CHECK(used.code() == std::error_code());
    CHECK(scene.track.used().ready());
    auto unused = wait(scene.track.unused());
    auto two = scene.subscribe();
    one.reset();
    CHECK_FALSE(unused.done());
    {
        auto gone = std::move(two);
    }
    CHECK(unused.code() == std::error_code());
    CHECK_FALSE(scene.track.used().ready());
}

TEST_CASE("section 6 subscriptions: a subscriber counts until its steps are gone as well", "[subscription]") {
    Scene scene;
    std::optional<TrackSubscriber> one = scene.subscribe();
    {
        auto step = one->next_group();
        one.reset();
        CHECK(scene.track.used().ready());
        scene.track.write_frame(payload("x"));
        CHECK(now(std::move(step))->sequence() == 0);
    }
    CHECK(scene.track.unused().ready());
}

TEST_CASE("section 6 subscriptions: a pending subscriber counts as well", "[subscription]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto consumer = broadcast.consume().track("video");
    std::optional<Pending<TrackSubscriber>> pending = consumer.subscribe(Wish{.priority = 4});
    auto other = consumer.subscribe(Wish{.priority = 2});
    auto info = consumer.info();
    auto request = take_track(handler);
    CHECK(request->subscription()->priority == 4);
    auto track = request->accept();
    // No requester has taken its subscriber yet.
    CHECK(track.used().ready());
    CHECK(track.stats().subscribers == 2);
    CHECK(track.subscription()->priority == 4);
    CHECK(now(track.subscription_changed())->priority == 4);
    pending.reset();
    CHECK(now(track.subscription_changed())->priority == 2);
    auto subscriber = now(std::move(other));
    CHECK(track.stats().subscribers == 1);
    subscriber = TrackSubscriber();
    CHECK(track.unused().ready());
    CHECK(now(track.subscription_changed()) == std::nullopt);
}

TEST_CASE("section 6 subscriptions: the wishes of pending subscribers are clamped once the track's latency is known",
          "[subscription]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto pending = broadcast.consume().track("video").subscribe(Wish{.max_latency = 90s});
    auto request = take_track(handler);
    CHECK(request->subscription()->max_latency == 90s);
    TrackInfo info;
    info.max_latency = 2s;
    auto track = request->accept(info);
    CHECK(track.subscription()->max_latency == 2s);
}

TEST_CASE("section 6 subscriptions: the steps of a producer fail with the code that ended the track", "[subscription]") {
    std::optional<Scene> scene(std::in_place);
    auto changed = scene->track.subscription_changed();
    auto used = wait(scene->track.used());
    auto none = scene->track.used();
    scene->track.finish();
    CHECK_FALSE(used.done());
    scene.reset();
    CHECK(used.code() == Error::Closed);
    CHECK(code_now(std::move(none)) == Error::Closed);
    CHECK(code_now(std::move(changed)) == Error::Closed);
}

}
