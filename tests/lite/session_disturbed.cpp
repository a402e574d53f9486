// A session that is lost, destroyed or too slow, and requests whose time is over.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "lite/scene.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace session_disturbed_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

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

}
