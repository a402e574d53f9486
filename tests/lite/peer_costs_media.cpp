// Peer costs: tracks, groups, frames and datagrams, of a peer and for it.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <comoq/detail/lite/datagram.hpp>
#include <comoq/detail/session/announce_feed.hpp>

#include "lite/peer_cost.hpp"
#include "lite/peer_cost_scene.hpp"
#include "lite/wire_peer.hpp"
#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/media.hpp"

namespace peer_costs_media_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace lite_peer_costs_tests;

namespace {

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

}
