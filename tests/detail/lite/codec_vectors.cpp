// Messages of moq-net 0.3.18, moq-relay 0.17.10 and moq-rs 0.5.1: what their encoder writes, what their decoder takes, and
// what went over the wire, with the fields as those peers show them.
#include <comoq/detail/lite/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "detail/lite/codec_vectors.hpp"
#include "detail/lite/shown_messages.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/hex.hpp"

namespace codec_vectors_tests {

using namespace comoq::lite;

namespace {

using comoq::Error;
using comoq::Subscription;

namespace test = comoq::test;

using test::hex_of;
using test::of_hex;
using shown_messages::read;
using Octets = std::vector<std::byte>;

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
