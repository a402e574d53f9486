// A hang broadcast as an MP4: what a live publisher does to its catalog.
#include "hang/movie_output.hpp"

#include <comoq/hang/catalog_track.hpp>
#include <comoq/hang/mp4_reader.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/manual_sleep.hpp"
#include "support/run.hpp"

namespace movie_output_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

hang::DecoderConfig pictures() {
    hang::DecoderConfig config;
    config.kind = hang::MediaKind::Video;
    config.codec = "avc1.64001f";
    config.width = 320;
    config.height = 180;
    return config;
}
hang::DecoderConfig sound() {
    hang::DecoderConfig config;
    config.kind = hang::MediaKind::Audio;
    config.codec = "opus";
    config.sample_rate = 48'000;
    config.channels = 2;
    return config;
}

hang::DecoderConfig hevc_pictures() {
    auto config = pictures();
    config.codec = "hev1.1.6.L30.90";
    config.width = config.height = 64;
    return config;
}
// Of ffmpeg and x265: the parameter sets, the picture that is sent with them, and the one after it.
const std::string hevc_sets = "0000000140010c01ffff01600000030090000003000003001e92809"
                              "00000000142010101600000030090000003000003001ea0208105964a924caf016808000003000800000300c840"
                              "000000014401c172b42240";
const std::string hevc_first = "2801af1d80f7cfa13ffbe4fa250479696bc7c0", hevc_second = "0201d0097e10c63bfa84";

// A browser with a camera, which writes no description of its H.264.
struct Browser {
    Browser() { publish(); }
    ~Browser() {
        writing.cancel();
        run();
    }
    void turn_on(const char *name, hang::DecoderConfig config) {
        auto &media = config.kind == hang::MediaKind::Video ? video : audio;
        broadcast.remove_track(name);
        media.emplace(broadcast.create_track(name, hang::media_track_info(config.kind)), hang::ContainerKind::Legacy, config);
        if (config.kind == hang::MediaKind::Video) {
            catalog.video[name] = hang::video_rendition(config);
            catalog.video[name].container = media->container();
        } else {
            catalog.audio[name] = hang::audio_rendition(config);
            catalog.audio[name].container = media->container();
        }
    }
    void publish() { catalogs.publish(catalog); }
    void show(int at) { show(at, "000000016764001fac0000000168ebec00000165888400"); }
    void show(int at, std::string_view picture, bool is_key = true) {
        hang::MediaFrame frame;
        frame.timestamp = Timestamp(std::chrono::microseconds(std::chrono::milliseconds(at)));
        frame.payload = *hang::from_hex(picture);
        frame.is_key = is_key;
        video->write(frame);
    }
    void say(int at) {
        hang::MediaFrame frame;
        frame.timestamp = Timestamp(std::chrono::microseconds(std::chrono::milliseconds(at)));
        frame.payload = *hang::from_hex("fc01");
        audio->write(frame);
    }
    void record(MovieOutputOptions options = {}) {
        options.sleep = time;
        const auto write = [this](std::string_view piece) { file.append(piece); };
        writing.start(context, record_to(std::move(options), write));
        run();
    }
    void record_both() {
        turn_on("video/hd", pictures());
        turn_on("audio/data", sound());
        publish();
        record();
    }
    asio::awaitable<void> record_to(MovieOutputOptions options, std::function<void(std::string_view)> write) {
        auto recording = write_movie(broadcast.consume(), std::move(options), std::move(write), progress);
        co_await std::move(recording);
    }
    void run() { settle_down(context); }
    void pass(std::chrono::milliseconds pause) {
        time.advance(pause);
        run();
    }
    // Each sample of the file: v or a, and its time in milliseconds from the first one.
    std::string samples() const {
        hang::Mp4Reader reader;
        reader.push(Bytes::copy(file));
        std::string all;
        while (const auto sample = reader.next()) {
            const auto at = sample->timestamp.floor<std::chrono::milliseconds>().count();
            all += reader.tracks()[sample->track].config.kind == hang::MediaKind::Video ? 'v' : 'a';
            all += std::to_string(at) + ' ';
        }
        return all;
    }

    asio::io_context context;
    ManualSleep time;
    BroadcastProducer broadcast;
    hang::CatalogProducer catalogs{broadcast};
    hang::Catalog catalog;
    std::optional<hang::MediaProducer> video, audio;
    Progress progress;
    std::string file;
    Disturbed writing;
};

}  // namespace

TEST_CASE("a movie has the pictures too that a browser lists a moment after its sound", "[examples]") {
    Browser browser;
    browser.turn_on("audio/data", sound());
    browser.publish();
    browser.record();
    CHECK(browser.file.empty());
    browser.say(0);
    browser.turn_on("video/hd", pictures());
    browser.publish();
    browser.run();
    browser.show(20);
    browser.run();
    browser.video->finish();
    browser.audio->finish();
    browser.catalogs.finish();
    browser.run();
    CHECK(browser.writing.is_over());
    CHECK(browser.samples() == "v20 a0 ");
    hang::Mp4Reader reader;
    reader.push(Bytes::copy(browser.file));
    REQUIRE(reader.tracks().size() == 2);
    // Parameter sets in the frames, called avc1: they are in the file's head.
    CHECK(reader.tracks()[0].config.codec == "avc1.64001f");
    CHECK(hang::to_hex(reader.tracks()[0].config.description.span()) == "0164001fffe100056764001fac01000368ebec");
}

TEST_CASE("a movie of HEVC without a description has the parameter sets of its frames in the file's head", "[examples]") {
    Browser browser;
    auto config = hevc_pictures();
    config.codec = GENERATE("hev1.1.6.L30.90", "hvc1.1.6.L30.90");
    browser.turn_on("video/hd", config);
    browser.publish();
    browser.record();
    // It cannot begin before they are there.
    browser.show(0, "00000001" + hevc_second);
    browser.pass(1s);
    CHECK(browser.file.empty());
    browser.show(40, hevc_sets + "00000001" + hevc_first);
    browser.show(80, "00000001" + hevc_second, false);
    browser.show(120, hevc_sets + "000001" + hevc_first);
    browser.run();
    browser.video->finish();
    browser.catalogs.finish();
    browser.run();
    CHECK(browser.writing.is_over());
    hang::Mp4Reader reader;
    reader.push(Bytes::copy(browser.file));
    REQUIRE(reader.tracks().size() == 1);
    CHECK(reader.tracks()[0].config.codec == "hvc1.1.6.L30.90");
    // As ffmpeg writes it for the same bytes.
    CHECK(hang::to_hex(reader.tracks()[0].config.description.span()) ==
          "0101600000009000000000001ef000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003001e928090"
          "a10001002942010101600000030090000003000003001ea0208105964a924caf016808000003000800000300c840"
          "a2000100074401c172b42240");
    const std::string first = "00000013" + hevc_first, second = "0000000a" + hevc_second;
    for (const auto &picture : {first, second, first}) {
        const auto sample = reader.next();
        REQUIRE(sample);
        CHECK(hang::to_hex(sample->payload.span()) == picture);
        CHECK(sample->is_key == (picture == first));
    }
    CHECK_FALSE(reader.next());
}

TEST_CASE("a movie without pictures begins a second after its catalog", "[examples]") {
    Browser browser;
    browser.turn_on("audio/data", sound());
    browser.publish();
    browser.record();
    browser.say(0);
    browser.pass(999ms);
    CHECK(browser.file.empty());
    browser.pass(1ms);
    CHECK_FALSE(browser.file.empty());
}

TEST_CASE("a movie goes on when a camera that was off is on again", "[examples]") {
    Browser browser;
    browser.record_both();
    browser.show(0);
    browser.run();
    browser.video->finish();
    browser.run();
    CHECK_FALSE(browser.writing.is_over());
    browser.catalog.video.clear();
    browser.publish();
    browser.pass(1h);
    browser.turn_on("video/hd", pictures());
    browser.publish();
    browser.run();
    browser.show(4'000);
    browser.run();
    CHECK(browser.samples() == "v0 ");
    browser.video->finish();
    browser.audio->finish();
    browser.run();
    browser.pass(1s);
    CHECK(browser.writing.is_over());
    CHECK(browser.samples() == "v0 v4000 ");
}

TEST_CASE("a movie ends when a track ends that stays in the catalog, or with the catalog", "[examples]") {
    Browser browser;
    browser.record_both();
    browser.show(0);
    browser.video->finish();
    SECTION("after a second") {
        browser.audio->finish();
        browser.run();
        browser.pass(999ms);
        CHECK_FALSE(browser.writing.is_over());
        browser.pass(1ms);
        CHECK(browser.writing.is_over());
    }
    SECTION("at once, where the catalog has ended") {
        browser.audio->finish();
        browser.catalogs.finish();
        browser.run();
        CHECK(browser.writing.is_over());
    }
    SECTION("while it is away") {
        browser.audio->finish();
        browser.catalog.video.clear();
        browser.publish();
        browser.pass(1h);
        CHECK_FALSE(browser.writing.is_over());
        browser.catalogs.finish();
        browser.run();
        CHECK(browser.writing.is_over());
    }
    CHECK(browser.samples() == "v0 ");
}

TEST_CASE("a movie is over at once when it is cancelled, wherever it waits", "[examples]") {
    Browser browser;
    browser.turn_on("audio/data", sound());
    browser.publish();
    browser.record();
    SECTION("for a catalog that is settled") {}
    SECTION("for a camera that is off") {
        browser.turn_on("video/hd", pictures());
        browser.publish();
        browser.run();
        browser.show(0);
        browser.video->finish();
        browser.catalog.video.clear();
        browser.publish();
        browser.run();
    }
    browser.writing.cancel();
    browser.run();
    CHECK(browser.writing.is_over());
    CHECK(browser.writing.was_cancelled());
}

}
