// What the relay and a service for authorization say to each other.
#include "relay/access.hpp"
#include "relay/auth_wire.hpp"
#include "relay/http_answer.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <comoq/error.hpp>
#include <comoq/origin.hpp>

#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/path_texts.hpp"

namespace auth_wire_tests {

using namespace std::chrono_literals;
using comoq::test::Texts;
using comoq::test::texts_of;

namespace {

const std::chrono::system_clock::time_point now{1'800'000'000s};

AuthQuestion question() {
    AuthQuestion made;
    made.id = "00ff";
    made.transport = "websocket";
    made.remote = "127.0.0.1:9";
    made.target = "/room/a?jwt=x&y#z";
    return made;
}

/// The answer, or the code; "more" if more is needed.
std::string answer_of(std::string_view input, bool is_end = false) {
    std::error_code failure;
    const auto answer = read_http_answer(input, is_end, failure);
    if (failure) return failure.message();
    return answer ? std::to_string(answer->status) + ' ' + answer->body : "more";
}

}  // namespace

TEST_CASE("the relay's service: a question has what is known of the session, and the query apart from the path", "[examples]") {
    auto asked = question();
    const auto json = nlohmann::json::parse(connect_question(asked));
    CHECK(json == nlohmann::json::parse(R"({"id":"00ff","event":"connect","node":"comoq","transport":"websocket","remote":"127.0.0.1:9",
        "path":"/room/a","query":"jwt=x&y"})"));
    asked.target = "/";
    asked.server_name = "a.example";
    asked.protocol = "moq-lite-06";
    const auto again = nlohmann::json::parse(revalidate_question(asked));
    CHECK(again.at("event") == "revalidate");
    CHECK_FALSE(again.contains("query"));
    CHECK(again.at("server_name") == "a.example");
    CHECK(again.at("alpn") == "moq-lite-06");
    // What a client writes need not be text.
    asked.target = "/\xff\"\n";
    CHECK(nlohmann::json::parse(connect_question(asked)).at("path") == "/\xef\xbf\xbd\"\n");
}

TEST_CASE("the relay's service: it is told why, for how long and with how much a session has ended", "[examples]") {
    AuthEnd end;
    end.reason = "expired";
    end.duration = 1500ms;
    end.sent = 7;
    end.received = 9;
    const auto json = nlohmann::json::parse(end_message(question(), end));
    CHECK(json.at("event") == "end");
    CHECK(json.at("id") == "00ff");
    CHECK(json.at("reason") == "expired");
    CHECK(json.at("duration") == 1.5);
    CHECK(json.at("bytes") == nlohmann::json::parse(R"({"sent":7,"received":9})"));
}

TEST_CASE("the relay's service: a grant is of paths below the one that was asked for, or below its own root", "[examples]") {
    const auto plain = read_grant(R"({"publish":["room/**"],"subscribe":["**"],"tier":"x","peer":true,"expires":1800000001,"revalidate":60})", "anon", now);
    REQUIRE(plain.grant);
    CHECK(texts_of(plain.grant->reach.publish) == Texts{"anon/room"});
    CHECK(texts_of(plain.grant->reach.watch) == Texts{"anon"});
    CHECK(plain.grant->root == comoq::Path("anon"));
    CHECK(plain.grant->expires == now + 1s);
    CHECK(plain.grant->revalidate == 60s);
    const auto alias = read_grant(R"({"subscribe":["a/b/**"],"root":"/x7k/"})", "demo", now);
    REQUIRE(alias.grant);
    CHECK(texts_of(alias.grant->reach.watch) == Texts{"x7k/a/b"});
    CHECK(alias.grant->root == comoq::Path("x7k"));
    CHECK_FALSE(alias.grant->expires);
    // As far away as there is.
    CHECK(read_grant(R"({"subscribe":["**"],"expires":18446744073709551615,"revalidate":18446744073709551615})", "", now).grant);
}

TEST_CASE("the relay's service: a grant that the relay cannot keep to is none", "[examples]") {
    for (const auto *body : {"", "{", "[]", "null", R"("yes")", "{}", R"({"publish":[],"subscribe":[]})", R"({"publish":["a"]})", R"({"publish":[""]})",
                             R"({"publish":["a/*"]})", R"({"publish":["*/a/**"]})", R"({"publish":["a**"]})", R"({"publish":"**"})", R"({"publish":[1]})",
                             R"({"publish":["a\n/**"]})", R"({"publish":["**"],"subscribe":["a"]})", R"({"publish":["**"],"root":1})",
                             R"({"publish":["**"],"root":"a\n"})", R"({"publish":["**"],"expires":"1900000000"})", R"({"publish":["**"],"expires":-1})",
                             R"({"publish":["**"],"expires":1800000000})", R"({"publish":["**"],"revalidate":60})",
                             R"({"publish":["**"],"revalidate":0,"expires":1900000000})", R"({"publish":["**"],"mounts":{"a":"b"}})"}) {
        INFO(body);
        const auto verdict = read_grant(body, "room", now);
        CHECK_FALSE(verdict.grant);
        CHECK_FALSE(verdict.reason.empty());
    }
}

TEST_CASE("the relay's service: what it grants is seen from the root of the grant, within what is allowed to all", "[examples]") {
    const comoq::Origin origin;
    Rights rights;
    const auto grant = read_grant(R"({"publish":["me/**"],"subscribe":["**"],"root":"x7k/room"})", "demo", now).grant;
    REQUIRE(grant);
    const auto admitted = admit_by_grant(*grant, rights, origin);
    REQUIRE(admitted.views);
    CHECK(texts_of(admitted.views->publish->allowed()) == Texts{""});
    CHECK(texts_of(admitted.views->subscribe->allowed()) == Texts{"me"});
    rights.allow("x7k/other");
    CHECK(admit_by_grant(*grant, rights, origin).status == 403);
    // A root that a target would cut off.
    CHECK_FALSE(admit_by_grant(*read_grant(R"({"publish":["**"],"root":"a?b"})", "", now).grant, Rights(), origin).views);
}

TEST_CASE("the relay's service: an answer is read as soon as it is whole", "[examples]") {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    for (std::size_t i = 0; i < head.size(); ++i) CHECK(answer_of(head.substr(0, i)) == "more");
    CHECK(answer_of(head + "ab") == "more");
    CHECK(answer_of(head + "abc") == "200 abc");
    CHECK(answer_of(head + "abcd") == "200 abc");
    CHECK(answer_of("HTTP/1.0 403 No\r\n\r\nx") == "more");
    CHECK(answer_of("HTTP/1.0 403 No\r\n\r\nx", true) == "403 x");
    const std::string chunked = "HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK(answer_of(chunked + "2;x=y\r\nab\r\n1\r\n") == "more");
    CHECK(answer_of(chunked + "2;x=y\r\nab\r\n1\r\nc\r\n0\r\n\r\n") == "204 abc");
}

TEST_CASE("the relay's service: an answer that is wrong, cut off or too long is refused", "[examples]") {
    const auto decode = make_error_code(comoq::Error::Decode).message(), too_long = make_error_code(comoq::Error::BoundsExceeded).message();
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", plain = "HTTP/1.1 200 OK\r\n\r\n";
    for (const auto &wrong : Texts{"", "x", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
                                   "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                                   chunked + "2\r\nabc\r\n0\r\n\r\n", chunked + "g\r\n", chunked + "-1\r\n", chunked + "2\r\na"}) {
        INFO(wrong);
        CHECK(answer_of(wrong, true) == decode);
    }
    CHECK(answer_of("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n") == too_long);
    CHECK(answer_of(chunked + "10001\r\n") == too_long);
    CHECK(answer_of(chunked + "ffffffffffffffff\r\n") == too_long);
    CHECK(answer_of(chunked + "1\r\na\r\n10000\r\n") == too_long);
    CHECK(answer_of(plain + std::string(65537, 'a')) == too_long);
    CHECK(answer_of(std::string(20'000, 'a')) == too_long);
    // Between chunks: a line without an end, and lines that say more than their sizes.
    CHECK(answer_of(chunked + "1;" + std::string(200'000, 'a')) == too_long);
    std::string talkative = chunked;
    while (talkative.size() < 200'000) talkative += "1;" + std::string(1'000, 'a') + "\r\nb\r\n";
    CHECK(answer_of(talkative) == too_long);
}

}
