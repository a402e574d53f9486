// The announce feed: what it holds for streams that take nothing, and without memory.
#include <comoq/detail/session/announce_feed.hpp>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "detail/session/announce_stream.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/origin_fixture.hpp"
#include "support/seed.hpp"
#include "support/settle.hpp"

namespace announce_feed_bounds_tests {

using namespace comoq;
using namespace comoq::test;
using namespace announce_feed_tests;

TEST_CASE("the announce feed: a stream that is not read holds next to nothing, however much is announced",
          "[session][announce]") {
    Origin origin;
    const auto producer = origin.producer();
    std::vector<BroadcastPublish> all;
    for (std::size_t i = 0; i < 5'000; ++i) {
        all.push_back(producer.create_broadcast(numbered(i)));
    }
    AnnounceFeeds feeds;
    // The order of paths is made once for all streams.
    std::optional<Stream> first(std::in_place, feeds, origin.consumer());
    first.reset();
    const auto before = live_bytes();
    std::vector<Stream> streams;
    for (std::size_t i = 0; i < AnnounceFeeds::most_followers; ++i) {
        streams.emplace_back(feeds, origin.consumer());
        while (!streams.back().count) {
            streams.back().take();
        }
        CHECK(*streams.back().count == 5'000);
    }
    CHECK(live_bytes() - before < 16 * 4'096);
    // They still get all of it.
    for (auto &stream : streams) {
        stream.take_all();
        CHECK(stream.known.size() == 5'000);
    }
}

TEST_CASE("the announce feed: streams that take nothing hold a bounded number of changes, and others go on",
          "[session][announce]") {
    Origin origin;
    const auto producer = origin.producer();
    AnnounceFeeds feeds;
    std::vector<Stream> lazy;
    for (std::size_t i = 1; i < AnnounceFeeds::most_followers; ++i) {
        lazy.emplace_back(feeds, origin.consumer());
        lazy.back().take_all();
    }
    AnnounceFeeds of_another;
    Stream diligent(of_another, origin.consumer());
    const std::size_t many = 2 * AnnounceFeed::most_waiting / (AnnounceFeeds::most_followers - 1);
    std::vector<BroadcastPublish> all;
    for (std::size_t i = 0; i < many; ++i) {
        all.push_back(producer.create_broadcast(numbered(i)));
    }
    diligent.take_all();
    CHECK(diligent.known.size() == many);
    std::size_t lagged = 0;
    for (auto &stream : lazy) {
        lagged += error_of([&] { return stream.take_all(), 0; }) == Error::Lagged;
    }
    CHECK(lagged >= 7);
    CHECK(lagged < lazy.size());
}

TEST_CASE("the announce feed: the changes that all sessions together hold are bounded, and those that take them go on",
          "[session][announce]") {
    constexpr std::size_t most = 1'000, paths = 600, sessions = 8;
    Origin origin;
    auto &sum = origin.consumer().state(detail::Passkey())->unseen_changes();
    sum.most = most;
    const auto view = origin.consumer();
    AnnounceFeeds feeds[sessions], reading;
    std::vector<std::unique_ptr<Stream>> idle;
    for (auto &each : feeds) idle.push_back(std::make_unique<Stream>(each, view));
    for (auto &stream : idle) stream->take_all();
    Stream reader(reading, view);
    std::vector<BroadcastPublish> present;
    for (std::size_t i = 0; i < paths; ++i) {
        present.push_back(origin.producer().create_broadcast(numbered(i)));
        reader.take_all();
        CHECK(sum.count <= most + (sessions + 1) * detail::UnseenChanges::free_each);
    }
    CHECK(reader.known.size() == paths);
    std::size_t lagged = 0;
    for (auto &stream : idle) lagged += error_of([&] { return stream->take_all(), 0; }) == Error::Lagged;
    CHECK(lagged >= sessions - most / paths - 1);
    CHECK(lagged < sessions);
    // What was forgotten counts no more: a stream that asks again is told all.
    idle.clear();
    CHECK(sum.count == 0);
    Stream again(feeds[0], view);
    again.take_all();
    CHECK(again.known.size() == paths);
    while (!present.empty()) {
        present.pop_back();
        again.take_all();
        reader.take_all();
    }
    CHECK(again.known.empty());
    CHECK(reader.known.empty());
    CHECK(sum.count == 0);
}

TEST_CASE("the announce feed: what ends before its turn in the list counts in the sum of all sessions, too", "[session][announce]") {
    Origin origin;
    auto &sum = origin.consumer().state(detail::Passkey())->unseen_changes();
    std::vector<BroadcastPublish> present;
    for (std::size_t i = 0; i < 1'000; ++i) present.push_back(origin.producer().create_broadcast(numbered(i)));
    AnnounceFeeds feeds, other;
    auto stream = std::make_unique<Stream>(feeds, origin.consumer());
    while (!stream->count) stream->take();
    Stream reader(other, origin.consumer());
    reader.take_all();
    sum.most = 300;
    while (!present.empty()) {
        present.pop_back();
        reader.take_all();
    }
    // The stream has its changes from the watch when it looks.
    CHECK(error_of([&] { return stream->take_all(), 0; }) == Error::Lagged);
    stream.reset();
    reader.take_all();
    CHECK(reader.known.empty());
    CHECK(sum.count == 0);
}

TEST_CASE("the announce feed: in any history a peer ends with the present broadcasts, and with the number that it was promised",
          "[session][announce]") {
    std::mt19937_64 random(seed("announce feed"));
    for (int history = 0; history < 60; ++history) {
        const auto roll = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
        Origin origin;
        const auto producer = origin.producer();
        const std::size_t paths = 1 + roll(history % 2 == 0 ? 12 : 700);
        std::vector<std::optional<BroadcastPublish>> there(paths);
        const auto path_of = [&](std::size_t number) { return "r/" + std::to_string(number % 3) + "/" + std::to_string(number); };
        const auto change = [&](std::size_t count) {
            for (std::size_t i = 0; i < count; ++i) {
                const auto which = roll(paths);
                if (there[which] && roll(2) == 0) {
                    there[which].reset();
                } else if (there[which]) {
                    auto next = producer.create_broadcast(path_of(which));
                    there[which].emplace(std::move(next));
                } else {
                    there[which].emplace(producer.create_broadcast(path_of(which)));
                }
            }
        };
        change(paths);
        AnnounceFeeds feeds;
        std::vector<std::optional<Stream>> streams(4);
        for (int step = 0; step < 200; ++step) {
            auto &stream = streams[roll(streams.size())];
            if (!stream || roll(30) == 0) {
                stream.reset();
                stream.emplace(feeds, *origin.consumer().with_root(roll(2) == 0 ? "r" : "r/1"));
            }
            change(roll(20));
            stream->take();
        }
        for (auto &stream : streams) {
            if (!stream) {
                continue;
            }
            stream->take_all();
            REQUIRE(stream->count);
            CHECK(stream->actives >= *stream->count);
            std::map<std::string, const BroadcastInfo *> expected;
            for (std::size_t i = 0; i < paths; ++i) {
                const auto path = path_of(i);
                if (const auto below = detail::strip_prefix(path, stream->root); below && there[i]) {
                    expected.emplace(*below, &there[i]->producer().state(detail::Passkey())->first_info());
                }
            }
            CHECK(stream->known == expected);
        }
        CHECK(origin.stats().watchers <= 1);
    }
}

TEST_CASE("the announce feed: wherever memory runs out, a stream fails, or goes on and knows every broadcast in the end",
          "[session][announce]") {
    if (!allocations_can_fail()) {
        return;
    }
    bool failed = true;
    for (std::size_t after = 0; failed; ++after) {
        Origin origin;
        const auto producer = origin.producer();
        auto a = producer.create_broadcast("a"), b = producer.create_broadcast("b");
        AnnounceFeeds feeds;
        std::optional<AnnounceFeed::Follower> follower;
        std::size_t told = 0;
        FailingAllocation failing(after);
        try {
            follower.emplace(feeds.follow(origin.consumer()));
        } catch (const std::bad_alloc &) {
        }
        failed = failing.stop();
        if (!follower) {
            follower.emplace(feeds.follow(origin.consumer()));
        }
        for (auto next = follower->next(); next.ready(); next = follower->next()) {
            told += now(std::move(next)).told.size();
        }
        CHECK(told == 2);
        a.unannounce();
        CHECK(now(follower->next()).told.size() == 1);
        follower.reset();
        CHECK(origin.stats().watchers == 0);
        CHECK(origin.stats().nodes == 1);
    }
}

}
