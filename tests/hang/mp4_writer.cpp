// Fragmented MP4, written: read again, it is the same.
#include "hang/boxes.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace hang_mp4_writer_tests {

using namespace comoq;
using namespace comoq::hang;
using namespace comoq::test;

namespace {

DecoderConfig video(const char *codec, const char *description = "") {
    DecoderConfig config = avc();
    config.codec = codec;
    config.description = *from_hex(description);
    return config;
}
DecoderConfig audio(const char *codec, const char *description = "") {
    DecoderConfig config = aac();
    config.codec = codec;
    config.description = *from_hex(description);
    return config;
}

}  // namespace

TEST_CASE("every codec that is written is read again as the same", "[hang]") {
    const std::vector<DecoderConfig> configs = {
        avc(),
        aac(),
        video("hvc1.1.6.L93.90", "0101600000009000000000005df000fcfdf8f800000f00"),
        video("av01.0.04M.08", "81040c00"),
        video("vp09.00.10.08.01.01.01.01.00", "000a82010101"),
        video("vp8", "000a82010101"),
        audio("opus", "0001013800000bb8000000"),
        audio("mp3"),
    };
    Mp4Writer writer(configs);
    const auto movie = read_movie(std::string(writer.init().view()) + fragment(writer, 0, 0, {"frame"}));
    CHECK(movie.complaint.empty());
    REQUIRE(movie.tracks.size() == configs.size());
    for (std::size_t i = 0; i != configs.size(); ++i) {
        INFO(configs[i].codec);
        CHECK(movie.tracks[i].config.codec == configs[i].codec);
        CHECK(movie.tracks[i].config.description == configs[i].description);
        CHECK(movie.tracks[i].config.width == configs[i].width);
        CHECK(movie.tracks[i].config.channels == configs[i].channels);
    }
}

TEST_CASE("codecs that have their configuration in their name, or in the frames, are written without a description", "[hang]") {
    auto opus = audio("opus");
    opus.sample_rate = 48000;
    Mp4Writer writer({video("av01.0.08M.10"), video("vp09.02.31.10"), video("vp8"), opus});
    const auto movie = read_movie(std::string(writer.init().view()) + fragment(writer, 0, 0, {"frame"}));
    REQUIRE(movie.tracks.size() == 4);
    CHECK(movie.tracks[0].config.codec == "av01.0.08M.10");
    CHECK(movie.tracks[1].config.codec == "vp09.02.31.10.01.01.01.01.00");
    CHECK(movie.tracks[2].config.codec == "vp8");
    CHECK(movie.tracks[3].config.codec == "opus");
}

TEST_CASE("a codec that an MP4 cannot have is refused by its name", "[hang]") {
    for (const auto &config : {video("avc1.64001f"), video("theora"), audio("mp4a.40.2"), audio("pcm")}) {
        CHECK_THROWS_WITH(Mp4Writer({config}), Catch::Contains("'" + config.codec + "'"));
    }
}

TEST_CASE("fragments have their times, their order and their key frames", "[hang]") {
    Mp4Writer writer({avc()});
    const std::vector<Mp4OutputSample> samples = {{3, 40'000, 0, true}, {2, 30'000, 40'000, false}, {1, 50'000, -30'000, false}};
    const auto head = writer.fragment(0, 1'000'000'000'000, samples);
    const auto movie = read_movie(std::string(writer.init().view()) + std::string(head.view()) + "IIIPPB");
    CHECK(movie.complaint.empty());
    REQUIRE(movie.samples.size() == 3);
    CHECK(movie.samples[0].payload.view() == "III");
    CHECK(movie.samples[0].is_key);
    CHECK(movie.samples[1].timestamp.value() == 1'000'000'080'000);
    CHECK(movie.samples[2].timestamp.value() == 1'000'000'040'000);
    CHECK(movie.samples[2].duration == std::chrono::milliseconds(50));
    CHECK_FALSE(movie.samples[2].is_key);
}

}  // namespace hang_mp4_writer_tests
