// The memory that a peer can make a session hold: for each thing at most what the table of tests/README.md says, up to
// a bound, and no more beyond it.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <comoq/detail/lite/datagram.hpp>
#include <comoq/detail/session/announce_feed.hpp>
#include <comoq/detail/session/left_out_names.hpp>

#include "lite/peer_cost.hpp"
#include "lite/wire_peer.hpp"
#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/media.hpp"

namespace lite_peer_costs_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using lite::BidiStreamType;

/// The number of streams that the session refuses during `act`.
std::size_t refused_of(WirePeer &peer, const std::function<void()> &act) {
    const auto before = peer.refused;
    peer.listens = true;
    act();
    peer.listens = false;
    return peer.refused - before;
}

std::string number(std::size_t i) { return std::to_string(10'000 + i); }

/// Where the versions differ, each has a row of its own in the table.
std::string row_name(std::string thing) {
    if (!lite::layout_of(spoken()).announce_ids) return thing;
    // The row says whose changes wait for whom.
    const auto at = std::min(thing.find(','), thing.size());
    return thing.insert(at, " on moq-lite-06");
}

/// Writes the announcement of a path that the peer has not announced yet. The peer remembers nothing of it.
void write_start(const std::string &path, Octets &to) {
    if (lite::layout_of(spoken()).announce_ids)
        lite::encode_typed(lite::AnnounceType::Start, lite::AnnounceStart{path, {}, {}}, spoken(), to);
    else
        lite::encode(lite::Announce{true, path, {}}, spoken(), to);
}
/// How many octets say that a path has another route.
std::size_t size_of_change() {
    Octets octets;
    if (lite::layout_of(spoken()).announce_ids)
        lite::encode_typed(lite::AnnounceType::Restart, lite::AnnounceRestart{1'000, {}, {}}, spoken(), octets);
    else
        lite::encode(lite::Announce{true, number(0), {}}, spoken(), octets);
    return octets.size();
}

void just_begin(WirePeer &peer) { peer.begin(); }

Octets subscribe_to(std::string_view path, std::size_t id) {
    return opening(BidiStreamType::Subscribe, lite::Subscribe{id, std::string(path), "video", {}});
}

/// A session that serves a track, with a group in progress.
struct Serving {
    explicit Serving(WirePeer &peer) : broadcast(peer.origin.producer().create_broadcast("a")) { group.write_frame(payload("x")); }
    BroadcastPublish broadcast;
    TrackProducer track = broadcast.producer().create_track("video");
    GroupProducer group = track.append_group();
};

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

TrackInfo kept_long() {
    TrackInfo info;
    info.max_latency = 24h;
    return info;
}
Origin origin_with_cache(std::size_t bytes) {
    OriginConfig of;
    of.id = 1;
    of.max_cached_bytes = bytes;
    return Origin(std::move(of));
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

namespace {

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

TEST_CASE("peer costs: media that a subscriber does not take", "[lite][peer_costs]") {
    const auto most = lite::SessionConfig().max_unsent;
    const auto all = [&](std::size_t subscriptions, std::size_t frame = 256 * 1024, int groups = 256) {
        auto theirs = WirePeer::generous();
        theirs.max_stream_data_uni = 0;
        WirePeer peer(origin_with_cache(64 << 20));
        Serving serving(peer);
        peer.begin(true, theirs);
        const auto taken = taken_by(peer, [&] {
            for (std::size_t i = 0; i < subscriptions; ++i) peer.open_bidi(subscribe_to("a", 1'000 + i));
            for (int i = 0; i < groups; ++i) {
                auto group = serving.track.append_group();
                group.write_frame(payload(frame));
                group.finish();
                peer.run();
            }
        });
        CHECK(peer.origin.stats().unsent_bytes <= 2 * most + frame);
        CHECK(peer.open());
        // All sessions share the cache.
        return Taken{taken.sent, static_cast<double>(peer.origin.stats().unsent_bytes)};
    };
    check_cost("subscription whose groups are not taken", most, 1, all);
    check_flat("subscription whose groups are not taken", all(4).held, all(16).held - all(4).held);
    // The oldest group of each goes beyond the limit, to twice that: no more, however many and large.
    CHECK(all(40).held > static_cast<double>(most));
    CHECK(all(80).held <= all(40).held);
    all(40, 12 << 20, 2);
    all(3, 30 << 20, 2);
}

TEST_CASE("peer costs: the streams of groups that a subscriber does not take", "[lite][peer_costs]") {
    // What a subscription has on its way, and what a session has before its subscriptions get one at a time.
    constexpr std::size_t of_subscription = 128, of_session = 1'024;
    const auto with = [](std::size_t subscriptions, std::size_t groups) {
        auto theirs = WirePeer::generous();
        theirs.max_stream_data_uni = 0;
        WirePeer peer(origin_with_cache(64 * 1024));
        Serving serving(peer);
        peer.begin(true, theirs);
        for (std::size_t i = 0; i < subscriptions; ++i) peer.open_bidi(subscribe_to("a", 1'000 + i));
        auto taken = taken_by(peer, [&] {
            for (std::size_t i = 0; i < groups; ++i) {
                auto group = serving.track.append_group();
                group.write_frame(payload("x"));
                group.finish();
                peer.run();
            }
        });
        CHECK(peer.open());
        // From another session: each group once.
        taken.sent = static_cast<double>(WirePeer::group(0, 0, {0, 1, 'x'}).size() * groups);
        return taken;
    };
    check_cost("stream for a group that is not taken", of_session, of_subscription / 2, [&](std::size_t count) { return with(1, count); });
    constexpr std::size_t subscriptions = 2 * of_session / of_subscription;
    const auto full = with(subscriptions, of_subscription).held, more = with(subscriptions, 4 * of_subscription).held;
    CHECK(full <= 1.25 * cost_row("stream for a group that is not taken").held * (of_session + subscriptions));
    check_flat("stream for a group that is not taken", full, more - full);
}

TEST_CASE("peer costs: the newest group of a track, whatever the pool holds", "[lite][peer_costs]") {
    constexpr std::size_t cache = 1 << 20, most = comoq::detail::MediaBounds::max_group_bytes;
    // Each track of a peer and an origin of its own: the pools are full.
    struct Newest {
        Newest() : peer(origin_with_cache(cache)) {
            peer.begin();
            id = peer.be_subscribed(kept_long());
        }
        void send(std::uint64_t group, std::size_t octets) {
            auto begun = WirePeer::group(id, group);
            std::uint64_t offset = begun.size();
            const auto stream = peer.open_uni(begun);
            Octets frame;
            comoq::detail::WireWriter writer(frame);
            writer.varint(0);
            writer.varint(16'000);
            frame.resize(frame.size() + 16'000);
            for (std::size_t sent = 0; sent < octets; sent += 16'000) {
                peer.send(qmux::Stream{stream, offset, frame, false});
                offset += frame.size();
            }
            peer.send(qmux::Stream{stream, offset, {}, true});
        }
        WirePeer peer;
        std::uint64_t id = 0;
    };
    check_cost("newest group of a track", most, 1, [](std::size_t count) {
        std::deque<Newest> tracks;
        for (std::size_t i = 0; i < count; ++i) tracks.emplace_back();
        Taken all;
        for (auto &track : tracks) {
            const auto taken = taken_by(track.peer, [&] { track.send(0, most); });
            all.sent += taken.sent;
            all.held += taken.held;
        }
        return all;
    });
    Newest track;
    const auto of_one = taken_by(track.peer, [&] { track.send(0, most); }).held;
    CHECK(track.peer.origin.stats().cached_bytes > cache);
    // A longer one drops its oldest frames, and a newer one brings the older within the pool's bound.
    const auto of_longer = taken_by(track.peer, [&] { track.send(1, 2 * most); }).held;
    check_flat("newest group of a track", of_one, of_longer);
    taken_by(track.peer, [&] { track.send(2, 16'000); });
    CHECK(track.peer.origin.stats().cached_bytes <= cache);
    CHECK(track.peer.open());
}

namespace {

/// A track of a peer's that is subscribed to, with a group in progress.
struct Growing {
    Growing(WirePeer &of, const std::string &name) : peer(of) {
        const auto begun = WirePeer::group(peer.be_subscribed(kept_long(), name), 0);
        stream = peer.open_uni(begun);
        offset = begun.size();
    }
    void grow(std::size_t frames) {
        Octets frame;
        comoq::detail::WireWriter writer(frame);
        writer.varint(0);
        writer.varint(16'000);
        frame.resize(frame.size() + 16'000);
        for (std::size_t i = 0; i < frames; ++i) {
            peer.send(qmux::Stream{stream, offset, frame, false});
            offset += frame.size();
        }
    }
    /// Whether the group is still there.
    bool held(const std::string &name) const {
        return now(peer.config.publish->announced_broadcast(peer.broadcast)).track(name).get_group(0).has_value();
    }

    WirePeer &peer;
    std::uint64_t stream = 0, offset = 0;
};

}  // namespace

TEST_CASE("peer costs: the newest groups of many tracks of a peer, whatever the pool holds", "[lite][peer_costs]") {
    check_cost("newest group of one more track", lite::SessionConfig().max_newest_bytes, 8, [](std::size_t count) {
        WirePeer peer(origin_with_cache(1));
        peer.begin();
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) Growing(peer, number(i)).grow(10);
        });
    });

    constexpr std::size_t cache = 1 << 20, most = 4 << 20, tracks = 16;
    WirePeer peer(origin_with_cache(cache)), neighbour;
    const Origin &origin = peer.origin;
    neighbour.config.publish = origin.consumer();
    neighbour.config.subscribe = origin.producer();
    neighbour.broadcast = "b";
    for (WirePeer *one : {&neighbour, &peer}) {
        one->config.max_newest_bytes = most;
        one->begin();
    }
    Growing beside(neighbour, "catalog"), small(peer, "catalog");
    beside.grow(1);
    small.grow(1);
    std::vector<Growing> large;
    for (std::size_t i = 0; i < tracks; ++i) large.emplace_back(peer, number(i));
    // One after the other, and then all together.
    for (Growing &one : large) one.grow(64);
    CHECK(origin.stats().cached_bytes <= most + cache);
    for (int i = 0; i < 64; ++i)
        for (Growing &one : large) one.grow(1);
    CHECK(origin.stats().cached_bytes <= most + cache);
    CHECK(origin.stats().evicted_groups > 0);
    // Whoever is not over their share keeps everything: a neighbour, and the same peer's small track.
    CHECK(beside.held("catalog"));
    CHECK(small.held("catalog"));
    CHECK(peer.open());
}

TEST_CASE("peer costs: a group, whole or under way", "[lite][peer_costs]") {
    std::uint64_t id = 0;
    const auto subscribed = [&](WirePeer &peer) {
        peer.begin();
        id = peer.be_subscribed(kept_long());
    };
    const auto whole = [&](WirePeer &peer, std::size_t i) { peer.open_uni(WirePeer::group(id, 1'000 + i), true); };
    check_cost("group", OriginConfig().max_cached_bytes, 2'000, each(subscribed, whole));

    constexpr std::size_t cache = 1 << 20;
    WirePeer small(origin_with_cache(cache));
    subscribed(small);
    check_bound("group", small, cache / comoq::detail::MediaCost::group, [&](std::size_t i) { whole(small, i); });
    CHECK(small.origin.stats().cached_bytes <= cache);

    const auto under_way = [&](WirePeer &peer, std::size_t i) { return peer.open_uni(WirePeer::group(id, 1'000 + i)); };
    check_cost("group that is under way", lite::SessionConfig().max_open_groups, 200, each(subscribed, under_way));
    WirePeer peer;
    peer.config.max_open_groups = 100;
    subscribed(peer);
    check_row_bound("group that is under way", peer, 100, [&](std::size_t i) {
        const auto stream = under_way(peer, i);
        if (i >= 100) peer.send(qmux::ResetStream{stream, 0, WirePeer::group(id, 1'000 + i).size()});
    });
    CHECK(refused_of(peer, [&] { under_way(peer, 1'000); }) == 1);
    CHECK(peer.open());
}

TEST_CASE("peer costs: a frame and a chunk", "[lite][peer_costs]") {
    const auto fill = [](std::size_t cache, std::size_t frames, const Octets &frame, std::size_t at_once) {
        WirePeer peer(origin_with_cache(cache));
        peer.begin();
        const auto head = WirePeer::group(peer.be_subscribed(kept_long()), 0);
        const auto stream = peer.open_uni(head);
        std::uint64_t offset = head.size();
        Octets many;
        for (std::size_t i = 0; i < at_once; ++i) many.insert(many.end(), frame.begin(), frame.end());
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < frames / at_once; ++i) {
                peer.send(qmux::Stream{stream, offset, many, false});
                offset += many.size();
            }
        });
    };
    const auto empty = octets_of({0, 0});
    constexpr std::size_t at_once = 1'000;
    using Bounds = comoq::detail::MediaBounds;
    check_cost("frame", Bounds::max_group_frames, 10'000,
               [&](std::size_t count) { return fill(OriginConfig().max_cached_bytes, count, empty, at_once); });
    // The oldest frames of a group go.
    constexpr std::size_t most = Bounds::max_group_frames;
    const auto at_most = fill(OriginConfig().max_cached_bytes, 2 * most, empty, at_once).held;
    CHECK(at_most <= 1.25 * cost_row("frame").held * static_cast<double>(most));
    check_flat("frame", at_most, fill(OriginConfig().max_cached_bytes, 4 * most, empty, at_once).held - at_most);

    // A frame that comes a byte at a time, each byte in a record of its own.
    const auto drip = [](std::size_t count) {
        WirePeer peer;
        peer.begin();
        auto head = WirePeer::group(peer.be_subscribed(kept_long()), 0);
        comoq::detail::WireWriter writer(head);
        writer.varint(0);
        writer.varint(1 << 20);
        const auto stream = peer.open_uni(head);
        const Octets byte(1);
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) peer.send(qmux::Stream{stream, head.size() + i, byte, false});
        });
    };
    check_cost("chunk of a byte", OriginConfig().max_frame_size, 20'000, drip);
}

TEST_CASE("peer costs: a frame above the largest allowed size takes nothing", "[lite][peer_costs]") {
    WirePeer peer;
    peer.begin();
    const auto id = peer.be_subscribed(kept_long());
    const auto promise = [&](std::uint64_t size) {
        auto octets = WirePeer::group(id, size);
        comoq::detail::WireWriter writer(octets);
        writer.varint(0);
        writer.varint(size);
        octets.resize(octets.size() + 100);
        return taken_by(peer, [&] { peer.open_uni(octets); }).held;
    };
    const auto most = OriginConfig().max_frame_size;
    CHECK(promise(most) < 64 * 1024);
    CHECK(promise(most + 1) < 16 * 1024);
    CHECK(promise(std::uint64_t{1} << 40) < 16 * 1024);
    CHECK(peer.open());
}

TEST_CASE("peer costs: a datagram", "[lite][peer_costs]") {
    std::uint64_t id = 0;
    const auto subscribed = [&](WirePeer &peer) {
        peer.begin();
        id = peer.be_subscribed(kept_long());
    };
    const auto send = [&](WirePeer &peer, std::size_t i) {
        Octets body;
        lite::encode(lite::Datagram{id, 1'000 + i, 0, octets_of({1})}, body);
        peer.send(qmux::Datagram{body});
    };
    using Bounds = comoq::detail::MediaBounds;
    check_cost("datagram", Bounds::max_datagrams, 500, each(subscribed, send));
    WirePeer peer;
    subscribed(peer);
    const auto before = heap_in_use();
    for (std::size_t i = 0; i < 4 * Bounds::max_datagrams; ++i) send(peer, i);
    CHECK(static_cast<double>(heap_in_use() - before) <= 1.25 * cost_row("datagram").held * Bounds::max_datagrams);
    check_bound("datagram", peer, Bounds::max_datagrams, [&](std::size_t i) { send(peer, 5'000 + i); });
    peer.subscriber.reset();
    CHECK(peer.origin.stats().cached_bytes == 0);
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

TEST_CASE("peer costs: frames that come in pieces, and are not taken, do not outlive their eviction", "[lite][peer_costs]") {
    constexpr std::size_t cache = 8 << 20;
    auto theirs = WirePeer::generous();
    theirs.max_stream_data_uni = 0;
    WirePeer peer(origin_with_cache(cache));
    Serving serving(peer);
    peer.begin(true, theirs);
    const auto taken = taken_by(peer, [&] {
        peer.open_bidi(subscribe_to("a", 1'000));
        for (int i = 0; i < 256; ++i) {
            auto group = serving.track.append_group();
            auto frame = group.create_frame(512 * 1024);
            for (int j = 0; j < 32; ++j) {
                frame.write(payload(16 * 1024));
                peer.run();
            }
            frame.finish();
            group.finish();
            peer.run();
        }
    });
    const auto bound = static_cast<double>(cache + lite::SessionConfig().max_unsent_each);
    CHECK(taken.held <= 1.25 * bound);
}

TEST_CASE("peer costs: every row of the table is measured", "[lite][peer_costs]") {
    const std::set<std::string> measured{"announcement", "announcement that is left out", "announcement on moq-lite-06",
                                         "announcement that is left out on moq-lite-06", "announce stream",
                                         "change of an announcement, for another that reads nothing",
                                         "change of an announcement on moq-lite-06, for another that reads nothing",
                                         "subscription", "fetch",
                                         "question without an answer", "subscription whose groups are not taken", "group",
                                         "group that is under way", "frame", "chunk of a byte", "datagram", "stream",
                                         "byte that is not read", "session", "broadcast that nobody has announced",
                                         "HTTP request", "stream for a group that is not taken", "newest group of a track",
                                         "newest group of one more track", "byte of the address in a GOAWAY",
                                         "announcement that a peer is told on moq-lite-06", "number beside a gap",
                                         "track that somebody reads", "subscription of MoQ Transport",
                                         "fetch of MoQ Transport", "subscription that waits for its broadcast",
                                         "namespace that is published", "namespace that is told",
                                         "namespace that is told and left out", "stream for namespaces",
                                         "namespace that a peer is told", "track that is published",
                                         "byte of a published track's properties", "subgroup", "subgroup that is under way",
                                         "object with properties", "byte of an object's properties",
                                         "stream that comes before its subscription", "number of a request beside a gap",
                                         "byte of SETUP", "answer by HTTP that is not taken",
                                         "QUIC connection", "QUIC handshake that is half done", "QUIC stream",
                                         "QUIC stream with a gap", "byte that is not read over QUIC"};
    std::set<std::string> listed;
    for (const auto &row : cost_table()) listed.insert(row.thing);
    CHECK(listed == measured);
}

}
