// Messages of moq-net 0.3.18, moq-relay 0.17.10 and moq-rs 0.5.1: what their encoder writes, what their decoder takes, and
// what went over the wire, with the fields as those peers show them.
#include <comoq/detail/lite/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "detail/lite/shown_messages.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/hex.hpp"

namespace codec_vectors_tests {

using namespace comoq::lite;
using comoq::Cost;
using comoq::Error;
using comoq::Subscription;
namespace test = comoq::test;
using test::hex_of;
using test::of_hex;
using shown_messages::Kind;
using shown_messages::read;

namespace {

using Octets = std::vector<std::byte>;

constexpr Version draft_05 = Version::Draft05;
constexpr Version draft_06 = Version::Draft06;

struct Vector {
    std::string_view name;
    Kind kind;
    Version version;
    std::string_view hex;
    std::string_view text;
};

/// What the encoder of moq-net writes. A first group of 0 is none here on moq-lite-06: it says nothing there.
constexpr Vector encoded_vectors[] = {
    {"setup.probe", Kind::Setup, draft_06, "0401010101", "1 - - - -"},
    {"setup.path", Kind::Setup, draft_06, "0e01020b2f616e6f6e3f6a77743d78", "- /anon?jwt=x - - -"},
    {"setup.role.pub", Kind::Setup, draft_05, "0401030101", "- - 1 - -"},
    {"setup.role.pub", Kind::Setup, draft_06, "0401030101", "- - 1 - -"},
    {"setup.role.sub", Kind::Setup, draft_05, "0401030102", "- - 2 - -"},
    {"setup.role.sub", Kind::Setup, draft_06, "0401030102", "- - 2 - -"},
    {"setup.cost0", Kind::Setup, draft_06, "0401040100", "- - - 0 -"},
    {"setup.cost100", Kind::Setup, draft_05, "050104024064", "- - - - -"},
    {"announce_request", Kind::AnnounceRequest, draft_05, "0604726f6f6d2a", "room 42"},
    {"announce_request", Kind::AnnounceRequest, draft_06, "0504726f6f6d", "room 0"},
    {"announce_request.hidden", Kind::AnnounceRequest, draft_05, "020000", " 0"},
    {"announce_request.hidden", Kind::AnnounceRequest, draft_06, "0100", " 0"},
    {"announce_start.max", Kind::Announce, draft_05, "03010000", "active  []"},
    {"announce_start.max", Kind::Start, draft_06, "00120000ffffffffffffffffffffffffffffffff", " [] 4611686018427387903/4611686018427387903"},
    {"announce_start.default", Kind::Announce, draft_05, "060103612f6200", "active a/b []"},
    {"announce_start.default", Kind::Start, draft_06, "000703612f62000000", "a/b [] 0/0"},
    {"announce_start.unknown", Kind::Announce, draft_05, "070103612f620105", "active a/b [5]"},
    {"announce_start.unknown", Kind::Start, draft_06, "000f03612f62010500ffffffffffffffff", "a/b [5] 0/4611686018427387903"},
    {"announce_start.drain", Kind::Start, draft_06, "001603612f620101ffffffffffffffffffffffffffffffff", "a/b [1] 4611686018427387903/4611686018427387903"},
    {"track_info", Kind::TrackInfo, draft_06, "057f538843e8", "127 5000 1000"},
    {"subscribe.none", Kind::Subscribe, draft_05, "120104726f6f6d05766964656f800040fa0000", "1 room video 128 250 - - 0 -"},
    {"subscribe.start0", Kind::Subscribe, draft_05, "120104726f6f6d05766964656f800040fa0100", "1 room video 128 250 0 - 0 -"},
    {"subscribe.start0", Kind::Subscribe, draft_06, "130104726f6f6d05766964656f8040fa00000000", "1 room video 128 250 - - 0 -"},
    {"subscribe.start7", Kind::Subscribe, draft_05, "120104726f6f6d05766964656f800040fa080a", "1 room video 128 250 7 9 0 -"},
    {"subscribe.start7", Kind::Subscribe, draft_06, "130104726f6f6d05766964656f8040fa070a0000", "1 room video 128 250 7 9 0 -"},
    {"subscribe.bounds", Kind::Subscribe, draft_06, "130104726f6f6d05766964656f8040fa070a0403", "1 room video 128 250 7 9 4 2"},
    {"subscribe.start0frame", Kind::Subscribe, draft_06, "130104726f6f6d05766964656f8040fa00000400", "1 room video 128 250 0 - 4 -"},
    {"subscribe_update.none", Kind::Update, draft_05, "08090080004e200000", "9 20000 - - 0 -"},
    {"subscribe_update.none", Kind::Update, draft_06, "090980004e2000000000", "9 20000 - - 0 -"},
    {"subscribe_update.bounds", Kind::Update, draft_06, "090980004e20070a0403", "9 20000 7 9 4 2"},
    {"subscribe_start", Kind::Ok, draft_05, "00012a", "42"},
    {"subscribe_start", Kind::Ok, draft_06, "00012a", "42"},
    {"subscribe_end.empty", Kind::End, draft_06, "010100", "0"},
    {"subscribe_drop", Kind::Drop, draft_05, "0203050734", "5 7 52"},
    {"subscribe_drop", Kind::Drop, draft_06, "0203050734", "5 7 52"},
    {"group.whole", Kind::Group, draft_05, "020107", "1 7 0"},
    {"group.tail", Kind::Group, draft_06, "03010704", "1 7 4"},
    {"fetch.whole", Kind::Fetch, draft_05, "0d04726f6f6d05766964656f0307", "room video 3 7 0 -"},
    {"fetch.whole", Kind::Fetch, draft_06, "0f04726f6f6d05766964656f03070000", "room video 3 7 0 -"},
    {"fetch.range", Kind::Fetch, draft_06, "0f04726f6f6d05766964656f03070207", "room video 3 7 2 6"},
    {"probe", Kind::Probe, draft_05, "05800f424028", "1000000 40"},
    {"probe.unknown", Kind::Probe, draft_05, "020000", "0 0"},
    {"probe.unknown", Kind::Probe, draft_06, "020000", "0 0"},
    {"probe.zero", Kind::Probe, draft_05, "020100", "1 0"},
    {"probe.zero", Kind::Probe, draft_06, "020100", "1 0"},
    {"goaway", Kind::Goaway, draft_05, "1a1968747470733a2f2f72656c61792e6578616d706c652f6e6577", "https://relay.example/new"},
    {"goaway.empty", Kind::Goaway, draft_06, "0100", ""},
};

/// What went between moq-relay or moq-rs and a recording peer.
constexpr Vector captured_vectors[] = {
    {"to the real peer", Kind::AnnounceOk, draft_06, "03511102", "4369 2"},
    {"to the real peer", Kind::Start, draft_06, "001109726f6f6d2f6c617465020809406440c8", "room/late [8,9] 100/200"},
    {"to the real peer", Kind::Setup, draft_06, "0b030502511102012f010101", "1 / - - 4369"},
    {"to the real peer", Kind::Group, draft_06, "03000500", "0 5 0"},
    {"to the real peer", Kind::Frame, draft_06, "6710056735206630", "5000 6735206630"},
    {"from the real peer", Kind::Track, draft_06, "0f08726f6f6d2f63616d05766964656f", "room/cam video"},
    {"to the real peer", Kind::Group, draft_06, "03000600", "0 6 0"},
    {"to the real peer", Kind::Frame, draft_06, "6ee0056736206630", "6000 6736206630"},
    {"to the real peer", Kind::Frame, draft_06, "76b0056737206630", "7000 6737206630"},
    {"to the real peer", Kind::Frame, draft_06, "4050056737206631", "40 6737206631"},
    {"from the real peer", Kind::Track, draft_06, "1008726f6f6d2f63616d066e662d6f6c64", "room/cam nf-old"},
    {"to the real peer", Kind::Group, draft_06, "03000800", "0 8 0"},
    {"to the real peer", Kind::Frame, draft_06, "7e80056738206630", "8000 6738206630"},
    {"to the real peer", Kind::Frame, draft_06, "4050056738206631", "40 6738206631"},
    {"to the real peer", Kind::Frame, draft_06, "4050056738206632", "40 6738206632"},
    {"from the real peer", Kind::Track, draft_06, "0e08726f6f6d2f63616d047a65726f", "room/cam zero"},
    {"to the real peer", Kind::Frame, draft_06, "80004650056739206630", "9000 6739206630"},
    {"from the real peer", Kind::Track, draft_06, "1008726f6f6d2f63616d0663616e63656c", "room/cam cancel"},
    {"to the real peer", Kind::Group, draft_06, "03000a00", "0 10 0"},
    {"to the real peer", Kind::Frame, draft_06, "80004e2006673130206630", "10000 673130206630"},
    {"to the real peer", Kind::Group, draft_06, "03000b00", "0 11 0"},
    {"to the real peer", Kind::Frame, draft_06, "00026130", "0 6130"},
    {"from the real peer", Kind::Subscribe, draft_06, "190008726f6f6d2f63616d05766964656f078000753005080002", "0 room/cam video 7 30000 5 7 0 1"},
    {"to the real peer", Kind::Drop, draft_06, "02030c0d34", "12 13 52"},
    {"to the real peer", Kind::Frame, draft_06, "28026131", "20 6131"},
    {"from the real peer", Kind::Track, draft_06, "0f08726f6f6d2f63616d05617564696f", "room/cam audio"},
    {"from the real peer", Kind::Subscribe, draft_06, "160108726f6f6d2f63616d05617564696f800000000000", "1 room/cam audio 128 0 - - 0 -"},
    {"to the real peer", Kind::Ok, draft_06, "000100", "0"},
    {"from the real peer", Kind::Subscribe, draft_06, "180208726f6f6d2f63616d0462617265078000753000000000", "2 room/cam bare 7 30000 - - 0 -"},
    {"from the real peer", Kind::Start, draft_06, "000e08726f6f6d2f6d69630151110101", "room/mic [4369] 1/1"},
    {"from the real peer", Kind::Start, draft_06, "001309726f6f6d2f6c6174650308095111406540c9", "room/late [8,9,4369] 101/201"},
    {"from the real peer", Kind::Setup, draft_06, "080205025092010101", "1 - - - 4242"},
    {"from the real peer", Kind::TrackInfo, draft_06, "07038000ea6043e8", "3 60000 1000"},
    {"from the real peer", Kind::Group, draft_06, "03000501", "0 5 1"},
    {"from the real peer", Kind::Frame, draft_06, "6760056735206631", "5040 6735206631"},
    {"from the real peer", Kind::Frame, draft_06, "4050056735206632", "40 6735206632"},
    {"to the real peer", Kind::Track, draft_06, "1009726f6f6d2f6e6f6e6505766964656f", "room/none video"},
    {"from the real peer", Kind::Frame, draft_06, "4050056736206631", "40 6736206631"},
    {"from the real peer", Kind::Frame, draft_06, "4050056736206632", "40 6736206632"},
    {"from the real peer", Kind::Group, draft_06, "03000700", "0 7 0"},
    {"to the real peer", Kind::Track, draft_06, "0c08726f6f6d2f63616d026e66", "room/cam nf"},
    {"from the real peer", Kind::Frame, draft_06, "800055f006673131206630", "11000 673131206630"},
    {"from the real peer", Kind::Frame, draft_06, "1406673131206631", "10 673131206631"},
    {"to the real peer", Kind::Track, draft_06, "0d08726f6f6d2f63616d03617070", "room/cam app"},
    {"to the real peer", Kind::Update, draft_06, "090980004e20050a0100", "9 20000 5 9 1 -"},
    {"to the real peer", Kind::Update, draft_06, "090980004e2005000100", "9 20000 5 - 1 -"},
    {"from the real peer", Kind::Ok, draft_06, "000105", "5"},
    {"to the real peer", Kind::Fetch, draft_06, "1308726f6f6d2f63616d05766964656f09060102", "room/cam video 9 6 1 1"},
    {"from the real peer", Kind::Frame, draft_06, "6f30056736206631", "6040 6736206631"},
    {"to the real peer", Kind::Fetch, draft_06, "1408726f6f6d2f63616d05766964656f0940630000", "room/cam video 9 99 0 -"},
    {"to the real peer", Kind::Fetch, draft_06, "1308726f6f6d2f63616d05766964656f09030000", "room/cam video 9 3 0 -"},
    {"to the real peer", Kind::Subscribe, draft_06, "160209726f6f6d2f6e6f6e650178078000753000000000", "2 room/none x 7 30000 - - 0 -"},
    {"from the real peer", Kind::Probe, draft_06, "09c000000f4240000009", "65536000000 9"},
    {"from the real peer", Kind::Probe, draft_06, "09c000000f4240000006", "65536000000 6"},
    {"to the real peer", Kind::Start, draft_06, "000703722f63000000", "r/c [] 0/0"},
    {"to the real peer", Kind::Start, draft_06, "000703722f63000506", "r/c [] 5/6"},
    {"to the real peer", Kind::Restart, draft_06, "0206010151110506", "1 [4369] 5/6"},
    {"to the real peer", Kind::Restart, draft_06, "0206010150920506", "1 [4242] 5/6"},
    {"to the real peer", Kind::Restart, draft_06, "0206010162220506", "1 [8738] 5/6"},
    {"to the real peer", Kind::Restart, draft_06, "02120100ffffffffffffffffffffffffffffffff", "1 [] 4611686018427387903/4611686018427387903"},
    {"to the real peer", Kind::Setup, draft_06, "050105025111", "- - - - 4369"},
    {"from the real peer", Kind::Track, draft_06, "0603722f630176", "r/c v"},
    {"to the real peer", Kind::Group, draft_06, "03000200", "0 2 0"},
    {"to the real peer", Kind::Frame, draft_06, "4fa0056732206630", "2000 6732206630"},
    {"to the real peer", Kind::Frame, draft_06, "4050056732206631", "40 6732206631"},
    {"to the real peer", Kind::Frame, draft_06, "4050056732206632", "40 6732206632"},
    {"to the real peer", Kind::Ok, draft_06, "000102", "2"},
    {"to the real peer", Kind::End, draft_06, "010107", "7"},
    {"to the real peer", Kind::Group, draft_06, "03000300", "0 3 0"},
    {"to the real peer", Kind::Frame, draft_06, "5770056733206630", "3000 6733206630"},
    {"to the real peer", Kind::Frame, draft_06, "5f40056734206630", "4000 6734206630"},
    {"from the real peer", Kind::Fetch, draft_06, "0a03722f63017709020100", "r/c w 9 2 1 -"},
    {"to the real peer", Kind::Frame, draft_06, "4ff0056732206631", "2040 6732206631"},
    {"to the real peer", Kind::Frame, draft_06, "4050056732206633", "40 6732206633"},
    {"from the real peer", Kind::Fetch, draft_06, "0a03722f63017709030000", "r/c w 9 3 0 -"},
    {"to the real peer", Kind::Frame, draft_06, "00026430", "0 6430"},
    {"to the real peer", Kind::Frame, draft_06, "06026433", "3 6433"},
    {"from the real peer", Kind::Fetch, draft_06, "0b03722f6301770940630000", "r/c w 9 99 0 -"},
    {"to the real peer", Kind::Group, draft_06, "03020000", "2 0 0"},
    {"from the real peer", Kind::Track, draft_06, "0603722f630164", "r/c d"},
    {"to the real peer", Kind::End, draft_06, "010104", "4"},
    {"from the real peer", Kind::Track, draft_06, "0603722f630165", "r/c e"},
    {"from the real peer", Kind::Subscribe, draft_06, "100203722f630165078000753000000000", "2 r/c e 7 30000 - - 0 -"},
    {"to the real peer", Kind::End, draft_06, "010102", "2"},
    {"to the real peer", Kind::End, draft_06, "010100", "0"},
    {"from the real peer", Kind::Track, draft_06, "0603722f630171", "r/c q"},
    {"from the real peer", Kind::Subscribe, draft_06, "100403722f630171078000753000000000", "4 r/c q 7 30000 - - 0 -"},
    {"from the real peer", Kind::AnnounceOk, draft_06, "03509201", "4242 1"},
    {"from the real peer", Kind::AnnounceEnd, draft_06, "010100", "0"},
    {"to the real peer", Kind::Setup, draft_06, "050105026222", "- - - - 8738"},
    {"to the real peer", Kind::Subscribe, draft_06, "100003722f630176078000753000000000", "0 r/c v 7 30000 - - 0 -"},
    {"to the real peer", Kind::Fetch, draft_06, "0a03722f63017709020103", "r/c w 9 2 1 2"},
    {"from the real peer", Kind::Frame, draft_06, "4050056733206631", "40 6733206631"},
    {"from the real peer", Kind::Frame, draft_06, "4050056733206632", "40 6733206632"},
    {"from the real peer", Kind::Frame, draft_06, "4050056733206633", "40 6733206633"},
    {"to the real peer", Kind::Subscribe, draft_06, "100103722f630164078000753000000000", "1 r/c d 7 30000 - - 0 -"},
    {"to the real peer", Kind::Subscribe, draft_06, "100303722f63017a078000753000000000", "3 r/c z 7 30000 - - 0 -"},
    {"from the real peer", Kind::Frame, draft_06, "00026530", "0 6530"},
    {"from the real peer", Kind::Group, draft_06, "03020100", "2 1 0"},
    {"from the real peer", Kind::Frame, draft_06, "02026531", "1 6531"},
    {"to the real peer", Kind::Goaway, draft_06, "161568747470733a2f2f3132372e302e302e313a312f78", "https://127.0.0.1:1/x"},
    {"to the real peer", Kind::Setup, draft_06, "0701050480009999", "- - - - 39321"},
    {"to the real peer", Kind::AnnounceOk, draft_06, "034abc01", "2748 1"},
    {"to the real peer", Kind::Start, draft_06, "00080366617201010a14", "far [1] 10/20"},
    {"from the real peer", Kind::Start, draft_06, "000a046e6561720162220101", "near [8738] 1/1"},
    {"from the real peer", Kind::Setup, draft_06, "12040502509202052f70656572010101040107", "1 /peer - 7 4242"},
    {"to the real peer", Kind::Setup, draft_06, "080205024abc040105", "- - - 5 2748"},
    {"to the real peer", Kind::Goaway, draft_06, "0100", ""},
    {"from the real peer", Kind::Start, draft_06, "000a0366617202014abc111b", "far [1,2748] 17/27"},
    {"to the real peer", Kind::AnnounceOk, draft_06, "03622201", "8738 1"},
    {"from the real peer", Kind::Restart, draft_06, "020400000505", "0 [] 5/5"},
    {"to the real peer", Kind::Probe, draft_06, "05804c4b4014", "5000000 20"},
    {"to the real peer", Kind::Track, draft_06, "0f08636c692f64656d6f05636c6f636b", "cli/demo clock"},
    {"from the real peer", Kind::TrackInfo, draft_06, "077f5388800f4240", "127 5000 1000000"},
    {"from the real peer", Kind::Group, draft_06, "03000000", "0 0 0"},
    {"from the real peer", Kind::Frame, draft_06, "00036f6e65", "0 6f6e65"},
    {"from the real peer", Kind::Track, draft_06, "0f087372762f64656d6f05636c6f636b", "srv/demo clock"},
    {"to the real peer", Kind::Subscribe, draft_06, "190008636c692f64656d6f05636c6f636b078000753000000000", "0 cli/demo clock 7 30000 - - 0 -"},
    {"to the real peer", Kind::Frame, draft_06, "5f40027334", "4000 7334"},
    {"to the real peer", Kind::Ok, draft_06, "000103", "3"},
    {"to the real peer", Kind::Frame, draft_06, "4050056737206633", "40 6737206633"},
    {"to the real peer", Kind::Setup, draft_06, "0401050101", "- - - - 1"},
    {"from the real peer", Kind::Setup, draft_06, "0b010508c00f8facc75683b5", "- - - - 4380096892142517"},
    {"to the real peer", Kind::Start, draft_06, "000a06722f2e736563000000", "r/.sec [] 0/0"},
    {"from the real peer", Kind::Track, draft_06, "0f0c64796e2f736f6d652f6f6e650176", "dyn/some/one v"},
    {"from the real peer", Kind::Start, draft_06, "000701780151110101", "x [4369] 1/1"},
    {"from the real peer", Kind::AnnounceOk, draft_06, "03509200", "4242 0"},
    {"to the real peer", Kind::AnnounceRequest, draft_06, "0706722f2e736563", "r/.sec 0"},
    {"from the real peer", Kind::Start, draft_06, "0006000151110101", " [4369] 1/1"},
    {"to the real peer", Kind::Track, draft_06, "09062e6869642f780176", ".hid/x v"},
    {"from the real peer", Kind::Start, draft_06, "000a0473616d650173330101", "same [13107] 1/1"},
    {"from the real peer", Kind::Restart, draft_06, "0206010174340101", "1 [13364] 1/1"},
    {"to the real peer", Kind::Track, draft_06, "070473616d650176", "same v"},
    {"to the real peer", Kind::AnnounceOk, draft_06, "03733301", "13107 1"},
    {"to the real peer", Kind::Setup, draft_06, "050105027434", "- - - - 13364"},
    {"to the real peer", Kind::Start, draft_06, "00080473616d65000909", "same [] 9/9"},
    {"to the real peer", Kind::Setup, draft_06, "050105027535", "- - - - 13621"},
    {"to the real peer", Kind::Setup, draft_06, "050105027636", "- - - - 13878"},
};

struct Verdict {
    std::string_view name;
    Kind kind;
    Version version;
    std::string_view hex;
    bool good;
};

/// What the decoder of moq-net says.
constexpr Verdict verdicts[] = {
    {"announce_start.no_cold", Kind::Announce, draft_05, "00070363616d010700", false},
    {"announce_start.trailing", Kind::Announce, draft_05, "00090363616d0107000000", false},
    {"announce_start.trailing", Kind::Start, draft_06, "00090363616d0107000000", false},
    {"announce_start.dup_hop", Kind::Announce, draft_05, "00090363616d0207070000", false},
    {"announce_start.dup_zero_hop", Kind::Start, draft_06, "00090363616d0200000000", true},
    {"announce_unknown_type", Kind::Announce, draft_05, "09020000", false},
    {"announce_unknown_type", Kind::Start, draft_06, "09020000", true},
    {"announce_end.trailing", Kind::Announce, draft_05, "01020000", false},
    {"announce_end.trailing", Kind::AnnounceEnd, draft_06, "01020000", false},
    {"announce_start.nonminimal_type", Kind::Announce, draft_05, "4000080363616d01070000", false},
    {"announce_start.nonminimal_type", Kind::Start, draft_06, "4000080363616d01070000", true},
    {"announce_start.star_path", Kind::Announce, draft_05, "000703612f2a000000", false},
    {"announce_start.star_path", Kind::Start, draft_06, "000703612f2a000000", true},
    {"subscribe.start_frame_group0", Kind::Subscribe, draft_05, "130104726f6f6d05766964656f8040fa00000400", false},
    {"subscribe.start_frame_group0", Kind::Subscribe, draft_06, "130104726f6f6d05766964656f8040fa00000400", true},
    {"subscribe.lite05_layout", Kind::Subscribe, draft_05, "120104726f6f6d05766964656f800040fa0000", true},
    {"subscribe.inverted_groups", Kind::Subscribe, draft_05, "130104726f6f6d05766964656f8040fa09050000", false},
    {"subscribe.inverted_groups", Kind::Subscribe, draft_06, "130104726f6f6d05766964656f8040fa09050000", true},
    {"subscribe.inverted_frames_one_group", Kind::Subscribe, draft_06, "130104726f6f6d05766964656f8040fa07080503", true},
    {"fetch.inverted", Kind::Fetch, draft_05, "0f04726f6f6d05766964656f03070602", false},
    {"fetch.inverted", Kind::Fetch, draft_06, "0f04726f6f6d05766964656f03070602", false},
    {"fetch.lite05_layout", Kind::Fetch, draft_05, "0d04726f6f6d05766964656f0307", true},
    {"track_info.timescale0", Kind::TrackInfo, draft_06, "04038000ea6000", false},
    {"track_info.zero", Kind::TrackInfo, draft_05, "03030500", false},
    {"track_info.zero", Kind::TrackInfo, draft_06, "03030500", false},
    {"group.lite05_layout", Kind::Group, draft_06, "020107", false},
    {"group.lite06", Kind::Group, draft_05, "03010704", false},
    {"setup.dup", Kind::Setup, draft_06, "050201000100", false},
    {"setup.probe9_role7_hop0", Kind::Setup, draft_06, "0a03010109030107050100", true},
    {"setup.unknown_param", Kind::Setup, draft_05, "0501407f0141", true},
    {"setup.varint_trailing", Kind::Setup, draft_05, "050104020000", false},
    {"setup.varint_trailing", Kind::Setup, draft_06, "050104020000", false},
    {"announce_request.lite05_layout", Kind::AnnounceRequest, draft_06, "0604726f6f6d2a", false},
    {"subscribe_reply.type3", Kind::Ok, draft_05, "030100", false},
    {"announce_ok.hop0", Kind::AnnounceOk, draft_05, "020000", true},
    {"announce_ok.hop0", Kind::AnnounceOk, draft_06, "020000", true},
    {"fetch that the real peer reset", Kind::Fetch, draft_06, "1308726f6f6d2f63616d05766964656f09060202", false},
    {"subscribe that the real peer reset", Kind::Subscribe, draft_06, "190408726f6f6d2f63616d05766964656f078000753000000004", false},
};

template <class Message> std::error_code refusal_of(const Message &message, Version version) {
    return test::error_of([&] {
        Octets to;
        encode(message, version, to);
    });
}

}  // namespace

TEST_CASE("wire vectors: messages of the real peers are read with the same fields, and written to the same bytes", "[lite]") {
    const auto check = [](const Vector &vector) {
        INFO(vector.name << " " << vector.hex);
        const auto message = read(vector.kind, vector.version, of_hex(vector.hex));
        REQUIRE(message);
        CHECK(message->text == vector.text);
        // The order of parameters is free.
        if (vector.kind != Kind::Setup) CHECK(message->again == vector.hex);
        const auto again = read(vector.kind, vector.version, of_hex(message->again));
        REQUIRE(again);
        CHECK(again->text == vector.text);
    };
    for (const auto &vector : encoded_vectors) check(vector);
    for (const auto &vector : captured_vectors) check(vector);
}

TEST_CASE("wire vectors: what the real peer takes for malformed is malformed, and the rest is not", "[lite]") {
    for (const auto &verdict : verdicts) {
        INFO(verdict.name << " " << verdict.hex);
        CHECK(read(verdict.kind, verdict.version, of_hex(verdict.hex)).has_value() == verdict.good);
    }
}

TEST_CASE("wire vectors: numbers are written as by the real peer, and one of more than 62 bits is refused", "[lite]") {
    constexpr std::pair<std::uint64_t, std::string_view> numbers[] = {
        {1U, "01"},
        {63U, "3f"},
        {64U, "4040"},
        {127U, "407f"},
        {128U, "4080"},
        {16384U, "80004000"},
        {2097151U, "801fffff"},
        {2097152U, "80200000"},
        {268435456U, "90000000"},
        {34359738368U, "c000000800000000"},
        {4398046511103U, "c00003ffffffffff"},
        {4398046511104U, "c000040000000000"},
        {562949953421312U, "c002000000000000"},
        {9007199254740991U, "c01fffffffffffff"},
        {72057594037927936U, "c100000000000000"},
    };
    for (const auto &[number, hex] : numbers) {
        Octets octets;
        detail::WireWriter(octets).varint(number);
        CHECK(hex_of(octets) == hex);
        CHECK(comoq::detail::read_varint(octets)->value == number);
    }
    Octets octets;
    CHECK(test::error_of([&] { detail::WireWriter(octets).varint(std::uint64_t{1} << 62); }) == Error::Encode);
}

TEST_CASE("wire vectors: what a version cannot say is refused, as by the real peer", "[lite]") {
    Subscription wishes;
    wishes.start = 7;
    wishes.end = 9;
    const Subscribe bounds{1, "room", "video", wishes, {4, 2}};
    const SubscribeUpdate update{wishes, {4, 2}};
    const Group tail{1, 7, 4};
    const Fetch range{"room", "video", 3, 7, {2, 6}}, first{"room", "video", 3, 7, {0, 0}};
    const AnnounceEnd end{42};
    const AnnounceRestart restart{3, {7}, {12, 30}};
    const AnnounceStart start{"a", {7}, {12, 30}};
    CHECK(refusal_of(bounds, draft_05) == Error::Encode);
    CHECK(refusal_of(update, draft_05) == Error::Encode);
    CHECK(refusal_of(tail, draft_05) == Error::Encode);
    CHECK(refusal_of(range, draft_05) == Error::Encode);
    CHECK(refusal_of(first, draft_05) == Error::Encode);
    CHECK(refusal_of(end, draft_05) == Error::Encode);
    CHECK(refusal_of(restart, draft_05) == Error::Encode);
    CHECK(refusal_of(start, draft_05) == Error::Encode);
    CHECK_FALSE(refusal_of(bounds, draft_06));
    CHECK_FALSE(refusal_of(update, draft_06));
    CHECK_FALSE(refusal_of(tail, draft_06));
    CHECK_FALSE(refusal_of(range, draft_06));
    CHECK_FALSE(refusal_of(first, draft_06));
    CHECK_FALSE(refusal_of(end, draft_06));
    CHECK_FALSE(refusal_of(restart, draft_06));
    CHECK_FALSE(refusal_of(start, draft_06));
    CHECK(refusal_of(Announce{true, "a", {7}}, draft_06) == Error::Encode);
    for (const auto version : {draft_05, draft_06}) {
        // A frame needs the number of its group, and a range its order.
        CHECK(refusal_of(Subscribe{1, "room", "video", {}, {4, {}}}, version) == Error::Encode);
        CHECK(refusal_of(Subscribe{1, "room", "video", {}, {0, 4}}, version) == Error::Encode);
        CHECK(refusal_of(Fetch{"room", "video", 3, 7, {6, 1}}, version) == Error::Encode);
    }
}

TEST_CASE("wire 3 START and RESTART: 32 hops are read and 33 are not, an id twice is malformed, and 0 may come again", "[lite]") {
    const auto reads = [](const std::vector<std::uint64_t> &hops) {
        Octets start, restart;
        encode(AnnounceStart{"a", hops, {}}, draft_06, start);
        encode(AnnounceRestart{0, hops, {}}, draft_06, restart);
        const auto is_read = decode<AnnounceStart>(std::span(start).subspan(1), draft_06).has_value();
        CHECK(is_read == decode<AnnounceRestart>(std::span(restart).subspan(1), draft_06).has_value());
        return is_read;
    };
    std::vector<std::uint64_t> hops;
    for (std::uint64_t hop = 1; hop <= 32; ++hop) hops.push_back(hop);
    CHECK(reads(hops));
    hops.push_back(33);
    CHECK_FALSE(reads(hops));
    CHECK(reads({1, 0, 2, 0}));
    CHECK_FALSE(reads({1, 0, 1}));
    CHECK_FALSE(reads({7, 7}));
}

TEST_CASE("wire 3: a cost above what the wire can say is written as the most that it can", "[lite]") {
    Octets octets;
    encode(AnnounceStart{"", {}, {~std::uint64_t{0}, std::uint64_t{1} << 62}}, draft_06, octets);
    CHECK(hex_of(octets) == "120000ffffffffffffffffffffffffffffffff");
}

}
