#include <comoq/detail/qmux/codec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <variant>
#include <vector>

#include "detail/qmux/octets.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/seed.hpp"

namespace detail_qmux_codec_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr std::uint64_t most = comoq::detail::max_varint;

// It neither owns nor allocates anything, however often it is read.
static_assert(std::is_trivially_copyable_v<qmux::Frame>);

std::span<const std::byte> octets_of(std::string_view text) { return std::as_bytes(std::span(text)); }

Octets encoded(const qmux::Frame &frame) {
    Octets octets;
    qmux::encode(frame, octets);
    return octets;
}

std::error_code failure_of(const Octets &record) {
    std::error_code failure;
    CHECK_FALSE(qmux::next_frame(record, failure));
    return failure;
}

/// `octets` are one frame, and it is `frame`.
void check_read(const qmux::Frame &frame, const Octets &octets) {
    std::error_code failure;
    const auto read = qmux::next_frame(octets, failure);
    REQUIRE(read);
    CHECK_FALSE(failure);
    CHECK(read->size == octets.size());
    CHECK(read->frame == frame);
}

/// The same both ways.
void check(const qmux::Frame &frame, std::string_view hex) {
    CHECK(encoded(frame) == of_hex(hex));
    check_read(frame, of_hex(hex));
}

/// One of each, with integers of mixed sizes.
std::vector<qmux::Frame> each_frame() {
    using namespace qmux;
    return {Stream{4, 5, octets_of("hi"), false},
            Stream{most, 70'000, octets_of("a longer payload"), true},
            ResetStream{70'000, 3, most},
            StopSending{4, 300},
            MaxData{1'048'576},
            MaxStreamData{8, 70'000},
            MaxStreams{Direction::Bidi, 100},
            MaxStreams{Direction::Uni, max_stream_count},
            DataBlocked{300},
            StreamDataBlocked{4, most},
            StreamsBlocked{Direction::Bidi, max_stream_count},
            StreamsBlocked{Direction::Uni, 9},
            ConnectionClose{7, 0x3f5153300d0a0d0a, "gr\xc3\xbc\xc3\x9f"},
            ApplicationClose{300, "bye"},
            qmux::Datagram{octets_of("datagram")},
            PingRequest{300},
            PingResponse{most},
            EncodedParameters{octets_of("parameters")}};
}

}  // namespace

TEST_CASE("wire 6: frames are encoded to the same bytes as by the real peer", "[qmux]") {
    check(qmux::Stream{4, 5, octets_of("hi"), false}, "0e0405026869");
    check(qmux::Stream{0, 70'000, {}, true}, "0f008001117000");
    check(qmux::StopSending{4, 42}, "05042a");
    check(qmux::ApplicationClose{0, ""}, "1d0000");
    check(qmux::MaxStreamData{4, 1024}, "11044400");
    check(qmux::MaxStreams{qmux::Direction::Uni, 150}, "134096");
    check(qmux::StreamDataBlocked{4, 9}, "150409");
    check(qmux::StreamsBlocked{qmux::Direction::Uni, 9}, "1709");
    check(qmux::PingResponse{0}, "f48c67529ef8c7be00");
    const std::string parameters = "010480007530" "040480100000" "050480040000" "060480040000" "070480040000" "08024064"
                                   "09024064" "20027ffe" "c571c59429cd0845027ffe" "1d00";
    const auto body = of_hex(parameters);
    check(qmux::EncodedParameters{body}, "ff5153300d0a0d0a37" + parameters);
}

TEST_CASE("wire 6: the other frames have the types and fields that the drafts give them", "[qmux]") {
    check(qmux::ResetStream{4, 42, 300}, "04042a412c");
    check(qmux::MaxData{300}, "10412c");
    check(qmux::MaxStreams{qmux::Direction::Bidi, 1}, "1201");
    check(qmux::DataBlocked{9}, "1409");
    check(qmux::StreamsBlocked{qmux::Direction::Bidi, 9}, "1609");
    check(qmux::ConnectionClose{10, 8, "no"}, "1c0a08026e6f");
    check(qmux::ApplicationClose{10, "no"}, "1d0a026e6f");
    check(qmux::Datagram{octets_of("hi")}, "31026869");
    check(qmux::PingRequest{1}, "f48c67529ef8c7bd01");
}

TEST_CASE("wire 6 STREAM: all eight types are read, and without a length it extends to the end of the record",
          "[qmux]") {
    const auto hi = octets_of("hi");
    check_read(qmux::Stream{4, 0, hi, false}, of_hex("08046869"));
    check_read(qmux::Stream{4, 0, hi, true}, of_hex("09046869"));
    check_read(qmux::Stream{4, 0, hi, false}, of_hex("0a04026869"));
    check_read(qmux::Stream{4, 0, hi, true}, of_hex("0b04026869"));
    check_read(qmux::Stream{4, 5, hi, false}, of_hex("0c04056869"));
    check_read(qmux::Stream{4, 5, hi, true}, of_hex("0d04056869"));
    check_read(qmux::Stream{4, 5, hi, false}, of_hex("0e0405026869"));
    check_read(qmux::Stream{4, 5, hi, true}, of_hex("0f0405026869"));
    // FIN alone, in both encodings.
    check_read(qmux::Stream{4, 5, {}, true}, of_hex("0d0405"));
    check_read(qmux::Stream{4, 5, {}, true}, of_hex("0f040500"));
    check_read(qmux::Datagram{hi}, of_hex("306869"));
    check_read(qmux::Datagram{}, of_hex("30"));
}

TEST_CASE("wire 6 STREAM: a payload is read in place", "[qmux]") {
    const auto record = of_hex("0e0405026869");
    std::error_code failure;
    const auto read = qmux::next_frame(record, failure);
    REQUIRE(read);
    CHECK(std::get<qmux::Stream>(read->frame).payload.data() == record.data() + 4);
}

TEST_CASE("wire 6: a record has many frames, and PADDING between them is skipped", "[qmux]") {
    const auto record = of_hex("0000" "1005" "4000" "0e0405026869" "05042a" "000000");
    std::span<const std::byte> rest(record);
    std::error_code failure;
    std::vector<qmux::Frame> frames;
    std::vector<std::size_t> sizes;
    while (const auto read = qmux::next_frame(rest, failure)) {
        frames.push_back(read->frame);
        sizes.push_back(read->size);
        rest = rest.subspan(read->size);
    }
    CHECK_FALSE(failure);
    CHECK(rest.size() == 3);
    CHECK(sizes == std::vector<std::size_t>{4, 8, 3});
    CHECK(frames == std::vector<qmux::Frame>{qmux::MaxData{5}, qmux::Stream{4, 5, octets_of("hi"), false},
                                             qmux::StopSending{4, 42}});
    CHECK_FALSE(failure_of({}));
    CHECK_FALSE(failure_of(Octets(16'382)));
}

TEST_CASE("wire 1: types and numbers may be encoded longer than necessary", "[qmux]") {
    check_read(qmux::StopSending{4, 42}, of_hex("4005" "80000004" "c00000000000002a"));
    check_read(qmux::Stream{4, 5, octets_of("hi"), false}, of_hex("c00000000000000e" "4004" "4005" "4002" "6869"));
    check_read(qmux::MaxData{7}, of_hex("80000000" "80000010" "4007"));
    check_read(qmux::ApplicationClose{0, "a"}, of_hex("401d" "4000" "4001" "61"));
}

TEST_CASE("wire 6: a frame that is cut off at any byte is malformed, because none spans records", "[qmux]") {
    for (const auto &frame : each_frame()) {
        const auto whole = encoded(frame);
        check_read(frame, whole);
        for (std::size_t size = 1; size < whole.size(); ++size) {
            // In a block of its own, so that a sanitizer sees each byte too many.
            const Octets part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            CHECK(failure_of(part) == Error::Decode);
        }
        // The next bytes are another frame.
        const auto more = joined({whole, of_hex("1005")});
        std::error_code failure;
        const auto read = qmux::next_frame(more, failure);
        REQUIRE(read);
        CHECK(read->size == whole.size());
        CHECK(read->frame == frame);
    }
    for (const auto *hex : {"08", "0c04", "0c0440", "0d80", "40", "c0000000"}) {
        CHECK(failure_of(of_hex(hex)) == Error::Decode);
    }
}

TEST_CASE("wire 6: a length beyond the record is malformed, however large", "[qmux]") {
    for (const std::uint64_t length : {std::uint64_t{3}, std::uint64_t{1} << 32, most}) {
        CHECK(failure_of(joined({of_varints({0x0e, 4, 0, length}), of_hex("6869")})) == Error::Decode);
        CHECK(failure_of(joined({of_varints({0x0a, 4, length}), of_hex("6869")})) == Error::Decode);
        CHECK(failure_of(joined({of_varints({0x31, length}), of_hex("6869")})) == Error::Decode);
        CHECK(failure_of(joined({of_varints({0x1c, 0, 0, length}), of_hex("6869")})) == Error::Decode);
        CHECK(failure_of(joined({of_varints({0x1d, 0, length}), of_hex("6869")})) == Error::Decode);
        CHECK(failure_of(joined({of_varints({0x3f5153300d0a0d0a, length}), of_hex("6869")})) == Error::Decode);
    }
}

TEST_CASE("wire 6: a frame of any other type is a violation", "[qmux]") {
    std::vector<std::uint64_t> allowed = {0x00, 0x04, 0x05, 0x10, 0x11, 0x12, 0x13, 0x14,
                                          0x15, 0x16, 0x17, 0x1c, 0x1d, 0x30, 0x31};
    for (std::uint64_t type = 0x08; type <= 0x0f; ++type) {
        allowed.push_back(type);
    }
    for (std::uint64_t type = 0; type < 600; ++type) {
        const auto record = joined({of_varints({type}), Octets(16)});
        std::error_code failure;
        const bool read = qmux::next_frame(record, failure).has_value();
        const bool padding = type == 0;
        const bool expected = std::find(allowed.begin(), allowed.end(), type) != allowed.end();
        INFO(type);
        CHECK(read == (expected && !padding));
        CHECK(failure == (expected ? std::error_code() : make_error_code(Error::ProtocolViolation)));
    }
    // The neighbours of the long types, QUIC's PING and RESET_STREAM_AT, and the same in more bytes.
    for (const std::uint64_t type : {std::uint64_t{0x348c67529ef8c7bc}, std::uint64_t{0x348c67529ef8c7bf},
                                     std::uint64_t{0x3f5153300d0a0d0b}, std::uint64_t{0x100000010}, most}) {
        CHECK(failure_of(joined({of_varints({type}), Octets(16)})) == Error::ProtocolViolation);
    }
    for (const auto *hex : {"01", "24", "4001", "c000000000000001", "0001"}) {
        CHECK(failure_of(of_hex(hex)) == Error::ProtocolViolation);
    }
}

TEST_CASE("wire 6 STREAM: no stream goes beyond 2^62-1 bytes", "[qmux]") {
    check_read(qmux::Stream{4, most, {}, true}, of_varints({0x0f, 4, most, 0}));
    check_read(qmux::Stream{4, most - 2, octets_of("hi"), false},
               joined({of_varints({0x0e, 4, most - 2, 2}), of_hex("6869")}));
    CHECK(failure_of(joined({of_varints({0x0e, 4, most - 1, 2}), of_hex("6869")})) == Error::ProtocolViolation);
    CHECK(failure_of(joined({of_varints({0x0c, 4, most - 1}), of_hex("6869")})) == Error::ProtocolViolation);
    CHECK(failure_of(joined({of_varints({0x0e, 4, most, 1}), of_hex("68")})) == Error::ProtocolViolation);
}

TEST_CASE("wire 6 MAX_STREAMS: more streams than have ids are malformed", "[qmux]") {
    for (const std::uint64_t type : {0x12u, 0x13u, 0x16u, 0x17u}) {
        std::error_code failure;
        CHECK(qmux::next_frame(of_varints({type, qmux::max_stream_count}), failure));
        CHECK(failure_of(of_varints({type, qmux::max_stream_count + 1})) == Error::Decode);
    }
}

TEST_CASE("wire 1: a reason that is not UTF-8 is malformed", "[qmux]") {
    check_read(qmux::ApplicationClose{0, "\xc3\xa9"}, of_hex("1d0002c3a9"));
    CHECK(failure_of(of_hex("1d0002c328")) == Error::Decode);
    CHECK(failure_of(of_hex("1c000001ff")) == Error::Decode);
}

TEST_CASE("wire 6: values that the wire cannot carry are not encoded, and nothing is appended", "[qmux]") {
    using namespace qmux;
    const std::vector<qmux::Frame> wrong = {Stream{most + 1, 0, {}, false},
                                      Stream{0, most + 1, {}, false},
                                      Stream{0, most - 1, octets_of("hi"), false},
                                      ResetStream{0, 0, most + 1},
                                      ResetStream{0, most + 1, 0},
                                      StopSending{0, most + 1},
                                      MaxData{most + 1},
                                      MaxStreamData{0, ~std::uint64_t{0}},
                                      MaxStreams{Direction::Bidi, max_stream_count + 1},
                                      MaxStreams{Direction::Uni, max_stream_count + 1},
                                      DataBlocked{most + 1},
                                      StreamDataBlocked{0, most + 1},
                                      StreamsBlocked{Direction::Uni, max_stream_count + 1},
                                      ConnectionClose{0, most + 1, "no"},
                                      ApplicationClose{most + 1, "no"},
                                      PingRequest{most + 1},
                                      PingResponse{most + 1}};
    const auto before = of_hex("1005");
    for (const auto &frame : wrong) {
        auto to = before;
        CHECK(error_of([&] { encode(frame, to); }) == Error::Encode);
        CHECK(to == before);
    }
    auto to = before;
    encode(StopSending{4, 42}, to);
    CHECK(to == of_hex("100505042a"));
}

TEST_CASE("wire 6: every frame decodes to the encoded one", "[qmux]") {
    std::mt19937_64 random(seed("qmux frames"));
    const auto number = [&](std::uint64_t limit = most) { return (random() & most) >> (random() % 62) & limit; };
    const auto direction = [&] { return random() % 2 == 0 ? qmux::Direction::Bidi : qmux::Direction::Uni; };
    for (int times = 0; times < 2'000; ++times) {
        Octets payload(random() % 100);
        for (auto &octet : payload) {
            octet = static_cast<std::byte>(random());
        }
        const std::string text(random() % 100, 'x');
        const auto count = qmux::max_stream_count - 1;
        const std::vector<qmux::Frame> frames = {qmux::Stream{number(), number(most >> 1), payload, random() % 2 == 0},
                                                 qmux::ResetStream{number(), number(), number()},
                                                 qmux::StopSending{number(), number()},
                                                 qmux::MaxData{number()},
                                                 qmux::MaxStreamData{number(), number()},
                                                 qmux::MaxStreams{direction(), number(count)},
                                                 qmux::DataBlocked{number()},
                                                 qmux::StreamDataBlocked{number(), number()},
                                                 qmux::StreamsBlocked{direction(), number(count)},
                                                 qmux::ConnectionClose{number(), number(), text},
                                                 qmux::ApplicationClose{number(), text},
                                                 qmux::Datagram{payload},
                                                 qmux::PingRequest{number()},
                                                 qmux::PingResponse{number()},
                                                 qmux::EncodedParameters{payload}};
        // All in one record.
        Octets record;
        for (const auto &frame : frames) {
            record.insert(record.end(), random() % 3, std::byte{0});
            qmux::encode(frame, record);
        }
        std::span<const std::byte> rest(record);
        for (const auto &frame : frames) {
            std::error_code failure;
            const auto read = qmux::next_frame(rest, failure);
            REQUIRE(read);
            REQUIRE(read->frame == frame);
            rest = rest.subspan(read->size);
        }
        REQUIRE(rest.empty());
    }
}

TEST_CASE("wire 6: for any input nothing beyond it is read, and a decoded frame encodes to the same", "[qmux]") {
    std::mt19937_64 random(seed("qmux noise"));
    const auto frames = each_frame();
    std::size_t good = 0;
    for (int times = 0; times < 100'000; ++times) {
        Octets noise;
        if (random() % 2 == 0) {
            // A frame with a few bytes wrong.
            noise = encoded(frames[random() % frames.size()]);
            for (auto wrong = random() % 3; wrong != 0; --wrong) {
                noise[random() % noise.size()] = static_cast<std::byte>(random());
            }
            noise.resize(random() % 4 == 0 ? random() % (noise.size() + 1) : noise.size());
        } else {
            noise.resize(random() % 24);
            for (auto &octet : noise) {
                octet = static_cast<std::byte>(random() % (random() % 3 == 0 ? 256 : 0x32));
            }
        }
        const Octets exact(noise);
        std::span<const std::byte> rest(exact);
        std::error_code failure;
        while (const auto read = qmux::next_frame(rest, failure)) {
            ++good;
            REQUIRE_FALSE(failure);
            REQUIRE(read->size > 0);
            REQUIRE(read->size <= rest.size());
            check_read(read->frame, encoded(read->frame));
            rest = rest.subspan(read->size);
        }
        REQUIRE((!failure || failure == Error::Decode || failure == Error::ProtocolViolation));
    }
    CHECK(good > 10'000);
}

}
