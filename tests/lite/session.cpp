// Two origins with a session between them: what passes, in both directions, and what is left when one side goes.
#include <comoq/lite/session.hpp>

#include <comoq/detail/lite/datagram.hpp>
#include <comoq/detail/lite/stream_reader.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "lite/scene.hpp"
#include "support/asking_on_sight.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/seed.hpp"

namespace session_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using Event = Announcement::Event;

/// A watcher's unseen changes.
std::vector<std::pair<std::string, Event>> changes(AnnounceConsumer &watch) {
    std::vector<std::pair<std::string, Event>> all;
    for (auto next = watch.next(); next.ready(); next = watch.next()) {
        auto change = now(std::move(next));
        if (!change) {
            break;
        }
        all.emplace_back(std::string(change->path.view()), change->event);
    }
    return all;
}
using Changes = std::vector<std::pair<std::string, Event>>;

}  // namespace

TEST_CASE("a session: a broadcast that is announced on one side is announced on the other, with the hops", "[lite][session]") {
    LiteScene scene;
    auto early = scene.there.producer().create_broadcast("room/1", BroadcastInfo({77}));
    scene.connect();
    CHECK(scene.announced("room/1").info().hops == Numbers{77, 1});
    auto late = scene.here.producer().create_broadcast("room/2");
    scene.run();
    CHECK(now(scene.there.consumer().announced_broadcast("room/2")).info().hops == Numbers{2});
}

TEST_CASE("a session: the other side sees an end as an end, and a replacement as a replacement", "[lite][session]") {
    LiteScene scene;
    std::optional first = scene.there.producer().create_broadcast("a", BroadcastInfo({7, 8}));
    scene.connect();
    auto watch = scene.here.consumer().announced();
    CHECK(changes(watch) == Changes{{"a", Event::Active}});
    std::optional better = scene.there.producer().create_broadcast("a", BroadcastInfo({7}));
    scene.run();
    CHECK(changes(watch) == Changes{{"a", Event::Restart}});
    better.reset();
    scene.run();
    CHECK(changes(watch) == Changes{{"a", Event::Restart}});
    first.reset();
    scene.run();
    CHECK(changes(watch) == Changes{{"a", Event::Ended}});
}

TEST_CASE("a session: a broadcast that came from a peer is not announced to that peer", "[lite][session]") {
    LiteScene scene;
    auto published = scene.there.producer().create_broadcast("a");
    scene.connect();
    auto watch = scene.there.consumer().announced();
    CHECK(changes(watch) == Changes{{"a", Event::Active}});
    CHECK(scene.there.stats().announced == 1);
    CHECK(scene.here.stats().announced == 1);
    // A broadcast that exists only here is not found for the peer either.
    CHECK(scene.code(scene.server->broadcast("a").track("video").info()) == Error::NotFound);
}

TEST_CASE("a session: the peer is shown another route in place of the one through it", "[lite][session]") {
    LiteScene scene;
    BroadcastInfo dearer({5, 6, 7});
    dearer.cost = {2, 0};
    auto longer = scene.here.producer().create_broadcast("a", dearer);
    auto published = scene.there.producer().create_broadcast("a");
    scene.connect();
    // The route to the peer is the better one here, and the peer is told of the other.
    CHECK(scene.announced("a").info().hops == Numbers{1});
    const auto backup = [&] { return now(scene.there.consumer().announced_broadcast("a")).info().hops; };
    CHECK(backup() == Numbers{});
    published.unannounce();
    scene.run();
    CHECK(backup() == Numbers{5, 6, 7, 2});
}

TEST_CASE("a session: what a peer of moq-lite-05 announces costs as little as any if it is sent already, and else the most",
          "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    LiteScene scene;
    BroadcastInfo cheaper({5, 6, 7}), dearer({8});
    cheaper.cost = {0, (std::uint64_t{1} << 62) - 2};
    dearer.cost = {2, 0};
    const auto behind = scene.here.producer().create_broadcast("a", dearer);
    auto published = scene.there.producer().create_broadcast("a");
    scene.connect();
    CHECK(scene.announced("a").info().hops == Numbers{1});
    CHECK(scene.announced("a").info().cost == Cost{0, (std::uint64_t{1} << 62) - 1});
    CHECK(scene.client->broadcast("b").info().cost == Cost{0, (std::uint64_t{1} << 62) - 1});
    const auto before = scene.here.producer().create_broadcast("a", cheaper);
    CHECK(scene.announced("a").info().hops == Numbers{5, 6, 7});
}

TEST_CASE("a session: an earlier start brings back groups that were evicted here", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    LiteScene scene;
    OriginConfig config;
    config.id = 2;
    config.max_cached_bytes = pool_of(3, 3'000);
    scene.here = Origin(std::move(config));
    auto track = scene.publish("a");
    scene.connect();
    for (int i = 0; i < 6; ++i) track.write_frame(payload(1'000));
    auto first = std::make_optional(scene.subscribe("a", "video", Wish{.start = 0}));
    scene.run();
    first.reset();
    scene.run();
    const auto here = scene.announced("a").track("video");
    REQUIRE(here.get_group(5));
    REQUIRE_FALSE(here.get_group(0));
    auto second = scene.subscribe("a", "video", Wish{.start = 0, .end = 0});
    scene.run();
    CHECK(nexts(second) == Numbers{0});
}

TEST_CASE("a session: a track comes with its info, its groups with their numbers, frames with their bytes",
          "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    LiteScene scene;
    auto track = scene.publish("room/1", "video", unusual_info());
    scene.connect();
    auto group = track.create_group(41);
    group.write_frame(payload("first"), Timestamp(3, Timescale(1)));
    auto subscriber = scene.subscribe("room/1");
    const auto info = scene.get(scene.announced("room/1").track("video").info());
    CHECK(info.priority == 9);
    CHECK(info.ordered);
    CHECK(info.max_latency == 77s);
    CHECK(info.timescale == Timescale(90'000));
    auto received = scene.get(subscriber.next_group());
    REQUIRE(received);
    CHECK(received->sequence() == 41);
    auto frame = scene.get(received->read_frame());
    REQUIRE(frame);
    CHECK(frame->payload.view() == "first");
    CHECK(frame->timestamp == Timestamp(270'000, Timescale(90'000)));
    group.write_frame(payload(""), Timestamp(2, Timescale(1)));
    group.write_frame(payload(std::size_t{100'000}), Timestamp(4, Timescale(1)));
    group.finish();
    frame = scene.get(received->read_frame());
    REQUIRE(frame);
    CHECK(frame->payload.empty());
    CHECK(frame->timestamp == Timestamp(180'000, Timescale(90'000)));
    frame = scene.get(received->read_frame());
    REQUIRE(frame);
    CHECK(frame->payload == payload(std::size_t{100'000}));
    CHECK_FALSE(scene.get(received->read_frame()));
}

TEST_CASE("a session: a frame is passed on while it is written", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    auto group = track.append_group();
    auto frame = group.create_frame(10);
    frame.write(payload("hello"));
    auto received = scene.get(subscriber.next_group());
    REQUIRE(received);
    auto begun = scene.get(received->next_frame());
    REQUIRE(begun);
    CHECK(begun->size() == 10);
    CHECK(scene.get(begun->read_chunk())->view() == "hello");
    frame.write(payload("world"));
    frame.finish();
    CHECK(scene.get(begun->read_chunk())->view() == "world");
    CHECK_FALSE(scene.get(begun->read_chunk()));
}

TEST_CASE("a session: a track ends for the subscriber as it ends at the publisher", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    auto next = wait(subscriber.next_group());
    scene.run();
    SECTION("in order, with the number that never comes") {
        track.write_frame(payload("1"));
        track.finish_at(5);
        CHECK(scene.get(subscriber.finished()) == 5);
        REQUIRE(next.value());
        CHECK(next.value()->sequence() == 0);
        for (std::uint64_t sequence = 1; sequence < 5; ++sequence) {
            auto group = track.create_group(sequence);
            group.finish();
        }
        std::optional last(std::move(track));
        last.reset();
        scene.run();
        CHECK(nexts(subscriber) == Numbers{1, 2, 3, 4});
        CHECK_FALSE(scene.get(subscriber.next_group()));
        scene.pass(5s);
        CHECK(scene.get(subscriber.closed()) == std::error_code());
    }
    SECTION("in order, without a group") {
        track.finish();
        scene.run();
        CHECK(next.done());
        CHECK_FALSE(next.value());
    }
    SECTION("with a code") {
        track.abort(app_error(5));
        scene.run();
        CHECK(next.code() == app_error(5));
    }
    SECTION("dropped") {
        std::optional last(std::move(track));
        last.reset();
        scene.run();
        CHECK(next.code() == Error::Dropped);
    }
}

TEST_CASE("a session: a group fails for the subscriber with its code, and the track goes on", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    auto group = track.append_group();
    group.write_frame(payload("1"));
    auto received = scene.get(subscriber.next_group());
    CHECK(scene.get(received->read_frame()));
    group.abort(app_error(3));
    CHECK(scene.code(received->read_frame()) == app_error(3));
    track.write_frame(payload("2"));
    CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"2"});
}

TEST_CASE("a session: all subscribers here share one subscription there, which ends with the last of them", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    std::vector<TrackSubscriber> subscribers;
    for (int i = 0; i < 20; ++i) {
        subscribers.push_back(scene.subscribe("a"));
    }
    CHECK(track.stats().subscribers == 1);
    track.write_frame(payload("1"));
    for (auto &subscriber : subscribers) {
        CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"1"});
    }
    subscribers.resize(1);
    scene.run();
    CHECK(track.stats().subscribers == 1);
    subscribers.clear();
    scene.run();
    CHECK(track.stats().subscribers == 0);
    // A subscriber that comes again gets the kept groups and the new ones.
    auto again = scene.subscribe("a");
    CHECK(track.stats().subscribers == 1);
    CHECK(scene.words(*scene.get(again.next_group())) == Words{"1"});
    track.write_frame(payload("2"));
    CHECK(scene.words(*scene.get(again.next_group())) == Words{"2"});
    // After some time nothing is left of it.
    again = {};
    scene.run();
    scene.pass(5s);
    CHECK(scene.link.open_streams() == 4);  // two for announcements, in both directions each
}

TEST_CASE("a session: the publisher knows the combined wishes of the subscribers, and each change of them", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    LiteScene scene;
    auto track = scene.publish("a", "video", unusual_info());
    scene.connect();
    const Subscription first = Wish{.priority = 3, .ordered = true, .max_latency = 50ms, .start = 0, .end = 9};
    auto subscriber = scene.subscribe("a", "video", first);
    CHECK(track.subscription() == first);
    const Subscription second = Wish{.priority = 200, .max_latency = 60ms, .start = 0};
    subscriber.update(second);
    scene.run();
    CHECK(track.subscription() == second);
    auto other = scene.subscribe("a", "video", Wish{.priority = 201, .max_latency = 10ms, .start = 4, .end = 6});
    CHECK(track.subscription()->priority == 201);
    other = {};
    scene.run();
    CHECK(track.subscription() == second);
}

TEST_CASE("a session: a cap holds groups back, and is raised by an update", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a", "video", Wish{.start = 1, .end = 2});
    for (int i = 0; i < 5; ++i) {
        track.write_frame(payload(std::to_string(i)));
    }
    scene.run();
    CHECK(nexts(subscriber) == Numbers{1, 2});
    subscriber.update(Wish{.start = 1, .end = 3});
    scene.run();
    CHECK(nexts(subscriber) == Numbers{3});
}

TEST_CASE("a session: groups are fetched by number, once for all requesters, and refused with the publisher's code",
          "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    auto handler = track.dynamic();
    scene.connect();
    const auto remote = scene.announced("a").track("video");
    auto first = wait(remote.fetch_group(7, {.priority = 4}));
    auto second = wait(remote.fetch_group(7));
    scene.run();
    auto request = now(handler.requested_group());
    REQUIRE(request);
    CHECK(request->sequence() == 7);
    CHECK(request->priority() == 4);
    CHECK_FALSE(handler.requested_group().ready());
    CHECK_FALSE(first.done());
    auto group = request->accept();
    group.write_frame(payload("seven"), Timestamp(7, Timescale(1000)));
    scene.run();
    CHECK(scene.words(first.value()) == Words{"seven"});
    CHECK(scene.words(second.value()) == Words{"seven"});
    group.finish();
    CHECK(scene.get(first.value().finished()) == 1);
    CHECK(track.stats().subscribers == 0);

    auto refused = wait(remote.fetch_group(8));
    scene.run();
    CHECK(now(handler.requested_group())->reject(app_error(8)));
    scene.run();
    CHECK(refused.code() == app_error(8));

    // The session does not wait for a subscriber that leaves.
    {
        auto left = wait(remote.fetch_group(9));
        scene.run();
        request = now(handler.requested_group());
        REQUIRE(request);
        CHECK_FALSE(request->abandoned().ready());
    }
    scene.run();
    CHECK(request->abandoned().ready());
}

TEST_CASE("a session: a request that nobody serves is refused with the code of the side that refuses it", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    const auto known = scene.announced("a");
    CHECK(scene.code(known.track("other").info()) == Error::NotFound);
    CHECK(scene.code(known.track("other").subscribe()) == Error::NotFound);
    CHECK(scene.code(known.track("other").fetch_group(1)) == Error::NotFound);
    CHECK(scene.code(known.track("video").fetch_group(1)) == Error::NotFound);
    CHECK(scene.code(scene.client->broadcast("nowhere").track("video").info()) == Error::NotFound);
    auto handler = scene.there.producer().dynamic();
    auto asked = wait(scene.client->broadcast("elsewhere").track("video").subscribe());
    scene.run();
    auto request = now(handler.requested_broadcast());
    REQUIRE(request);
    CHECK(request->path() == Path("elsewhere"));
    request->reject(app_error(17));
    scene.run();
    CHECK(asked.code() == app_error(17));
}

TEST_CASE("a session: a handler serves remote viewers as it serves local ones, and is asked once", "[lite][session]") {
    LiteScene scene;
    auto handler = scene.there.producer().dynamic();
    scene.connect();
    const auto remote = scene.client->broadcast("on/demand");
    CHECK(remote == scene.client->broadcast("on/demand"));
    std::vector<Waiting<TrackSubscriber>> viewers;
    for (int i = 0; i < 10; ++i) {
        viewers.push_back(wait(remote.track("video").subscribe()));
    }
    auto info = wait(remote.track("audio").info());
    scene.run();
    auto request = now(handler.requested_broadcast());
    REQUIRE(request);
    CHECK_FALSE(handler.requested_broadcast().ready());
    auto broadcast = scene.there.producer().make_broadcast();
    auto video = broadcast.create_track("video");
    request->accept(broadcast.consume());
    scene.run();
    CHECK(info.code() == Error::NotFound);
    video.write_frame(payload("1"));
    for (auto &viewer : viewers) {
        CHECK(scene.words(*scene.get(viewer.value().next_group())) == Words{"1"});
    }
    CHECK(scene.here.stats().announced == 0);
}

TEST_CASE("a session: when it is lost, tracks, groups and announcements end with its code on both sides", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    const auto broadcast = scene.announced("a");
    const auto asked_for = scene.client->broadcast("b");
    auto subscriber = scene.subscribe("a");
    auto group = track.append_group();
    group.write_frame(payload("1"));
    auto received = scene.get(subscriber.next_group());
    CHECK(scene.get(received->read_frame()));
    auto next = wait(subscriber.next_group());
    auto frame = wait(received->read_frame());
    auto fetch = wait(broadcast.track("video").fetch_group(77));
    std::error_code code;
    SECTION("closed by the peer with a code") {
        code = app_error(4);
        scene.server->close(code);
    }
    SECTION("closed here with a code") {
        code = app_error(4);
        scene.client->close(code);
    }
    SECTION("cut") {
        code = make_error_code(Error::Transport);
        scene.link.cut();
    }
    SECTION("closed by the peer without an error") { scene.server.reset(); }
    SECTION("closed here without an error") { scene.client->close(); }
    scene.run();
    const auto expected = code ? code : make_error_code(Error::Closed);
    CHECK(scene.get(scene.client->closed()) == code);
    CHECK(next.code() == expected);
    CHECK(frame.code() == expected);
    CHECK(now(broadcast.closed()) == expected);
    CHECK(now(asked_for.closed()) == expected);
    CHECK(scene.here.stats().announced == 0);
    CHECK(scene.there.stats().announced == 1);
    CHECK(track.stats().subscribers == 0);
    // The client gets nothing more of it.
    CHECK(scene.code(scene.client->broadcast("c").track("video").info()) == expected);
    group.finish();
    scene.server.reset();
    scene.client.reset();
    scene.run();
    CHECK(scene.time.sleepers() == 0);
}

TEST_CASE("a session: a context that is destroyed in the middle destroys everything in the session", "[lite][session]") {
    Origin there = origin_with_id(1);
    Origin here = origin_with_id(2);
    auto published = there.producer().create_broadcast("a");
    auto track = published.producer().create_track("video");
    std::optional<lite::Session> server;
    std::optional<lite::Session> client;
    std::optional<TrackSubscriber> subscriber;
    {
        LiteScene scene;
        lite::SessionConfig config;
        config.publish = there.consumer();
        server.emplace(scene.link.server(), config);
        config.publish = here.consumer();
        config.subscribe = here.producer();
        client.emplace(scene.link.client(), config);
        scene.run();
        auto waiting = wait(now(here.consumer().announced_broadcast("a")).track("video").subscribe());
        scene.run();
        subscriber = std::move(waiting.value());
        track.append_group().write_frame(payload("1"));
        scene.run();
        CHECK(track.stats().subscribers == 1);
        client.reset();
        server.reset();
    }
    CHECK(track.stats().subscribers == 0);
    CHECK(here.stats().announced == 0);
    CHECK(now(subscriber->closed()) == Error::Dropped);
}

TEST_CASE("a session: datagrams reach the subscribers", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a", "video", unusual_info());
    scene.connect();
    auto subscriber = scene.subscribe("a");
    const auto number = track.append_datagram(payload("over"), Timestamp(5, Timescale(1)));
    const auto datagram = scene.get(subscriber.recv_datagram());
    REQUIRE(datagram);
    CHECK(datagram->sequence == number);
    CHECK(datagram->timestamp == Timestamp(450'000, Timescale(90'000)));
    CHECK(datagram->payload.view() == "over");
}

TEST_CASE("a session: a datagram of more than 1,200 bytes with its header is neither sent nor taken", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    const auto come = [&] {
        scene.run();
        Numbers sizes;
        for (auto next = subscriber.recv_datagram(); next.ready(); next = subscriber.recv_datagram())
            sizes.push_back(now(std::move(next))->payload.size());
        return sizes;
    };
    // The numbers of the subscription and of the datagram, and its time, are small.
    for (const std::size_t size : {1'196u, 1'197u, 1'198u, 1'200u}) track.append_datagram(payload(size));
    CHECK(come() == Numbers{1'196u, 1'197u});
    for (const std::size_t size : {1'196u, 1'197u}) {
        std::vector<std::byte> octets;
        const std::vector<std::byte> bytes(size);
        lite::encode(lite::Datagram{0, 100 + size, 0, bytes}, octets);
        scene.link.server()->send_datagram(Bytes(std::move(octets)));
    }
    CHECK(come() == Numbers{1'196});
}

TEST_CASE("a session: the peer is told to go elsewhere, and the session goes on", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    auto told = wait(scene.client->goaway_received());
    scene.server->goaway("https://elsewhere/");
    scene.run();
    CHECK(told.value() == "https://elsewhere/");
    // Running subscriptions go on, and the peer is asked nothing new.
    track.write_frame(payload("1"));
    CHECK(scene.get(subscriber.next_group()));
    CHECK(scene.code(scene.announced("a").track("audio").info()) == Error::Unroutable);
    CHECK(scene.code(scene.client->broadcast("b").track("video").subscribe()) == Error::Unroutable);
}

TEST_CASE("a session: an unannounced broadcast goes when nobody has had it for a while", "[lite][session]") {
    LiteScene scene;
    scene.connect();
    auto held = scene.client->broadcast("a");
    scene.run();
    scene.pass(5s);
    scene.pass(5s);
    CHECK_FALSE(held.is_closed());
    auto same = scene.client->broadcast("a");
    CHECK(same == held);
    std::weak_ptr gone = held.state(detail::Passkey());
    held = {};
    same = {};
    scene.pass(5s);
    CHECK(gone.expired());
    CHECK_FALSE(scene.client->broadcast("a").is_closed());
}

TEST_CASE("a session: the most urgent group goes first when not all can", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    auto config = spoken_link();
    config.by_priority = true;
    config.largest_piece = 1000;
    LiteScene scene(config);
    auto urgent = scene.publish("a", "urgent");
    auto old_first = scene.publish("b", "ordered");
    auto new_first = scene.publish("c", "newest");
    scene.connect();
    // In the order in which groups are complete on arrival.
    std::vector<std::pair<std::string, std::uint64_t>> order;
    auto one = scene.subscribe("a", "urgent", Wish{.priority = 9});
    auto two = scene.subscribe("b", "ordered", Wish{.priority = 5, .ordered = true});
    auto three = scene.subscribe("c", "newest", Wish{.priority = 1});
    scene.link.pause();
    for (auto *track : {&new_first, &old_first, &urgent}) {
        for (int i = 0; i < 3; ++i) {
            track->write_frame(payload(std::size_t{5000}));
        }
    }
    scene.run();
    std::vector<std::pair<TrackSubscriber *, std::vector<GroupConsumer>>> all;
    for (auto *subscriber : {&one, &two, &three}) {
        all.emplace_back(subscriber, std::vector<GroupConsumer>());
    }
    scene.link.resume();
    const char *const names[] = {"urgent", "ordered", "newest"};
    const auto look = [&] {
        for (std::size_t i = 0; i < 3; ++i) {
            auto &[subscriber, groups] = all[i];
            for (auto next = subscriber->recv_group(); next.ready(); next = subscriber->recv_group()) {
                groups.push_back(*now(std::move(next)));
            }
            for (std::size_t j = 0; j < groups.size();) {
                if (groups[j].finished().ready()) {
                    order.emplace_back(names[i], groups[j].sequence());
                    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(j));
                } else {
                    ++j;
                }
            }
        }
    };
    scene.context.restart();
    while (scene.context.poll_one() != 0) {
        look();
    }
    REQUIRE(order.size() == 9);
    // Old and new groups of equal priority: the later ones first, unless the subscriber wants the older ones first.
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(order[i].first == "urgent");
        CHECK(order[i].second == 2 - i);
        CHECK(order[3 + i] == std::pair<std::string, std::uint64_t>("ordered", i));
        CHECK(order[6 + i] == std::pair<std::string, std::uint64_t>("newest", 2 - i));
    }
}

TEST_CASE("a session: everything arrives, whatever the delays and the order of streams", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    const std::uint64_t first_seed = seed("lite session");
    for (std::uint64_t round = 0; round < 30; ++round) {
        auto config = spoken_link();
        config.seed = first_seed + round;
        INFO("seed " << config.seed);
        config.delay = 10ms;
        config.jitter = round % 3 == 0 ? 0ms : 50ms;
        config.largest_piece = round % 2 == 0 ? 7 : 4096;
        config.window = 300;
        config.max_streams = round % 5 == 0 ? 8 : 100;
        LiteScene scene(config);
        auto track = scene.publish("a");
        scene.connect();
        const auto let_pass = [&] {
            for (int i = 0; i < 400; ++i) {
                scene.link.advance(10ms);
                scene.run();
            }
        };
        let_pass();
        auto waiting = wait(scene.announced("a").track("video").subscribe(Wish{.ordered = true, .start = 0}));
        std::vector<Words> written;
        for (std::size_t i = 0; i < 20; ++i) {
            auto group = track.append_group();
            auto &words = written.emplace_back();
            for (std::size_t j = 0; j < i % 4; ++j) {
                words.push_back(std::string((i * 37 + j * 101) % 700, static_cast<char>('a' + j)));
                group.write_frame(payload(words.back()), Timestamp(i * j, Timescale(1000)));
            }
            group.finish();
        }
        track.finish();
        let_pass();
        auto &subscriber = waiting.value();
        std::vector<Words> read;
        while (auto group = scene.get(subscriber.next_group())) {
            read.push_back(scene.words(*group));
            CHECK(scene.get(group->finished()) == read.back().size());
        }
        CHECK(read == written);
        CHECK(scene.get(subscriber.finished()) == 20);
    }
}

TEST_CASE("a session: a reader that comes back in the middle of a group gets the whole group", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto group = track.append_group();
    group.write_frame(payload("catalog"));
    {
        auto subscriber = scene.subscribe("a");
        auto received = scene.get(subscriber.next_group());
        REQUIRE(received);
        CHECK(scene.get(received->read_frame()));
    }
    scene.run();
    scene.pass(1s);
    auto subscriber = scene.subscribe("a");
    CHECK(track.stats().subscribers == 1);
    auto received = scene.get(subscriber.next_group());
    REQUIRE(received);
    CHECK(received->sequence() == 0);
    CHECK(scene.get(received->read_frame())->payload.view() == "catalog");
    group.write_frame(payload("more"));
    CHECK(scene.get(received->read_frame())->payload.view() == "more");
}

TEST_CASE("a session: a dropped track's groups are still there for its readers", "[lite][session]") {
    LiteScene scene;
    std::optional track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    track->write_frame(payload("1"));
    track->write_frame(payload("2"));
    track.reset();
    CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"1"});
    CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"2"});
    CHECK(scene.code(subscriber.next_group()) == Error::Dropped);
}

TEST_CASE("a session: requests that wait when it is lost fail with its code", "[lite][session]") {
    LiteScene scene;
    auto published = scene.there.producer().create_broadcast("a");
    auto handler = published.producer().dynamic();
    scene.connect();
    const auto track = scene.announced("a").track("video");
    auto fetch = wait(track.fetch_group(1));
    auto info = wait(track.info());
    scene.run();
    CHECK_FALSE(fetch.done());
    scene.link.cut();
    scene.run();
    CHECK(fetch.code() == Error::Transport);
    CHECK(info.code() == Error::Transport);
}

TEST_CASE("a session: a request that comes when the time limit is over is answered", "[lite][session]") {
    for (int handlers = 0; handlers < 60; ++handlers) {
        INFO("after " << handlers << " handlers");
        LiteScene scene;
        auto track = scene.publish("a");
        scene.connect();
        const auto remote = scene.client->broadcast("b");
        auto published = scene.there.producer().create_broadcast("b");
        auto other = published.producer().create_track("video");
        auto info = wait(remote.track("video").info());
        scene.context.restart();
        for (int i = 0; i < handlers; ++i) {
            scene.context.poll_one();
        }
        scene.time.advance(5s);
        scene.run();
        CHECK_FALSE(info.code());
    }
}

TEST_CASE("a session: two sessions that would ask each other for the same broadcast do not wait for each other",
          "[lite][session]") {
    auto config = spoken_link();
    config.delay = 10ms;
    LiteScene scene(config);
    scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
    scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
    struct Serve {
        static asio::awaitable<void> run(lite::Session &from, OriginDynamic handler) {
            while (auto request = co_await handler.requested_broadcast()) {
                request->accept(from.broadcast(request->path().view()));
            }
        }
    };
    asio::co_spawn(scene.context, Serve::run(*scene.client, scene.here.producer().dynamic()), asio::detached);
    asio::co_spawn(scene.context, Serve::run(*scene.server, scene.there.producer().dynamic()), asio::detached);
    auto one = wait(scene.here.consumer().request_broadcast("x"));
    auto other = wait(scene.there.consumer().request_broadcast("x"));
    scene.run();
    auto info = wait(one.value().track("video").info());
    for (int i = 0; i < 100; ++i) {
        scene.link.advance(10ms);
        scene.pass(10ms);
    }
    CHECK(info.code() == Error::NotFound);
    CHECK(other.done());
}

TEST_CASE("a session: a track that is read from its middle on ends when the publisher ends it", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    for (int i = 0; i < 3; ++i) {
        track.write_frame(payload("x"));
    }
    auto subscriber = scene.subscribe("a");
    CHECK(scene.get(subscriber.recv_group())->sequence() == 2);
    track.finish();
    CHECK_FALSE(scene.get(subscriber.recv_group()));
}

TEST_CASE("a session: a broadcast that is announced and also requested by name is subscribed to once", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    scene.connect();
    auto subscriber = scene.subscribe("a");
    CHECK(scene.client->broadcast("a") == scene.announced("a"));
    auto other = wait(scene.client->broadcast("a").track("video").subscribe());
    scene.run();
    CHECK(other.done());
    CHECK(track.stats().subscribers == 1);
}

TEST_CASE("a session: the peer is told the measurements of the transport, if it asks", "[lite][session]") {
    auto config = spoken_link();
    config.stats.round_trip = 1500us;
    config.stats.bandwidth = 8'000'000;
    LiteScene scene(config);
    scene.connect();
    const auto said = scene.get(scene.client->peer());
    REQUIRE(said);
    CHECK(said->probe == lite::Setup::Probe::Report);
    CHECK(said->origin == 1);
    struct Ask {
        static asio::awaitable<void> run(std::shared_ptr<Transport> transport, std::vector<lite::Probe> &to) {
            auto stream = co_await transport->open_bidi();
            auto asked = stream.send->write(Bytes(std::vector<std::byte>{std::byte{4}}));
            co_await std::move(asked);
            lite::detail::StreamReader reader(std::move(stream.receive), spoken(), lite::StreamUse::Request);
            while (auto probe = co_await reader.message<lite::Probe>()) {
                to.push_back(*probe);
            }
        }
    };
    std::vector<lite::Probe> probes;
    asio::co_spawn(scene.context, Ask::run(scene.link.client(), probes), asio::detached);
    scene.run();
    // Whole milliseconds, rounded up.
    CHECK(probes == std::vector{lite::Probe{8'000'000, 2}});
    for (int i = 0; i < 99; ++i) {
        scene.pass(100ms);
    }
    CHECK(probes.size() == 1);
    scene.pass(100ms);
    CHECK(probes.size() == 2);
    scene.client.reset();
    scene.run();
}

TEST_CASE("a session: the peer is asked for its measurements only if the config wants them", "[lite][session]") {
    for (const bool knows : {true, false}) {
        auto link = spoken_link();
        if (knows) {
            link.stats.round_trip = 1500us;
            link.stats.bandwidth = 1000;
        }
        LiteScene scene(link);
        auto config = scene.config_of(scene.there);
        scene.server.emplace(scene.link.server(), config);
        config = scene.config_of(scene.here);
        config.probe = true;
        scene.client.emplace(scene.link.client(), config);
        CHECK_FALSE(scene.client->measured());
        scene.run();
        if (knows) {
            CHECK(scene.client->measured() == lite::Probe{1000, 2});
        } else {
            CHECK_FALSE(scene.client->measured());
        }
        CHECK_FALSE(scene.server->measured());
        // Without it the session sends nothing, and so does not wait.
        CHECK(scene.time.sleepers() == (knows ? 1 : 0));
        scene.client.reset();
        scene.run();
        CHECK(scene.time.sleepers() == 0);
    }
}

TEST_CASE("a session: a watcher can ask for a broadcast's tracks at the very moment of its announcement", "[lite][session]") {
    LiteScene scene;
    const AskingOnSight asking(scene.here);
    scene.connect();
    auto track = scene.publish("a");
    scene.run();
    CHECK(asking.done());
    CHECK(asking.was_refused() == false);
}

}
