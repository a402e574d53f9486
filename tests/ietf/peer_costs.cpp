// SPDX-License-Identifier: MIT
// The memory that a peer of MoQ Transport can make a session hold: for each thing at most what the table of tests/README.md says, up
// to a bound, and no more beyond it.
#include <comoq/ietf/session.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <comoq/detail/containers/sequence_set.hpp>
#include <comoq/detail/ietf/alias_table.hpp>
#include <comoq/detail/ietf/datagram.hpp>
#include <comoq/detail/ietf/early_datagrams.hpp>
#include <comoq/detail/ietf/subgroup.hpp>
#include <comoq/detail/media/media_bounds.hpp>
#include <comoq/detail/session/announce_feed.hpp>

#include "ietf/wire_peer.hpp"
#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/media.hpp"

namespace ietf_peer_costs_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::ietf::SessionConfig;

namespace {

std::string number(std::size_t i) { return std::to_string(10'000 + i); }

/// As `each_of`, with a track that a peer of that draft may ask for, and a group of it in progress.
template <class Send> auto each_of_serving(std::string protocol, Send send) {
    return [=](std::size_t count) {
        MoqtWirePeer peer(origin_with_id(1), protocol);
        auto broadcast = peer.origin.producer().create_broadcast("a");
        auto track = broadcast.producer().create_track("video");
        auto group = track.append_group();
        group.write_frame(payload("x"));
        peer.begin();
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) send(peer, i);
        });
    };
}
template <class Begin, class Send> auto each(Begin begin, Send send) { return each_of<MoqtWirePeer>(begin, send); }
void just_begin(MoqtWirePeer &peer) { peer.begin(); }

Origin origin_with_cache(std::size_t bytes) {
    OriginConfig of;
    of.id = 1;
    of.max_cached_bytes = bytes;
    return Origin(std::move(of));
}

ietf::Subscribe subscribe_to(ietf::Namespace space, std::string name = "video") {
    ietf::Subscribe message;
    message.track = {std::move(space), std::move(name)};
    return message;
}
ietf::Pairs kept_long() {
    ietf::Pairs properties;
    properties.add(0x04, 24 * 3'600'000);
    return properties;
}
/// A block of properties of that size, about.
ietf::Pairs properties_of_size(std::size_t size) {
    ietf::Pairs properties;
    const Octets value(size);
    properties.add(0x41, value);
    return properties;
}
Octets object(ietf::SubgroupObjects &objects, std::uint64_t id, const ietf::Pairs &properties, std::size_t size) {
    ietf::ObjectHeader header;
    header.id = id;
    header.properties = properties;
    header.payload_size = size;
    Octets octets;
    objects.write(header, octets);
    octets.resize(octets.size() + size);
    return octets;
}
void add_object(const MoqtWirePeer &peer, Octets &to) {
    ietf::SubgroupObjects objects(ietf::SubgroupHeader{}, peer.draft);
    const auto more = object(objects, 0, {}, 1);
    to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

TEST_CASE("peer costs of MoQ Transport: a subscription, a fetch and a subscription that waits", "[ietf][peer_costs]") {
    const auto streams = qmux::default_parameters().max_streams_bidi;
    check_cost("subscription of MoQ Transport", streams, 200,
               each_of_serving("moqt-20", [](MoqtWirePeer &peer, std::size_t) { peer.ask(subscribe_to({"a"})); }));
    check_cost("fetch of MoQ Transport", streams, 200, each_of_serving("moqt-18", [](MoqtWirePeer &peer, std::size_t) {
                   ietf::Fetch fetch;
                   fetch.track = {{"a"}, "video"};
                   peer.ask(fetch);
               }));

    // The namespace with the most parts is the dearest.
    const auto waits = [](MoqtWirePeer &peer, std::size_t i) {
        auto message = subscribe_to(ietf::Namespace(31, "x"));
        message.track.space.push_back(number(i));
        message.parameters.rendezvous_timeout = 300'000;
        peer.ask(message);
    };
    constexpr auto thing = "subscription that waits for its broadcast";
    check_cost(thing, SessionConfig().max_waiting, 100, each(just_begin, waits));
    MoqtWirePeer peer;
    peer.config.max_waiting = 100;
    peer.begin();
    check_row_bound(thing, peer, 100, [&](std::size_t i) { waits(peer, i); });
    CHECK(peer.open());
}

TEST_CASE("peer costs of MoQ Transport: what stands in a request is not held with it", "[ietf][peer_costs]") {
    const auto held_with = [](std::size_t size) {
        return each_of_serving("moqt-20", [size](MoqtWirePeer &peer, std::size_t) {
            auto message = subscribe_to({"a"});
            for (std::size_t left = size; left != 0; left -= 2'000) {
                ietf::Token token;
                token.value.assign(2'000, 'x');
                message.parameters.tokens.push_back(token);
            }
            peer.ask(message);
        })(50).held;
    };
    const auto small = held_with(30'000), large = held_with(60'000);
    CHECK(large - small < 50 * 2'000);
}

TEST_CASE("peer costs of MoQ Transport: a namespace, published or told", "[ietf][peer_costs]") {
    const auto most = SessionConfig().max_announced;
    check_cost("namespace that is published", most, 200, each(just_begin, [](MoqtWirePeer &peer, std::size_t i) {
                   ietf::PublishNamespace message;
                   message.space = {number(i)};
                   peer.ask(message);
               }));
    // Many in a record, which is cheapest for the peer.
    constexpr std::size_t together = 64;
    const auto tell = [](MoqtWirePeer &peer, std::size_t i) {
        if (i % together != 0) return;
        Octets octets;
        for (std::size_t one = i; one < i + together; ++one)
            ietf::encode(ietf::NamespaceFound{{number(one)}}, peer.draft, ietf::StreamKind::Request, octets);
        peer.tell(octets);
    };
    check_cost("namespace that is told", most, 8 * together, each(just_begin, tell));
    const auto none = [](MoqtWirePeer &peer) {
        peer.config.max_announced = 0;
        peer.begin();
    };
    constexpr auto thing = "namespace that is told and left out";
    check_cost(thing, 2 * most + 64, 512, [&](std::size_t count) {
        MoqtWirePeer peer;
        // All places are another's.
        peer.config.announcements_left = std::make_shared<std::atomic<std::int64_t>>(0);
        peer.begin();
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) tell(peer, i);
        });
    });
    MoqtWirePeer peer;
    none(peer);
    check_row_bound(thing, peer, 64, [&](std::size_t i) { tell(peer, i); });
    CHECK(peer.open());
}

TEST_CASE("peer costs of MoQ Transport: a stream for namespaces, and what a peer is told there", "[ietf][peer_costs]") {
    constexpr auto most = comoq::detail::AnnounceFeeds::most_followers;
    const auto ask = [](MoqtWirePeer &peer, std::size_t i) {
        ietf::SubscribeNamespace message;
        message.prefix = {number(i)};
        peer.ask(message);
    };
    constexpr auto thing = "stream for namespaces";
    check_cost(thing, most, most / 2, each(just_begin, ask));
    MoqtWirePeer peer;
    peer.begin();
    check_row_bound(thing, peer, most, [&](std::size_t i) { ask(peer, i); });
    CHECK(peer.open());

    const auto told = [](std::size_t paths, std::size_t most_told) {
        MoqtWirePeer one;
        one.config.max_told = most_told;
        std::deque<BroadcastPublish> guards;
        for (std::size_t i = 0; i < paths; ++i) guards.push_back(one.origin.producer().create_broadcast(number(i)));
        one.begin();
        const auto before = heap_in_use();
        ietf::SubscribeNamespace message;
        one.ask(message);
        Taken taken;
        taken.held = static_cast<double>(heap_in_use()) - static_cast<double>(before);
        // From another session.
        taken.sent = static_cast<double>(one.encoded(ietf::NamespaceFound{{number(0)}}).size() * paths);
        return taken;
    };
    const auto usual = SessionConfig().max_told;
    check_cost("namespace that a peer is told", usual, 1'000, [&](std::size_t count) { return told(count, usual); });
    const auto at_the_bound = told(1'000, 1'000).held;
    check_flat("namespace that a peer is told", at_the_bound, told(1'000, 1'000).held - at_the_bound);
}

TEST_CASE("peer costs of MoQ Transport: a track that is published, and its properties", "[ietf][peer_costs]") {
    const auto publish = [](MoqtWirePeer &peer, std::size_t i, std::size_t properties = 0) {
        ietf::Publish message;
        message.track = {{"a"}, number(i)};
        message.alias = i;
        if (properties != 0) message.properties = properties_of_size(properties);
        return peer.ask(message);
    };
    const auto streams = qmux::default_parameters().max_streams_bidi;
    check_cost("track that is published", streams, 100, each(just_begin, publish));
    MoqtWirePeer peer;
    peer.config.max_tracks = 50;
    peer.begin();
    check_row_bound("track that is published", peer, 50, [&](std::size_t i) {
        const auto stream = publish(peer, i);
        // As every client does whose request is refused.
        if (i >= 50) peer.send(qmux::ResetStream{stream, 0, peer.size_of_request});
    });
    CHECK(peer.open());

    check_cost("byte of a published track's properties", comoq::detail::MediaBounds::max_track_properties, 40'000,
               [&](std::size_t size) {
                   constexpr std::size_t tracks = 20;
                   MoqtWirePeer one;
                   one.begin();
                   return taken_by(one, [&] {
                       for (std::size_t i = 0; i < tracks; ++i) publish(one, i, size / tracks);
                   });
               });
}

TEST_CASE("peer costs of MoQ Transport: a subgroup, whole or under way", "[ietf][peer_costs]") {
    const auto subscribed = [](MoqtWirePeer &peer) {
        peer.begin();
        peer.be_read("video", kept_long());
    };
    const auto whole = [](MoqtWirePeer &peer, std::size_t i) {
        auto octets = peer.subgroup(1, 1'000 + i / 8, i % 8);
        add_object(peer, octets);
        peer.open_uni(octets, true);
    };
    check_cost("subgroup", OriginConfig().max_cached_bytes, 1'000, each(subscribed, whole));
    constexpr std::size_t cache = 1 << 20;
    MoqtWirePeer small(origin_with_cache(cache));
    subscribed(small);
    check_bound("subgroup", small, cache / comoq::detail::MediaCost::group, [&](std::size_t i) { whole(small, i); });
    CHECK(small.origin.stats().cached_bytes <= cache);

    const auto under_way = [](MoqtWirePeer &peer, std::size_t i) {
        auto octets = peer.subgroup(1, 1'000 + i);
        add_object(peer, octets);
        return std::pair(peer.open_uni(octets), octets.size());
    };
    check_cost("subgroup that is under way", SessionConfig().max_open_groups, 200, each(subscribed, under_way));
    MoqtWirePeer peer;
    peer.config.max_open_groups = 100;
    subscribed(peer);
    check_row_bound("subgroup that is under way", peer, 100, [&](std::size_t i) {
        const auto [stream, size] = under_way(peer, i);
        if (i >= 100) peer.send(qmux::ResetStream{stream, 0, size});
    });
    CHECK(peer.open());
}

TEST_CASE("peer costs of MoQ Transport: an object, and its properties", "[ietf][peer_costs]") {
    const auto fill_with = [](std::size_t cache, std::size_t count, const ietf::Pairs &block) {
        MoqtWirePeer peer(origin_with_cache(cache));
        peer.begin();
        auto properties = kept_long();
        properties.add(0x08, 1'000);
        const auto head = peer.subgroup(peer.be_read("video", properties), 0, 0, true);
        const auto stream = peer.open_uni(head);
        ietf::SubgroupHeader header;
        header.has_properties = true;
        ietf::SubgroupObjects objects(header, peer.draft);
        std::uint64_t offset = head.size();
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count;) {
                Octets many;
                while (i < count && many.size() < 16'000) {
                    const auto one = object(objects, i++, block, 1);
                    many.insert(many.end(), one.begin(), one.end());
                }
                peer.write(stream, offset, many);
                offset += many.size();
            }
        });
    };
    const auto fill = [&](std::size_t cache, std::size_t count, std::size_t properties) {
        return fill_with(cache, count, properties_of_size(properties));
    };
    using Bounds = comoq::detail::MediaBounds;
    constexpr std::size_t usual = std::size_t{1} << 30;
    check_cost("object with properties", Bounds::max_group_frames, 5'000, [&](std::size_t count) { return fill(usual, count, 1); });
    check_cost("byte of an object's properties", Bounds::max_properties, 30'000, [&](std::size_t size) { return fill(usual, 1, size); });
    // The group as a whole has its bound, whatever its objects consist of.
    constexpr std::size_t most = Bounds::max_group_bytes / 60'000;
    const auto full = fill(1, 2 * most, 60'000).held;
    CHECK(full <= 1.25 * Bounds::max_group_bytes);
    check_flat("byte of an object's properties", full, fill(1, 3 * most, 60'000).held - full);
    // What is not kept is not held by what stands between.
    ietf::Pairs times;
    for (int i = 0; i < 20'000; ++i) times.add(0x10, std::uint64_t{1});
    CHECK(fill_with(usual, 200, times).held < 200 * 1'000 + 128 * 1024);
}

TEST_CASE("peer costs of MoQ Transport: a stream or a datagram before its subscription, and a number beside a gap", "[ietf][peer_costs]") {
    // With as much as fits into a message: its window is what is held in truth.
    const auto early = [](MoqtWirePeer &peer, std::size_t i) {
        const auto octets = peer.subgroup(7'000 + i, 0);
        return std::pair(peer.open_uni(octets), octets.size());
    };
    constexpr auto most = ietf::detail::AliasTable::most_early;
    constexpr auto thing = "stream that comes before its subscription";
    check_cost(thing, most, most / 2, each(just_begin, early));
    MoqtWirePeer peer;
    peer.begin();
    check_row_bound(thing, peer, most, [&](std::size_t i) {
        const auto [stream, size] = early(peer, i);
        if (i >= most) peer.send(qmux::ResetStream{stream, 0, size});
    });
    CHECK(peer.open());

    const auto datagram = [](MoqtWirePeer &to, std::size_t i) {
        ietf::ObjectDatagram object;
        object.alias = 7'000 + i;
        Octets octets;
        ietf::encode(object, to.draft, octets);
        to.send(qmux::Datagram{octets});
    };
    constexpr auto most_datagrams = ietf::detail::EarlyDatagrams::most;
    constexpr auto datagram_row = "datagram that comes before its subscription";
    check_cost(datagram_row, most_datagrams, most_datagrams / 2, each(just_begin, datagram));
    MoqtWirePeer sender;
    sender.begin();
    check_row_bound(datagram_row, sender, most_datagrams, [&](std::size_t i) { datagram(sender, i); });
    CHECK(sender.open());

    constexpr std::size_t runs = comoq::detail::SequenceSet::max_runs;
    const auto beside = [](std::size_t count) {
        MoqtWirePeer one;
        one.begin();
        std::uint64_t next = 0;
        const auto send = [&](std::size_t times) {
            for (std::size_t i = 0; i < times; ++i) {
                auto message = subscribe_to({"nobody"});
                message.request_id = 4 * next++;
                const auto octets = one.encoded(message);
                const auto id = one.open_bidi(octets, true);
                one.send(qmux::StopSending{id, 0});
            }
        };
        send(64);
        return taken_by(one, [&] { send(count); });
    };
    constexpr auto number_row = "number of a request beside a gap";
    check_cost(number_row, runs, 400, beside);
    const auto full = beside(2 * runs).held;
    CHECK(full <= 1.25 * cost_row(number_row).held * runs);
    check_flat(number_row, full, beside(3 * runs).held - full);
}

TEST_CASE("peer costs of MoQ Transport: SETUP and GOAWAY", "[ietf][peer_costs]") {
    check_cost("byte of SETUP", ietf::longest_body, 20'000, [](std::size_t size) {
        ietf::Setup setup;
        const Octets value(size, std::byte{'x'});
        setup.options.add(7, value);
        MoqtWirePeer peer;
        const auto before = heap_in_use();
        peer.begin(setup);
        return Taken{static_cast<double>(size), static_cast<double>(heap_in_use()) - static_cast<double>(before)};
    });
    MoqtWirePeer peer;
    peer.begin();
    // A server is sent nowhere.
    peer.say(ietf::Goaway());
    CHECK(peer.open());
    peer.say(ietf::Goaway());
    peer.run();
    CHECK_FALSE(peer.open());
}

}  // namespace ietf_peer_costs_tests
