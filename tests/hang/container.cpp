// How frames are packed: the bytes of each container, and that payloads are not copied.
#include "hang/boxes.hpp"

#include <comoq/error.hpp>
#include <comoq/hang/container.hpp>

#include <string>
#include <string_view>
#include <system_error>

#include "support/catch.hpp"

namespace hang_container_tests {

using namespace comoq;
using namespace comoq::hang;
using namespace comoq::test;

namespace {

MediaFrame frame_at(std::uint64_t micros, std::string_view payload) {
    MediaFrame frame;
    frame.timestamp = Timestamp(micros, Timescale(1'000'000));
    frame.payload = Bytes::copy(payload);
    return frame;
}

std::error_code refusal(ContainerKind kind, std::string_view hex) {
    Container container;
    container.kind = kind;
    try {
        Unpacker(container).unpack(*from_hex(hex), true);
    } catch (const std::system_error &error) {
        return error.code();
    }
    return {};
}

}  // namespace

TEST_CASE("the bytes of legacy and LOC are those of the stock packages", "[hang]") {
    CHECK(to_hex(Packer(ContainerKind::Legacy, avc()).head_of(frame_at(33'333, "x")).span()) == "80008235");
    CHECK(to_hex(Packer(ContainerKind::Legacy, avc()).head_of(frame_at(83'333, "x")).span()) == "80014585");
    CHECK(to_hex(Packer(ContainerKind::Loc, avc()).head_of(frame_at(83'333, "x")).span()) == "051080014585");
}

TEST_CASE("what was packed is unpacked, as a slice of what came", "[hang]") {
    for (const auto kind : {ContainerKind::Legacy, ContainerKind::Loc, ContainerKind::Cmaf}) {
        Packer packer(kind, avc());
        Unpacker unpacker(packer.container());
        auto frame = frame_at(1'234'567, "the payload");
        frame.decode_time = std::chrono::microseconds(1'200'000);
        frame.duration = std::chrono::milliseconds(40);
        const auto packed = Bytes::copy(std::string(packer.head_of(frame).view()) + std::string(frame.payload.view()));
        const auto unpacked = unpacker.unpack(packed, true);
        REQUIRE(unpacked.size() == 1);
        CHECK(unpacked[0].timestamp == frame.timestamp);
        CHECK(unpacked[0].payload == frame.payload);
        CHECK(unpacked[0].payload.data() >= packed.data());
        CHECK(unpacked[0].payload.data() < packed.data() + packed.size());
        CHECK(unpacked[0].is_key);
        if (kind != ContainerKind::Cmaf) continue;
        CHECK(unpacked[0].decode_time == frame.decode_time);
        CHECK(unpacked[0].duration == frame.duration);
    }
}

TEST_CASE("LOC: other properties are passed over, the timescale counts, the older number of the time is taken", "[hang]") {
    Container container;
    container.kind = ContainerKind::Loc;
    Unpacker unpacker(container);
    // Type 3 with two bytes, 8: 1,000 a second, 16: 5. The rest is the payload.
    const auto frames = unpacker.unpack(*from_hex("09" "0302aabb" "0543e8" "0805" "7878"), false);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].timestamp.value() == 5000);
    CHECK(frames[0].payload.view() == "xx");
    CHECK_FALSE(frames[0].is_key);
    CHECK(unpacker.unpack(*from_hex("020607" "78"), false).at(0).timestamp.value() == 7);
}

TEST_CASE("a frame without a payload marks an end, and gives nothing", "[hang]") {
    Container container;
    CHECK(Unpacker(container).unpack(*from_hex("80008235"), false).empty());
    CHECK(Unpacker(container).unpack(Bytes(), false).empty());
}

TEST_CASE("what is not of the container is refused", "[hang]") {
    CHECK(refusal(ContainerKind::Legacy, "80") == Error::Decode);
    CHECK(refusal(ContainerKind::Loc, "05") == Error::Decode);
    CHECK(refusal(ContainerKind::Loc, "0078") == Error::Decode);          // without a time
    CHECK(refusal(ContainerKind::Loc, "0408001005" "78") == Error::Decode);  // no units a second
    CHECK(refusal(ContainerKind::Loc, "0303ff1078") == Error::Decode);    // bytes that are not there
    CHECK(refusal(ContainerKind::Cmaf, "00") == Error::Decode);
    CHECK(refusal(ContainerKind::Unknown, "00") == Error::Unsupported);
    Container both;
    both.kind = ContainerKind::Cmaf;
    both.init = Mp4Writer({avc(), aac()}).init();
    CHECK_THROWS_AS(Unpacker(both), std::system_error);
}

TEST_CASE("cmaf: a group that broke off does not spoil the next one", "[hang]") {
    Packer packer(ContainerKind::Cmaf, avc());
    Unpacker unpacker(packer.container());
    const auto frame = frame_at(0, "payload");
    const auto head = packer.head_of(frame);
    // As some do: moof and mdat in two frames; here, the second one is lost.
    CHECK(unpacker.unpack(head, true).empty());
    const auto whole = Bytes::copy(std::string(head.view()) + "payload");
    CHECK(unpacker.unpack(whole, true).size() == 1);
    CHECK(unpacker.unpack(head, false).empty());
    CHECK(unpacker.unpack(Bytes::copy("payload"), false).at(0).payload.view() == "payload");
    CHECK_THROWS_AS(unpacker.unpack(Bytes::copy(box("moof", box("traf"))), false), std::system_error);
    CHECK(unpacker.unpack(whole, true).size() == 1);
}

}  // namespace hang_container_tests
