// Catalogs: what is read, what is kept, what is refused.
#include <comoq/hang/catalog.hpp>

#include <comoq/error.hpp>

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
    CHECK(hd.jitter == 33.5);
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
          R"({"audio":{"renditions":{"a":{"codec":"opus","numberOfChannels":2}}}})", "{\"a\":\"\xff\"}"}) {
        INFO(wrong);
        CHECK(refusal(wrong) == Error::Decode);
    }
    CHECK_FALSE(refusal("{}"));
    CHECK_FALSE(refusal(R"({"video":{"renditions":{}}})"));
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
