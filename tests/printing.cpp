#include <comoq/announce.hpp>
#include <comoq/format.hpp>
#include <comoq/origin.hpp>
#include <comoq/session_stats.hpp>
#include <comoq/transport.hpp>

#include <chrono>
#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string>
#include <version>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "support/catch.hpp"

namespace printing_tests {

using namespace comoq;

namespace {

template <class T> std::string streamed(const T &value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

/// The text that every way of printing gives.
template <class T> std::string printed(const T &value) {
    const auto text = to_string(value);
    CHECK(fmt::format("{}", value) == text);
    CHECK(fmt::format("[{:>40}]", value) == fmt::format("[{:>40}]", text));
    CHECK(streamed(value) == text);
#if defined(__cpp_lib_format)
    CHECK(std::format("[{:>40}]", value) == std::format("[{:>40}]", text));
#endif
    return text;
}

}  // namespace

TEST_CASE("printing: a path is its text, an error its message, an event its name", "[printing]") {
    CHECK(printed(Path("/room//42")) == "room/42");
    CHECK(printed(Path()) == "");
    CHECK(printed(Error::NotFound) == make_error_code(Error::NotFound).message());
    CHECK(printed(Error::Cancelled) == "cancelled");
    CHECK(printed(Announcement::Event::Active) == "active");
    CHECK(printed(Announcement::Event::Restart) == "restart");
    CHECK(printed(Announcement::Event::Ended) == "ended");
}

TEST_CASE("printing: a stream's width and fill hold for the library's values", "[printing]") {
    std::ostringstream out;
    out << std::setw(6) << std::setfill('.') << Path("a/b");
    CHECK(out.str() == "...a/b");
}

TEST_CASE("printing: a timestamp is seconds, with the digits that its timescale needs, rounded down", "[printing]") {
    CHECK(printed(Timestamp()) == "0.000s");
    CHECK(printed(Timestamp(1500, Timescale(1000))) == "1.500s");
    CHECK(printed(Timestamp(7, Timescale(1))) == "7s");
    CHECK(printed(Timestamp(90'001, Timescale(90'000))) == "1.00001s");
    CHECK(printed(Timestamp(179'999, Timescale(90'000))) == "1.99998s");
    CHECK(printed(Timestamp(1'000'000'007, Timescale(1'000'000'000))) == "1.000000007s");
    CHECK(printed(Timestamp(5, Timescale(~std::uint64_t{0}))) == "0.000000000s");
    CHECK(printed(Timestamp(Timestamp::max_value, Timescale(1))) == "4611686018427387903s");
}

TEST_CASE("printing: bytes are their number, and at most 16 of them", "[printing]") {
    CHECK(printed(Bytes()) == "0 bytes");
    CHECK(printed(Bytes::copy("f")) == "1 byte: 66");
    CHECK(printed(Bytes::copy("\xff\x01z")) == "3 bytes: ff 01 7a");
    CHECK(printed(Bytes(std::string(16, 'a'))) == "16 bytes: 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61");
    CHECK(printed(Bytes(std::string(17, 'a'))) == "17 bytes: 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 ...");
}

TEST_CASE("printing: counters are a JSON object with their names", "[printing]") {
    Origin origin;
    auto guard = origin.producer().create_broadcast("room");
    CHECK(printed(origin.stats()) == to_json(origin.stats()));
    CHECK(to_json(origin.stats()) == R"({"announced":1,"nodes":1,"watchers":0,"handlers":0,"pending":0,"served":0,)"
                                     R"("cached_bytes":0,"cached_groups":0,"unsent_bytes":0,"evicted_groups":0,"lagged_readers":0})");

    auto track = guard.create_track("video");
    CHECK(printed(guard.producer().stats()) == R"({"tracks":1,"handlers":0,"pending":0,"cached_groups":0,"cached_bytes":0,)"
                                               R"("evicted_groups":0,"lagged_readers":0})");
    CHECK(printed(track.stats()) == R"({"groups":0,"lanes":0,"bytes":0,"datagrams":0,"cached_bytes":0,"subscribers":0,"handlers":0,)"
                                    R"("pending":0,"evicted_groups":0,"lagged_readers":0})");

    TransportStats stats;
    CHECK(printed(stats) == R"({"round_trip_us":null,"bandwidth":null,"received_bytes":null,"sent_bytes":null,)"
                            R"("received_packets":null,"sent_packets":null})");
    stats.round_trip = std::chrono::milliseconds(20);
    stats.sent_bytes = ~std::uint64_t{0};
    CHECK(printed(stats) ==
          R"({"round_trip_us":20000,"bandwidth":null,"received_bytes":null,"sent_bytes":18446744073709551615,)"
          R"("received_packets":null,"sent_packets":null})");

    SessionStats session;
    session.streams = 1;
    session.announcements_not_told = 6;
    session.media_bytes = 11;
    session.round_trip = std::chrono::milliseconds(20);
    session.sent_packets = 18;
    CHECK(printed(session) ==
          R"({"streams":1,"subscriptions":0,"tracks":0,"announced":0,"announcements_left_out":0,"announcements_not_told":6,)"
          R"("announcements_told":0,"groups_in_flight":0,"groups_sent":0,"groups_given_up":0,"media_bytes":11,"unsent_bytes":0,)"
          R"("round_trip_us":20000,"bandwidth":null,"received_bytes":null,"sent_bytes":null,)"
          R"("received_packets":null,"sent_packets":18})");
}

}  // namespace printing_tests
