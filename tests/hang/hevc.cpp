// HEVC with its parameter sets in the frames becomes that of a file.
#include <comoq/hang/codec.hpp>
#include <comoq/hang/hevc.hpp>

#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace hang_hevc_tests {

using namespace comoq;
using namespace comoq::hang;

namespace {

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

// Of ffmpeg and x265, and what ffmpeg writes for them in an MP4.
struct Encoded {
    const char *name, *codec;
    std::string vps, sps, pps;
    // The box, without the sets.
    std::string box_begin;
    std::string vps_size, sps_size, pps_size;

    std::string box() const {
        return box_begin + "03" + "a00001" + vps_size + vps + "a10001" + sps_size + sps + "a20001" + pps_size + pps;
    }
};
const Encoded encoded[] = {
    {"4:2:0", "hvc1.1.6.L30.90", "40010c01ffff01600000030090000003000003001e928090",
     "42010101600000030090000003000003001ea0208105964a924caf016808000003000800000300c840", "4401c172b42240",
     "0101600000009000000000001ef000fcfdf8f800000f", "0018", "0029", "0007"},
    {"4:4:4", "hvc1.4.10.L30.9e.8", "40010c01ffff0408000003009e0800000300001eba0240",
     "4201010408000003009e0800000300001e90041020b2dd25261780b7020200040000030004000003006420", "4401c07318300890",
     "0104080000009e08000000001ef000fcfff8f800000f", "0017", "002b", "0008"},
    {"4:2:2, 10 bits", "hvc1.4.10.L30.9d.8", "40010c01ffff0408000003009d0800000300001e959009",
     "4201010408000003009d0800000300001eb062084d96564b932bc05a020000030002000003003210", "4401c173d089",
     "0104080000009d08000000001ef000fcfefafa00000f", "0017", "0028", "0006"},
};
const std::string start = "00000001";
// Parts of a sequence parameter set: a profile and a level; and 4:2:0, 64 by 64, 10 bits of luma.
const std::string profile = "01600000030090000003000003001e", pictures = "a0208104e0";

}  // namespace

TEST_CASE("HEVC of an encoder becomes that of a file", "[hang]") {
    for (const auto &one : encoded) {
        CAPTURE(one.name);
        const auto sets = start + one.vps + start + one.sps + start + one.pps;
        const auto frame = hevc_from_annex_b(hex(sets + start + "28010203" + "000001" + "0201d0").span());
        CHECK(to_hex(frame.hvcc.span()) == one.box());
        CHECK(hevc_codec("hvc1", frame.hvcc.span()) == one.codec);
        CHECK(to_hex(frame.payload.span()) == "0000000428010203" "000000030201d0");
    }
    const auto later = hevc_from_annex_b(hex(start + "0201d0").span());
    CHECK(later.hvcc.empty());
    CHECK(to_hex(later.payload.span()) == "000000030201d0");
}

TEST_CASE("HEVC that lacks a parameter set, or whose own cannot be read, has no box", "[hang]") {
    const auto &[name, codec, vps, sps, pps, box, vps_size, sps_size, pps_size] = encoded[0];
    // Seven sub-layers are the most.
    const auto many_layers = "42010f" + profile + "0000" + pictures;
    for (const auto &sets : {start + vps + start + sps, start + vps + start + pps, start + sps + start + pps,
                             start + vps + start + sps.substr(0, 30) + start + pps, start + vps + start + "4201" + start + pps,
                             start + vps + start + many_layers + start + pps}) {
        const auto frame = hevc_from_annex_b(hex(sets + start + "2801").span());
        CHECK(frame.hvcc.empty());
        CHECK(to_hex(frame.payload.span()) == "000000022801");
    }
    CHECK(hevc_from_annex_b({}).payload.empty());
    CHECK(hevc_from_annex_b(hex("0000010000010000").span()).payload.empty());
}

TEST_CASE("HEVC with sub-layers that have profiles and levels of their own is read behind them", "[hang]") {
    const auto &one = encoded[0];
    // Two layers, the flags of the lower one, and its profile and level.
    const auto sps = "420103" + profile + "c000" + profile + pictures;
    const auto frame = hevc_from_annex_b(hex(start + one.vps + start + sps + start + one.pps).span());
    CHECK(to_hex(frame.hvcc.span()).substr(0, 46) == "0101600000009000000000001ef000fcfdfaf8000017" "03");
    CHECK(frame.payload.empty());
}

TEST_CASE("HEVC has at most as many parameter sets as they have numbers; more stay in the frame", "[hang]") {
    const auto &one = encoded[0];
    std::string sets;
    for (int i = 0; i != 17; ++i) sets += start + one.vps;
    sets += start + one.sps + start + one.pps;
    const auto frame = hevc_from_annex_b(hex(sets + start + "2801").span());
    CHECK(to_hex(frame.payload.span()) == "000000" + one.vps_size.substr(2) + one.vps + "000000022801");
    CHECK(to_hex(frame.hvcc.span()).substr(46, 6) == "a00010");
}

}  // namespace hang_hevc_tests
