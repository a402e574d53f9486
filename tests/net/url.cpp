#include <comoq/net/url.hpp>

#include <string>
#include <system_error>

#include <comoq/connect_error.hpp>

#include "support/catch.hpp"

namespace url_tests {

using namespace comoq;

namespace {

/// What a URL is refused with; nothing if it is not refused.
std::string refusal_of(std::string_view text) {
    try {
        static_cast<void>(net::parse_url(text));
    } catch (const std::system_error &error) {
        CHECK(error.code() == ConnectError::InvalidUrl);
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("a URL is scheme, host, port and target, and its text leaves the query out", "[net]") {
    const auto url = net::parse_url("WSS://relay.example:8443/room/42?jwt=secret#part");
    CHECK(url.scheme == "wss");
    CHECK(url.host == "relay.example");
    CHECK(url.port == 8443);
    CHECK(url.target == "/room/42?jwt=secret");
    CHECK(url.text() == "wss://relay.example:8443/room/42");
}

TEST_CASE("a URL without port and path has no port, and the target of the root", "[net]") {
    const auto url = net::parse_url("ws://relay.example");
    CHECK_FALSE(url.port);
    CHECK(url.target == "/");
    CHECK(url.text() == "ws://relay.example");
    CHECK(net::parse_url("ws://relay.example?a=b").target == "/?a=b");
    CHECK(net::parse_url("tcp://h:0").port == 0);
}

TEST_CASE("a URL with an IPv6 address has brackets around it in its text, and none in its host", "[net]") {
    const auto url = net::parse_url("tcp://[::1]:4443/a");
    CHECK(url.host == "::1");
    CHECK(url.port == 4443);
    CHECK(url.authority() == "[::1]:4443");
    CHECK(url.text() == "tcp://[::1]:4443/a");
}

TEST_CASE("a URL that is wrong is refused with a sentence that says why, without user and query", "[net]") {
    const auto expect = [](std::string_view text, const std::string &why) {
        INFO(text);
        CHECK(refusal_of(text).find(why) != std::string::npos);
    };
    expect("relay.example:4443", "does not begin with a scheme");
    expect("://h:1", "does not begin with a scheme");
    expect("", "does not begin with a scheme");
    expect("ws://h:1/a b", "characters that a URL cannot have");
    expect("ws://h:1/\n", "characters that a URL cannot have");
    expect("ws://:1", "names no host");
    expect("ws:///a", "names no host");
    expect("ws://[]:1", "names no host");
    expect("ws://[::1:1", "lacks a closing bracket");
    for (const char *port : {":", ":x", ":1x", ":-1", ":65536", ":99999999999999999999"}) {
        expect("ws://h" + std::string(port), "not a number from 0 to 65535");
    }
    expect("ws://[::1]1", "not a number from 0 to 65535");
    expect("ws://user:pass@h:1/a", "names a user");
    const auto shown = refusal_of("ws://user:pass@h:1/a?jwt=secret");
    CHECK(shown.find("pass") == std::string::npos);
    CHECK(shown.find("secret") == std::string::npos);
    CHECK(shown.find("ws://...@h:1/a") != std::string::npos);
    CHECK(net::without_secrets("tcp://user:pa?ss@host") == "tcp://...");
    CHECK(net::without_secrets("user:pass@host://h") == "...@host://h");
    CHECK(net::without_secrets("tcp://user:pa#ss@host/a") == "tcp://...");
    CHECK(net::without_secrets("ws://h:1/a?jwt=secret#x") == "ws://h:1/a");
    // It could be a password with a "/" and a "?".
    CHECK(net::without_secrets("ws://h:1/a?mail=a@secret") == "ws://...");
    CHECK(net::without_secrets("ws://h:1?mail=a@secret") == "ws://...");
}

TEST_CASE("net::without_secrets: nothing before the last @ is shown, whatever it is", "[net]") {
    // Each character that means something in a URL, in two places of a name and a password.
    const std::string signs = "/?#:@[]%&=+ \\\x01;,";
    const auto hidden = [](const std::string &url) {
        const auto shown = net::without_secrets(url);
        INFO(url << " as " << shown);
        CHECK(shown.find("us") == std::string::npos);
        CHECK(shown.find("er") == std::string::npos);
        CHECK(shown.find("pa") == std::string::npos);
        CHECK(shown.find("Wd") == std::string::npos);
    };
    for (const std::string scheme : {"ws://", "tcp://", ""}) {
        for (const char first : signs) {
            for (const char second : signs) {
                for (const std::string rest : {"@host", "@host:1/way?x=1", "@host?mail=a@b"}) {
                    hidden(scheme + "us" + first + "er:pa" + second + "Wd" + rest);
                    hidden(scheme + "us" + first + second + "er" + rest);
                }
            }
        }
    }
    CHECK(net::without_secrets("ws://us/er:p?ss@host") == "ws://...");
    CHECK(net::without_secrets("p:ss://x@host") == "...");
    CHECK(net::without_secrets("wss://host:1/a/b") == "wss://host:1/a/b");
    CHECK(net::without_secrets("").empty());
}

}  // namespace url_tests
