#include <comoq/websocket/handshake.hpp>

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "support/catch.hpp"

namespace handshake_tests {

using namespace comoq;
using qmux::Version;
using websocket::Answer;
using websocket::Fields;
using websocket::RequestHead;
using websocket::ResponseHead;

namespace {

constexpr std::array<std::string_view, 1> lite = {"moq-lite-05"};
constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

/// A good request, except for the value of the field with that name: an empty value leaves it out.
RequestHead request_with(std::string_view name = {}, std::string_view value = {}) {
    RequestHead request;
    const auto good = websocket::upgrade_request("h", "/", key, lite);
    for (const auto &field : good.fields.all())
        if (field.name != name) request.fields.add(field.name, field.value);
    if (!value.empty()) request.fields.add(name, value);
    return request;
}

Answer answer_with(std::string_view name, std::string_view value) {
    return websocket::answer_upgrade(request_with(name, value), lite);
}

void check_refusal(const Answer &answer, unsigned status, Error failure) {
    CHECK_FALSE(answer.chosen);
    CHECK(answer.response.status == status);
    CHECK(answer.failure == failure);
    CHECK(answer.response.fields.only("Connection") == "close");
    CHECK(answer.response.fields.only("Content-Length") == "0");
}

/// A good answer, except for one field, as above.
ResponseHead response_with(std::string_view name = {}, std::string_view value = {}) {
    auto good = websocket::answer_upgrade(request_with(), lite).response;
    Fields fields;
    for (const auto &field : good.fields.all())
        if (field.name != name) fields.add(field.name, field.value);
    if (!value.empty()) fields.add(name, value);
    good.fields = fields;
    return good;
}

std::error_code failure_of(const ResponseHead &response) {
    std::error_code failure;
    const auto chosen = websocket::check_answer(response, key, lite, failure);
    CHECK(chosen.has_value() == !failure);
    return failure;
}

}  // namespace

TEST_CASE("RFC 6455 1.3: the example's key has the example's answer", "[websocket]") {
    CHECK(websocket::accept_of(key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("websocket handshake: every key is a new one of 16 bytes", "[websocket]") {
    std::set<std::string> keys;
    for (int i = 0; i < 100; ++i) keys.insert(websocket::make_key());
    CHECK(keys.size() == 100);
    for (const auto &one : keys) CHECK(answer_with("Sec-WebSocket-Key", one).chosen);
}

TEST_CASE("wire 6 on WebSocket: a client offers both drafts, and no extension", "[websocket]") {
    const auto request = websocket::upgrade_request("example.com:4443", "/room?jwt=x", key, lite);
    CHECK(websocket::to_text(request) == "GET /room?jwt=x HTTP/1.1\r\nHost: example.com:4443\r\nUpgrade: websocket\r\n"
                                         "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                         "Sec-WebSocket-Version: 13\r\n"
                                         "Sec-WebSocket-Protocol: qmux-02.moq-lite-05, qmux-01.moq-lite-05\r\n\r\n");
}

TEST_CASE("wire 6 on WebSocket: the server answers with the draft and protocol that it chose", "[websocket]") {
    const auto answer = websocket::answer_upgrade(request_with(), lite);
    REQUIRE(answer.chosen);
    CHECK_FALSE(answer.failure);
    CHECK(answer.chosen->version == Version::Draft02);
    CHECK(answer.chosen->protocol.data() == lite[0].data());
    CHECK(websocket::to_text(answer.response) ==
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: qmux-02.moq-lite-05\r\n\r\n");
}

TEST_CASE("wire 6 on WebSocket: an offer may be long, and spread over several fields", "[websocket]") {
    std::string many;
    for (int i = 0; i < 27; ++i) many += "qmux-0" + std::to_string(i % 3) + ".moq-transport-" + std::to_string(i) + ",";
    const auto one = answer_with("Sec-WebSocket-Protocol", many + "qmux-01.moq-lite-05,webtransport");
    REQUIRE(one.chosen);
    CHECK(one.response.fields.only("Sec-WebSocket-Protocol") == "qmux-01.moq-lite-05");

    auto several = request_with("Sec-WebSocket-Protocol", "a");
    several.fields.add("sec-websocket-protocol", "qmux-01.moq-lite-05");
    several.fields.add("SEC-WEBSOCKET-PROTOCOL", "qmux-02.moq-lite-05,b");
    const auto answer = websocket::answer_upgrade(several, lite);
    REQUIRE(answer.chosen);
    CHECK(answer.chosen->version == Version::Draft02);
}

TEST_CASE("wire 6 on WebSocket: an offer without a match fails the upgrade", "[websocket]") {
    check_refusal(answer_with("Sec-WebSocket-Protocol", "webtransport"), 400, Error::UnknownAlpn);
    check_refusal(answer_with("Sec-WebSocket-Protocol", ""), 400, Error::UnknownAlpn);
    check_refusal(websocket::answer_upgrade(request_with(), {}), 400, Error::UnknownAlpn);
}

TEST_CASE("websocket handshake: an offer of permessage-deflate is ignored", "[websocket]") {
    const auto answer = answer_with("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
    CHECK(answer.chosen);
    CHECK(answer.response.fields.count("Sec-WebSocket-Extensions") == 0);
}

TEST_CASE("websocket handshake: the field Upgrade marks it", "[websocket]") {
    CHECK(websocket::is_upgrade(request_with()));
    CHECK(websocket::is_upgrade(request_with("Upgrade", "h2c, WebSocket")));
    CHECK_FALSE(websocket::is_upgrade(request_with("Upgrade")));
    CHECK_FALSE(websocket::is_upgrade(request_with("Upgrade", "h2c")));
    auto old = request_with();
    old.minor_version = 0;
    CHECK_FALSE(websocket::is_upgrade(old));
}

TEST_CASE("websocket handshake: a request with another version learns the right one", "[websocket]") {
    for (const std::string_view version : {"", "8", "13, 8", "013", "14"}) {
        const auto answer = answer_with("Sec-WebSocket-Version", version);
        check_refusal(answer, 426, Error::Version);
        CHECK(answer.response.fields.only("Sec-WebSocket-Version") == "13");
    }
}

TEST_CASE("websocket handshake: a malformed one is refused", "[websocket]") {
    check_refusal(answer_with("Connection", "keep-alive"), 400, Error::ProtocolViolation);
    check_refusal(answer_with("Connection", ""), 400, Error::ProtocolViolation);
    check_refusal(answer_with("Upgrade", "h2c"), 400, Error::ProtocolViolation);
    check_refusal(answer_with("Content-Length", "1"), 400, Error::ProtocolViolation);
    check_refusal(answer_with("Transfer-Encoding", "chunked"), 400, Error::ProtocolViolation);
    for (const std::string_view bad : {"", "x", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
                                       "dGhlIHNhbXBsZSBub25jZQAA", "dGhlIHNhbXBsZSBub25j-Q=="})
        check_refusal(answer_with("Sec-WebSocket-Key", bad), 400, Error::ProtocolViolation);
    auto twice = request_with();
    twice.fields.add("sec-websocket-key", key);
    check_refusal(websocket::answer_upgrade(twice, lite), 400, Error::ProtocolViolation);
    auto post = request_with();
    post.method = "POST";
    check_refusal(websocket::answer_upgrade(post, lite), 400, Error::ProtocolViolation);
    CHECK(answer_with("Connection", "keep-alive, upgrade").chosen);
}

TEST_CASE("websocket handshake: a client accepts only an answer to its request", "[websocket]") {
    CHECK_FALSE(failure_of(response_with()));
    CHECK_FALSE(failure_of(response_with("Upgrade", "WebSocket")));
    CHECK_FALSE(failure_of(response_with("Connection", "upgrade")));
    CHECK(failure_of(response_with("Upgrade")) == Error::ProtocolViolation);
    CHECK(failure_of(response_with("Upgrade", "h2c")) == Error::ProtocolViolation);
    CHECK(failure_of(response_with("Connection")) == Error::ProtocolViolation);
    CHECK(failure_of(response_with("Sec-WebSocket-Accept")) == Error::ProtocolViolation);
    CHECK(failure_of(response_with("Sec-WebSocket-Accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) == Error::ProtocolViolation);
    CHECK(failure_of(response_with("Sec-WebSocket-Extensions", "permessage-deflate")) == Error::ProtocolViolation);
    auto old = response_with();
    old.minor_version = 0;
    CHECK(failure_of(old) == Error::ProtocolViolation);
}

TEST_CASE("wire 6 on WebSocket: a client accepts only a protocol that it offered", "[websocket]") {
    std::error_code failure;
    const auto chosen = websocket::check_answer(response_with("Sec-WebSocket-Protocol", "qmux-01.moq-lite-05"), key, lite,
                                                failure);
    REQUIRE(chosen);
    CHECK(chosen->version == Version::Draft01);
    for (const std::string_view bad : {"", "qmux-03.moq-lite-05", "moq-lite-05", "qmux-01.moq-lite-05, qmux-02.moq-lite-05"})
        CHECK(failure_of(response_with("Sec-WebSocket-Protocol", bad)) == Error::UnknownAlpn);
    auto twice = response_with();
    twice.fields.add("Sec-WebSocket-Protocol", "qmux-02.moq-lite-05");
    CHECK(failure_of(twice) == Error::UnknownAlpn);
}

TEST_CASE("websocket handshake: a refused client gets the reason", "[websocket]") {
    const auto failure_of_status = [](unsigned status) {
        auto response = response_with();
        response.status = status;
        return failure_of(response);
    };
    CHECK(failure_of_status(401) == Error::Unauthorized);
    CHECK(failure_of_status(403) == Error::Unauthorized);
    CHECK(failure_of_status(404) == Error::NotFound);
    CHECK(failure_of_status(426) == Error::Version);
    for (const unsigned status : {408u, 429u, 503u}) CHECK(failure_of_status(status) == Error::Transport);
    for (const unsigned status : {100u, 200u, 302u, 400u}) CHECK(failure_of_status(status) == Error::Unsupported);
}

TEST_CASE("websocket handshake: the answer to a malformed request depends on its fault", "[websocket]") {
    check_refusal(websocket::refusal_of_head(make_error_code(Error::Decode)), 400, Error::Decode);
    check_refusal(websocket::refusal_of_head(make_error_code(Error::BoundsExceeded)), 431, Error::BoundsExceeded);
    check_refusal(websocket::refusal_of_head(make_error_code(Error::Version)), 505, Error::Version);
}

}
