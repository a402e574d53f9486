// Movies on demand: what is served, from where, and that it stops with the last viewer.
#include "media_on_demand/serve.hpp"

#include <comoq/error.hpp>
#include <comoq/hang/catalog_track.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace media_on_demand_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// The clips of the examples, whose time goes on by one pause at each call of `go_on`.
struct Scene {
    Scene() {
        OnDemandConfig config;
        config.folder = COMOQ_CLIPS;
        config.prefix = Path("vod");
        config.said = [this](const Path &path, std::string_view what) { said.push_back(std::string(path.view()) + " " + std::string(what)); };
        config.sleep = [this](std::chrono::milliseconds) -> asio::awaitable<void> {
            ++pauses;
            auto waiting = gate.used();
            co_await std::move(waiting);
        };
        serving.start(context, serve_folder(origin.producer(), std::move(config)));
        run();
    }
    ~Scene() {
        serving.cancel();
        run();
    }
    void run() { settle_down(context); }
    auto ask(const std::string &path) {
        auto waiting = wait(origin.consumer().request_broadcast(path));
        run();
        return waiting;
    }

    asio::io_context context;
    std::vector<std::string> said;
    int pauses = 0;
    BroadcastProducer gates;
    TrackProducer gate = gates.create_track("gate");
    Origin origin;
    Disturbed serving;
};

}  // namespace

TEST_CASE("a name below the prefix is a file, with a time behind it if wanted", "[examples]") {
    using namespace std::chrono_literals;
    CHECK(wanted_file("clip.mp4") == WantedFile{"clip.mp4", 0us});
    CHECK(wanted_file("clip.mp4?t=90") == WantedFile{"clip.mp4", 90s});
    CHECK(wanted_file("clip.mp4?t=90&me") == WantedFile{"clip.mp4", 90s});
    CHECK(wanted_file("clip.mp4?me") == WantedFile{"clip.mp4", 0us});
    for (const char *wrong : {"", "?t=1", "..", ".hidden", "a/b", "../x", "clip.mp4?t=", "clip.mp4?t=-1", "clip.mp4?t=1x", "x?t=99999999999"}) {
        INFO(wrong);
        CHECK_FALSE(wanted_file(wrong));
    }
}

TEST_CASE("a movie is made when somebody asks, once for all viewers, and ends with the last of them", "[examples]") {
    Scene scene;
    CHECK(scene.origin.stats().announced == 0);
    {
        auto one = scene.ask("vod/clip.mp4");
        auto other = scene.ask("vod/clip.mp4");
        CHECK(one.value() == other.value());
        CHECK(scene.said == std::vector<std::string>{"vod/clip.mp4 begins"});
        auto subscribing = wait(one.value().track("catalog.json").subscribe());
        scene.run();
        hang::CatalogConsumer reader(std::move(subscribing.value()));
        const auto catalog = run_to_end(scene.context, reader.next());
        REQUIRE(catalog);
        CHECK(catalog->video.at("video").codec == "avc1.640015");
        CHECK(catalog->video.at("video").framerate.value() == Approx(24).margin(0.1));
        CHECK(catalog->audio.at("audio").channels == 1);
        // It is not ahead by more than its lead.
        CHECK(scene.pauses == 1);
    }
    scene.run();
    CHECK(scene.said.back() == "vod/clip.mp4 has no viewer any more");
    CHECK(scene.origin.stats().served == 0);
}

TEST_CASE("a movie begins at the key frame behind the time that was asked for", "[examples]") {
    Scene scene;
    auto asked = scene.ask("vod/clip.mp4?t=5");
    Subscription whole;
    whole.start = 0;
    auto subscribing = wait(asked.value().track("video").subscribe(whole));
    scene.run();
    auto group = subscribing.value().try_next_group();
    REQUIRE(group);
    const auto frame = group->try_read_frame();
    REQUIRE(frame);
    CHECK(frame->timestamp.to<std::chrono::duration<double>>().count() == Approx(5.083).margin(0.01));
}

TEST_CASE("what is not a movie of the folder is not found, and the others go on", "[examples]") {
    Scene scene;
    for (const char *path : {"vod/nothing.mp4", "vod/../CMakeLists.txt", "vod/.", "vod"}) {
        INFO(path);
        CHECK(scene.ask(path).code() == Error::NotFound);
    }
    CHECK(scene.said == std::vector<std::string>{"vod/nothing.mp4 is refused: the file is not there"});
    CHECK_FALSE(scene.ask("vod/clip.mp4").code());
}

}  // namespace media_on_demand_tests
