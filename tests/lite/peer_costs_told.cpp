// Peer costs: changes and announcements that are told to a peer.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include <comoq/detail/lite/datagram.hpp>
#include <comoq/detail/session/announce_feed.hpp>

#include "lite/peer_cost.hpp"
#include "lite/peer_cost_scene.hpp"
#include "lite/wire_peer.hpp"
#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/media.hpp"

namespace peer_costs_told_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace lite_peer_costs_tests;

namespace {

/// How many octets say that a path has another route.
std::size_t size_of_change() {
    Octets octets;
    if (lite::layout_of(spoken()).announce_ids)
        lite::encode_typed(lite::AnnounceType::Restart, lite::AnnounceRestart{1'000, {}, {}}, spoken(), octets);
    else
        lite::encode(lite::Announce{true, number(0), {}}, spoken(), octets);
    return octets.size();
}

/// Broadcasts that are announced, and replaced: each replacement is a change for each of the peer's streams.
struct Changing {
    Changing(WirePeer &peer, std::size_t count) : producer(peer.origin.producer()) {
        for (std::size_t i = 0; i < count; ++i) guards.push_back(producer.publish_broadcast(number(i), one.consume()));
    }
    void change(std::size_t i) {
        auto next = producer.publish_broadcast(number(i), other.consume());
        guards[i] = std::move(next);
    }
    OriginProducer producer;
    // With other hops: or else a peer that has not asked for it is told nothing.
    BroadcastProducer one = producer.make_broadcast(BroadcastInfo({8})), other = producer.make_broadcast(BroadcastInfo({9}));
    std::deque<OriginPublish> guards;
};

void ask_for_all(WirePeer &peer, std::size_t streams) {
    for (std::size_t i = 0; i < streams; ++i) peer.open_bidi(opening(BidiStreamType::Announce, lite::AnnounceRequest{"", 0}));
    peer.run();
}

}  // namespace

TEST_CASE("peer costs: changes that wait for a peer that reads nothing", "[lite][peer_costs][versions]") {
    constexpr auto most = comoq::detail::AnnounceFeed::most_waiting;
    const Speaking speaking(GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06")));
    const auto thing = row_name("change of an announcement, for another that reads nothing");
    check_cost(thing, most, 4'000, [](std::size_t count) {
        WirePeer peer;
        Changing changing(peer, 8'000);
        peer.begin();
        ask_for_all(peer, 1);
        peer.deaf = true;
        // The bytes that are in the stream already.
        for (std::size_t i = 0; i < 8'000; ++i) changing.change(i % 2);
        auto taken = taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) changing.change(i);
        });
        // From another session.
        taken.sent = static_cast<double>(size_of_change() * count);
        return taken;
    });
    // Many streams, and many announcements: sixteen times as many changes as one stream has.
    WirePeer peer;
    constexpr std::size_t paths = 10'000;
    static_assert(paths * comoq::detail::AnnounceFeeds::most_followers > most);
    Changing changing(peer, paths);
    peer.begin();
    ask_for_all(peer, comoq::detail::AnnounceFeeds::most_followers);
    peer.deaf = true;
    const auto taken = taken_by(peer, [&] {
        for (std::size_t i = 0; i < paths; ++i) changing.change(i);
    });
    CHECK(taken.held <= 1.25 * cost_row(thing).held * static_cast<double>(most));
    CHECK(peer.open());
}

TEST_CASE("peer costs: many streams times many announcements, for a peer that reads nothing",
          "[lite][peer_costs][versions]") {
    const Speaking speaking(GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06")));
    constexpr std::size_t streams = comoq::detail::AnnounceFeeds::most_followers;
    const auto held_with = [](std::size_t paths) {
        WirePeer peer;
        Changing changing(peer, paths);
        peer.begin();
        // The first one brings the order of the paths, which all streams share.
        ask_for_all(peer, 1);
        peer.deaf = true;
        return taken_by(peer, [&] { ask_for_all(peer, streams - 1); }).held;
    };
    // A batch for each stream, whatever its content, and on moq-lite-06 the numbers of what is in it.
    const auto held = held_with(20'000);
    CHECK(held < streams * (lite::layout_of(spoken()).announce_ids ? 192.0 : 160.0) * 1024);
    check_flat("announcements to be listed", held, held_with(40'000) - held);
}

TEST_CASE("peer costs: what a peer is told on moq-lite-06", "[lite][peer_costs][versions]") {
    const Speaking speaking("moq-lite-06");
    constexpr std::size_t streams = comoq::detail::AnnounceFeeds::most_followers;
    const auto most = lite::SessionConfig().max_told;
    // The memory for the numbers of what is there, on each stream but the first.
    const auto held_with = [](std::size_t paths, std::size_t most_told) {
        WirePeer peer;
        peer.config.max_told = most_told;
        Changing changing(peer, paths);
        peer.begin();
        ask_for_all(peer, 1);
        const auto taken = taken_by(peer, [&] { ask_for_all(peer, streams - 1); });
        const auto told = std::min(most_told, paths * streams);
        CHECK(peer.session->announcements_not_told() == paths * streams - told);
        CHECK(peer.open());
        return taken.held;
    };
    // All streams together are one of it, for the comparison with the row.
    check_cost("announcement that a peer is told on moq-lite-06", most, 1'000 * (streams - 1), [&](std::size_t count) {
        Octets octets;
        lite::encode_typed(lite::AnnounceType::Start, lite::AnnounceStart{number(0), {}, {}}, spoken(), octets);
        // From another session: an announcement reaches all streams.
        return Taken{static_cast<double>(octets.size() * count), held_with(count / (streams - 1), most)};
    });
    const auto at_the_bound = held_with(2'000, 2'000 * 4);
    check_flat("announcements that find no place", at_the_bound, held_with(4'000, 2'000 * 4) - at_the_bound);
}

}
