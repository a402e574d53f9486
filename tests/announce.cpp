#include <comoq/announce.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/origin_fixture.hpp"

namespace announce_tests {

using namespace comoq;
using namespace comoq::test;

static_assert(std::is_default_constructible_v<Announcement> && std::is_copy_constructible_v<Announcement>);
static_assert(std::is_nothrow_move_constructible_v<AnnounceConsumer> && !std::is_copy_constructible_v<AnnounceConsumer>);

namespace {

/// An origin with one publisher and one watcher; publishing at a path again replaces its publication.
struct Watched {
    Origin origin;
    OriginProducer producer = origin.producer();
    AnnounceConsumer watcher = origin.consumer().announced();

    BroadcastPublish publish(const char *path) const { return producer.create_broadcast(path); }
    /// A publication that replaces one that `publish` made only if it has fewer hops.
    BroadcastPublish publish_far(const char *path) const {
        return producer.create_broadcast(path, BroadcastInfo({1, 2, 3}));
    }
};

Texts sorted(Texts texts) {
    std::sort(texts.begin(), texts.end());
    return texts;
}

}  // namespace

TEST_CASE("section 4: a watcher is first told of each active broadcast, once per path", "[announce]") {
    Origin origin;
    const auto producer = origin.producer();
    auto root = producer.create_broadcast("");
    auto far = producer.create_broadcast("room/1", BroadcastInfo({1}));
    auto near = producer.create_broadcast("room/1");
    auto two = producer.create_broadcast("room/2/alice");
    static_cast<void>(producer.create_broadcast("gone"));
    auto watcher = origin.consumer().announced();
    const auto all = changes(watcher);
    Texts texts;
    for (const auto &change : all) {
        texts.push_back(text_of(change));
        if (change.path.view() == "room/1") {
            CHECK(change.broadcast == near.producer().consume());
        }
    }
    CHECK(sorted(texts) == Texts{"Active ", "Active room/1", "Active room/2/alice"});
    CHECK_FALSE(watcher.next().ready());
}

TEST_CASE("section 4: a watcher is told Active, Restart and Ended", "[announce]") {
    Watched watched;
    auto far = watched.publish_far("a");
    auto events = changes(watched.watcher);
    REQUIRE(events.size() == 1);
    CHECK(events[0].event == Announcement::Event::Active);
    CHECK(events[0].path == Path("a"));
    CHECK(events[0].broadcast == far.producer().consume());

    auto near = watched.publish("a");
    events = changes(watched.watcher);
    REQUIRE(events.size() == 1);
    CHECK(events[0].event == Announcement::Event::Restart);
    CHECK(events[0].broadcast == near.producer().consume());

    near.unannounce();
    events = changes(watched.watcher);
    REQUIRE(events.size() == 1);
    CHECK(events[0].event == Announcement::Event::Restart);
    CHECK(events[0].broadcast == far.producer().consume());

    far.unannounce();
    events = changes(watched.watcher);
    REQUIRE(events.size() == 1);
    CHECK(events[0].event == Announcement::Event::Ended);
}

TEST_CASE("section 4: an Ended carries an empty broadcast", "[announce]") {
    Watched watched;
    auto publication = watched.publish("a");
    CHECK(changes(watched.watcher).size() == 1);
    publication.unannounce();
    SECTION("by itself") {
        const auto events = changes(watched.watcher);
        REQUIRE(events.size() == 1);
        CHECK_FALSE(events[0].broadcast);
        CHECK(events[0].broadcast == BroadcastConsumer());
    }
    SECTION("and when an Active follows it") {
        auto again = watched.publish("a");
        const auto events = changes(watched.watcher);
        REQUIRE(events.size() == 2);
        CHECK_FALSE(events[0].broadcast);
        CHECK(events[1].broadcast == again.producer().consume());
    }
}

TEST_CASE("section 4: an announce that was never seen and its unannounce cancel out", "[announce]") {
    Watched watched;
    auto publication = watched.publish("a");
    auto step = watched.watcher.next();
    CHECK(step.ready());
    publication.unannounce();
    CHECK_FALSE(step.ready());
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(watched.publish("a"));
    }
    CHECK_FALSE(step.ready());
    auto last = watched.publish("a");
    CHECK(text_of(*now(std::move(step))) == "Active a");
    CHECK_FALSE(watched.watcher.next().ready());
}

TEST_CASE("section 4: an Active that was replaced before it was seen becomes one Active with the latest broadcast",
          "[announce]") {
    Watched watched;
    auto far = watched.publish_far("a");
    auto near = watched.publish("a");
    const auto events = changes(watched.watcher);
    REQUIRE(events.size() == 1);
    CHECK(text_of(events[0]) == "Active a");
    CHECK(events[0].broadcast == near.producer().consume());
}

TEST_CASE("section 4: several unseen Restarts become one, and an unannounce turns them into Ended", "[announce]") {
    Watched watched;
    auto far = watched.publish_far("a");
    CHECK(change_texts(watched.watcher) == Texts{"Active a"});
    auto nearer = watched.producer.create_broadcast("a", BroadcastInfo({1}));
    auto near = watched.publish("a");
    SECTION("restarted") {
        const auto events = changes(watched.watcher);
        REQUIRE(events.size() == 1);
        CHECK(text_of(events[0]) == "Restart a");
        CHECK(events[0].broadcast == near.producer().consume());
    }
    SECTION("ended") {
        near.unannounce();
        far.unannounce();
        nearer.unannounce();
        CHECK(change_texts(watched.watcher) == Texts{"Ended a"});
    }
}

TEST_CASE("section 4: an unannounce followed by an announce is Ended and then Active, in two steps", "[announce]") {
    Watched watched;
    auto first = watched.publish("a");
    CHECK(change_texts(watched.watcher) == Texts{"Active a"});
    first.unannounce();
    auto second = watched.publish_far("a");

    SECTION("both are there") {
        auto step = watched.watcher.next();
        CHECK(text_of(*now(std::move(step))) == "Ended a");
        const auto active = now(watched.watcher.next());
        CHECK(text_of(*active) == "Active a");
        CHECK(active->broadcast == second.producer().consume());
        CHECK_FALSE(watched.watcher.next().ready());
    }
    SECTION("a replacement of the second is the one that is delivered, still as Active") {
        auto third = watched.publish("a");
        const auto events = changes(watched.watcher);
        REQUIRE(events.size() == 2);
        CHECK(text_of(events[0]) == "Ended a");
        CHECK(text_of(events[1]) == "Active a");
        CHECK(events[1].broadcast == third.producer().consume());
    }
    SECTION("an unannounce before either was seen leaves the Ended alone") {
        second.unannounce();
        CHECK(change_texts(watched.watcher) == Texts{"Ended a"});
    }
    SECTION("an unannounce between the two cancels the Active") {
        CHECK(text_of(*now(watched.watcher.next())) == "Ended a");
        second.unannounce();
        CHECK_FALSE(watched.watcher.next().ready());
        auto third = watched.publish("a");
        CHECK(change_texts(watched.watcher) == Texts{"Active a"});
    }
    SECTION("however often it is repeated") {
        for (int i = 0; i < 5; ++i) {
            second.unannounce();
            second = watched.publish_far("a");
        }
        CHECK(change_texts(watched.watcher) == Texts{"Ended a", "Active a"});
    }
}

TEST_CASE("section 4: updates come in the order in which their paths first became dirty", "[announce]") {
    Watched watched;
    SECTION("announcements") {
        auto c = watched.publish("c"), a = watched.publish("a"), b = watched.publish("b");
        CHECK(change_texts(watched.watcher) == Texts{"Active c", "Active a", "Active b"});
    }
    SECTION("a path that changes again keeps its place") {
        auto a = watched.publish_far("a");
        auto b = watched.publish("b");
        auto nearer = watched.publish("a");
        CHECK(change_texts(watched.watcher) == Texts{"Active a", "Active b"});
    }
    SECTION("a path whose change was cancelled goes to the end when it changes again") {
        static_cast<void>(watched.publish("a"));
        auto b = watched.publish("b");
        auto again = watched.publish("a");
        CHECK(change_texts(watched.watcher) == Texts{"Active b", "Active a"});
    }
    SECTION("a broadcast that ends and begins again keeps the place of its end") {
        std::optional<BroadcastPublish> a = watched.publish("a"), b = watched.publish("b");
        CHECK(change_texts(watched.watcher) == Texts{"Active a", "Active b"});
        a.reset();
        b.reset();
        a = watched.publish("a");
        CHECK(change_texts(watched.watcher) == Texts{"Ended a", "Active a", "Ended b"});
    }
}

TEST_CASE("section 4: a churning path cannot starve another", "[announce]") {
    Watched watched;
    std::optional<BroadcastPublish> churning = watched.publish("a");
    CHECK(change_texts(watched.watcher) == Texts{"Active a"});
    churning.reset();
    churning = watched.publish("a");
    auto b = watched.publish("b"), c = watched.publish("c");
    Texts seen;
    for (int i = 0; i < 8; ++i) {
        auto step = watched.watcher.next();
        if (step.ready()) {
            seen.push_back(text_of(*now(std::move(step))));
        }
        churning.reset();
        churning = watched.publish("a");
    }
    REQUIRE(seen.size() == 8);
    const auto place = [&](const char *text) { return std::find(seen.begin(), seen.end(), text) - seen.begin(); };
    // At most the two steps of the entry before them, then they are due.
    CHECK(place("Active b") <= 2);
    CHECK(place("Active c") <= 3);
}

TEST_CASE("section 4: a slow watcher holds at most one entry per path", "[announce]") {
    Watched watched;
    std::optional<BroadcastPublish> a = watched.publish("a"), b = watched.publish("b");
    CHECK(change_texts(watched.watcher).size() == 2);
    for (int i = 0; i < 1000; ++i) {
        a.reset();
        b.reset();
        a = watched.publish("a");
        auto backup = watched.publish_far("a");
        b = watched.publish("b");
    }
    CHECK(change_texts(watched.watcher) == Texts{"Ended a", "Active a", "Ended b", "Active b"});
}

TEST_CASE("section 4: each watcher reads at its own pace", "[announce]") {
    Watched watched;
    auto other = watched.origin.consumer().announced();
    auto a = watched.publish("a");
    CHECK(change_texts(watched.watcher) == Texts{"Active a"});
    a.unannounce();
    CHECK(change_texts(watched.watcher) == Texts{"Ended a"});
    CHECK(change_texts(other).empty());
}

TEST_CASE("section 4: a step that is dropped, even a ready one, takes nothing from its watcher", "[announce]") {
    Watched watched;
    auto a = watched.publish("a");
    {
        const auto dropped = watched.watcher.next();
        CHECK(dropped.ready());
    }
    CHECK(change_texts(watched.watcher) == Texts{"Active a"});
}

TEST_CASE("section 4: a watcher that waits is woken by the next change", "[announce]") {
    Watched watched;
    auto waiting = wait(watched.watcher.next());
    CHECK_FALSE(waiting.done());
    static_cast<void>(watched.publish("a"));
    CHECK_FALSE(waiting.done());
    auto b = watched.publish("b");
    REQUIRE(waiting.done());
    CHECK(text_of(*waiting.value()) == "Active b");
}

TEST_CASE("section 4: a moved watcher goes on, and a moved-from watcher has ended", "[announce]") {
    Watched watched;
    auto moved = std::move(watched.watcher);
    auto a = watched.publish("a");
    CHECK(change_texts(moved) == Texts{"Active a"});
    CHECK(watched.origin.stats().watchers == 1);
}

TEST_CASE("section 4: announced_broadcast gives an announced broadcast at once", "[announce]") {
    Origin origin;
    auto far = origin.producer().create_broadcast("a", BroadcastInfo({1}));
    auto near = origin.producer().create_broadcast("a");
    auto found = origin.consumer().announced_broadcast("/a/");
    REQUIRE(found.ready());
    CHECK(now(std::move(found)) == near.producer().consume());
    CHECK(origin.stats().watchers == 0);
}

TEST_CASE("section 4: announced_broadcast waits for an announcement of exactly that path", "[announce]") {
    Origin origin;
    const auto consumer = origin.consumer();
    auto first = consumer.announced_broadcast("a/b"), second = consumer.announced_broadcast("a/b");
    auto root = consumer.announced_broadcast("");
    auto above = origin.producer().create_broadcast("a");
    auto below = origin.producer().create_broadcast("a/b/c");
    auto beside = origin.producer().create_broadcast("a/bb");
    CHECK_FALSE((first.ready() || second.ready() || root.ready()));
    auto exact = origin.producer().create_broadcast("a/b");
    CHECK_FALSE(root.ready());
    REQUIRE((first.ready() && second.ready()));
    CHECK(now(std::move(first)) == exact.producer().consume());
    CHECK(now(std::move(second)) == exact.producer().consume());
    auto everything = origin.producer().create_broadcast("");
    REQUIRE(root.ready());
    CHECK(now(std::move(root)) == everything.producer().consume());
}

TEST_CASE("section 4: announced_broadcast keeps its outcome when the broadcast is unannounced", "[announce]") {
    Origin origin;
    auto found = origin.consumer().announced_broadcast("a");
    auto made = origin.producer().create_broadcast("a");
    made.unannounce();
    REQUIRE(found.ready());
    CHECK(now(std::move(found)) == made.producer().consume());
}

TEST_CASE("section 4: announced_broadcast never asks a handler", "[announce]") {
    Origin origin;
    auto handler = origin.producer().dynamic();
    auto asked = handler.requested_broadcast();
    auto found = origin.consumer().announced_broadcast("a");
    CHECK_FALSE(found.ready());
    CHECK_FALSE(asked.ready());
    CHECK(origin.stats().pending == 0);
}

TEST_CASE("section 4: announced_broadcast fails at once for an invalid path and for a path outside the view", "[announce]") {
    Origin origin;
    const auto room = *origin.consumer().scope(std::vector<Path>{"room"});
    auto made = origin.producer().create_broadcast("hall");
    for (const auto &[path, error] :
         {std::pair("a\nb", Error::InvalidPath), {"hall", Error::Unauthorized}, {"", Error::Unauthorized}}) {
        auto found = room.announced_broadcast(path);
        REQUIRE(found.ready());
        CHECK(code_now(std::move(found)) == error);
    }
    CHECK(origin.stats().watchers == 0);
}

TEST_CASE("section 7: no tree node stays behind for a path that was watched", "[announce]") {
    Origin origin;
    const auto consumer = origin.consumer();
    for (int i = 0; i < 1000; ++i) {
        const auto path = "room/" + std::to_string(i) + "/alice";
        const auto waiting = consumer.announced_broadcast(path);
        const auto watcher = consumer.with_root(path)->announced();
        CHECK(origin.stats().nodes == 3);
    }
    CHECK(origin.stats().nodes == 0);
    std::vector<Pending<BroadcastConsumer>> waiting;
    for (int i = 0; i < 100; ++i) {
        waiting.push_back(consumer.announced_broadcast("room/" + std::to_string(i) + "/alice"));
    }
    CHECK(origin.stats().nodes == 201);
    while (!waiting.empty()) {
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(waiting.size() / 2));
    }
    CHECK(origin.stats().nodes == 0);
    CHECK(origin.stats().watchers == 0);
}

}
