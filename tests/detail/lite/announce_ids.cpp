#include <comoq/detail/lite/announce_ids.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/seed.hpp"

namespace announce_ids_tests {

using namespace comoq;
using namespace comoq::test;
using lite::Announce;
using lite::AnnounceEnd;
using lite::AnnounceRestart;
using lite::AnnounceStart;
using lite::detail::AnnouncedIds;
using lite::detail::AnnouncePlaces;
using lite::detail::AnnounceWriter;

namespace {

constexpr auto draft_06 = lite::Version::Draft06;

struct Ids {
    explicit Ids(std::size_t most = 100) : ids(most, count) {}
    std::atomic<std::size_t> count{0};
    AnnouncedIds ids;
};

/// What the peer's bytes mean.
std::vector<Announce> read_all(AnnouncedIds &ids, std::span<const std::byte> octets) {
    std::vector<Announce> all;
    std::error_code failure;
    while (const auto type = comoq::detail::read_varint(octets)) {
        const auto framed = lite::next_message(octets.subspan(type->size), failure);
        REQUIRE(framed);
        octets = octets.subspan(type->size + framed->size);
        std::optional<Announce> change;
        switch (static_cast<lite::AnnounceType>(type->value)) {
        case lite::AnnounceType::Start: change = ids.start(*lite::decode<AnnounceStart>(framed->body, draft_06)); break;
        case lite::AnnounceType::End: change = ids.end(*lite::decode<AnnounceEnd>(framed->body, draft_06)); break;
        case lite::AnnounceType::Restart: change = ids.restart(*lite::decode<AnnounceRestart>(framed->body, draft_06)); break;
        }
        if (change) all.push_back(*change);
    }
    return all;
}

}  // namespace

TEST_CASE("announce ids: each START takes the next number, which names it until its END", "[lite]") {
    Ids of;
    CHECK(of.ids.start({"a", {1}, {2, 3}}) == Announce{true, "a", {1}, {2, 3}});
    CHECK(of.ids.start({"b", {}, {}}) == Announce{true, "b", {}, {}});
    CHECK(of.ids.restart({1, {7}, {4, 5}}) == Announce{true, "b", {7}, {4, 5}});
    CHECK(of.ids.end({0})->suffix == "a");
    CHECK_FALSE(of.ids.knows("a"));
    CHECK(of.ids.knows("b"));
    // A path that comes again has a number of its own.
    CHECK(of.ids.start({"a", {}, {}})->suffix == "a");
    CHECK(error_of([&] { of.ids.end({0}); }) == Error::ProtocolViolation);
    CHECK(of.ids.end({2})->suffix == "a");
    CHECK(of.ids.end({1})->suffix == "b");
}

TEST_CASE("announce ids: a START of a live path, and a number that was never given or has ended, is a violation", "[lite]") {
    Ids of;
    of.ids.start({"a", {}, {}});
    CHECK(error_of([&] { of.ids.start({"a", {}, {}}); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { of.ids.start({"/a//", {}, {}}); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { of.ids.end({1}); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { of.ids.restart({1, {}, {}}); }) == Error::ProtocolViolation);
    CHECK(of.ids.end({0})->suffix == "a");
    CHECK(error_of([&] { of.ids.end({0}); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { of.ids.restart({0, {}, {}}); }) == Error::ProtocolViolation);
    CHECK(error_of([&] { of.ids.end({comoq::detail::max_varint}); }) == Error::ProtocolViolation);
}

TEST_CASE("announce ids: a suffix that is not a path keeps its number, and not its length", "[lite]") {
    Ids of;
    const std::string long_one(10'000, 'x');
    const auto key = of.ids.start({long_one, {}, {}})->suffix;
    CHECK(key.size() < 30);
    CHECK(error_of([&] { of.ids.start({long_one, {}, {}}); }) == Error::ProtocolViolation);
    CHECK(of.ids.end({0})->suffix == key);
}

TEST_CASE("announce ids: beyond the most that are known, announcements are counted and forgotten", "[lite]") {
    std::atomic<std::size_t> count{0};
    {
        AnnouncedIds ids(2, count);
        ids.start({"a", {}, {}});
        ids.start({"b", {}, {}});
        CHECK_FALSE(ids.start({"c", {}, {}}));
        CHECK_FALSE(ids.start({"d", {}, {}}));
        CHECK(count == 2);
        CHECK_FALSE(ids.knows("c"));
        CHECK_FALSE(ids.restart({2, {}, {}}));
        CHECK_FALSE(ids.end({2}));
        CHECK(count == 1);
        // There is room again; its number goes on.
        CHECK(ids.end({0})->suffix == "a");
        CHECK(ids.start({"e", {}, {}})->suffix == "e");
        CHECK(ids.end({4})->suffix == "e");
        CHECK(error_of([&] { ids.end({5}); }) == Error::ProtocolViolation);
        CHECK_FALSE(ids.end({3}));
        CHECK(count == 0);
        CHECK(error_of([&] { ids.end({3}); }) == Error::ProtocolViolation);
        ids.start({"f", {}, {}});
        CHECK_FALSE(ids.start({"g", {}, {}}));
        CHECK(count == 1);
    }
    CHECK(count == 0);
}

TEST_CASE("announce ids: long paths are known for the octets of as many usual ones", "[lite]") {
    Ids of(4);
    const std::string first(300, 'a'), second(212, 'b');
    CHECK(of.ids.start({first, {}, {}}));
    CHECK(of.ids.start({second, {}, {}}));
    CHECK_FALSE(of.ids.start({"c", {}, {}}));
    CHECK(of.count == 1);
    // The end of one makes room for others.
    CHECK(of.ids.end({0}) == Announce{false, first, {}, {}});
    CHECK(of.ids.start({"d", {}, {}}));
    CHECK_FALSE(of.ids.end({2}));
    CHECK(of.count == 0);
    CHECK(of.ids.end({3}) == Announce{false, "d", {}, {}});
}

TEST_CASE("announce ids: what is written is read as the same changes, in both versions", "[lite]") {
    Ids of(1'000);
    AnnouncePlaces places(1'000);
    AnnounceWriter writer(draft_06, places);
    std::mt19937_64 random(seed("announce ids"));
    std::vector<Announce> told;
    std::vector<bool> live(20);
    std::vector<std::byte> octets;
    for (int i = 0; i < 2'000; ++i) {
        const auto which = random() % live.size();
        Announce change{random() % 3 != 0, "p" + std::to_string(which), {}, {}};
        if (!change.active && !live[which]) continue;
        live[which] = change.active;
        if (change.active) {
            change.hops.assign(random() % 4, 0);
            change.cost = {random() % 100, random() % 100};
        }
        writer.write(change, false, octets);
        told.push_back(change);
    }
    CHECK(read_all(of.ids, octets) == told);

    std::vector<std::byte> old, expected;
    AnnounceWriter(lite::Version::Draft05, places).write(Announce{true, "a", {7}, {1, 2}}, true, old);
    lite::encode(Announce{true, "a", {7}}, lite::Version::Draft05, expected);
    CHECK(old == expected);
}

TEST_CASE("announce ids: what finds no place is not told, and counted, until it changes when there is one", "[lite]") {
    AnnouncePlaces places(2);
    std::vector<std::byte> octets;
    {
        AnnounceWriter one(draft_06, places), other(draft_06, places);
        one.write(Announce{true, "a", {}, {}}, true, octets);
        other.write(Announce{true, "a", {}, {}}, true, octets);
        octets.clear();
        one.write(Announce{true, "b", {}, {}}, true, octets);
        other.write(Announce{true, "b", {}, {}}, true, octets);
        CHECK(places.left_out == 2);
        // Another route finds no place either, and is not another announcement.
        one.write(Announce{true, "b", {7}, {}}, false, octets);
        CHECK(places.left_out == 2);
        // Its end is nothing to tell.
        other.write(Announce{false, "b", {}, {}}, false, octets);
        CHECK(places.left_out == 1);
        CHECK(octets.empty());
        // The end of another makes room, on whichever stream.
        other.write(Announce{false, "a", {}, {}}, false, octets);
        octets.clear();
        one.write(Announce{true, "b", {7}, {1, 2}}, false, octets);
        std::vector<std::byte> expected;
        lite::encode_typed(lite::AnnounceType::Start, lite::AnnounceStart{"b", {7}, {1, 2}}, draft_06, expected);
        CHECK(octets == expected);
        CHECK(places.left_out == 0);
        other.write(Announce{true, "c", {}, {}}, true, octets);
        CHECK(places.left_out == 1);
    }
    // A stream that has ended leaves nothing behind.
    CHECK(places.left_out == 0);
    CHECK(places.take(3) == 2);
}

TEST_CASE("announce ids: as many are told as were counted, whatever other streams take", "[lite]") {
    AnnouncePlaces places(3);
    std::vector<std::byte> octets;
    AnnounceWriter one(draft_06, places), other(draft_06, places);
    CHECK(one.keep_places(2) == 2);
    CHECK(other.keep_places(2) == 1);
    for (const char *path : {"a", "b"}) other.write(Announce{true, path, {}, {}}, true, octets);
    CHECK(places.left_out == 1);
    octets.clear();
    for (const char *path : {"a", "b", "c"}) one.write(Announce{true, path, {}, {}}, true, octets);
    CHECK(places.left_out == 2);
    Ids of(10);
    CHECK(read_all(of.ids, octets).size() == 2);
    // Without numbers nothing is kept for them.
    AnnounceWriter old(lite::Version::Draft05, places);
    CHECK(old.keep_places(1'000) == 1'000);
}

}
