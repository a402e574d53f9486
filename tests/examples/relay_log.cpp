// What the relay writes about its clients, and how much of it.
#include "relay/guest_log.hpp"
#include "relay/log.hpp"
#include "relay/log_budget.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <asio/ip/address.hpp>

#include <comoq/net/source_limits.hpp>

#include "support/catch.hpp"

namespace relay_log_tests {

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

asio::ip::address address(const char *text) { return asio::ip::make_address(text); }

/// A budget, and a time that passes when it is told to.
struct Scene {
    explicit Scene(const LogBudget::Limits &most) : budget(most) {}
    std::uint64_t take(const char *source, std::uint64_t lines) {
        std::uint64_t taken = 0;
        for (; lines != 0; --lines) taken += budget.take(address(source), now) ? 1 : 0;
        return taken;
    }
    LogBudget budget;
    LogBudget::Time now{1h};
};

LogBudget::Limits limits(std::uint64_t at_once_each, std::uint64_t per_second_each, std::uint64_t at_once, std::uint64_t per_second,
                         std::size_t most_sources = 100) {
    return {at_once_each, per_second_each, at_once, per_second, most_sources};
}

}  // namespace

TEST_CASE("the relay's log: a word is written as it is, and anything else in quotes", "[examples]") {
    CHECK(in_log("room/alice") == "room/alice");
    CHECK(in_log("") == R"("")");
    CHECK(in_log("two words") == R"("two words")");
    CHECK(in_log("a=b") == R"("a=b")");
    CHECK(in_log(R"(say "hi" \ bye)") == R"("say \"hi\" \\ bye")");
    CHECK(in_log("日本/ä") == "\"日本/ä\"");
}

TEST_CASE("the relay's log: a peer can forge no line, and reaches no terminal", "[examples]") {
    CHECK(in_log("a\nevent=forged\r\x1b[2J\x7f\0"sv) == R"("a\x0aevent=forged\x0d\x1b[2J\x7f\x00")");
    // A control of eight bits, as UTF-8 and as a byte; what is not UTF-8.
    CHECK(in_log("\xc2\x9b|\x9b|\xff|\xc3|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82|") ==
          R"("\xc2\x9b|\x9b|\xff|\xc3|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82|")");
    // Ends of lines, and text from right to left.
    CHECK(in_log("\u2028|\u202e|\u2066|\ufeff") == R"("\xe2\x80\xa8|\xe2\x80\xae|\xe2\x81\xa6|\xef\xbb\xbf")");
    CHECK(in_log("\u00a0|\u2030|\U0001f600") == "\"\u00a0|\u2030|\U0001f600\"");
}

TEST_CASE("the relay's log: a long value is cut off between two characters", "[examples]") {
    CHECK(in_log(std::string(longest_value, 'a')) == std::string(longest_value, 'a'));
    CHECK(in_log(std::string(longest_value + 1, 'a')) == '"' + std::string(longest_value, 'a') + "...\"");
    CHECK(in_log(std::string(longest_value - 1, 'a') + "ä") == '"' + std::string(longest_value - 1, 'a') + "...\"");
    CHECK(in_log(std::string(1'000'000, '\x01')).size() < 5 * longest_value);
}

TEST_CASE("the relay's log: of a page it has the scheme, the host and the port", "[examples]") {
    CHECK(page_in_log("https://example.com:8443") == "https://example.com:8443");
    CHECK(page_in_log("http://user:SECRET@example.com/SECRET?SECRET#SECRET") == "http://example.com");
    CHECK(page_in_log("http://a@SECRET@example.com?SECRET") == "http://example.com");
    CHECK(page_in_log("null") == "null");
    CHECK(page_in_log("SECRET") == "?");
}

TEST_CASE("the relay's log: of an offer it has the names of protocols, because some clients put a token there", "[examples]") {
    CHECK(protocols_in_log("qmux-01, qmux-00,webtransport") == "qmux-01,qmux-00,webtransport");
    CHECK(protocols_in_log("qmux-02.moq-lite-06-wip") == "qmux-02.moq-lite-06-wip");
    CHECK(protocols_in_log("qmux-01, access_token, SECRET") == "qmux-01,others");
    CHECK(protocols_in_log("moq-lite-05.eyJhbGciOiJIUzI1NiJ9") == "others");
    CHECK(protocols_in_log("moq-lite-0a1b2c3d4e5f6071829304a5b6c7d8e9f") == "others");
    CHECK(protocols_in_log(", ,") == "");
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += "qmux-01,";
    CHECK(protocols_in_log(many).size() <= 2 * longest_value);
}

TEST_CASE("the relay's log: a guest's name has the address whose budget a warning about it takes", "[examples]") {
    CHECK(address_in("192.0.2.1:4443") == address("192.0.2.1"));
    CHECK(address_in("[2001:db8::7]:4443") == address("2001:db8::7"));
    CHECK(address_in("wss://example.com") == asio::ip::address());
    CHECK(address_in("") == asio::ip::address());
}

TEST_CASE("the relay's log: a source may write so much at once, and then so much a second", "[examples]") {
    Scene scene(limits(10, 2, 1'000, 1'000));
    CHECK(scene.take("192.0.2.1", 15) == 10);
    // Others do not notice.
    CHECK(scene.take("192.0.2.2", 10) == 10);
    scene.now += 500ms;
    CHECK(scene.take("192.0.2.1", 5) == 1);
    scene.now += 2s;
    CHECK(scene.take("192.0.2.1", 10) == 4);
    scene.now += 24h;
    CHECK(scene.take("192.0.2.1", 15) == 10);
}

TEST_CASE("the relay's log: a little time at a time adds up", "[examples]") {
    Scene scene(limits(1, 2, 1'000, 1'000));
    CHECK(scene.take("192.0.2.1", 1) == 1);
    std::uint64_t taken = 0;
    for (int i = 0; i < 1'000; ++i) {
        scene.now += 10ms;
        taken += scene.take("192.0.2.1", 1);
    }
    CHECK(taken == 20);
}

TEST_CASE("the relay's log: many sources together may write so much, too", "[examples]") {
    Scene scene(limits(10, 2, 25, 5));
    CHECK(scene.take("192.0.2.1", 10) + scene.take("192.0.2.2", 10) + scene.take("192.0.2.3", 10) + scene.take("192.0.2.4", 10) == 25);
    scene.now += 1s;
    CHECK(scene.take("192.0.2.4", 10) == 5);
}

TEST_CASE("the relay's log: an IPv6 network is one source, and an IPv4 address is the same in either form", "[examples]") {
    Scene scene(limits(3, 1, 1'000, 1'000));
    CHECK(scene.take("2001:db8::1", 2) + scene.take("2001:db8::ffff:1", 2) == 3);
    CHECK(scene.take("2001:db8:0:1::1", 1) == 1);
    CHECK(scene.take("192.0.2.1", 2) + scene.take("::ffff:192.0.2.1", 2) == 3);
}

TEST_CASE("the relay's log: what was left out is counted once, with the source that most of it is of", "[examples]") {
    Scene scene(limits(10, 1, 1'000, 1'000));
    CHECK(scene.budget.take_left_out(scene.now).lines == 0);
    scene.take("192.0.2.1", 12);
    scene.take("192.0.2.2", 17);
    const auto left = scene.budget.take_left_out(scene.now);
    CHECK(left.lines == 9);
    CHECK(left.most_of == address("192.0.2.2"));
    CHECK(left.lines_of_that == 7);
    CHECK(scene.budget.take_left_out(scene.now).lines == 0);
}

TEST_CASE("the relay's log: it knows a bounded number of sources, the rest share a place, and it forgets those that are quiet", "[examples]") {
    Scene scene(limits(2, 1, 10'000, 1'000, 5));
    const auto from = [](int i) { return "192.0.2." + std::to_string(i); };
    for (int i = 0; i < 5; ++i) CHECK(scene.take(from(i).c_str(), 3) == 2);
    CHECK(scene.take(from(5).c_str(), 1) + scene.take(from(6).c_str(), 2) == 2);
    CHECK(scene.budget.size() == 5);
    // What they have left out keeps them.
    scene.now += 10s;
    CHECK(scene.take(from(7).c_str(), 1) == 1);
    CHECK(scene.budget.size() == 5);
    const auto left = scene.budget.take_left_out(scene.now);
    CHECK(left.lines == 6);
    CHECK(scene.budget.size() == 0);
    CHECK(scene.take(from(7).c_str(), 3) == 2);
    CHECK(scene.budget.size() == 1);
}

}
