// The announcements that a session's streams are told, and the memory that is held for them.
#include <comoq/detail/session/announce_feed.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detail/session/announce_stream.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/origin_fixture.hpp"
#include "support/settle.hpp"

namespace announce_feed_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Texts = std::vector<std::string>;

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

}
