// Movies on demand: what is served, from where, and that it stops with the last viewer.
#include "media_on_demand/serve.hpp"
#include "hang/movie_file.hpp"

#include <comoq/error.hpp>
#include <comoq/hang/catalog_track.hpp>
#include <comoq/hang/mp4_writer.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
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
        config.now = [] { return std::chrono::steady_clock::time_point(); };
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
        // The first pictures and sounds are there, and the next ones wait for their time.
        CHECK(scene.pauses == 1);
        Subscription whole;
        whole.start = 0;
        for (const char *name : {"video", "audio"}) {
            INFO(name);
            auto asking = wait(one.value().track(name).subscribe(whole));
            scene.run();
            auto group = asking.value().try_next_group();
            REQUIRE(group);
            CHECK(group->try_read_frame());
            CHECK_FALSE(group->try_read_frame());
        }
    }
    scene.run();
    CHECK(scene.said.back() == "vod/clip.mp4 has no viewer any more");
    CHECK(scene.origin.stats().served == 0);
}

namespace {

// Pictures and sound of three seconds, each second of the pictures before that of the sound.
struct SeparateFile {
    SeparateFile() {
        hang::DecoderConfig video, audio;
        video.kind = hang::MediaKind::Video;
        video.codec = "vp8";
        video.width = video.height = 16;
        audio.kind = hang::MediaKind::Audio;
        audio.codec = "opus";
        audio.sample_rate = 48'000;
        audio.channels = 1;
        hang::Mp4Writer writer({video, audio});
        std::ofstream file(path, std::ios::binary);
        const auto write = [&file](const Bytes &bytes) { file << bytes.view(); };
        write(writer.init());
        for (std::uint64_t second = 0; second != 3; ++second) {
            for (const std::size_t track : {0u, 1u}) {
                const std::uint32_t count = track == 0 ? 4 : 10;
                hang::Mp4OutputSample sample;
                sample.size = 3;
                sample.duration = 1'000'000 / count;
                write(writer.fragment(track, second * 1'000'000, std::vector(count, sample)));
                file << std::string(3 * count, 'x');
            }
        }
    }
    ~SeparateFile() { std::filesystem::remove(path); }
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("comoq-separate-" + std::to_string(std::random_device()()) + ".mp4");
};

}  // namespace

TEST_CASE("the samples of a movie come in the order of their times, each track as it was", "[examples]") {
    const SeparateFile separate;
    std::vector<std::vector<std::chrono::microseconds>> in_time(2), as_it_stands(2);
    TimedMovie timed(separate.path);
    std::chrono::microseconds last = std::chrono::microseconds::min();
    bool is_timed_in_order = true, is_file_in_order = true;
    while (const auto sample = timed.next()) {
        is_timed_in_order = is_timed_in_order && sample->decode_time >= last;
        last = sample->decode_time;
        in_time.at(sample->track).push_back(last);
    }
    MovieFile file(separate.path);
    last = std::chrono::microseconds::min();
    while (const auto sample = file.next()) {
        is_file_in_order = is_file_in_order && sample->decode_time >= last;
        last = sample->decode_time;
        as_it_stands.at(sample->track).push_back(last);
    }
    CHECK(is_timed_in_order);
    CHECK(in_time == as_it_stands);
    CHECK(in_time[0].size() == 12);
    CHECK(in_time[1].size() == 30);
    // Else this shows nothing.
    CHECK_FALSE(is_file_in_order);
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
