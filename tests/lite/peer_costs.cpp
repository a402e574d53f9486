// The memory that a peer can make a session hold: for each thing at most what the table of tests/README.md says, up to
// a bound, and no more beyond it.
#include <comoq/lite/session.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/this_coro.hpp>

#include <comoq/detail/lite/datagram.hpp>
#include <comoq/detail/session/announce_feed.hpp>
#include <comoq/detail/session/awaited_sources.hpp>
#include <comoq/detail/session/left_out_names.hpp>

#include "lite/peer_cost.hpp"
#include "lite/peer_cost_scene.hpp"
#include "lite/wire_peer.hpp"
#include "support/catch.hpp"
#include "support/cost_table.hpp"

namespace peer_costs_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace lite_peer_costs_tests;

namespace {

/// Writes the announcement of a path that the peer has not announced yet. The peer remembers nothing of it.
void write_start(const std::string &path, Octets &to) {
    if (lite::layout_of(spoken()).announce_ids)
        lite::encode_typed(lite::AnnounceType::Start, lite::AnnounceStart{path, {}, {}}, spoken(), to);
    else
        lite::encode(lite::Announce{true, path, {}}, spoken(), to);
}

void just_begin(WirePeer &peer) { peer.begin(); }

/// Each broadcast has one track, and ends when nobody has it.
asio::awaitable<void> make(OriginProducer origin, BroadcastRequest request) {
    auto broadcast = origin.make_broadcast();
    auto track = broadcast.create_track("video");
    request.accept(broadcast.consume());
    auto unused = broadcast.unused();
    co_await std::move(unused);
}
asio::awaitable<void> serve_on_demand(OriginProducer origin, OriginDynamic handler) {
    const auto executor = co_await asio::this_coro::executor;
    while (auto request = co_await handler.requested_broadcast())
        asio::co_spawn(executor, make(origin, std::move(*request)), asio::detached);
}

/// As `each`, with a track for the peer's questions.
template <class Send> auto each_of_serving(Send send) {
    return [=](std::size_t count) {
        WirePeer peer;
        Serving serving(peer);
        peer.begin();
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) send(peer, i);
        });
    };
}

}  // namespace

TEST_CASE("peer costs: an announcement, and those that are left out", "[lite][peer_costs][versions]") {
    const Speaking speaking(GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06")));
    // Many in a record, which is cheapest for the peer.
    constexpr std::size_t together = 64;
    const auto announce = [](WirePeer &peer, std::size_t i) {
        if (i % together != 0) return;
        Octets octets;
        for (std::size_t one = i; one < i + together; ++one) write_start(number(one), octets);
        peer.announce(octets);
    };
    check_cost(row_name("announcement"), lite::SessionConfig().max_announced, 8 * together, each(just_begin, announce));

    const auto none = [](WirePeer &peer) {
        peer.config.max_announced = 0;
        peer.begin();
    };
    constexpr std::size_t names = comoq::detail::LeftOutNames::most;
    const auto left_out = row_name("announcement that is left out");
    check_cost(left_out, names, 64 * together, each(none, announce));

    WirePeer peer;
    none(peer);
    check_row_bound(left_out, peer, names, [&](std::size_t i) { announce(peer, i); });
    CHECK(peer.session->announcements_left_out() == 4 * names);
    CHECK(peer.open());
}

TEST_CASE("peer costs: one announcement again and again takes nothing", "[lite][peer_costs]") {
    WirePeer peer;
    peer.begin();
    peer.announce(true, "a");
    check_bound("one path", peer, 2'000, [&](std::size_t i) { peer.announce(i % 2 != 0, "a"); });
    CHECK(peer.open());
}

TEST_CASE("peer costs: an announce stream", "[lite][peer_costs]") {
    const auto question = opening(BidiStreamType::Announce, lite::AnnounceRequest{"", 0});
    constexpr auto most = comoq::detail::AnnounceFeeds::most_followers;
    check_cost("announce stream", most, most / 2, each(just_begin, [=](WirePeer &peer, std::size_t) { peer.open_bidi(question); }));
    WirePeer peer;
    peer.begin();
    check_row_bound("announce stream", peer, most, [&](std::size_t i) {
        const auto stream = peer.open_bidi(question);
        // As every client does whose question is refused.
        if (i >= most) peer.send(qmux::ResetStream{stream, 0, question.size()});
    });
    CHECK(refused_of(peer, [&] { peer.open_bidi(question); }) == 1);
    CHECK(peer.open());
}

TEST_CASE("peer costs: a subscription, a fetch and a question", "[lite][peer_costs]") {
    const auto streams = qmux::default_parameters().max_streams_bidi;
    check_cost("subscription", streams, 200,
               each_of_serving([](WirePeer &peer, std::size_t i) { peer.open_bidi(subscribe_to("a", 1'000 + i)); }));
    const auto fetch = opening(BidiStreamType::Fetch, lite::Fetch{"a", "video", 0, 0});
    check_cost("fetch", streams, 200, each_of_serving([=](WirePeer &peer, std::size_t) { peer.open_bidi(fetch, true); }));

    // For a path that a handler covers, and does not serve.
    std::optional<OriginDynamic> handler;
    const auto with_handler = [&](WirePeer &peer) {
        handler.emplace(peer.origin.producer().dynamic());
        peer.begin();
    };
    const auto ask = [](WirePeer &peer, std::size_t i) {
        peer.open_bidi(opening(BidiStreamType::Track, lite::Track{number(i), "video"}), true);
    };
    check_cost("question without an answer", lite::SessionConfig().max_waiting, 200, each(with_handler, ask));
    WirePeer peer;
    with_handler(peer);
    check_row_bound("question without an answer", peer, lite::SessionConfig().max_waiting, [&](std::size_t i) { ask(peer, i); });
    CHECK(peer.open());
    handler.reset();
}

TEST_CASE("peer costs: a broadcast that stays between a question and the subscription", "[lite][peer_costs]") {
    constexpr auto most = comoq::detail::AwaitedSources::most;
    constexpr auto row = "broadcast that was asked about";
    const auto with_handler = [](WirePeer &peer) {
        const auto origin = peer.origin.producer();
        asio::co_spawn(peer.context, serve_on_demand(origin, origin.dynamic()), asio::detached);
        peer.begin();
    };
    const auto ask = [](WirePeer &peer, std::size_t i) {
        peer.open_bidi(opening(BidiStreamType::Track, lite::Track{number(i), "video"}), true);
    };
    check_cost(row, most, most / 2, each(with_handler, ask));
    WirePeer peer;
    with_handler(peer);
    check_row_bound(row, peer, most, [&](std::size_t i) { ask(peer, i); });
    CHECK(peer.open());
}

TEST_CASE("peer costs: a stream, and bytes that nobody reads yet", "[lite][peer_costs]") {
    const auto parameters = qmux::default_parameters();
    const auto nothing = [](WirePeer &peer, std::size_t) { peer.open_bidi({}); };
    check_cost("stream", parameters.max_streams_bidi, 300, each(just_begin, nothing));
    // Streams that are opened and released leave nothing behind.
    WirePeer peer;
    peer.begin();
    check_bound("stream that is reset", peer, 4'000, [&](std::size_t) {
        const auto id = peer.open_bidi({});
        peer.send(qmux::StopSending{id, 0});
        peer.send(qmux::ResetStream{id, 0, 0});
    });
    CHECK(peer.open());
    // One too many ends the session.
    for (std::uint64_t i = 0; i <= parameters.max_streams_uni && peer.open(); ++i) peer.open_uni({});
    CHECK_FALSE(peer.open());
    WirePeer other;
    other.begin();
    const auto full_of_streams = taken_by(other, [&] {
        for (std::uint64_t i = 0; i < parameters.max_streams_bidi; ++i) other.open_bidi({});
    });
    CHECK(other.open());
    CHECK(full_of_streams.held <= 1.25 * cost_row("stream").held * static_cast<double>(parameters.max_streams_bidi));
    other.open_bidi({});
    CHECK_FALSE(other.open());

    // The session reads nothing before the SETUP. One byte a frame: the overhead of a frame counts.
    const auto unread = [](std::size_t count) {
        WirePeer waiting;
        waiting.begin(false);
        const auto id = waiting.open_bidi({});
        const Octets byte(1);
        return taken_by(waiting, [&] {
            for (std::size_t i = 0; i < count; ++i) waiting.send(qmux::Stream{id, i, byte, false});
        });
    };
    check_cost("byte that is not read", parameters.max_data, 30'000, unread);
    WirePeer full;
    full.begin(false);
    const Octets much(16'000);
    for (int stream = 0; stream < 8 && full.open(); ++stream) {
        const auto id = full.open_bidi({});
        for (std::uint64_t i = 0; i < 10 && full.open(); ++i) full.send(qmux::Stream{id, i * much.size(), much, false});
    }
    CHECK_FALSE(full.open());
}

TEST_CASE("peer costs: pings and credit take nothing", "[lite][peer_costs]") {
    WirePeer peer;
    peer.begin();
    peer.deaf = true;
    std::uint64_t number = 0;
    check_bound("ping", peer, 5'000, [&](std::size_t) { peer.send(qmux::PingRequest{++number}); });
    check_bound("credit", peer, 5'000, [&](std::size_t i) { peer.send(qmux::MaxData{(1 << 30) + i}); });
    CHECK(peer.open());
}

TEST_CASE("peer costs: a session", "[lite][peer_costs]") {
    // The default of the example relay.
    constexpr std::uint64_t sessions_of_relay = 4'096;
    check_cost("session", sessions_of_relay, 32, [](std::size_t count) {
        std::vector<std::unique_ptr<WirePeer>> peers;
        for (std::size_t i = 0; i < count; ++i) peers.push_back(std::make_unique<WirePeer>());
        Taken all;
        const auto before = heap_in_use();
        for (auto &peer : peers) {
            peer->begin();
            all.sent += static_cast<double>(peer->sent);
        }
        all.held = static_cast<double>(heap_in_use() - before);
        return all;
    });
}

TEST_CASE("peer costs: the address in a GOAWAY", "[lite][peer_costs]") {
    check_cost("byte of the address in a GOAWAY", lite::max_message_size, 4'000, [](std::size_t count) {
        WirePeer peer;
        peer.begin();
        return taken_by(peer, [&] {
            peer.open_bidi(opening(BidiStreamType::Goaway, lite::Goaway{std::string(count, 'x')}), true);
        });
    });
    // One for a session, and of no more bytes than a message.
    WirePeer peer;
    peer.begin();
    Octets longer;
    comoq::detail::WireWriter writer(longer);
    writer.varint(static_cast<std::uint64_t>(BidiStreamType::Goaway));
    writer.varint(1'000'000);
    longer.resize(10'000);
    CHECK(taken_by(peer, [&] { peer.open_bidi(longer, true); }).held < 64 * 1024);
    CHECK(peer.open());
    const auto told = opening(BidiStreamType::Goaway, lite::Goaway{"tcp://there"});
    peer.open_bidi(told, true);
    CHECK(peer.open());
    peer.open_bidi(told, true);
    peer.run();
    CHECK_FALSE(peer.open());
}

TEST_CASE("peer costs: a broadcast that is requested from a peer that has not announced it", "[lite][peer_costs]") {
    constexpr std::size_t most = 300;
    struct Asked {
        WirePeer peer;
        std::vector<BroadcastConsumer> broadcasts;
        std::size_t refused = 0;
        void ask(std::size_t i) {
            try {
                broadcasts.push_back(peer.session->broadcast(number(i)));
            } catch (const std::system_error &error) {
                refused += error.code() == Error::LimitReached ? 1 : 0;
            }
            peer.run();
        }
    };
    check_cost("broadcast that nobody has announced", lite::SessionConfig().max_requested, most, [&](std::size_t count) {
        Asked asked;
        asked.peer.begin();
        asked.broadcasts.reserve(count);
        auto taken = taken_by(asked.peer, [&] {
            for (std::size_t i = 0; i < count; ++i) asked.ask(i);
        });
        // A viewer of another session asks, for each of them.
        Octets question;
        qmux::encode(qmux::Stream{4'000, 0, opening(BidiStreamType::Track, lite::Track{number(0), "video"}), true}, question);
        taken.sent = static_cast<double>(question.size() * count);
        return taken;
    });
    Asked asked;
    asked.peer.config.max_requested = most;
    asked.broadcasts.reserve(most);
    asked.peer.begin();
    check_row_bound("broadcast that nobody has announced", asked.peer, most, [&](std::size_t i) { asked.ask(i); });
    CHECK(asked.refused == 3 * most);
}

TEST_CASE("peer costs: every row of the table is measured", "[lite][peer_costs]") {
    const std::set<std::string> measured{"announcement", "announcement that is left out", "announcement on moq-lite-06",
                                         "announcement that is left out on moq-lite-06", "announce stream",
                                         "change of an announcement, for another that reads nothing",
                                         "change of an announcement on moq-lite-06, for another that reads nothing",
                                         "subscription", "fetch",
                                         "question without an answer", "broadcast that was asked about",
                                         "subscription whose groups are not taken", "group",
                                         "group that is under way", "frame", "chunk of a byte", "datagram", "stream",
                                         "byte that is not read", "session", "broadcast that nobody has announced",
                                         "HTTP request", "stream for a group that is not taken", "newest group of a track",
                                         "newest group of one more track", "byte of the address in a GOAWAY",
                                         "announcement that a peer is told on moq-lite-06", "number beside a gap",
                                         "track that somebody reads", "subscription of MoQ Transport",
                                         "fetch of MoQ Transport", "fill of a subscription",
                                         "subscription that waits for its broadcast",
                                         "namespace that is published", "namespace that is told",
                                         "namespace that is told and left out", "stream for namespaces",
                                         "namespace that a peer is told", "track that is published",
                                         "byte of a published track's properties", "subgroup", "subgroup that is under way",
                                         "object with properties", "byte of an object's properties",
                                         "stream that comes before its subscription", "datagram that comes before its subscription",
                                         "number of a request beside a gap",
                                         "byte of SETUP", "answer by HTTP that is not taken",
                                         "QUIC connection", "QUIC handshake that is half done", "QUIC stream",
                                         "QUIC stream with a gap", "byte that is not read over QUIC"};
    std::set<std::string> listed;
    for (const auto &row : cost_table()) listed.insert(row.thing);
    CHECK(listed == measured);
}

}
