// SPDX-License-Identifier: MIT
// What the extension for hops adds to messages of MoQ Transport: HOP_ID, HOP_PATH and ROUTE_COST.
#include <comoq/detail/ietf/control_codec.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detail/ietf/control_case.hpp"
#include "detail/ietf/shown_message.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"

namespace hop_messages_tests {

using namespace comoq::ietf;
using namespace comoq::ietf::control_case;
using comoq::test::hex_of;
using comoq::test::of_hex;
using shown_message::shown;

namespace {

constexpr Draft newer_drafts[] = {Draft::Draft18, Draft::Draft20, Draft::Draft22};

struct Vector {
    StreamKind stream;
    std::string_view hex, text;
};
constexpr Vector vectors[] = {
    {StreamKind::Control, "af000004c40b542a", "SETUP <265044=42>"},
    {StreamKind::Control, "af000006c40b54000207", "SETUP <265044=0 265046=7>"},
    {StreamKind::Request, "06000d0201016102c40b570207090105", "PUBLISH_NAMESPACE 2 [a] {hop_path=7,9 route_cost=5}"},
    {StreamKind::Request, "06000a0201016101c40b570100", "PUBLISH_NAMESPACE 2 [a] {hop_path=0}"},
    {StreamKind::Request, "08000c01017802c40b570207090103", "NAMESPACE [x] {hop_path=7,9 route_cost=3}"},
    {StreamKind::Request, "08000b01017801c40b5703000500", "NAMESPACE [x] {hop_path=0,5,0}"},
    {StreamKind::Request, "08001101017801c40b5709ffffffffffffffffff", "NAMESPACE [x] {hop_path=18446744073709551615}"},
    {StreamKind::Request, "08000401017800", "NAMESPACE [x] {}"},
    {StreamKind::Request, "080003010178", "NAMESPACE [x]"},
    {StreamKind::Request, "0200060401c40b5800", "REQUEST_UPDATE 4 {route_cost=0}"},
    {StreamKind::Request, "0200090401c40b5703070809", "REQUEST_UPDATE 4 {hop_path=7,8,9}"},
};

/// The code for a NAMESPACE with one path of hops.
CloseCode code_of(const std::string &path, Draft draft = Draft::Draft18) {
    const auto size = path.size() / 2;
    const std::byte length[] = {static_cast<std::byte>(0x80 | size >> 8), static_cast<std::byte>(size & 0xff)};
    return read(0x08, "01017801c40b57" + hex_of(length) + path, draft).code;
}
/// That many numbers, each another one.
std::string hops(unsigned count) {
    std::string hex;
    for (unsigned i = 1; i <= count; ++i) {
        const std::byte one[] = {static_cast<std::byte>(i)};
        hex += hex_of(one);
    }
    return hex;
}

}  // namespace

TEST_CASE("ietf hops: a message has the hops and the cost that its writer gave it", "[ietf]") {
    for (const Draft draft : newer_drafts) {
        for (const Vector &vector : vectors) {
            INFO(vector.hex);
            const auto octets = of_hex(vector.hex);
            const auto framed = next_message(octets, draft);
            REQUIRE(framed);
            const auto decoded = decode(*framed, draft, vector.stream);
            REQUIRE(decoded.message);
            CHECK(shown(*decoded.message, draft) == vector.text);
            CHECK(hex_of(written(*decoded.message, draft, vector.stream)) == vector.hex);
        }
    }
}

TEST_CASE("ietf hops: a message that is cut asks for more, and a body that ends too early is another one, or wrong", "[ietf]") {
    for (const Vector &vector : vectors) {
        INFO(vector.hex);
        const auto octets = of_hex(vector.hex);
        const comoq::test::AllocationCount count;
        bool any = false;
        for (std::size_t size = 0; size < octets.size(); ++size)
            any = any || next_message(std::span(octets).first(size), Draft::Draft18);
        CHECK(count.made() == 0);
        CHECK_FALSE(any);
        const auto framed = next_message(octets, Draft::Draft18);
        REQUIRE(framed);
        for (std::size_t size = 0; size < framed->body.size(); ++size) {
            const FramedMessage cut{framed->type, framed->body.first(size), framed->size};
            const auto decoded = decode(cut, Draft::Draft18, vector.stream);
            CHECK(decoded.message.has_value() == (decoded.code == CloseCode::None));
            if (decoded.message) CHECK(shown(*decoded.message, Draft::Draft18) != vector.text);
        }
    }
}

TEST_CASE("ietf hops: a path without hops, with one twice, with too many, or cut within one is a violation", "[ietf]") {
    CHECK(code_of("07") == CloseCode::None);
    CHECK(code_of("") == CloseCode::ProtocolViolation);
    CHECK(code_of("0707") == CloseCode::ProtocolViolation);
    CHECK(code_of("070807") == CloseCode::ProtocolViolation);
    // The unknown one may be there more than once.
    CHECK(code_of("0000") == CloseCode::None);
    CHECK(code_of("07c408") == CloseCode::ProtocolViolation);
    CHECK(code_of(hops(most_hops)) == CloseCode::None);
    CHECK(code_of(hops(most_hops + 1)) == CloseCode::ProtocolViolation);
    CHECK(code_of(hops(100) + hops(100) + hops(100)) == CloseCode::ProtocolViolation);
    // The same number in a longer form.
    CHECK(code_of("078007") == CloseCode::ProtocolViolation);
}

TEST_CASE("ietf hops: they stand where the extension has them, and nowhere in draft 16", "[ietf]") {
    // Twice; and a length beyond the message.
    CHECK(read(0x08, "01017802c40b5701070001" "08").code == CloseCode::ProtocolViolation);
    CHECK(read(0x08, "01017801c40b570507").code == CloseCode::ProtocolViolation);
    CHECK(read(0x2f00, "c40b542a002a").code == CloseCode::ProtocolViolation);
    // SUBSCRIBE_NAMESPACE, SUBSCRIBE, REQUEST_OK.
    CHECK(read(0x50, "0201016101c40b570107").code == CloseCode::ProtocolViolation);
    CHECK(read(0x03, "02010161017601c40b5801").code == CloseCode::ProtocolViolation);
    CHECK(read(0x07, "01c40b5801").code == CloseCode::ProtocolViolation);
    // Another parameter in NAMESPACE.
    CHECK(read(0x08, "010178011001").code == CloseCode::ProtocolViolation);
    CHECK(read(0x08, "01017801c40b570107", Draft::Draft16).code == CloseCode::ProtocolViolation);
    PublishNamespace message;
    message.space = {"a"};
    CHECK(can_write(message, Draft::Draft16));
    message.parameters.hop_path = HopPath{1};
    CHECK(can_write(message, Draft::Draft18));
    CHECK_FALSE(can_write(message, Draft::Draft16));
    message.parameters.hop_path = HopPath{1, 1};
    CHECK_FALSE(can_write(message, Draft::Draft18));
    message.parameters.hop_path = HopPath();
    CHECK_FALSE(can_write(message, Draft::Draft18));
}

}  // namespace hop_messages_tests
