// One origin's announcements, announced at another.
#include <comoq/mirror.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "support/asking_on_sight.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace mirror_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    Scene() {
        asio::co_spawn(context, mirror(from->consumer(), to.producer()),
                       asio::bind_cancellation_slot(stop.slot(), [this](const std::exception_ptr &failure) {
                           ended = true;
                           code = error_of([&failure] {
                               if (failure != nullptr) std::rethrow_exception(failure);
                           });
                       }));
        run();
    }
    void run() { settle_down(context); }
    BroadcastConsumer mirrored(std::string_view path) {
        run();
        return now(to.consumer().announced_broadcast(path));
    }
    auto subscribe(const BroadcastConsumer &broadcast) {
        auto waiting = wait(broadcast.track("video").subscribe());
        run();
        return waiting;
    }

    asio::io_context context;
    asio::cancellation_signal stop;
    bool ended = false;
    std::error_code code;
    std::optional<Origin> from = Origin();
    Origin to;
};

}  // namespace

TEST_CASE("mirror: a broadcast is announced at the other origin, with one more hop, for as long as it is announced here",
          "[mirror]") {
    Scene scene;
    BroadcastInfo info;
    info.hops = {7, 8};
    auto first = scene.from->producer().create_broadcast("a", info);
    auto second = scene.from->producer().create_broadcast("b/c");
    const auto own = scene.from->id();
    CHECK(scene.mirrored("a").info().hops == std::vector<std::uint64_t>{7, 8, own});
    CHECK(scene.mirrored("b/c").info().hops == std::vector<std::uint64_t>{own});
    auto watch = scene.to.consumer().announced();
    CHECK(now(watch.next()));
    CHECK(now(watch.next()));
    first.unannounce();
    scene.run();
    const auto gone = now(watch.next());
    REQUIRE(gone);
    CHECK(gone->event == Announcement::Event::Ended);
    CHECK(gone->path == Path("a"));
    CHECK(scene.to.stats().announced == 1);
}

TEST_CASE("mirror: tracks are read through it, and left when nobody reads them", "[mirror]") {
    Scene scene;
    auto published = scene.from->producer().create_broadcast("a");
    auto video = published.producer().create_track("video");
    {
        auto waiting = scene.subscribe(scene.mirrored("a"));
        video.write_frame(payload("0"));
        scene.run();
        CHECK(nexts(waiting.value()) == Numbers{0});
        CHECK(video.stats().subscribers == 1);
    }
    scene.run();
    CHECK(video.stats().subscribers == 0);
}

TEST_CASE("mirror: a broadcast that is replaced is replaced there without a gap", "[mirror]") {
    Scene scene;
    BroadcastInfo far;
    far.hops = {7, 8};
    auto first = scene.from->producer().create_broadcast("a", far);
    CHECK(scene.mirrored("a").info().hops.size() == 3);
    auto watch = scene.to.consumer().announced();
    CHECK(now(watch.next()));
    auto second = scene.from->producer().create_broadcast("a");
    CHECK(scene.mirrored("a").info().hops.size() == 1);
    const auto change = now(watch.next());
    REQUIRE(change);
    CHECK(change->event == Announcement::Event::Restart);
    CHECK(scene.to.stats().announced == 1);
}

TEST_CASE("mirror: when a broadcast fails, its readers go on with the one that is requested in its place", "[mirror]") {
    Scene scene;
    auto handler = scene.from->producer().dynamic();
    std::optional<BroadcastPublish> published = scene.from->producer().create_broadcast("a");
    auto video = published->producer().create_track("video");
    auto waiting = scene.subscribe(scene.mirrored("a"));
    auto &subscriber = waiting.value();
    video.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{0});

    published->producer().abort(Error::Transport);
    video.abort(Error::Transport);
    scene.run();
    CHECK(scene.to.stats().announced == 0);
    auto request = now(handler.requested_broadcast());
    REQUIRE(request);
    BroadcastProducer other;
    auto again = other.create_track("video");
    request->accept(other.consume());
    scene.run();
    again.create_group(1).finish();
    scene.run();
    CHECK(nexts(subscriber) == Numbers{1});
}

TEST_CASE("mirror: a failed broadcast without readers is not requested again", "[mirror]") {
    Scene scene;
    auto handler = scene.from->producer().dynamic();
    auto published = scene.from->producer().create_broadcast("a");
    const auto state = std::weak_ptr(scene.mirrored("a").state(detail::Passkey()));
    published.producer().abort(Error::Transport);
    scene.run();
    CHECK(state.expired());
    CHECK_FALSE(handler.requested_broadcast().ready());
    CHECK(scene.from->stats().pending == 0);
}

TEST_CASE("mirror: one whose copy has failed there is announced anew when it is priced anew", "[mirror]") {
    Scene scene;
    auto published = scene.from->producer().create_broadcast("a");
    auto video = published.producer().create_track("video");
    const auto failed = scene.mirrored("a");
    failed.state(detail::Passkey())->close(make_error_code(Error::Transport));
    scene.run();
    CHECK(scene.to.stats().announced == 0);
    BroadcastInfo dearer;
    dearer.cost = {7, 8};
    published.update(dearer);
    const auto again = scene.mirrored("a");
    CHECK_FALSE(again == failed);
    CHECK(again.info().cost == Cost{7, 8});
    auto waiting = scene.subscribe(again);
    video.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(waiting.value()) == Numbers{0});
    // The next price is one of the same broadcast.
    dearer.cost = {9, 9};
    published.update(dearer);
    CHECK(scene.mirrored("a") == again);
    CHECK(scene.mirrored("a").info().cost == Cost{9, 9});
}

TEST_CASE("mirror: a broadcast that may not be announced there is left out, and the others are announced", "[mirror]") {
    Scene scene;
    BroadcastInfo circle;
    circle.hops = {scene.to.id()};
    auto own = scene.from->producer().create_broadcast("a", circle);
    auto other = scene.from->producer().create_broadcast("b");
    scene.run();
    CHECK(scene.to.stats().announced == 1);
    CHECK(scene.mirrored("b"));
}

TEST_CASE("mirror: it ends with the origin that it shows, and withdraws everything", "[mirror]") {
    Scene scene;
    auto published = scene.from->producer().create_broadcast("a");
    scene.run();
    CHECK(scene.to.stats().announced == 1);
    scene.from.reset();
    scene.run();
    CHECK(scene.ended);
    CHECK_FALSE(scene.code);
    CHECK(scene.to.stats().announced == 0);
}

TEST_CASE("mirror: when it is cancelled, it withdraws everything", "[mirror]") {
    Scene scene;
    auto published = scene.from->producer().create_broadcast("a");
    scene.run();
    scene.stop.emit(asio::cancellation_type::terminal);
    scene.run();
    CHECK(scene.ended);
    CHECK(scene.code == asio::error::operation_aborted);
    CHECK(scene.to.stats().announced == 0);
}

TEST_CASE("mirror: a watcher can ask for a broadcast's tracks at the very moment of its announcement", "[mirror]") {
    Scene scene;
    const AskingOnSight asking(scene.to);
    auto published = scene.from->producer().create_broadcast("a");
    scene.run();
    CHECK(asking.done());
    CHECK(asking.was_refused() == false);
}

TEST_CASE("section 8: two mirrors that face each other keep nothing alive", "[mirror]") {
    asio::io_context context;
    Origin one, other;
    asio::co_spawn(context, mirror(one.consumer(), other.producer()), asio::detached);
    asio::co_spawn(context, mirror(other.consumer(), one.producer()), asio::detached);
    settle_down(context);
    auto published = std::make_optional(one.producer().create_broadcast("a"));
    settle_down(context);
    CHECK(one.stats().announced == 1);
    CHECK(other.stats().announced == 1);
    published.reset();
    settle_down(context);
    CHECK(one.stats().announced == 0);
    CHECK(other.stats().announced == 0);
}

TEST_CASE("mirror: between two origins of one node no hop is added", "[mirror]") {
    asio::io_context context;
    Origin from(OriginConfig{.id = 9}), to(OriginConfig{.id = 9});
    asio::co_spawn(context, mirror(from.consumer(), to.producer()), asio::detached);
    auto published = from.producer().create_broadcast("a");
    settle_down(context);
    CHECK(now(to.consumer().announced_broadcast("a")).info().hops.empty());
}

TEST_CASE("mirror: when it is cancelled, it ends the tracks that are read, and keeps neither origin", "[mirror]") {
    Scene scene;
    auto published = scene.from->producer().create_broadcast("a");
    auto video = published.producer().create_track("video");
    auto waiting = scene.subscribe(scene.mirrored("a"));
    video.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(waiting.value()) == Numbers{0});
    scene.stop.emit(asio::cancellation_type::terminal);
    CHECK_FALSE(settle_down(scene.context));
    CHECK(scene.code == asio::error::operation_aborted);
    CHECK(video.stats().subscribers == 0);
    CHECK(code_now(waiting.value().next_group()) == Error::Cancelled);
    auto watch = scene.from->consumer().announced();
    CHECK(now(watch.next()));
    auto next = wait(watch.next());
    scene.from.reset();
    CHECK_FALSE(next.value().has_value());
}

}
