// The announcements that a session's streams are told, and the memory that is held for them.
#include <comoq/detail/session/announce_feed.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/origin_fixture.hpp"
#include "support/seed.hpp"
#include "support/settle.hpp"

namespace announce_feed_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using detail::AnnounceFeed;
using detail::AnnounceFeeds;

/// One stream, and its peer's knowledge.
struct Stream {
    Stream(AnnounceFeeds &feeds, const OriginConsumer &view, bool with_hidden = false)
        : follower(feeds.follow(view, with_hidden)), root(view.root().view()) {}

    /// True if there was a batch; throws the follower's failure.
    bool take() {
        auto next = follower.next();
        if (!next.ready()) {
            return false;
        }
        const auto batch = now(std::move(next));
        if (batch.count) {
            CHECK_FALSE(count);
            count = *batch.count;
        }
        for (const auto &told : batch.told) {
            CHECK(count);
            const auto path = *detail::strip_prefix(*told.path, root);
            log.push_back((told.active ? "+" : "-") + std::string(path));
            if (told.active) {
                ++actives;
                known[std::string(path)] = told.info.get();
            } else {
                CHECK(known.erase(std::string(path)) == 1);
            }
        }
        ended = batch.ended;
        return !ended;
    }
    void take_all() {
        while (take()) {
        }
    }
    /// The messages since the last call, after the number, if that was new.
    std::vector<std::string> texts() {
        take_all();
        return std::exchange(log, {});
    }

    AnnounceFeed::Follower follower;
    std::string root;
    std::optional<std::uint64_t> count;
    std::uint64_t actives = 0;
    bool ended = false;
    std::vector<std::string> log;
    // By the address of its info, which is the broadcast's own.
    std::map<std::string, const BroadcastInfo *> known;
};

using Texts = std::vector<std::string>;

std::string numbered(std::size_t number) { return "room/" + std::to_string(number); }

}  // namespace

TEST_CASE("the order of paths: the paths below a path follow it directly", "[session][announce]") {
    std::vector<std::string> paths{"a/b", "b", "a.b", "", "a", "a/b/c", "a-", "a/a", "ab"};
    std::sort(paths.begin(), paths.end(), [](const auto &one, const auto &other) { return detail::path_before(one, other); });
    CHECK(paths == Texts{"", "a", "a/a", "a/b", "a/b/c", "a-", "a.b", "ab", "b"});
}

TEST_CASE("the announce feed: the number comes first, then the present broadcasts in the order of paths, then each change",
          "[session][announce]") {
    Origin origin;
    const auto producer = origin.producer();
    auto b = producer.create_broadcast("room/b");
    auto a = std::make_optional(producer.create_broadcast("room/a"));
    auto other = producer.create_broadcast("hall/a");
    AnnounceFeeds feeds;
    Stream stream(feeds, *origin.consumer().with_root("room"));
    CHECK(stream.texts() == Texts{"+a", "+b"});
    CHECK(stream.count == 2U);
    auto c = producer.create_broadcast("room/c/d");
    auto elsewhere = producer.create_broadcast("hall/b");
    CHECK(stream.texts() == Texts{"+c/d"});
    // Of two at one path, the one that ranks first.
    auto again = producer.create_broadcast("room/b");
    stream.take_all();
    b.unannounce();
    stream.take_all();
    CHECK(std::exchange(stream.log, {}) == Texts{"+b"});
    CHECK(stream.known["b"] == &again.producer().state(detail::Passkey())->first_info());
    a.reset();
    CHECK(stream.texts() == Texts{"-a"});
    a.emplace(producer.create_broadcast("room/a"));
    CHECK(stream.texts() == Texts{"+a"});
    // A gap stays a gap, also if both changes are told at once; a broadcast that came and went untold is not told.
    a.reset();
    a.emplace(producer.create_broadcast("room/a"));
    std::make_optional(producer.create_broadcast("room/never")).reset();
    CHECK(stream.texts() == Texts{"-a", "+a"});
    CHECK_FALSE(stream.follower.next().ready());
}

TEST_CASE("the announce feed: it ends with the origin", "[session][announce]") {
    std::optional<Origin> origin(std::in_place);
    AnnounceFeeds feeds;
    Stream stream(feeds, origin->consumer());
    stream.take_all();
    const auto consumer = origin->consumer();
    auto waiting = wait(stream.follower.next());
    CHECK_FALSE(waiting.done());
    origin.reset();
    CHECK(waiting.value().ended);
    Stream late(feeds, consumer);
    late.take_all();
    CHECK(late.ended);
}

TEST_CASE("the announce feed: one watcher of the origin and 16 streams at most, whatever they follow", "[session][announce]") {
    Origin origin;
    AnnounceFeeds feeds;
    std::vector<Stream> streams;
    for (std::size_t i = 0; i < AnnounceFeeds::most_followers; ++i) {
        streams.emplace_back(feeds, *origin.consumer().with_root(i == 7 ? "" : numbered(i % 5)));
        CHECK(origin.stats().watchers == 1);
    }
    CHECK(error_of([&] { return feeds.follow(origin.consumer()); }) == Error::LimitReached);
    streams.pop_back();
    // A different set of hop ids to leave out needs a watcher of its own: one more.
    streams.emplace_back(feeds, origin.consumer().without_hop(7));
    CHECK(origin.stats().watchers == 2);
    streams.erase(streams.begin());
    CHECK(error_of([&] { return feeds.follow(origin.consumer().without_hop(8)); }) == Error::LimitReached);
    streams.clear();
    CHECK(origin.stats().watchers == 0);
    CHECK(origin.stats().nodes == 0);
}

TEST_CASE("the announce feed: a stream hears of the paths below its prefixes, while other streams come and go",
          "[session][announce]") {
    Origin origin;
    const auto producer = origin.producer();
    AnnounceFeeds feeds;
    std::optional<Stream> deep, all, wide;
    deep.emplace(feeds, *origin.consumer().with_root("a/b"));
    all.emplace(feeds, origin.consumer());
    const std::vector<Path> prefixes{Path("z"), Path("a")};
    wide.emplace(feeds, *origin.consumer().scope(prefixes));
    for (auto *stream : {&*deep, &*all, &*wide}) {
        stream->take_all();
        CHECK(stream->count == 0U);
    }
    auto one = producer.create_broadcast("a/b/c"), two = producer.create_broadcast("m"), three = producer.create_broadcast("z");
    CHECK(deep->texts() == Texts{"+c"});
    CHECK(all->texts() == Texts{"+a/b/c", "+m", "+z"});
    CHECK(wide->texts() == Texts{"+a/b/c", "+z"});
    all.reset();
    one.unannounce();
    CHECK(deep->texts() == Texts{"-c"});
    CHECK(wide->texts() == Texts{"-a/b/c"});
    wide.reset();
    auto four = producer.create_broadcast("a/b/d");
    CHECK(deep->texts() == Texts{"+d"});
    // Without followers the origin does no work for the session.
    auto five = producer.create_broadcast("n");
    CHECK(deep->texts().empty());
}

TEST_CASE("the announce feed: a broadcast that is left out because of its hops is not told, and another route in its place is",
          "[session][announce]") {
    Origin origin;
    const auto producer = origin.producer();
    auto through = broadcast_with_hops({7});
    auto first = producer.publish_broadcast("a", through.consume());
    AnnounceFeeds feeds;
    Stream stream(feeds, origin.consumer().without_hop(7));
    CHECK(stream.texts().empty());
    CHECK(stream.count == 0U);
    auto direct = broadcast_with_hops({8, 9});
    auto second = std::make_optional(producer.publish_broadcast("a", direct.consume()));
    CHECK(stream.texts() == Texts{"+a"});
    second.reset();
    CHECK(stream.texts() == Texts{"-a"});
}

TEST_CASE("the announce feed: a broadcast in place of one with the same hops looks alike, whatever its cost",
          "[session][announce]") {
    Origin origin;
    const auto producer = origin.producer();
    const auto publish = [&](std::vector<std::uint64_t> hops, std::uint64_t cost = 0, std::uint64_t via = 0) {
        BroadcastInfo info(std::move(hops));
        info.cost.cold = 10 - cost;
        info.via = via;
        return producer.create_broadcast("a", info);
    };
    AnnounceFeeds feeds;
    auto early = feeds.follow(origin.consumer()), late = feeds.follow(origin.consumer());
    const auto told = [](AnnounceFeed::Follower &follower) {
        Texts texts;
        for (auto next = follower.next(); next.ready(); next = follower.next()) {
            for (const auto &one : now(std::move(next)).told) {
                const bool alike = one.change && one.change->same_hops();
                texts.push_back(!one.active ? "-" : alike ? one.change->same_cost() ? "same" : "alike" : "+");
            }
        }
        return texts;
    };
    CHECK(told(early).empty());
    auto first = std::make_optional(publish({7}));
    CHECK(told(early) == Texts{"+"});
    auto second = std::make_optional(publish({7})), third = std::make_optional(publish({7}, 1));
    CHECK(told(early) == Texts{"alike"});
    auto fourth = std::make_optional(publish({8}, 2));
    CHECK(told(early) == Texts{"+"});
    // There and back, before it was told.
    fourth.reset();
    fourth.emplace(publish({8}, 2));
    CHECK(told(early) == Texts{"same"});
    // With a gap it is news.
    for (auto *each : {&first, &second, &third, &fourth}) each->reset();
    first.emplace(publish({8}));
    CHECK(told(early) == Texts{"-", "+"});
    // The one that followed later has seen nothing yet.
    CHECK(told(late) == Texts{"+"});
    // The session tells the first one in the chain, if nothing else does.
    auto unnamed = std::make_optional(publish({0}, 0, 5));
    first.reset();
    CHECK(told(early) == Texts{"+"});
    auto same = publish({0}, 0, 5);
    CHECK(told(early) == Texts{"same"});
    auto other = publish({0}, 0, 6);
    CHECK(told(early) == Texts{"+"});
    CHECK(told(late) == Texts{"+"});
}

TEST_CASE("the announce feed: hidden names are neither counted nor told, except below a hidden root, or to peers that may see them",
          "[session][announce]") {
    Origin origin;
    const auto producer = origin.producer();
    const auto publish = [&](std::string_view path) { return std::make_optional(producer.create_broadcast(path)); };
    auto a = publish("room/a"), b = publish(".keys/b"), c = publish("room/.c"), d = publish("room/.d/e"), f = publish("room/.d/.f");
    AnnounceFeeds feeds;
    Stream plain(feeds, origin.consumer()), all(feeds, origin.consumer(), true);
    Stream room(feeds, *origin.consumer().with_root("room")), exact(feeds, *origin.consumer().with_root("room/.c"));
    Stream below(feeds, *origin.consumer().with_root("room/.d"));
    const std::vector<Path> allowed{Path("room/.d"), Path("hall")};
    Stream scoped(feeds, *origin.consumer().scope(allowed));
    CHECK(plain.texts() == Texts{"+room/a"});
    CHECK(plain.count == 1U);
    CHECK(all.texts() == Texts{"+.keys/b", "+room/.c", "+room/.d/.f", "+room/.d/e", "+room/a"});
    CHECK(all.count == 5U);
    CHECK(room.texts() == Texts{"+a"});
    CHECK(exact.texts() == Texts{"+"});
    CHECK(below.texts() == Texts{"+e"});
    // What a stream may see does not change what it asks for.
    CHECK(scoped.texts().empty());
    CHECK(scoped.count == 0U);
    for (auto *hidden : {&b, &c, &d, &f}) hidden->reset();
    a.reset();
    b = publish(".keys/b");
    d = publish("room/.d/e");
    CHECK(plain.texts() == Texts{"-room/a"});
    CHECK(room.texts() == Texts{"-a"});
    CHECK(exact.texts() == Texts{"-"});
    CHECK(below.texts() == Texts{"-e", "+e"});
    CHECK(scoped.texts().empty());
    CHECK(all.texts() == Texts{"-.keys/b", "+.keys/b", "-room/.c", "-room/.d/e", "+room/.d/e", "-room/.d/.f", "-room/a"});
    // Many of them keep nobody from what comes after.
    std::vector<BroadcastPublish> many;
    for (std::size_t i = 0; i < 1'000; ++i) many.push_back(producer.create_broadcast(".keys/" + std::to_string(i)));
    auto z = publish("z");
    Stream late(feeds, origin.consumer());
    CHECK(late.texts() == Texts{"+z"});
    CHECK(late.count == 1U);
    CHECK(plain.texts() == Texts{"+z"});
}

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
