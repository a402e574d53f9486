#include <comoq/websocket/http_head.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace http_head_tests {

using namespace comoq;
using namespace comoq::test;
using websocket::head_size;
using websocket::RequestHead;
using websocket::ResponseHead;

namespace {

const std::string usual = "GET /room?x=1 HTTP/1.1\r\nHost: example.com\r\nAccept:*/*\r\n\r\n";

std::error_code failure_of_request(std::string_view head) {
    std::error_code failure;
    const auto request = websocket::parse_request(head, failure);
    CHECK(request.has_value() == !failure);
    return failure;
}

std::error_code failure_of_response(std::string_view head) {
    std::error_code failure;
    const auto response = websocket::parse_response(head, failure);
    CHECK(response.has_value() == !failure);
    return failure;
}

RequestHead request_of(std::string_view head) {
    std::error_code failure;
    const auto request = websocket::parse_request(head, failure);
    REQUIRE(request);
    return *request;
}

std::string with_host(std::string_view line) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(line) + "\r\n\r\n";
}

std::error_code failure_of_size(std::string_view input, std::size_t known = 0) {
    std::error_code failure;
    CHECK_FALSE(head_size(input, known, failure));
    return failure;
}

}  // namespace

TEST_CASE("http head: a head ends with an empty line, and is complete with its last byte", "[websocket]") {
    const std::string input = usual + "\x81\x01more";
    for (std::size_t size = 0; size < usual.size(); ++size) {
        const std::string part = input.substr(0, size);
        for (std::size_t known = 0; known <= size; ++known) CHECK_FALSE(failure_of_size(part, known));
        CHECK(failure_of_request(part));
    }
    for (std::size_t size = usual.size(); size <= input.size(); ++size) {
        for (std::size_t known = 0; known < usual.size(); ++known) {
            std::error_code failure;
            CHECK(head_size(std::string_view(input).substr(0, size), known, failure) == usual.size());
            CHECK_FALSE(failure);
        }
    }
    CHECK_FALSE(failure_of_request(usual));
    CHECK(failure_of_request(usual + "x"));
}

TEST_CASE("http head: bytes that never occur in a head are refused at once", "[websocket]") {
    CHECK(failure_of_size(std::string("\x16\x03\x01\x02\x00", 5)) == Error::Decode);
    CHECK(failure_of_size(std::string("GET /\0", 6)) == Error::Decode);
    CHECK(failure_of_size("GET /\x7f") == Error::Decode);
    CHECK(failure_of_size("GET / HTTP/1.1\r\nA: \x1b\r\n\r\n") == Error::Decode);
    CHECK_FALSE(failure_of_size("GET / HTTP/1.1\r\nA:\t\xc3\xa4"));
}

TEST_CASE("http head: it has at most 16 KiB", "[websocket]") {
    std::string huge = "GET / HTTP/1.1\r\nHost: a\r\nCookie: ";
    huge.resize(websocket::max_head_size - 1, 'x');
    CHECK_FALSE(failure_of_size(huge));
    CHECK(failure_of_size(huge + "x") == Error::BoundsExceeded);
    CHECK(failure_of_size(huge + "x", huge.size()) == Error::BoundsExceeded);
    CHECK(failure_of_size(huge + "\r\n\r\n") == Error::BoundsExceeded);
    huge.resize(websocket::max_head_size - 4);
    huge += "\r\n\r\n";
    std::error_code failure;
    CHECK(head_size(huge + "more", 0, failure) == websocket::max_head_size);
    CHECK_FALSE(failure_of_request(huge));
}

TEST_CASE("http head: a request has a method, a target and fields", "[websocket]") {
    const auto request = request_of(usual);
    CHECK(request.method == "GET");
    CHECK(request.target == "/room?x=1");
    CHECK(request.minor_version == 1);
    REQUIRE(request.fields.all().size() == 2);
    CHECK(request.fields.only("host") == "example.com");
    CHECK(request.fields.only("ACCEPT") == "*/*");
    CHECK_FALSE(request.fields.only("accept-language"));
    CHECK_FALSE(request.has_body());
    CHECK(request_of("OPTIONS * HTTP/1.0\r\n\r\n").minor_version == 0);
}

TEST_CASE("http head: names have any case, and values may have spaces around them", "[websocket]") {
    const auto fields = request_of("GET / HTTP/1.1\r\nhOST:a\r\nUPGRADE: \t WebSocket \t\r\n"
                                   "connection: keep-alive,\tUPGRADE\r\nConnection:,x\r\nempty:\r\n\r\n")
                            .fields;
    CHECK(fields.only("Upgrade") == "WebSocket");
    CHECK(fields.lists("Upgrade", "websocket"));
    CHECK(fields.lists("Connection", "upgrade"));
    CHECK(fields.lists("Connection", "X"));
    CHECK_FALSE(fields.lists("Connection", "keep"));
    CHECK_FALSE(fields.lists("Connection", "keep-alive,"));
    CHECK_FALSE(fields.lists("Upgrade", "web"));
    CHECK_FALSE(fields.lists("nothing", "x"));
    CHECK(fields.only("Empty") == "");
    CHECK_FALSE(fields.only("Connection"));
    CHECK(fields.count("connection") == 2);
    CHECK(fields.joined("connection") == "keep-alive,\tUPGRADE, ,x");
}

TEST_CASE("http head: a malformed request line is refused", "[websocket]") {
    for (const std::string_view line :
         {"", " ", "GET", "GET /", "GET / ", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET /a b HTTP/1.1",
          "GET / http/1.1", "GET / HTTP/1.10", "GET / HTTP/1,1", "GET / HTTP/x.1", "G(T / HTTP/1.1", "GET\t/ HTTP/1.1",
          "GET /\xc3\xa4 HTTP/1.1", "GET / HTTP/1.1\nX: y", "GET / HTTP/1.1\rX", "/ HTTP/1.1", "HTTP/1.1 200 OK"}) {
        INFO(line);
        CHECK(failure_of_request(std::string(line) + "\r\nHost: a\r\n\r\n") == Error::Decode);
    }
    CHECK(failure_of_request("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == Error::Version);
    CHECK(failure_of_request("PRI * HTTP/2.0\r\n\r\n") == Error::Version);
    CHECK(failure_of_request("GET / HTTP/1.2\r\nHost: a\r\n\r\n") == Error::Version);
}

TEST_CASE("http head: a field that another reader would read differently is refused", "[websocket]") {
    for (const std::string_view line :
         {"A", ": b", "A : b", " A: b", "\tA: b", "A: b\r\n c", "A: b\r\n\tc", "A: b\nC: d", "A: b\rC: d", "A\t: b",
          "A(: b", "\xc3\xa4: b", "A: b\r\n\r\nC: d", "A:\x01"}) {
        INFO(line);
        CHECK(failure_of_request(with_host(line)) == Error::Decode);
    }
    CHECK(failure_of_request(with_host("A: " + std::string(1, '\0'))) == Error::Decode);
    CHECK_FALSE(failure_of_request(with_host("A: b: c")));
    CHECK_FALSE(failure_of_request(with_host("A: \xc3\xa4")));
    CHECK_FALSE(failure_of_request(with_host("!#$%&'*+-.^_`|~09azAZ: b")));
}

TEST_CASE("http head: a request names its host exactly once", "[websocket]") {
    CHECK(failure_of_request("GET / HTTP/1.1\r\n\r\n") == Error::Decode);
    CHECK(failure_of_request("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n") == Error::Decode);
    CHECK(failure_of_request("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n") == Error::Decode);
    CHECK_FALSE(failure_of_request("GET / HTTP/1.0\r\n\r\n"));
}

TEST_CASE("http head: it has at most 128 fields", "[websocket]") {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < websocket::max_fields; ++i) head += "a:\r\n";
    CHECK_FALSE(failure_of_request(head + "\r\n"));
    CHECK(failure_of_request(head + "a:\r\n\r\n") == Error::BoundsExceeded);
}

TEST_CASE("http head: a request tells whether more follow, and whether it has a body", "[websocket]") {
    CHECK(request_of(usual).keeps_alive());
    CHECK_FALSE(request_of(with_host("Connection: x, Close")).keeps_alive());
    CHECK_FALSE(request_of("GET / HTTP/1.0\r\n\r\n").keeps_alive());
    CHECK(request_of("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keeps_alive());
    CHECK(request_of(with_host("Content-Length: 3")).has_body());
    CHECK(request_of(with_host("Content-Length: 0\r\nContent-Length: 3")).has_body());
    CHECK(request_of(with_host("Transfer-Encoding: chunked")).has_body());
    CHECK_FALSE(request_of(with_host("Content-Length: 0")).has_body());
}

TEST_CASE("http head: a response has a status and fields", "[websocket]") {
    std::error_code failure;
    const auto response =
        websocket::parse_response("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", failure);
    REQUIRE(response);
    CHECK(response->status == 101);
    CHECK(response->reason == "Switching Protocols");
    CHECK(response->fields.only("upgrade") == "websocket");
    CHECK_FALSE(failure_of_response("HTTP/1.0 404 \r\n\r\n"));
    CHECK_FALSE(failure_of_response("HTTP/1.1 999\r\n\r\n"));
    for (const std::string_view line : {"", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 +20 OK",
                                        "HTTP/1.1  200 OK", "HTTP/1.1 020 OK", "HTTP/1.1 20x OK", "200 OK",
                                        "HTTP/1.1 200 O\x01", "GET / HTTP/1.1"}) {
        INFO(line);
        CHECK(failure_of_response(std::string(line) + "\r\n\r\n") == Error::Decode);
    }
    CHECK(failure_of_response("HTTP/2.0 200 OK\r\n\r\n") == Error::Version);
    CHECK(failure_of_response("HTTP/1.1 200 OK\r\nA : b\r\n\r\n") == Error::Decode);
    CHECK(failure_of_response("HTTP/1.1 200 OK\r\n") == Error::Decode);
}

TEST_CASE("http head: a written head is read as the same", "[websocket]") {
    RequestHead request;
    request.target = "/a/b?c";
    request.fields.add("Host", "h:1");
    request.fields.add("A", "b, c");
    CHECK(websocket::to_text(request) == "GET /a/b?c HTTP/1.1\r\nHost: h:1\r\nA: b, c\r\n\r\n");
    CHECK(websocket::to_text(request_of(websocket::to_text(request))) == websocket::to_text(request));

    ResponseHead response;
    response.fields.add("Content-Length", "0");
    CHECK(websocket::to_text(response) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("http head: a head that would be read as something else is not written", "[websocket]") {
    const auto failure_of_field = [](std::string_view name, std::string_view value) {
        ResponseHead response;
        response.fields.add(name, value);
        return error_of([&] { return websocket::to_text(response); });
    };
    CHECK_FALSE(failure_of_field("A", "b c"));
    CHECK(failure_of_field("A", "b\r\nC: d") == Error::Encode);
    CHECK(failure_of_field("A", "b\n") == Error::Encode);
    CHECK(failure_of_field("A: b\r\nC", "d") == Error::Encode);
    CHECK(failure_of_field("", "d") == Error::Encode);

    RequestHead request;
    for (const std::string_view target : {"", "/a b", "/\r\nA: b", "/\xc3\xa4"}) {
        request.target = target;
        CHECK(error_of([&] { return websocket::to_text(request); }) == Error::Encode);
    }
    request.target = "/";
    request.method = "G ET";
    CHECK(error_of([&] { return websocket::to_text(request); }) == Error::Encode);

    ResponseHead response;
    response.reason = "a\r\nb";
    CHECK(error_of([&] { return websocket::to_text(response); }) == Error::Encode);
    response.reason = "";
    response.status = 99;
    CHECK(error_of([&] { return websocket::to_text(response); }) == Error::Encode);
}

}
