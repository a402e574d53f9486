// Catalogs: what is read, what is kept, what is refused.
#include <comoq/hang/catalog.hpp>

#include <comoq/error.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <system_error>

#include "support/catch.hpp"

namespace hang_catalog_tests {

using namespace comoq;
using namespace comoq::hang;

namespace {

std::error_code refusal(const std::string &json) {
    try {
        parse_catalog(json);
    } catch (const std::system_error &error) {
        return error.code();
    }
    return {};
}

}  // namespace

TEST_CASE("a catalog as the stock packages write it", "[hang]") {
    const auto catalog = parse_catalog(R"({"video":{"renditions":{
        "hd":{"codec":"avc1.64001f","description":"0164","codedWidth":1280,"codedHeight":720,"framerate":29.97,"bitrate":6000000,
              "jitter":33.5,"optimizeForLatency":true,"container":{"kind":"cmaf","init":"Zm9v"}},
        "sd":{"codec":"vp8","container":{"kind":"loc"},"broadcast":"./other"},
        "odd":{"codec":"av01.0.04M.08","container":{"kind":"tomorrow","x":[1]}}},
        "display":{"width":1280,"height":720},"rotation":90},
      "audio":{"renditions":{"sound":{"codec":"opus","sampleRate":48000,"numberOfChannels":2}}},
      "chat":{"track":"chat"}})");
    REQUIRE(catalog.video.size() == 3);
    const auto &hd = catalog.video.at("hd");
    CHECK(hd.codec == "avc1.64001f");
    CHECK(to_hex(hd.description->span()) == "0164");
    CHECK(hd.width == 1280);
    CHECK(hd.height == 720);
    CHECK(hd.framerate == 29.97);
    CHECK(hd.bitrate == 6'000'000);
    // A whole number is what readers take.
    CHECK(hd.jitter == 34);
    CHECK(hd.container.kind == ContainerKind::Cmaf);
    CHECK(hd.container.init.view() == "foo");
    CHECK(hd.other == R"({"optimizeForLatency":true})");
    CHECK(catalog.video.at("sd").container.kind == ContainerKind::Loc);
    CHECK(catalog.video.at("sd").broadcast == "./other");
    CHECK(catalog.video.at("odd").container.kind == ContainerKind::Unknown);
    const auto &sound = catalog.audio.at("sound");
    CHECK(sound.container.kind == ContainerKind::Legacy);
    CHECK(sound.sample_rate == 48000);
    CHECK(sound.channels == 2);
    CHECK_FALSE(sound.description);
    CHECK(catalog.other == R"({"chat":{"track":"chat"}})");
    CHECK(catalog.video_other == R"({"display":{"height":720,"width":1280},"rotation":90})");
}

TEST_CASE("what was read is written again, with everything that is not known here", "[hang]") {
    const std::string json = R"({"a":[1,{"b":null}],"audio":{"renditions":{},"x":1},"video":{"renditions":{"v":{"codec":"vp8",)"
                             R"("container":{"kind":"tomorrow","y":2},"z":"ü"}}}})";
    const auto catalog = parse_catalog(json);
    CHECK(to_json(catalog) == json);
    CHECK(parse_catalog(to_json(catalog)) == catalog);
    CHECK(to_json(parse_catalog("{}")) == "{}");
    Catalog made;
    auto &video = made.video["v"];
    video.codec = "avc1.64001f";
    video.description = Bytes::copy("\x01");
    made.audio["a"].codec = "opus";
    CHECK(parse_catalog(to_json(made)) == made);
}

TEST_CASE("a catalog is refused where the stock reader refuses it", "[hang]") {
    for (const char *wrong :
         {"", "no", "[]", "{", "{}{}", R"({"video":{}})", R"({"video":1})", R"({"video":{"renditions":[]}})", R"({"video":{"renditions":{"v":{}}}})",
          R"({"video":{"renditions":{"v":{"codec":1}}}})", R"({"video":{"renditions":{"v":{"codec":"a","codedWidth":-1}}}})",
          R"({"video":{"renditions":{"v":{"codec":"a","description":"xy"}}}})", R"({"video":{"renditions":{"v":{"codec":"a","container":"cmaf"}}}})",
          R"({"video":{"renditions":{"v":{"codec":"a","container":{"kind":"cmaf"}}}}})",
          R"({"video":{"renditions":{"v":{"codec":"a","jitter":-1}}}})", R"({"video":{"renditions":{"v":{"codec":"a","bitrate":1e17}}}})",
          R"({"video":[1]})", R"({"video":[{"track":{"name":"v"}}]})", R"({"video":[{"track":{},"config":{"codec":"a"}}]})",
          R"({"audio":{"track":"a","config":{"codec":"opus","sampleRate":48000,"numberOfChannels":2}}})",
          R"({"audio":{"renditions":{"a":{"codec":"opus","sampleRate":null,"numberOfChannels":2}}}})",
          R"({"audio":{"renditions":{"a":{"codec":"opus","numberOfChannels":2}}}})", "{\"a\":\"\xff\"}"}) {
        INFO(wrong);
        CHECK(refusal(wrong) == Error::Decode);
    }
    CHECK_FALSE(refusal("{}"));
    CHECK_FALSE(refusal(R"({"video":{"renditions":{}}})"));
}

TEST_CASE("a catalog of before renditions had names is read as one of today", "[hang]") {
    const auto catalog = parse_catalog(R"({"video":[
        {"track":{"name":"hd","priority":1},"config":{"codec":"vp8","codedWidth":1280,"displayAspectWidth":16,"displayAspectHeight":9}},
        {"track":{"name":"sd"},"config":{"codec":"vp9","codedWidth":640,"displayAspectWidth":4,"displayAspectHeight":3}}],
      "audio":{"track":{"name":"sound"},"config":{"codec":"opus","sampleRate":48000,"numberOfChannels":2}}})");
    REQUIRE(catalog.video.size() == 2);
    CHECK(catalog.video.at("hd").width == 1280);
    CHECK(catalog.video.at("sd").codec == "vp9");
    CHECK(catalog.video_other == R"({"display":{"height":9,"width":16}})");
    CHECK(catalog.audio.at("sound").channels == 2);
    CHECK(to_json(parse_catalog(R"({"video":[]})")) == "{}");
}

TEST_CASE("a member that is null is like one that is not there", "[hang]") {
    const auto catalog = parse_catalog(R"({"audio":null,"video":{"renditions":{"v":
        {"codec":"vp8","description":null,"container":null,"codedWidth":null,"bitrate":null,"jitter":null,"broadcast":null,"framerate":null}}}})");
    CHECK(to_json(catalog) == R"({"video":{"renditions":{"v":{"codec":"vp8","container":{"kind":"legacy"}}}}})");
}

TEST_CASE("no number is written for which readers refuse the catalog", "[hang]") {
    Catalog catalog;
    auto &video = catalog.video["v"];
    video.codec = "vp8";
    video.jitter = 41.2;
    video.bitrate = (std::uint64_t{1} << 53) - 1;
    video.framerate = 29.97;
    CHECK(to_json(catalog) == R"({"video":{"renditions":{"v":{"bitrate":9007199254740991,"codec":"vp8","container":{"kind":"legacy"},)"
                              R"("framerate":29.97,"jitter":42}}}})");
    const auto is_refused = [](const Catalog &wrong) {
        try {
            to_json(wrong);
        } catch (const std::system_error &error) {
            return error.code() == Error::Encode;
        }
        return false;
    };
    const auto infinite = std::numeric_limits<double>::infinity(), none = std::numeric_limits<double>::quiet_NaN();
    for (const double jitter : {-1.0, 1e16, infinite, none}) {
        auto wrong = catalog;
        wrong.video["v"].jitter = jitter;
        CHECK(is_refused(wrong));
    }
    for (const double framerate : {infinite, none}) {
        auto wrong = catalog;
        wrong.video["v"].framerate = framerate;
        CHECK(is_refused(wrong));
    }
    ++*video.bitrate;
    CHECK(is_refused(catalog));
}

TEST_CASE("a catalog that is too large or too deep is refused before anything is made of it", "[hang]") {
    CHECK(refusal("{\"a\":\"" + std::string(max_catalog_size, 'x') + "\"}") == Error::BoundsExceeded);
    CHECK(refusal("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}") == Error::BoundsExceeded);
    CHECK_FALSE(refusal("{\"a\":" + std::string(max_catalog_depth - 1, '[') + std::string(max_catalog_depth - 1, ']') + "}"));
    CHECK_FALSE(refusal(R"({"a":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})"));
    // A hundred thousand members are read in the time that their bytes take.
    std::string many = "{\"a\":0";
    for (int i = 0; i != 80'000; ++i) many += ",\"" + std::to_string(i) + "\":0";
    CHECK_FALSE(refusal(many + "}"));
}

TEST_CASE("a merge patch changes, adds and removes members", "[hang]") {
    CHECK(merge_patched(R"({"a":{"b":1,"c":2},"d":3})", R"({"a":{"b":null,"e":4},"d":[5]})") == R"({"a":{"c":2,"e":4},"d":[5]})");
    CHECK_THROWS_AS(merge_patched("{}", "1"), std::system_error);
    CHECK_THROWS_AS(merge_patched("{}", "{"), std::system_error);
    const std::string half = "{\"a\":\"" + std::string(max_catalog_size / 2, 'x') + "\"}";
    CHECK_THROWS_AS(merge_patched(half, "{\"b" + half.substr(2)), std::system_error);
}

TEST_CASE("members that are not JSON, or not text, are not written", "[hang]") {
    Catalog catalog;
    catalog.other = "[]";
    CHECK_THROWS_AS(to_json(catalog), std::system_error);
    catalog.other = "{";
    CHECK_THROWS_AS(to_json(catalog), std::system_error);
    catalog.other.clear();
    catalog.video["\xff"].codec = "vp8";
    CHECK_THROWS_AS(to_json(catalog), std::system_error);
}

TEST_CASE("a rendition says of a configuration what decoders take apart from the frames", "[hang]") {
    DecoderConfig config;
    config.kind = MediaKind::Video;
    config.codec = "avc1.64001f";
    config.description = Bytes::copy("box");
    config.width = 640;
    config.height = 360;
    CHECK(decoder_config(video_rendition(config)) == config);
    // WebCodecs has no description for it.
    config.codec = "av01.0.04M.08";
    CHECK_FALSE(video_rendition(config).description);
    DecoderConfig sound;
    sound.kind = MediaKind::Audio;
    sound.codec = "mp4a.40.2";
    sound.description = Bytes::copy("asc");
    sound.sample_rate = 44100;
    sound.channels = 1;
    CHECK(decoder_config(audio_rendition(sound)) == sound);
}

}  // namespace hang_catalog_tests
