// A proxy that changes what passes: frames, groups by number, datagrams, and the name under which it serves.
#include <comoq/proxy.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <comoq/detail/wait/event.hpp>

#include "proxy_transform_scene.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace proxy_transform_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Leaves out "-", fails at "!", "?" and "=", and waits at "w" for `go`. Every other text it doubles.
struct Doubler {
    asio::awaitable<Made> operator()(const ProxiedFrame &place, Frame frame) const {
        places.push_back(place);
        const auto text = frame.payload.view();
        if (text == "-") co_return Made();
        if (text == "!") throw std::system_error(app_error(7));
        if (text == "?") throw std::logic_error("a defect");
        if (text == "=") co_return Frame(Timestamp(std::numeric_limits<std::uint64_t>::max() / 4, Timescale(1)), frame.payload);
        if (text == "big") co_return Frame(frame.timestamp, payload(2'000));
        if (text == "w") co_await go.wait();
        co_return twice(frame);
    }

    std::vector<ProxiedFrame> &places;
    detail::Event go;
};

/// `to` is served from `from`, with the hook.
struct Scene {
    Scene() {
        config.transform = Doubler{places, go};
        served.start(context, proxy(from.consume(), to, config));
        run();
    }
    ~Scene() {
        served.cancel();
        go.set();
        run();
    }

    void run() { settle_down(context); }
    TrackSubscriber subscriber() {
        auto waiting = wait(to.consume().track("video").subscribe());
        run();
        return std::move(waiting.value());
    }
    /// Upstream's next group, whole.
    void write(const Words &frames) {
        auto group = video.append_group();
        for (const auto &frame : frames) group.write_frame(payload(frame));
        group.finish();
        run();
    }

    asio::io_context context;
    std::vector<ProxiedFrame> places;
    detail::Event go;
    ProxyConfig config;
    BroadcastProducer from, to;
    TrackProducer video = from.create_track("video", unusual_info());
    Disturbed served;
};

}  // namespace

TEST_CASE("proxy transform: readers get the frames that it makes, in order, in the same groups", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    scene.write({"a", "-", "b", "-"});
    scene.write({"-"});
    scene.write({"c"});
    auto group = now(subscriber.next_group()).value();
    CHECK(group.sequence() == 0);
    CHECK(whole(group) == Words{"aa", "bb"});
    // A group of which nothing is left keeps its number.
    group = now(subscriber.next_group()).value();
    CHECK(group.sequence() == 1);
    CHECK(whole(group).empty());
    CHECK(whole(now(subscriber.next_group()).value()) == Words{"cc"});
}

TEST_CASE("proxy transform: it is told the track, the group and the frames before, once for all readers", "[proxy]") {
    Scene scene;
    auto one = scene.subscriber(), two = scene.subscriber();
    scene.write({"a", "-"});
    scene.write({"c"});
    CHECK(nexts(one) == Numbers{0, 1});
    CHECK(nexts(two) == Numbers{0, 1});
    CHECK(scene.video.stats().subscribers == 1);
    REQUIRE(scene.places.size() == 3);
    const auto &last = scene.places[2], &second = scene.places[1];
    CHECK(second.track == "video");
    CHECK(second.path.empty());
    CHECK(second.group == 0);
    CHECK(second.frame == 1);
    CHECK_FALSE(second.is_datagram);
    CHECK(last.group == 1);
    CHECK(last.frame == 0);
}

TEST_CASE("proxy transform: the track's info and the timestamps stay", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    auto group = scene.video.append_group();
    group.write_frame(payload("a"), Timestamp(3, Timescale(1)));
    scene.run();
    CHECK(now(scene.to.consume().track("video").info()).timescale == Timescale(90'000));
    CHECK(now(now(subscriber.next_group())->read_frame())->timestamp == Timestamp(3, Timescale(1)));
}

TEST_CASE("proxy transform: a frame that is written in chunks passes when it is complete", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    auto group = scene.video.append_group();
    auto frame = group.create_frame(4);
    frame.write(payload("ab"));
    scene.run();
    auto reader = now(subscriber.next_group()).value();
    CHECK_FALSE(reader.next_frame().ready());
    frame.write(payload("cd"));
    frame.finish();
    scene.run();
    CHECK(texts(reader) == Words{"abcdabcd"});
}

TEST_CASE("proxy transform: one that fails ends its group with the code, and the next group passes", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    const auto after = [&](const std::string &frame) {
        scene.write({"a", frame, "b"});
        auto group = now(subscriber.next_group()).value();
        return code_now(group.read_frame());
    };
    CHECK(after("!") == app_error(7));
    CHECK(after("?") == Error::Internal);
    // What it makes does not fit.
    CHECK(after("=") == Error::TimestampMismatch);
    scene.write({"c"});
    CHECK(whole(now(subscriber.next_group()).value()) == Words{"cc"});
    CHECK_FALSE(scene.served.is_over());
}

TEST_CASE("proxy transform: one that throws before it is a coroutine ends the group alike", "[proxy]") {
    asio::io_context context;
    BroadcastProducer from, to;
    auto video = from.create_track("video");
    ProxyConfig config;
    config.transform = [](const ProxiedFrame &, const Frame &) -> asio::awaitable<Made> { throw std::system_error(app_error(8)); };
    Disturbed served;
    served.start(context, proxy(from.consume(), to, config));
    settle_down(context);
    auto waiting = wait(to.consume().track("video").subscribe());
    settle_down(context);
    video.write_frame(payload("a"));
    settle_down(context);
    CHECK(code_now(now(waiting.value().next_group())->read_frame()) == app_error(8));
    served.cancel();
    settle_down(context);
}

TEST_CASE("proxy transform: the code of a group upstream is passed on", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    auto group = scene.video.append_group();
    group.write_frame(payload("a"));
    scene.run();
    auto reader = now(subscriber.next_group()).value();
    SECTION("of an abort") {
        group.abort(app_error(9));
        scene.run();
        CHECK(code_now(reader.read_frame()) == app_error(9));
    }
    SECTION("Dropped, after the complete part") {
        group = GroupProducer();
        scene.run();
        CHECK(now(reader.read_frame())->payload.view() == "aa");
        CHECK(code_now(reader.read_frame()) == Error::Dropped);
    }
}

TEST_CASE("proxy transform: groups do not wait for each other, and the track's end waits for all", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    scene.write({"w"});
    scene.write({"b"});
    scene.video.finish();
    scene.run();
    auto first = now(subscriber.next_group()).value();
    CHECK_FALSE(first.read_frame().ready());
    CHECK(whole(now(subscriber.next_group()).value()) == Words{"bb"});
    CHECK(scene.video.stats().subscribers == 1);
    scene.go.set();
    scene.run();
    CHECK(whole(first) == Words{"ww"});
    CHECK(scene.video.stats().subscribers == 0);
    CHECK_FALSE(now(subscriber.next_group()).has_value());
}

TEST_CASE("proxy transform: a group that has begun is transformed to its end when nobody reads any more", "[proxy]") {
    Scene scene;
    auto first = std::make_optional(scene.subscriber());
    auto group = scene.video.append_group();
    group.write_frame(payload("w"));
    scene.run();
    first.reset();
    scene.run();
    group.write_frame(payload("b"));
    group.finish();
    scene.go.set();
    scene.run();
    auto second = scene.subscriber();
    CHECK(whole(now(second.next_group()).value()) == Words{"ww", "bb"});
}

TEST_CASE("proxy transform: a group by number is transformed once, however many ask", "[proxy]") {
    Scene scene;
    scene.write({"a", "-", "b"});
    scene.write({"c"});
    auto one = wait(scene.to.consume().track("video").fetch_group(0));
    auto two = wait(scene.to.consume().track("video").fetch_group(0));
    scene.run();
    CHECK(whole(one.value()) == Words{"aa", "bb"});
    CHECK(whole(two.value()) == Words{"aa", "bb"});
    CHECK(scene.places.size() == 3);
}

TEST_CASE("proxy transform: datagrams are transformed in order, and lost if that fails", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    for (const auto *text : {"a", "-", "!", "?", "big", "w", "b"}) scene.video.append_datagram(payload(text));
    scene.run();
    auto datagram = now(subscriber.recv_datagram()).value();
    CHECK(datagram.sequence == 0);
    CHECK(datagram.payload.view() == "aa");
    // The next one waits for the transform, and the last one for that.
    CHECK_FALSE(subscriber.recv_datagram().ready());
    scene.go.set();
    scene.run();
    datagram = now(subscriber.recv_datagram()).value();
    CHECK(datagram.sequence == 5);
    CHECK(datagram.payload.view() == "ww");
    CHECK(now(subscriber.recv_datagram())->payload.view() == "bb");
    REQUIRE(scene.places.size() == 7);
    CHECK(scene.places[6].is_datagram);
    CHECK(scene.places[6].group == 6);
    CHECK(scene.places[6].track == "video");
}

TEST_CASE("proxy transform: datagrams that wait are lost when the track ends", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    scene.video.append_datagram(payload("w"));
    scene.video.append_datagram(payload("b"));
    scene.video.finish();
    scene.run();
    CHECK_FALSE(now(subscriber.recv_datagram()).has_value());
    CHECK(scene.places.size() == 1);
}

TEST_CASE("proxy transform: one that waits is cancelled with the proxy, and its group gets Cancelled", "[proxy]") {
    Scene scene;
    auto subscriber = scene.subscriber();
    scene.write({"w"});
    scene.video.append_datagram(payload("w"));
    auto fetched = wait(scene.to.consume().track("video").fetch_group(0));
    scene.run();
    auto group = now(subscriber.next_group()).value();
    CHECK_FALSE(group.read_frame().ready());
    scene.served.cancel();
    CHECK_FALSE(settle_down(scene.context));
    CHECK(scene.served.was_cancelled());
    CHECK(code_now(group.read_frame()) == Error::Cancelled);
    CHECK(scene.video.stats().subscribers == 0);
}

}
