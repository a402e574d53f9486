// The parts of HTTP/3 and WebTransport that have no connection: bytes in, values out.
#include <comoq/detail/h3/capsule_reader.hpp>
#include <comoq/detail/h3/connect_head.hpp>
#include <comoq/detail/h3/control_reader.hpp>
#include <comoq/detail/h3/fields.hpp>
#include <comoq/detail/h3/message_reader.hpp>
#include <comoq/detail/h3/protocol_list.hpp>
#include <comoq/detail/h3/settings.hpp>
#include <comoq/detail/h3/sorted_stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quic/octets.hpp"
#include "support/catch.hpp"

namespace web_parts_tests {

using namespace comoq;
using namespace comoq::h3;
using test::octets, test::Octets, test::operator+;

namespace {

Octets block(std::uint64_t type, std::span<const std::byte> contents) {
    Octets all;
    begin_block(type, contents.size(), all);
    all.insert(all.end(), contents.begin(), contents.end());
    return all;
}
/// All at once, and a byte at a time, give the same.
template <class Make> Code read_both_ways(const Octets &input, Make &&make) {
    auto at_once = make();
    const Code code = at_once.read(input);
    auto in_bytes = make();
    Code last = Code::None;
    for (const std::byte &each : input) {
        last = in_bytes.read(std::span(&each, 1));
        if (last != Code::None) break;
    }
    CHECK(last == code);
    return code;
}
Code control(const Octets &input, bool by_client = true) {
    return read_both_ways(input, [&] { return ControlReader(by_client); });
}
Code capsules(const Octets &input) {
    return read_both_ways(input, [] { return CapsuleReader(); });
}

struct Message final : MessageReader::Receiver {
    Code head(std::span<const std::byte> fields) override {
        heads.push_back({fields.begin(), fields.end()});
        return Code::None;
    }
    Code data(std::span<const std::byte> bytes) override {
        body.insert(body.end(), bytes.begin(), bytes.end());
        return Code::None;
    }
    std::vector<Octets> heads;
    Octets body;
};
Code message(const Octets &input) {
    Message one;
    MessageReader reader(one);
    return reader.read(input);
}

const Octets no_settings = octets("0400");
std::vector<Field> session_request() { return connect_fields("host:443", "/path", "", {"a"}); }

Code request_of(const std::vector<Field> &fields) {
    RequestHead head;
    return read_head(fields, head);
}
std::vector<Field> without(std::vector<Field> fields, std::string_view name) {
    std::erase_if(fields, [&](const Field &each) { return each.name == name; });
    return fields;
}
std::vector<Field> with(std::vector<Field> fields, Field more) {
    fields.push_back(std::move(more));
    return fields;
}

}  // namespace

TEST_CASE("HTTP/3: the first bytes of a stream say whose it is", "[quic][h3]") {
    using Kind = SortedStream::Kind;
    const auto sorted = [](std::string_view digits, bool is_uni, bool by_client) { return sort_stream(octets(digits), is_uni, by_client); };
    CHECK(sorted("", true, true).kind == Kind::Unknown);
    CHECK(sorted("40", true, true).kind == Kind::Unknown);
    CHECK(sorted("4054", true, true).kind == Kind::Unknown);
    CHECK(sorted("405440", true, true).kind == Kind::Unknown);
    const auto session = sorted("4054 4004 ff", true, true);
    CHECK(session.kind == Kind::Session);
    CHECK(session.size == 4);
    CHECK(session.value == 4);
    CHECK(sorted("4041 00", false, true).kind == Kind::Session);
    CHECK(sorted("4041 00", false, false).kind == Kind::Session);
    for (const std::string_view id : {"01", "02", "03", "4101"}) {
        CHECK(sorted("4054" + std::string(id), true, true).code == Code::IdError);
        CHECK(sorted("4041" + std::string(id), false, false).code == Code::IdError);
    }
    CHECK(sorted("00", true, true).kind == Kind::Protocol);
    CHECK(sorted("02", true, true).value == qpack_encoder_stream);
    CHECK(sorted("03", true, true).size == 1);
    CHECK(sorted("01", true, true).code == Code::StreamCreationError);
    CHECK(sorted("01", true, false).code == Code::IdError);
    CHECK(sorted("21", true, true).kind == Kind::Refused);
    CHECK(sorted("4041 00", true, true).kind == Kind::Refused);
    CHECK(sorted("01", false, true).value == request_stream);
    CHECK(sorted("01", false, true).size == 0);
    CHECK(sorted("4054 00", false, true).value == request_stream);
    CHECK(sorted("01", false, false).code == Code::StreamCreationError);
}

TEST_CASE("HTTP/3: the settings have what each client looks for, and are read as they are written", "[quic][h3]") {
    Octets frame;
    write_settings({1, 2, 3}, frame);
    CHECK(frame == octets("04 34 06 8000 4000 08 01 33 01 80ffd277 01 ab603742 01 ac7cf000 01 ab603743 01 c0000000c671706a 01"
                          " 94e9cd29 01 6b64 01 6b65 02 6b61 03"));
    ControlReader reader(true);
    REQUIRE(reader.read(frame) == Code::None);
    REQUIRE(reader.settings());
    CHECK(reader.settings()->connect);
    CHECK(reader.settings()->datagrams);
    CHECK(reader.settings()->webtransport);
    CHECK(reader.settings()->limits.uni == 1);
    CHECK(reader.settings()->limits.bidi == 2);
    CHECK(reader.settings()->limits.data == 3);
    for (const std::string_view draft : {"ab603742 01", "c0000000c671706a 01", "94e9cd29 01", "ac7cf000 01"}) {
        Settings read;
        CHECK(read_settings(octets(draft), read) == Code::None);
        CHECK(read.webtransport);
        CHECK_FALSE(read.connect);
    }
    Settings old;
    CHECK(read_settings(octets("80ffd277 01"), old) == Code::None);
    CHECK(old.datagrams);
}

TEST_CASE("HTTP/3: settings that break a rule", "[quic][h3]") {
    const auto code = [](std::string_view digits) {
        const auto contents = octets(digits);
        return control(block(settings_frame, contents));
    };
    CHECK(code("") == Code::None);
    CHECK(code("08") == Code::FrameError);
    CHECK(code("0800 0800") == Code::SettingsError);
    CHECK(code("21 05 21 05") == Code::SettingsError);
    CHECK(code("08 02") == Code::SettingsError);
    CHECK(code("33 02") == Code::SettingsError);
    for (const std::string_view of_http2 : {"00", "02", "03", "04", "05"}) CHECK(code(std::string(of_http2) + "01") == Code::SettingsError);
    Octets many;
    for (std::uint64_t id = 0x100; id < 0x100 + most_settings; ++id) begin_block(id, 0, many);
    CHECK(control(block(settings_frame, many)) == Code::None);
    begin_block(0x99, 0, many);
    CHECK(control(block(settings_frame, many)) == Code::ExcessiveLoad);
    Octets endless;
    begin_block(settings_frame, largest_settings + 1, endless);
    CHECK(control(endless) == Code::ExcessiveLoad);
}

TEST_CASE("HTTP/3: a control stream that breaks a rule", "[quic][h3]") {
    CHECK(control(no_settings) == Code::None);
    CHECK(control(no_settings + no_settings) == Code::FrameUnexpected);
    CHECK(control(octets("070100")) == Code::MissingSettings);
    CHECK(control(octets("2100")) == Code::MissingSettings);
    // An unknown frame is skipped, of whatever size.
    CHECK(control(no_settings + octets("21 4003 010203 21 00") + octets("0700")) == Code::FrameError);
    for (const std::string_view frame : {"0000", "0100", "0500", "0200", "0600", "0800", "0900"})
        CHECK(control(no_settings + octets(frame)) == Code::FrameUnexpected);
    CHECK(control(no_settings + octets("404100")) == Code::FrameError);
    CHECK(control(no_settings + octets("0301 00")) == Code::IdError);
    CHECK(control(no_settings + octets("0d01 05 0d01 04")) == Code::IdError);
    CHECK(control(no_settings + octets("0d01 05 0d01 05")) == Code::None);
    CHECK(control(no_settings + octets("0d01 05"), false) == Code::FrameUnexpected);
    CHECK(control(no_settings + octets("0702 0500")) == Code::FrameError);
    CHECK(control(no_settings + octets("0701 08 0701 04"), false) == Code::None);
    CHECK(control(no_settings + octets("0701 04 0701 08"), false) == Code::IdError);
    CHECK(control(no_settings + octets("0701 05"), false) == Code::IdError);
    CHECK(control(no_settings + octets("0701 05"), true) == Code::None);
    ControlReader reader(true);
    CHECK(reader.read(no_settings) == Code::None);
    CHECK_FALSE(reader.goes_away());
    CHECK(reader.read(octets("0701 00")) == Code::None);
    CHECK(reader.goes_away());
}

TEST_CASE("HTTP/3: a message is a head, data and perhaps trailers, however it is divided", "[quic][h3]") {
    Message one;
    MessageReader reader(one);
    const auto input = octets("2101ff 0102 abcd 0001 01 0000 0003 020304 2100 0101 ee");
    for (const std::byte &each : input) REQUIRE(reader.read(std::span(&each, 1)) == Code::None);
    CHECK(reader.is_between());
    REQUIRE(one.heads.size() == 1);
    CHECK(one.heads.front() == octets("abcd"));
    CHECK(one.body == octets("01020304"));
    CHECK(reader.read(octets("0000")) == Code::FrameUnexpected);
    CHECK(message(octets("0001")) == Code::FrameUnexpected);
    CHECK(message(octets("0100 0100 0100")) == Code::FrameUnexpected);
    for (const std::string_view frame : {"0400", "0700", "0300", "0500", "0d00", "0200", "0600", "0800", "0900"})
        CHECK(message(octets("0100") + octets(frame)) == Code::FrameUnexpected);
    CHECK(message(octets("0100 404100")) == Code::FrameError);
    CHECK(message(octets("01 8000 4000")) == Code::None);
    CHECK(message(octets("01 8000 4001")) == Code::ExcessiveLoad);
    Message half;
    MessageReader cut(half);
    CHECK(cut.read(octets("0102 ab")) == Code::None);
    CHECK_FALSE(cut.is_between());
}

TEST_CASE("WebTransport: capsules, however they are divided", "[quic][h3]") {
    CapsuleReader reader;
    CHECK(reader.read(octets("4040 03 aabbcc 8000 78ae 00")) == Code::None);
    CHECK(reader.drains());
    Octets close;
    write_close(7, "bye", close);
    CHECK(close == octets("6843 07 00000007 627965"));
    CHECK(reader.read(close) == Code::None);
    REQUIRE(reader.end());
    CHECK(reader.end()->number == 7);
    CHECK(reader.end()->reason == "bye");
    CHECK(reader.read(octets("21")) == Code::MessageError);
    CHECK(capsules(close + octets("2100")) == Code::MessageError);
    CHECK(capsules(octets("6843 03 000000")) == Code::MessageError);
    CHECK(capsules(octets("6843 05 00000000 ff")) == Code::MessageError);
    CHECK(capsules(octets("6843 4405")) == Code::MessageError);
    CHECK(capsules(octets("8000 78ae 01 00")) == Code::MessageError);
    Octets longest, too_long;
    write_close(0xffffffff, std::string(longest_reason, 'x'), longest);
    CHECK(longest.size() == 4 + 4 + longest_reason);
    CHECK(capsules(longest) == Code::None);
    write_close(1, std::string(longest_reason + 1, 'x'), too_long);
    CHECK(too_long == octets("6843 04 00000001"));
    Octets no_text;
    write_close(1, "\xff", no_text);
    CHECK(no_text == too_long);
}

TEST_CASE("WebTransport: capsules that raise a limit, and those that break a rule of it", "[quic][h3]") {
    CapsuleReader reader;
    for (const auto &[type, limit] : {std::pair(capsule::max_data, 1000u), std::pair(capsule::max_bidi, 5u), std::pair(capsule::max_uni, 6u)}) {
        Octets written;
        write_limit(type, limit, written);
        CHECK(reader.read(written) == Code::None);
    }
    CHECK(reader.max_data() == 1000);
    CHECK(reader.max_bidi() == 5);
    CHECK(reader.max_uni() == 6);
    CHECK(capsules(octets("990b4d3d 01 05 990b4d3d 01 05")) == Code::None);
    CHECK(capsules(octets("990b4d3d 01 05 990b4d3d 01 04")) == Code::FlowControlError);
    CHECK(capsules(octets("990b4d3f 00")) == Code::MessageError);
    CHECK(capsules(octets("990b4d3f 02 0500")) == Code::MessageError);
    CHECK(capsules(octets("990b4d40 08 d000000000000000")) == Code::None);
    CHECK(capsules(octets("990b4d40 08 d000000000000001")) == Code::FlowControlError);
}

TEST_CASE("WebTransport: the list of protocols is one of strings, or counts as none", "[quic][h3]") {
    using List = std::vector<std::string>;
    CHECK(read_protocols(R"("moq-lite-06", "moq-lite-05")") == List{"moq-lite-06", "moq-lite-05"});
    CHECK(read_protocols(R"(  "a";q=0.5;x;y="s;,";z=?1;w=:aGk=: ,	"b\"\\"  )") == List{"a", "b\"\\"});
    CHECK(read_protocols(R"("")") == List{""});
    for (const std::string_view wrong : {"", "a", "\"a", "\"a\",", "\"a\" \"b\"", "\"a\";", "\"a\";Q=1", "(\"a\")", "1", "\"a\\b\"", "\"\x7f\"",
                                         "\"a\";q=", "?1", "\"a\", b"})
        CHECK(read_protocols(wrong).empty());
    std::string many = "\"x\"";
    for (std::size_t i = 1; i < most_protocols; ++i) many += ",\"x\"";
    CHECK(read_protocols(many).size() == most_protocols);
    CHECK(read_protocols(many + ",\"x\"").empty());
    CHECK(read_protocol("\"a\"") == "a");
    CHECK(read_protocol(" \"a\";x=1 ") == "a");
    CHECK_FALSE(read_protocol("\"a\", \"b\""));
    CHECK_FALSE(read_protocol("a"));
    CHECK(write_protocol("a\"\\") == "\"a\\\"\\\\\"");
    CHECK_FALSE(write_protocol("\n"));
}

TEST_CASE("HTTP/3: fields that are packed can be unpacked, and no block makes more of them than is allowed", "[quic][h3]") {
    FieldCoder coder;
    const auto fields = connect_fields("host:443", "/path?x", "https://origin", {"moq-lite-06", "b"});
    Octets frame;
    coder.write(fields, frame);
    const auto type = comoq::detail::read_varint(frame);
    const auto size = comoq::detail::read_varint(std::span<const std::byte>(frame).subspan(type->size));
    const auto contents = std::span<const std::byte>(frame).subspan(type->size + size->size);
    CHECK(contents.size() == size->value);
    std::vector<Field> read;
    REQUIRE(coder.read(contents, read) == Code::None);
    REQUIRE(read.size() == fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) CHECK((read[i].name == fields[i].name && read[i].value == fields[i].value));
    const auto code = [](const Octets &input) {
        FieldCoder fresh;
        std::vector<Field> unused;
        return fresh.read(input, unused);
    };
    // As Chromium packs it: ":method CONNECT" is number 15 of the static table.
    CHECK(code(octets("0000 cf")) == Code::None);
    CHECK(code(octets("")) == Code::QpackDecompressionFailed);
    CHECK(code(octets("00")) == Code::QpackDecompressionFailed);
    // A number that the static table does not have, one of the dynamic table, and a block that needs one.
    CHECK(code(octets("0000 ff24")) == Code::QpackDecompressionFailed);
    CHECK(code(octets("0000 80")) == Code::QpackDecompressionFailed);
    CHECK(code(octets("0200 80")) == Code::QpackDecompressionFailed);
    CHECK(code(octets("0000 ff")) == Code::QpackDecompressionFailed);
    Octets many = octets("0000");
    many.resize(2 + most_fields, std::byte{0xcf});
    CHECK(code(many) == Code::None);
    many.push_back(std::byte{0xcf});
    CHECK(code(many) == Code::ExcessiveLoad);
    Octets large;
    FieldCoder().write({{"x", std::string(largest_head, 'x')}}, large);
    CHECK(code(Octets(large.begin() + 3, large.end())) == Code::ExcessiveLoad);
    // Neither side has a table: what would change one is an error, and to say that it has no size is none.
    CHECK(FieldCoder().read_encoder(octets("20")) == Code::None);
    CHECK(FieldCoder().read_encoder(octets("3f45")) == Code::QpackEncoderStreamError);
    CHECK(FieldCoder().read_encoder(octets("c0 01 61")) == Code::QpackEncoderStreamError);
    CHECK(FieldCoder().read_decoder(octets("01")) == Code::QpackDecoderStreamError);
    CHECK(FieldCoder().read_decoder(octets("80")) == Code::QpackDecoderStreamError);
}

TEST_CASE("WebTransport: the head of a request, and each rule of it", "[quic][h3]") {
    RequestHead head;
    auto fields = session_request();
    fields.push_back({"origin", "https://o"});
    fields.push_back({"wt-available-protocols", "\"b\""});
    REQUIRE(read_head(fields, head) == Code::None);
    CHECK(head.asks_for_session());
    CHECK(head.authority == "host:443");
    CHECK(head.path == "/path");
    CHECK(head.origin == "https://o");
    CHECK(head.names_draft);
    CHECK(head.protocols == std::vector<std::string>{"a", "b"});
    for (auto &each : fields)
        if (each.name == ":protocol") each.value = "webtransport-h3";
    RequestHead newer;
    REQUIRE(read_head(fields, newer) == Code::None);
    CHECK(newer.asks_for_session());

    for (const std::string_view name : {":method", ":scheme", ":authority", ":path"})
        CHECK(request_of(without(session_request(), name)) == Code::MessageError);
    // Without its protocol it is the CONNECT of old, which has an authority alone.
    CHECK(request_of(without(session_request(), ":protocol")) == Code::MessageError);
    CHECK(request_of({{":method", "CONNECT"}, {":authority", "host:1"}}) == Code::None);
    CHECK(request_of({{":method", "CONNECT"}}) == Code::MessageError);
    CHECK(request_of({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}) == Code::None);
    CHECK(request_of({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":protocol", "webtransport"}}) == Code::MessageError);
    CHECK(request_of(with(session_request(), {":path", "/"})) == Code::MessageError);
    CHECK(request_of(with(without(session_request(), ":path"), {":path", "/"})) == Code::MessageError);
    CHECK(request_of(with({}, {":status", "200"})) == Code::MessageError);
    for (const auto &wrong : {Field{"Upper", "x"}, Field{"", "x"}, Field{"a b", "x"}, Field{"x", "a\r\nb"}, Field{"x", std::string(1, '\0')},
                              Field{"connection", "close"}, Field{"transfer-encoding", "chunked"}, Field{":new", "x"}})
        CHECK(request_of(with(session_request(), wrong)) == Code::MessageError);
}

TEST_CASE("WebTransport: the head of a response, and each rule of it", "[quic][h3]") {
    const auto read = [](const std::vector<Field> &fields) {
        ResponseHead head;
        const Code code = read_head(fields, head);
        return std::pair(code, head);
    };
    const auto [code, head] = read(response_fields(200, "moq-lite-06", true));
    CHECK(code == Code::None);
    CHECK(head.status == 200);
    CHECK(head.protocol == "moq-lite-06");
    CHECK_FALSE(read(response_fields(404, {}, false)).second.protocol);
    CHECK_FALSE(read({{":status", "200"}, {"wt-protocol", "token"}}).second.protocol);
    for (const std::string_view status : {"", "20", "2000", "2x0", "099", "-10"})
        CHECK(read({{":status", std::string(status)}}).first == Code::MessageError);
    CHECK(read({{"x", "y"}}).first == Code::MessageError);
    CHECK(read({{":status", "200"}, {":status", "200"}}).first == Code::MessageError);
    CHECK(read({{":status", "200"}, {":path", "/"}}).first == Code::MessageError);
    CHECK(read({{"x", "y"}, {":status", "200"}}).first == Code::MessageError);
}

}  // namespace web_parts_tests
