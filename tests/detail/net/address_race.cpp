#include <comoq/detail/net/address_race.hpp>

#include <initializer_list>
#include <string>
#include <system_error>
#include <vector>

#include "support/catch.hpp"

namespace address_race_tests {

using namespace comoq::net::detail;

namespace {

std::vector<asio::ip::address> addresses(std::initializer_list<const char *> texts) {
    std::vector<asio::ip::address> all;
    for (const char *text : texts) {
        all.push_back(asio::ip::make_address(text));
    }
    return all;
}

}  // namespace

TEST_CASE("the order of addresses: families take turns, beginning with the one that the resolver prefers", "[net]") {
    const auto found = addresses({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"});
    CHECK(in_turns(found, 8) == addresses({"::1", "1.1.1.1", "::2", "2.2.2.2", "::3"}));
    CHECK(in_turns(addresses({"1.1.1.1", "::1"}), 8) == addresses({"1.1.1.1", "::1"}));
}

TEST_CASE("the order of addresses: one that came twice is tried once, and no more than the limit are tried", "[net]") {
    CHECK(in_turns(addresses({"1.1.1.1", "::1", "1.1.1.1"}), 8) == addresses({"1.1.1.1", "::1"}));
    CHECK(in_turns(addresses({"::1", "::2", "1.1.1.1"}), 2) == addresses({"::1", "1.1.1.1"}));
    CHECK(in_turns({}, 8).empty());
}

TEST_CASE("a race of addresses begins them in order, and is lost when the last one has failed", "[net]") {
    AddressRace race(3);
    CHECK(race.begin_next() == 0);
    CHECK(race.begin_next() == 1);
    CHECK(race.has_next());
    race.failed(std::make_error_code(std::errc::connection_refused));
    CHECK(race.begin_next() == 2);
    CHECK_FALSE(race.has_next());
    CHECK_FALSE(race.begin_next());
    race.failed(std::make_error_code(std::errc::network_unreachable));
    CHECK_FALSE(race.is_lost());
    race.failed(std::make_error_code(std::errc::host_unreachable));
    CHECK(race.is_lost());
    CHECK(race.failure() == std::errc::connection_refused);
}

TEST_CASE("a race without addresses is lost from the start", "[net]") {
    AddressRace race(0);
    CHECK_FALSE(race.begin_next());
    CHECK(race.is_lost());
}

}  // namespace address_race_tests
