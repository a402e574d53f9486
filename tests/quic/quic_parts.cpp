// The parts of a connection that stand alone: frames that stop streams, and the numbers that end them.
#include <comoq/detail/quic/routes.hpp>
#include <comoq/detail/quic/stop_frames.hpp>
#include <comoq/detail/quic/stream_numbers.hpp>
#include <comoq/quic/credentials.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "quic/identity.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace quic_parts_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Stops = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Stops stops_in(const std::string &hex) {
    std::vector<std::byte> payload;
    for (std::size_t i = 0; i < hex.size();) {
        if (hex[i] == ' ') {
            ++i;
            continue;
        }
        payload.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
        i += 2;
    }
    Stops stops;
    quic::detail::StopFrames(payload).each([&](std::uint64_t stream, std::uint64_t number) { stops.emplace_back(stream, number); });
    return stops;
}

}  // namespace

TEST_CASE("STOP_SENDING is found behind every kind of frame", "[quic]") {
    const std::string stop = " 05 04 0d";
    const Stops found{{4, 13}};
    CHECK(stops_in(stop) == found);
    for (const char *before :
         {"00 00", "01", "02 05 00 00 03", "02 05 00 02 03 01 01 01 01", "03 05 00 00 03 01 02 03", "04 04 01 02", "06 00 03 aabbcc",
          "07 02 aabb", "0a 04 02 aabb", "0e 04 4100 02 aabb", "0f 04 01 01 aa", "10 01", "11 01 02", "12 01", "13 01", "14 01",
          "15 01 02", "16 01", "17 01", "18 01 00 04 aabbccdd 000102030405060708090a0b0c0d0e0f", "19 01", "1a 0001020304050607",
          "1b 0001020304050607", "1e", "31 02 aabb", "05 44d2 80000001"}) {
        INFO(before);
        auto all = stops_in(before + stop);
        REQUIRE_FALSE(all.empty());
        CHECK(all.back() == found.front());
    }
    CHECK(stops_in("05 44d2 80000001 05 04 0d") == Stops{{1234, 1}, {4, 13}});
}

TEST_CASE("STOP_SENDING is not found in what is data, nor behind what is cut short or unknown", "[quic]") {
    for (const char *payload : {"", "05", "05 04", "05 44", "0a 04 03 05040d", "08 04 05 04 0d", "30 05 04 0d", "31 03 05 04 0d",
                                "1c 05 04 0d", "1d 05 04 0d", "20 05 04 0d", "02 05 00 40 05 04 0d", "06 00 30 05 04 0d",
                                "18 01 00 ff 05 04 0d", "1a 05 04 0d"}) {
        INFO(payload);
        CHECK(stops_in(payload).empty());
    }
}

TEST_CASE("numbers of streams: the form of WebTransport and back, and others as they are", "[quic]") {
    using quic::detail::mapped;
    using quic::detail::unmapped;
    // draft-ietf-webtrans-http3: the first number, and the first that is left out.
    CHECK(mapped(0) == 0x52e4a40fa8db);
    CHECK(mapped(0x1d) == 0x52e4a40fa8f8);
    CHECK(mapped(0x1e) == 0x52e4a40fa8fa);
    CHECK(mapped(0xffffffff) == 0x52e5ac983162);
    CHECK(mapped(0x1'0000'0000) == mapped(0xffffffff));
    for (std::uint64_t number : {0u, 1u, 29u, 30u, 31u, 59u, 60u, 12345u, 0xfffffffeu, 0xffffffffu}) {
        CHECK(unmapped(mapped(number)) == number);
        CHECK((mapped(number) - 0x21) % 0x1f != 0);
    }
    for (std::uint64_t number : {std::uint64_t{0}, std::uint64_t{13}, std::uint64_t{0x10c}, std::uint64_t{0x52e4a40fa8da},
                                 std::uint64_t{0x52e4a40fa8f9}, std::uint64_t{0x52e5ac983163}})
        CHECK(unmapped(number) == number);
    CHECK(quic::detail::maps_numbers("moq-lite-06"));
    CHECK_FALSE(quic::detail::maps_numbers("moqt-18"));
}

TEST_CASE("routes of QUIC: datagrams of any length are looked at, and what is too short has no ids", "[quic]") {
    for (std::size_t size = 0; size <= 21; ++size) {
        for (unsigned first : {0x00u, 0x40u, 0x80u, 0xc0u, 0xffu}) {
            std::vector<std::byte> datagram(size);
            if (size != 0) datagram[0] = static_cast<std::byte>(first);
            INFO(size << " " << first);
            const auto ids = quic::detail::ids_in(datagram);
            if (size < 7 || ((first & 0x80) == 0 && size <= quic::detail::own_id_size)) CHECK_FALSE(ids);
            if ((first & 0x80) == 0 && size > quic::detail::own_id_size) CHECK((ids && ids->to.size() == quic::detail::own_id_size));
            CHECK_FALSE(quic::greeting_in(datagram));
        }
    }
}

TEST_CASE("routes of QUIC: an id for which there is no memory leads nowhere, also after its connection", "[quic]") {
    if (!allocations_can_fail()) return;
    const auto routes = std::make_shared<quic::detail::Routes>(quic::detail::Routes::ResetKey());
    const std::vector<std::byte> id(12, std::byte{7});
    for (std::size_t others : {0u, 1u}) {
        auto entry = std::make_unique<quic::detail::Routes::Entry>(routes);
        {
            FailingAllocation failing(others);
            CHECK_THROWS_AS(entry->added(id), std::bad_alloc);
        }
        CHECK(routes->size() == 0);
        entry.reset();
        CHECK(routes->find(id) == nullptr);
    }
    quic::detail::Routes::Entry first(routes);
    first.added(id);
    {
        quic::detail::Routes::Entry second(routes);
        second.added(id);
    }
    CHECK(routes->size() == 1);
}

TEST_CASE("credentials of QUIC: a chain and a key that do not belong together are refused, and files that are not there named", "[quic]") {
    CHECK(error_of([] { return quic::ServerCredentials::from_pem("", ""); }));
    CHECK(error_of([] { return quic::ServerCredentials::from_pem(test_chain, "no key"); }));
    try {
        quic::ServerCredentials::from_files("/there/is/no/chain.pem", "/there/is/no/key.pem");
        FAIL("it was read");
    } catch (const std::system_error &error) {
        CHECK(error.code() == std::errc::no_such_file_or_directory);
        CHECK(std::string(error.what()).find("/there/is/no/chain.pem") != std::string::npos);
    }
    CHECK_FALSE(quic::ServerCredentials());
    CHECK(error_of([] { return quic::ClientCredentials::authorities("none"); }));
}

TEST_CASE("credentials of QUIC: a generated certificate has a fingerprint that can be written and read", "[quic]") {
    const auto made = quic::ServerCredentials::generated({"localhost", "127.0.0.1", "::1"});
    const auto other = quic::ServerCredentials::generated({"localhost"});
    REQUIRE(made);
    CHECK(made.fingerprint() != other.fingerprint());
    const std::string text = quic::to_string(made.fingerprint());
    CHECK(text.size() == 64);
    CHECK(quic::fingerprint_from(text) == made.fingerprint());
    CHECK(quic::fingerprint_from("sha256:" + text) == made.fingerprint());
    CHECK_FALSE(quic::fingerprint_from(text.substr(1)));
    CHECK_FALSE(quic::fingerprint_from("x" + text.substr(1)));
}

}
