#include <comoq/detail/ietf/control_codec.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <comoq/error.hpp>

#include "detail/ietf/control_case.hpp"
#include "detail/ietf/shown_message.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/hex.hpp"

namespace control_codec_tests {

using namespace comoq::ietf;
using namespace comoq::ietf::control_case;
using comoq::Error;
using comoq::test::error_of;
using comoq::test::of_hex;

namespace {

Subscribe with(const Filter &filter) {
    Subscribe message = subscribe({"a"}, "v");
    message.parameters.filter = filter;
    return message;
}

}  // namespace

TEST_CASE("ietf 1: a namespace has 32 fields, and with its name 4096 bytes", "[ietf]") {
    for (const Draft draft : all_drafts) {
        const auto fits = subscribe({std::string(2000, 'n'), std::string(2000, 'n')}, std::string(96, 't'));
        CHECK(again(fits, draft) == ControlMessage(fits));
        CHECK_FALSE(can_write(subscribe(fits.track.space, std::string(97, 't')), draft));
        const auto full = subscribe(Namespace(32, "n"), "");
        CHECK(again(full, draft) == ControlMessage(full));
        CHECK_FALSE(can_write(subscribe(Namespace(33, "n"), ""), draft));
        CHECK_FALSE(can_write(subscribe({""}, "t"), draft));
    }
    // One byte more in the name, with the length that says so.
    auto octets = written(subscribe({std::string(4000, 'n')}, std::string(96, 't')), Draft::Draft18);
    const auto framed = next_message(octets, Draft::Draft18);
    REQUIRE(framed);
    std::vector<std::byte> body(framed->body.begin(), framed->body.end());
    body[body.size() - 98] = std::byte{97};
    body.insert(body.end() - 1, std::byte{'t'});
    const auto longer = decode(FramedMessage{framed->type, body, 0}, Draft::Draft18, StreamKind::Request);
    CHECK(longer.code == CloseCode::ProtocolViolation);
    CHECK(read(0x08, "21" + std::string(33 * 4, '0')).code == CloseCode::ProtocolViolation);
}

TEST_CASE("ietf 1: pairs are wrong in their form or against the protocol", "[ietf]") {
    const auto code = [](std::string_view hex) { return read(0x2f00, hex).code; };
    CHECK(code("01022f78") == CloseCode::None);
    CHECK(code("0102") == CloseCode::KeyValueFormatting);
    CHECK(code("01022f") == CloseCode::KeyValueFormatting);
    CHECK(code("04") == CloseCode::KeyValueFormatting);
    CHECK(code("04c0") == CloseCode::KeyValueFormatting);
    // A type beyond 64 bits, and a value of 65,536 bytes.
    CHECK(code("0400ffffffffffffffffff") == CloseCode::ProtocolViolation);
    CHECK(code("01c10000") == CloseCode::ProtocolViolation);
    // A known option twice, and unknown ones.
    CHECK(code("01012f00012f") == CloseCode::ProtocolViolation);
    CHECK(code("0d012f00012f") == CloseCode::None);
    // Tokens: more than one may come, but not by a number that nobody has registered.
    CHECK(code("0303030061") == CloseCode::None);
    CHECK(code("030303006100020301") == CloseCode::None);
    CHECK(code("03020001") == CloseCode::ProtocolViolation);
    CHECK(code("03020201") == CloseCode::ProtocolViolation);
    CHECK(code("03020401") == CloseCode::KeyValueFormatting);
    CHECK(code("030103") == CloseCode::KeyValueFormatting);
    CHECK(code("0300") == CloseCode::KeyValueFormatting);
}

TEST_CASE("ietf 1: pairs of small and large integers come back in every draft", "[ietf]") {
    for (const Draft draft : all_drafts) {
        Publish message;
        message.track = FullName{{"a"}, "v"};
        message.properties.add(2, 63);
        message.properties.add(2, 64);
        message.properties.add(0x3fff, of_hex("00ff"));
        message.properties.add(std::uint64_t{1} << 60, (std::uint64_t{1} << 62) - 1);
        CHECK(again(message, draft) == ControlMessage(message));
        message.properties.add(largest - 1, largest);
        if (draft == Draft::Draft16)
            CHECK_FALSE(can_write(message, draft));
        else
            CHECK(again(message, draft) == ControlMessage(message));
    }
    Pairs pairs;
    pairs.add(4, 1);
    CHECK(error_of([&] { pairs.add(2, 1); }) == Error::Encode);
    CHECK(error_of([&] { pairs.add(5, std::vector<std::byte>(65'536)); }) == Error::Encode);
    REQUIRE(pairs.find(4));
    CHECK(pairs.find(4)->number == 1);
    CHECK_FALSE(pairs.find(5));
}

TEST_CASE("ietf 1: a property of a track that is out of its bounds ends the session, an unknown one does not", "[ietf]") {
    for (const bool is_16 : {false, true}) {
        const auto code = [&](const std::string &properties) {
            const Draft draft = is_16 ? Draft::Draft16 : Draft::Draft18;
            return read(0x04, (is_16 ? "000000" : "0000") + properties, draft).code;
        };
        CHECK(code("2201") == CloseCode::None);
        CHECK(code("2202") == CloseCode::None);
        CHECK(code("2200") == CloseCode::ProtocolViolation);
        CHECK(code("2203") == CloseCode::ProtocolViolation);
        CHECK(code("3001") == CloseCode::None);
        CHECK(code("3002") == CloseCode::ProtocolViolation);
        CHECK(code("3202") == CloseCode::None);
    }
    // The other messages with a track's properties.
    CHECK(read(0x07, "002203").code == CloseCode::ProtocolViolation);
    CHECK(read(0x18, "000000002203").code == CloseCode::ProtocolViolation);
    CHECK(read(0x1d, "00010161017600002203").code == CloseCode::ProtocolViolation);
    CHECK(read(0x1d, "00010161017600002202").code == CloseCode::None);
}

TEST_CASE("ietf 1: what a filter wants is the same in every draft that can say it", "[ietf]") {
    using Kind = Filter::Kind;
    const std::pair<Filter, std::string_view> filters[] = {
        // The drafts that can say it: 16, 18, 20, 22.
        {{Kind::NextObject, 0, {}, {}}, "1111"},
        {{Kind::Relative, 0, {}, {}}, "1111"},
        {{Kind::Relative, 300, {}, {}}, "0011"},
        {{Kind::Everything, 0, {}, {}}, "0011"},
        {{Kind::Absolute, 0, {300, 200}, {}}, "1111"},
        {{Kind::Absolute, 0, {300, 200}, RangeEnd{1000, {}}}, "1111"},
        {{Kind::Absolute, 0, {300, 200}, RangeEnd{1000, 128}}, "0011"},
        {{Kind::Absolute, 0, {0, 0}, RangeEnd{0, 0}}, "0011"},
        {{Kind::Absolute, 0, {300, 200}, RangeEnd{299, {}}}, "1000"},
    };
    for (const auto &[filter, drafts] : filters)
        for (std::size_t i = 0; i < 4; ++i) {
            INFO(shown_message::shown(filter) << " in draft number " << i);
            const auto message = with(filter);
            if (drafts[i] == '1')
                CHECK(again(message, all_drafts[i]) == ControlMessage(message));
            else
                CHECK_FALSE(can_write(message, all_drafts[i]));
        }
    // From the first object on is everything: draft 20 has no other word for it.
    const auto all = again(with(Filter{Kind::Absolute, 0, {}, {}}), Draft::Draft20);
    CHECK(all == ControlMessage(with(Filter{Kind::Everything, 0, {}, {}})));
    // Two zeros are the next object in draft 20, and an absolute beginning in draft 22.
    CHECK(read(0x03, "0001016101760121020000", Draft::Draft20).message == ControlMessage(with(Filter{})));
    CHECK(read(0x03, "00010161017601210200000", Draft::Draft22).message ==
          ControlMessage(with(Filter{Kind::Absolute, 0, {}, {}})));
    // A last group beyond 64 bits, five integers, and a type that nobody has.
    CHECK(read(0x03, "000101610176012103ff", Draft::Draft22).code == CloseCode::ProtocolViolation);
    CHECK(read(0x03, "00010161017601210bffffffffffffffffff0001", Draft::Draft20).code == CloseCode::ProtocolViolation);
    CHECK(read(0x03, "0001016101760121050102030405", Draft::Draft20).code == CloseCode::ProtocolViolation);
    CHECK(read(0x03, "000101610176012106", Draft::Draft22).code == CloseCode::ProtocolViolation);
}

TEST_CASE("ietf 1: a parameter ends the session where it has no place, but in draft 16 is passed over", "[ietf]") {
    SubscribeOk message;
    message.parameters.forward = true;
    CHECK_FALSE(can_write(message, Draft::Draft18));
    CHECK(read(0x04, "00011001").code == CloseCode::ProtocolViolation);
    CHECK_FALSE(can_write(message, Draft::Draft16));
    // Also with a value that would be wrong elsewhere; but not one that nobody knows, or that is not there.
    for (const auto body : {"0000011001", "0000011002", "0000010200", "000001210105", "00000121020100"})
        CHECK(read(0x04, body, Draft::Draft16).message == ControlMessage(SubscribeOk{}));
    for (const auto body : {"0000012401", "00000110", "0000012102", "00000210010001"})
        CHECK(read(0x04, body, Draft::Draft16).code == CloseCode::ProtocolViolation);
    CHECK(read(0x18, "0400070c012202", Draft::Draft16).code == CloseCode::None);
    // An answer to a PUBLISH may have what others have not.
    RequestOk answer;
    answer.parameters.forward = true;
    CHECK_FALSE(can_write(answer, Draft::Draft16));
    answer.of_publish = true;
    CHECK(again(answer, Draft::Draft16) == ControlMessage(answer));
    CHECK(read(0x07, "00011001", Draft::Draft16).message == ControlMessage(RequestOk{}));
    // The last draft in which a PUBLISH_OK has the wishes of a subscriber is 18.
    CHECK(read(0x07, "011001").code == CloseCode::None);
    CHECK(read(0x07, "011001", Draft::Draft20).code == CloseCode::ProtocolViolation);
    CHECK(read(0x1e, "011001").code == CloseCode::None);
    CHECK(read(0x1e, "00", Draft::Draft20).code == CloseCode::ProtocolViolation);
    // Orders are 1 and 2; FORWARD has one byte, or in draft 16 an integer.
    CHECK(read(0x03, "000101610176012200").code == CloseCode::ProtocolViolation);
    CHECK(read(0x03, "000101610176012203").code == CloseCode::ProtocolViolation);
    CHECK(read(0x03, "00010161017601204100", Draft::Draft16).code == CloseCode::ProtocolViolation);
    // Types beyond 64 bits.
    CHECK(read(0x03, "0001016101760203020300ffffffffffffffffff").code == CloseCode::ProtocolViolation);
}

TEST_CASE("ietf 1: a reason is text of 1024 bytes, an URI has 8192", "[ietf]") {
    RequestError message;
    message.reason = std::string(1024, 'r');
    CHECK(again(message, Draft::Draft18) == ControlMessage(message));
    message.reason += 'r';
    CHECK_FALSE(can_write(message, Draft::Draft18));
    CHECK(read(0x05, "00008401" + std::string(2 * 1025, '6')).code == CloseCode::ProtocolViolation);
    // One that is not text does not end the session: each wrong byte becomes a question mark.
    message.reason = "a?\xc3\xa9??";
    CHECK(read(0x05, "00000661ffc3a9e282").message == ControlMessage(message));
    message.reason = "\xff";
    CHECK_FALSE(can_write(message, Draft::Draft18));
    CHECK_FALSE(can_write(Goaway{std::string(8193, 'u'), 0, {}}, Draft::Draft18));
    CHECK(read(0x10, "a001" + std::string(2 * 8193, '6') + "00").code == CloseCode::ProtocolViolation);
}

TEST_CASE("ietf 1: messages that one draft has come back in it, and end the session in others", "[ietf]") {
    PublishNamespaceCancel cancel{4, 16, "gone"};
    SubscribeNamespace both;
    both.wanted = SubscribeNamespace::Wanted::Both;
    const ControlMessage old[] = {Unsubscribe{2},   FetchCancel{300},    PublishNamespaceDone{4}, cancel,
                                  MaxRequestId{64}, RequestsBlocked{64}, both};
    for (const auto &message : old) {
        CHECK(again(message, Draft::Draft16) == message);
        CHECK_FALSE(can_write(message, Draft::Draft18));
    }
    for (const auto type : {0x09u, 0x0au, 0x0cu, 0x11u, 0x15u, 0x17u, 0x1au, 0x20u, 0x21u, 0x22u})
        CHECK(read(type, "00").code == CloseCode::ProtocolViolation);
    for (const auto type : {0x2f00u, 0x50u, 0x51u, 0x0fu})
        CHECK(read(type, "", Draft::Draft16).code == CloseCode::ProtocolViolation);

    Setup setup;
    setup.options.add(2, 100);
    setup.of_server = true;
    CHECK(again(setup, Draft::Draft16) == ControlMessage(setup));
    CHECK(read(0x20, "020102", Draft::Draft16).code == CloseCode::KeyValueFormatting);
    CHECK(read(0x20, "020220", Draft::Draft16).code == CloseCode::ProtocolViolation);

    PublishStateNotify notify;
    notify.parameters.largest_object = Location{300, 200};
    CHECK(again(notify, Draft::Draft20) == ControlMessage(notify));
    RequestOk of_publish;
    of_publish.of_publish = true;
    CHECK(again(of_publish, Draft::Draft16) == ControlMessage(of_publish));

    const Goaway goaway{"moqt://b", 0, {}};
    CHECK(again(goaway, Draft::Draft16, StreamKind::Control) == ControlMessage(goaway));
    const Goaway with_request{"moqt://b", 5, 300};
    CHECK(again(with_request, Draft::Draft18, StreamKind::Control) == ControlMessage(with_request));
}

TEST_CASE("ietf 1: the end of a fetch is the same object in every draft", "[ietf]") {
    for (const Draft draft : all_drafts) {
        FetchOk message;
        message.end = RangeEnd{7, 300};
        CHECK(again(message, draft) == ControlMessage(message));
        message.end = RangeEnd{7, {}};
        CHECK(can_write(message, draft) == (draft <= Draft::Draft18));
        PublishDone unknown;
        CHECK(again(unknown, draft) == ControlMessage(unknown));
    }
}

TEST_CASE("ietf 1: a length whose bytes are not there costs nothing", "[ietf]") {
    const std::pair<std::uint64_t, std::string_view> claims[] = {
        {0x03, "00018fa0"},                                 // a field of 4,000 bytes
        {0x03, "0020"},                                     // 32 fields
        {0x03, "00008fa0"},                                 // a name
        {0x06, "0000ffffffffffffffffff"},                   // so many parameters
        {0x06, "00000103ffffffffffffffffff"},               // a token
        {0x05, "00008400"},                                 // a reason
        {0x10, "9fff"},                                     // an URI
        {0x2f00, "01c0ffff"},                               // a path
        {0x04, "00000dc0ffff"},                             // a property
    };
    for (const auto &[type, hex] : claims) {
        const auto body = of_hex(hex);
        const FramedMessage framed{type, body, 0};
        const comoq::test::AllocationCount count;
        const auto result = decode(framed, Draft::Draft18, StreamKind::Request);
        const auto made = count.made();
        INFO(hex);
        CHECK_FALSE(result.message);
        CHECK(made == 0);
    }
}

TEST_CASE("ietf 1: many small things in a message cost little more than its bytes", "[ietf]") {
    // Thousands of tokens of nothing.
    std::string tokens = "0000c0ffff03020001";
    for (int i = 0; i < 16'000; ++i) tokens += "00020001";
    const auto body = of_hex(tokens);
    const auto refused = decode(FramedMessage{0x06, body, 0}, Draft::Draft18, StreamKind::Request);
    CHECK(refused.code == CloseCode::InternalError);

    std::string pairs = "0000";
    for (int i = 0; i < 32'000; ++i) pairs += "0000";
    const auto properties = of_hex(pairs);
    const comoq::test::AllocationCount count;
    const auto before = comoq::test::live_bytes();
    const auto kept = decode(FramedMessage{0x04, properties, 0}, Draft::Draft18, StreamKind::Request);
    const auto now = comoq::test::live_bytes();
    const auto made = count.made();
    REQUIRE(kept.message);
    CHECK(made == 1);
    CHECK(now - before <= properties.size() + 4096);
}

}  // namespace control_codec_tests
