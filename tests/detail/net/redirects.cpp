// Where a server may send a client.
#include <comoq/detail/net/redirects.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace redirects_tests {

using namespace comoq;
using net::detail::RedirectRule;

namespace {

/// A scheme that tells the path as a WebSocket does, and has a usual port.
RedirectRule rule_of(std::vector<std::string> hosts = {}, std::size_t most = 4) {
    net::Scheme scheme;
    scheme.name = "test-redirects";
    scheme.usual_port = 443;
    net::add_scheme(scheme);
    Redirects allowed;
    allowed.hosts = std::move(hosts);
    allowed.most = most;
    return RedirectRule(net::known_url("test-redirects://relay.example/room?jwt=token"), true, std::move(allowed));
}

/// The URL that is followed, or why not.
std::string outcome(RedirectRule &rule, std::string_view address, std::chrono::seconds time = {}) {
    try {
        const auto url = rule.follow(address, std::chrono::steady_clock::time_point(time));
        return url.authority() + url.target;
    } catch (const std::system_error &error) {
        CHECK(error.code() == ConnectError::RedirectRefused);
        return error.what();
    }
}
std::string refusal(std::string_view address, const std::string &why) {
    return "'" + std::string(address) + "' is " + why + ": the server sends this client where it may not go";
}

}  // namespace

TEST_CASE("a redirect leads to another path of the URL's host, and keeps the URL's path and query if it has none", "[net]") {
    auto rule = rule_of();
    CHECK(outcome(rule, "test-redirects://Relay.Example/other?x=1") == "Relay.Example:443/other?x=1");
    CHECK(outcome(rule, "test-redirects://relay.example:443") == "relay.example:443/room?jwt=token");
}

TEST_CASE("a redirect leads to another port of the URL's host only if that host is listed", "[net]") {
    const std::string address = "test-redirects://relay.example:4443";
    auto rule = rule_of();
    CHECK(outcome(rule, address) == refusal(address, "another port"));
    auto listed = rule_of({"relay.example"});
    CHECK(outcome(listed, address) == "relay.example:4443/room?jwt=token");
}

TEST_CASE("a redirect takes the URL's query to no other host", "[net]") {
    auto rule = rule_of({"b.example"});
    CHECK(outcome(rule, "test-redirects://b.example") == "b.example:443/room");
    CHECK(outcome(rule, "test-redirects://b.example/?x=1") == "b.example:443/?x=1");
    // SETUP would tell it.
    Redirects allowed;
    allowed.hosts = {"b.example"};
    RedirectRule told(net::known_url("tcp://relay.example:1/room?jwt=token"), false, allowed);
    const std::string why = "another host, which SETUP would tell the query";
    CHECK(outcome(told, "tcp://b.example:1") == refusal("tcp://b.example:1", why));
    CHECK(outcome(told, "tcp://relay.example:1") == "relay.example:1/room?jwt=token");
    RedirectRule without(net::known_url("tcp://relay.example:1/room"), false, allowed);
    CHECK(outcome(without, "tcp://b.example:2") == "b.example:2/room");
}

TEST_CASE("a redirect never leads to another scheme", "[net]") {
    auto rule = rule_of({"*"});
    CHECK(outcome(rule, "tcp://relay.example:4443") == refusal("tcp://relay.example:4443", "another scheme"));
}

TEST_CASE("a redirect leads to no other host than those that are allowed", "[net]") {
    auto rule = rule_of();
    for (const char *host : {"b.example", "relay.example.evil", "xrelay.example", "127.0.0.1", "[::1]"}) {
        const auto address = std::string("test-redirects://") + host + "/";
        CHECK(outcome(rule, address) == refusal(address, "another host"));
    }
    auto named = rule_of({"b.example", ".cdn.example"});
    CHECK(outcome(named, "test-redirects://B.example/x") == "B.example:443/x");
    CHECK(outcome(named, "test-redirects://a.cdn.Example/x") == "a.cdn.Example:443/x");
    CHECK(outcome(named, "test-redirects://cdn.example/x") == refusal("test-redirects://cdn.example/x", "another host"));
    CHECK(outcome(named, "test-redirects://evilcdn.example/x") == refusal("test-redirects://evilcdn.example/x", "another host"));
    auto any = rule_of({"*"});
    CHECK(outcome(any, "test-redirects://127.0.0.1:1/x") == "127.0.0.1:1/x");
}

TEST_CASE("redirects are followed a few times in a row, until the URL is used again", "[net]") {
    auto rule = rule_of({}, 2);
    const std::string address = "test-redirects://relay.example/x";
    for (int round = 0; round < 2; ++round) {
        rule.start_over();
        CHECK(outcome(rule, address) == "relay.example:443/x");
        CHECK(outcome(rule, address) == "relay.example:443/x");
        CHECK(outcome(rule, address) == refusal(address, "one more in a row"));
    }
}

TEST_CASE("redirects are in a row if no more than a minute is between two of them", "[net]") {
    using std::chrono::seconds;
    auto rule = rule_of({}, 2);
    const std::string address = "test-redirects://relay.example/x";
    const std::string followed = "relay.example:443/x", refused = refusal(address, "one more in a row");
    CHECK(outcome(rule, address, seconds(100)) == followed);
    CHECK(outcome(rule, address, seconds(161)) == followed);
    CHECK(outcome(rule, address, seconds(221)) == followed);
    // A refused one makes the row no longer.
    CHECK(outcome(rule, address, seconds(281)) == refused);
    CHECK(outcome(rule, address, seconds(282)) == followed);
}

TEST_CASE("a redirect that is not a URL is refused, and its secrets are not told", "[net]") {
    auto rule = rule_of();
    CHECK(outcome(rule, "over there") == refusal("over there", "not a URL that can be connected to"));
    CHECK(outcome(rule, "tcp://relay.example") == refusal("tcp://relay.example", "not a URL that can be connected to"));
    CHECK(outcome(rule, "tcp://relay.example:1/x?jwt=SECRET").find("SECRET") == std::string::npos);
    CHECK(outcome(rule, "test-redirects://user:SECRET@relay.example/").find("SECRET") == std::string::npos);
}

TEST_CASE("a redirect to another path is refused where SETUP tells the path", "[net]") {
    RedirectRule rule(net::known_url("tcp://relay.example:1/room"), false, Redirects());
    CHECK(outcome(rule, "tcp://relay.example:1") == "relay.example:1/room");
    CHECK(outcome(rule, "tcp://relay.example:1/room") == "relay.example:1/room");
    CHECK(outcome(rule, "tcp://relay.example:1/x") == refusal("tcp://relay.example:1/x", "another path, which only SETUP tells"));
}

}  // namespace redirects_tests
