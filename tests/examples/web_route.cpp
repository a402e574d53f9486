// What the relay answers by HTTP, and how it says what it counts.
#include "relay/metrics.hpp"
#include "relay/web_route.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace web_route_tests {

using namespace std::chrono_literals;
using Kind = WebRoute::Kind;

namespace {

/// The values of a text of the format 0.0.4, by their names. Fails the test for what Prometheus would not take.
std::map<std::string, std::uint64_t> read_metrics(const std::string &text) {
    std::map<std::string, std::uint64_t> values;
    std::map<std::string, std::string> types;
    std::set<std::string> helped;
    REQUIRE(text.ends_with('\n'));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        std::istringstream words(line);
        std::string first, second, name, rest;
        words >> first;
        if (first == "#") {
            words >> second >> name;
            std::getline(words, rest);
            REQUIRE((second == "HELP" || second == "TYPE"));
            REQUIRE(rest.size() > 1);
            // Before its values, and once.
            REQUIRE_FALSE(values.contains(name));
            if (second == "HELP") REQUIRE(helped.insert(name).second);
            if (second == "TYPE") REQUIRE(types.emplace(name, rest.substr(1)).second);
            continue;
        }
        REQUIRE(first.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
        REQUIRE(helped.contains(first));
        REQUIRE(types.contains(first));
        REQUIRE((types[first] == "counter" || types[first] == "gauge"));
        REQUIRE(first.ends_with("_total") == (types[first] == "counter"));
        std::uint64_t value = 0;
        REQUIRE(words >> value);
        REQUIRE_FALSE(words >> rest);
        REQUIRE(values.emplace(first, value).second);
    }
    return values;
}

}  // namespace

TEST_CASE("the relay's HTTP: what is asked for is told by the path alone", "[examples]") {
    CHECK(route_of("/").kind == Kind::Files);
    CHECK(route_of("/health?x").kind == Kind::Health);
    CHECK(route_of("/certificate.sha256").kind == Kind::Certificate);
    CHECK(route_of("/metrics?jwt=a.b.c").kind == Kind::Metrics);
    for (const auto *other : {"/health/", "/metricsx", "/announcedx", "/fetch", "//metrics", "/x/announced"}) {
        INFO(other);
        CHECK(route_of(other).kind == Kind::Files);
    }
    for (const auto *all : {"/announced", "/announced/", "/announced?jwt=x", "/announced//"}) {
        INFO(all);
        CHECK(route_of(all).kind == Kind::Announced);
        CHECK(route_of(all).path == "");
    }
    CHECK(route_of("/announced/a/b/?group=x").path == "a/b");
    CHECK(route_of("/announced/a%20%C3%A4").path == "a ä");
}

TEST_CASE("the relay's HTTP: a fetch has a path, a track and at most one group", "[examples]") {
    const auto plain = route_of("/fetch/room/a/video?jwt=x&group=17&y#z");
    CHECK(plain.kind == Kind::Fetch);
    CHECK(plain.path == "room/a");
    CHECK(plain.track == "video");
    CHECK(plain.group == 17);
    CHECK_FALSE(route_of("/fetch/a/b").group);
    CHECK(route_of("/fetch/a%2e/catalog%2Ejson").track == "catalog.json");
    for (const auto *wrong : {"/fetch/", "/fetch/a", "/fetch/a/", "/fetch//a", "/fetch/a/b?group=", "/fetch/a/b?group=x", "/fetch/a/b?group=1x",
                              "/fetch/a/b?group=-1", "/fetch/a/b?group=1&group=2", "/fetch/a/b?group=99999999999999999999", "/fetch/a%2/b",
                              "/fetch/a%2Fb/c", "/fetch/a%00/b", "/fetch/a%0A/b", "/announced/%", "/announced/%1b", "/announced/%ff"}) {
        INFO(wrong);
        CHECK(route_of(wrong).kind == Kind::Malformed);
    }
}

TEST_CASE("the relay's HTTP: JSON has any path", "[examples]") {
    CHECK(in_json("") == R"("")");
    CHECK(in_json(R"(a"b\c)") == R"("a\"b\\c")");
    CHECK(in_json("ä\n") == "\"ä\\u000a\"");
    CHECK(is_hidden_name(".a"));
    CHECK(is_hidden_name("a/.b"));
    CHECK_FALSE(is_hidden_name("a./b.c"));
}

TEST_CASE("the relay's metrics: each has a help, a type and a value, as Prometheus takes it", "[examples]") {
    Metrics metrics;
    metrics.started = std::chrono::system_clock::time_point(1'800'000'000s);
    metrics.connections = 3;
    metrics.sent_bytes = 18'446'744'073'709'551'615U;
    metrics.subscriptions = 9;
    metrics.subscriptions_over = 7;
    metrics.origin.cached_bytes = 123;
    const auto values = read_metrics(metrics_text(metrics));
    CHECK(values.at("process_start_time_seconds") == 1'800'000'000);
    CHECK(values.at("comoq_connections") == 3);
    CHECK(values.at("comoq_sent_bytes_total") == 18'446'744'073'709'551'615U);
    CHECK(values.at("comoq_subscriptions_total") - values.at("comoq_subscriptions_over_total") == 2);
    CHECK(values.at("comoq_cached_bytes") == 123);
    CHECK(values.size() == 21);
}

}
