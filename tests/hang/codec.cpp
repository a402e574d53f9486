// Names of codecs, and configurations of decoders.
#include <comoq/hang/codec.hpp>

#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace hang_codec_tests {

using namespace comoq;
using namespace comoq::hang;

namespace {

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

}  // namespace

TEST_CASE("codecs have the names of WebCodecs", "[hang]") {
    CHECK(avc_codec("avc1", hex("0164001fffe1").span()) == std::nullopt);
    CHECK(avc_codec("avc1", hex("0164001fffe10000").span()) == "avc1.64001f");
    CHECK(avc_codec("avc1", hex("0264001fffe10000").span()) == std::nullopt);
    CHECK(hevc_codec("hvc1", hex("0101600000009000000000005df000fcfdf8f800000f00").span()) == "hvc1.1.6.L93.90");
    CHECK(hevc_codec("hev1", hex("0122200000009000000000009600000000000000000000").span()) == "hev1.2.4.H150.90");
    CHECK(hevc_codec("hvc1", hex("0141600000000000000000005df000fcfdf8f800000f00").span()) == "hvc1.A1.6.L93");
    CHECK(av1_codec(hex("81040c00").span()) == "av01.0.04M.08");
    CHECK(av1_codec(hex("814de000").span()) == "av01.2.13H.12");
    CHECK(av1_codec(hex("01040c00").span()) == std::nullopt);
    CHECK(vp9_codec(hex("000a82010101").span()) == "vp09.00.10.08.01.01.01.01.00");
    CHECK(vp9_codec(hex("000a").span()) == std::nullopt);
}

TEST_CASE("a box that is made of a name gives that name", "[hang]") {
    for (const char *name : {"av01.0.04M.08", "av01.1.31H.10", "av01.2.13H.12"}) CHECK(av1_codec(av1_box_of(name)->span()) == name);
    CHECK(vp9_codec(vp9_box_of("vp09.02.31.10.01.09.16.09.01")->span()) == "vp09.02.31.10.01.09.16.09.01");
    CHECK_FALSE(av1_box_of("av01"));
    CHECK_FALSE(av1_box_of("vp09.00.10.08"));
    CHECK_FALSE(vp9_box_of("vp09.00"));
    CHECK_FALSE(vp9_box_of("avc1.64001f"));
}

TEST_CASE("the configuration of AAC says what the sound is", "[hang]") {
    CHECK(aac_config(hex("120856e500").span()) == AacConfig{2, 44100, 1});
    CHECK(aac_config(hex("1190").span()) == AacConfig{2, 48000, 2});
    CHECK(aac_config(hex("2b1188").span()) == AacConfig{5, 48000, 2});   // with spectral band replication: twice 24 kHz
    CHECK(aac_config(hex("eb0988").span()) == AacConfig{29, 48000, 2});  // and parametric stereo
    CHECK(aac_config(hex("1780bb8010").span()) == AacConfig{2, 96000, 2});  // a rate in full
    CHECK(aac_config(hex("12").span()) == std::nullopt);
    CHECK(aac_config(hex("1690").span()) == std::nullopt);  // no such rate
    CHECK(aac_config({}) == std::nullopt);
}

TEST_CASE("the box of Opus", "[hang]") {
    CHECK(opus_config(hex("0002013800000bb8000000").span()) == OpusConfig{2, 312, 3000});
    CHECK(opus_config(opus_box_of({1, 100, 48000}).span()) == OpusConfig{1, 100, 48000});
    CHECK(opus_config(hex("00020138").span()) == std::nullopt);
}

TEST_CASE("H.264 of a browser becomes that of a file", "[hang]") {
    const auto frame = avc_from_annex_b(hex("000000016764001fac" "0000000168ebec" "00000165888400" "00000141").span());
    CHECK(to_hex(frame.avcc.span()) == "0164001fffe100056764001fac01000368ebec");
    CHECK(avc_codec("avc1", frame.avcc.span()) == "avc1.64001f");
    CHECK(to_hex(frame.payload.span()) == "00000003658884" "0000000141");
    const auto later = avc_from_annex_b(hex("00000001419a").span());
    CHECK(later.avcc.empty());
    CHECK(to_hex(later.payload.span()) == "00000002419a");
    CHECK(avc_from_annex_b({}).payload.empty());
    CHECK(avc_from_annex_b(hex("0000010000010000").span()).payload.empty());
}

TEST_CASE("hexadecimal and base64 go both ways, and nothing else is taken", "[hang]") {
    CHECK(to_hex(hex("00ffAB").span()) == "00ffab");
    CHECK_FALSE(from_hex("0"));
    CHECK_FALSE(from_hex("0g"));
    const std::string_view texts[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    const std::string_view coded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (std::size_t i = 0; i != std::size(texts); ++i) {
        CHECK(to_base64(std::as_bytes(std::span(texts[i]))) == coded[i]);
        CHECK(from_base64(coded[i])->view() == texts[i]);
    }
    for (const char *wrong : {"Z", "Zg=", "Zg", "Z===", "====", "Zm9v\n", "Zm9-", "=m9v"}) CHECK_FALSE(from_base64(wrong));
}

}  // namespace hang_codec_tests
