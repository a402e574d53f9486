// The transcoder: what viewers get, whom it asks for it, and when it stops.
#include "transcoder/transcode.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace transcoder_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A camera at a relay, and an edge where "small/camera" can be asked for.
struct Scene {
    explicit Scene(ProxyTransform transform = in_upper_case(thinned(2))) {
        auto say = [this](const Path &path, bool is_watched) {
            said.push_back(std::string(path.view()) + (is_watched ? " begins" : " ends"));
        };
        serving.start(context, transcode(relay.consumer(), edge.producer(), Path("small"), std::move(transform), say));
        run();
    }
    ~Scene() {
        serving.cancel();
        run();
    }

    void run() { settle_down(context); }
    auto ask(const std::string &path = "small/camera") {
        auto waiting = wait(edge.consumer().request_broadcast(path));
        run();
        return waiting;
    }
    /// A viewer of the camera's track.
    TrackSubscriber watch() {
        auto asked = ask();
        auto subscribing = wait(asked.value().track("video").subscribe());
        run();
        return std::move(subscribing.value());
    }
    void film(const Words &frames) {
        auto group = video.append_group();
        for (const auto &frame : frames) group.write_frame(payload(frame));
        group.finish();
        run();
    }

    asio::io_context context;
    Words said;
    Origin relay, edge;
    BroadcastPublish camera = relay.producer().create_broadcast("camera");
    TrackProducer video = camera.producer().create_track("video");
    Disturbed serving;
};

Words next_group(TrackSubscriber &viewer) {
    auto group = now(viewer.next_group()).value();
    return texts(group);
}

}  // namespace

TEST_CASE("transcoder: viewers get every second frame in upper case, and the source has one subscriber", "[examples]") {
    Scene scene;
    std::vector<TrackSubscriber> viewers;
    for (int i = 0; i < 20; ++i) viewers.push_back(scene.watch());
    CHECK(scene.video.stats().subscribers == 1);
    scene.film({"a", "b", "c", "d", "e"});
    for (auto &viewer : viewers) CHECK(next_group(viewer) == Words{"A", "C", "E"});
    CHECK(scene.edge.stats().served == 1);
    CHECK(scene.said == Words{"small/camera begins"});
}

TEST_CASE("transcoder: the broadcast is gone, and so is the subscription, in the turns after the last viewer has left", "[examples]") {
    Scene scene;
    auto one = std::make_optional(scene.watch());
    auto two = std::make_optional(scene.watch());
    // A group that is not finished does not keep it.
    auto group = scene.video.append_group();
    group.write_frame(payload("a"));
    scene.run();
    one.reset();
    scene.run();
    CHECK(scene.edge.stats().served == 1);
    CHECK(scene.video.stats().subscribers == 1);
    two.reset();
    // No time passes in these turns, and no timer may be due: that is sooner than 100 ms.
    std::size_t turns = 0;
    scene.context.restart();
    while (scene.edge.stats().served != 0 && scene.context.poll_one() != 0) ++turns;
    CHECK(scene.edge.stats().served == 0);
    CHECK(turns < 100);
    scene.run();
    CHECK(scene.video.stats().subscribers == 0);
    CHECK(scene.said.size() == 1);
    group.finish();
    scene.run();
    CHECK(scene.said == Words{"small/camera begins", "small/camera ends"});
}

TEST_CASE("transcoder: a viewer that comes later is served anew", "[examples]") {
    Scene scene;
    { const auto first = scene.watch(); }
    scene.run();
    CHECK(scene.edge.stats().served == 0);
    auto second = scene.watch();
    CHECK(scene.edge.stats().served == 1);
    scene.film({"x"});
    CHECK(next_group(second) == Words{"X"});
}

TEST_CASE("transcoder: what the source does not have is not found, and nothing is left of the question", "[examples]") {
    Scene scene;
    CHECK(scene.ask("small/nobody").code() == Error::NotFound);
    CHECK(scene.ask("large/camera").code() == Error::NotFound);
    CHECK(scene.edge.stats().pending == 0);
    CHECK(scene.edge.stats().served == 0);
}

TEST_CASE("transcoder: the end of the source ends what is made of it", "[examples]") {
    Scene scene;
    auto viewer = scene.watch();
    scene.video.finish();
    scene.camera.producer().finish();
    scene.run();
    CHECK_FALSE(now(viewer.next_group()).has_value());
    CHECK(scene.edge.stats().served == 0);
}

TEST_CASE("transcoder: when it is cancelled, viewers get Cancelled and nothing of it is left", "[examples]") {
    Scene scene;
    auto viewer = scene.watch();
    scene.serving.cancel();
    CHECK_FALSE(settle_down(scene.context));
    CHECK(scene.serving.was_cancelled());
    CHECK(code_now(viewer.next_group()) == Error::Cancelled);
    CHECK(scene.video.stats().subscribers == 0);
    CHECK(scene.edge.stats().handlers == 0);
}

}
