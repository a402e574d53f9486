// Announcements that find no room are brought in when there is some.
#include <comoq/lite/session.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "lite/raw_peer.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_left_out_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

std::set<std::string> announced(const Origin &origin) {
    std::set<std::string> all;
    auto watch = origin.consumer().announced();
    for (auto next = watch.next(); next.ready(); next = watch.next()) {
        const auto change = now(std::move(next));
        if (!change) break;
        all.insert(std::string(change->path.view()));
    }
    return all;
}

using Paths = std::set<std::string>;

}  // namespace

TEST_CASE("a session: announcements that were left out come in when there is room, of the session or of all together",
          "[lite][session]") {
    const bool alone = GENERATE(true, false);
    const auto left = std::make_shared<std::atomic<std::int64_t>>(2);
    LiteScene scene;
    auto config = scene.config_of(scene.here);
    if (alone)
        config.max_announced = 2;
    else
        config.announcements_left = left;
    scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
    scene.client.emplace(scene.link.client(), std::move(config));
    scene.run();
    std::vector<BroadcastPublish> published;
    for (const char *path : {"a", "b", "c", "d", "e"}) {
        published.push_back(scene.there.producer().create_broadcast(path));
        scene.run();
    }
    scene.pass(10s);
    CHECK(announced(scene.here) == Paths{"a", "b"});
    CHECK(scene.client->announcements_left_out() == 3);
    // "d" goes before it has room.
    published.erase(published.begin() + 3);
    published.erase(published.begin());
    scene.run();
    CHECK(announced(scene.here) == Paths{"b"});
    scene.pass(1s);
    CHECK(announced(scene.here) == Paths{"b", "c"});
    CHECK(scene.client->announcements_left_out() == 1);
    // What came in is as any other: it serves, and it ends.
    auto track = published[1].producer().create_track("video");
    track.write_frame(payload("x"));
    auto subscriber = scene.subscribe("c");
    CHECK(scene.words(*now(subscriber.recv_group())) == Words{"x"});
    published.erase(published.begin() + 1);
    scene.run();
    CHECK(announced(scene.here) == Paths{"b"});
    scene.pass(10s);
    CHECK(announced(scene.here) == Paths{"b", "e"});
    CHECK(scene.client->announcements_left_out() == 0);
    published.clear();
    scene.run();
    CHECK(announced(scene.here).empty());
    // Nothing is left to be asked for.
    CHECK(scene.time.sleepers() <= 1);
    scene.client->close();
    scene.run();
    CHECK(*left == 2);
}

TEST_CASE("a session: room that another session leaves is for announcements that were left out, too", "[lite][session]") {
    const auto left = std::make_shared<std::atomic<std::int64_t>>(1);
    LiteScene one, other;
    for (auto *scene : {&one, &other}) {
        auto config = scene->config_of(scene->here);
        config.announcements_left = left;
        scene->server.emplace(scene->link.server(), scene->config_of(scene->there));
        scene->client.emplace(scene->link.client(), std::move(config));
        static_cast<void>(scene->publish("a"));
        scene->run();
    }
    other.pass(5s);
    CHECK(one.here.stats().announced == 1);
    CHECK(other.here.stats().announced == 0);
    one.client->close();
    one.run();
    other.pass(1s);
    CHECK(other.here.stats().announced == 1);
    CHECK(other.client->announcements_left_out() == 0);
}

namespace {

/// A session whose peer writes announcements by hand, on each stream on which it is asked for them.
struct Scene : HostileScene {
    explicit Scene(std::size_t max_announced) {
        auto config = config_of(there);
        config.max_announced = max_announced;
        begin(std::move(config));
        asio::co_spawn(context, hold_what_comes(link.client(), asked), asio::detached);
        peer->say_setup();
        REQUIRE(asked->size() == 1);
        list(0, {});
    }

    /// On the stream with that number: AnnounceOk, and announcements.
    void list(std::size_t stream, std::vector<std::string> paths, std::vector<std::uint64_t> hops = {}) {
        Octets octets;
        lite::encode(lite::AnnounceOk{77, paths.size()}, spoken(), octets);
        auto &announcing = on_stream[stream];
        for (auto &path : paths) announcing.write(lite::Announce{true, std::move(path), hops}, octets);
        write(stream, std::move(octets));
    }
    void announce(bool active, std::string path, std::vector<std::uint64_t> hops = {}) {
        write(0, on_stream[0].bytes(lite::Announce{active, std::move(path), std::move(hops)}));
    }
    void write(std::size_t stream, Octets octets) {
        REQUIRE(stream < asked->size());
        asio::co_spawn(context, asked->at(stream).send->write(Bytes(std::move(octets))), asio::detached);
        run();
    }

    std::shared_ptr<std::vector<BidiStream>> asked = std::make_shared<std::vector<BidiStream>>();
    std::map<std::size_t, Announcing> on_stream;
};

}  // namespace

TEST_CASE("a session: a peer is asked to list its announcements only when there is room for one that was left out, and seldom",
          "[lite][session]") {
    Scene scene(1);
    scene.announce(true, "a");
    scene.announce(true, "b");
    scene.announce(true, "c");
    scene.pass(100s);
    CHECK(scene.asked->size() == 1);
    scene.announce(false, "a");
    scene.pass(900ms);
    CHECK(scene.asked->size() == 1);
    scene.pass(100ms);
    REQUIRE(scene.asked->size() == 2);
    // While it may still answer, it is not asked again.
    scene.pass(14s);
    CHECK(scene.asked->size() == 2);
    scene.list(1, {"b", "c"});
    CHECK(announced(scene.there) == Paths{"b"});
    scene.announce(false, "b");
    // The more it has listed, the later.
    scene.pass(1'001ms);
    CHECK(scene.asked->size() == 2);
    scene.pass(1ms);
    REQUIRE(scene.asked->size() == 3);
    // Refused, and again: later and later.
    scene.asked->at(2).send->reset(0x03);
    scene.run();
    scene.pass(1'900ms);
    CHECK(scene.asked->size() == 3);
    scene.pass(200ms);
    REQUIRE(scene.asked->size() == 4);
    scene.asked->at(3).send->reset(0x03);
    scene.run();
    scene.pass(3'900ms);
    CHECK(scene.asked->size() == 4);
    scene.pass(200ms);
    REQUIRE(scene.asked->size() == 5);
    scene.list(4, {"c"});
    CHECK(announced(scene.there) == Paths{"c"});
    CHECK(scene.server->announcements_left_out() == 0);
    scene.pass(100s);
    CHECK(scene.asked->size() == 5);
    CHECK(scene.open());
}

TEST_CASE("a session: a list that is behind what the peer has said since brings in nothing that has ended or changed",
          "[lite][session]") {
    Scene scene(3);
    const auto hops = [&](const char *path) { return now(scene.there.consumer().announced_broadcast(path)).info().hops; };
    for (const char *path : {"a", "b", "c", "ends", "changes", "stays", "later"}) scene.announce(true, path);
    for (const char *path : {"a", "b", "c"}) scene.announce(false, path);
    scene.pass(1s);
    REQUIRE(scene.asked->size() == 2);
    // The list was made before these, and comes after them.
    scene.announce(false, "ends");
    scene.announce(true, "changes", {5});
    for (const char *path : {"d", "e"}) scene.announce(true, path);
    scene.announce(true, "later", {5});
    for (const char *path : {"d", "e"}) scene.announce(false, path);
    CHECK(announced(scene.there) == Paths{"changes"});
    CHECK(scene.server->announcements_left_out() == 2);
    scene.list(1, {"ends", "changes", "stays", "later"}, {9});
    CHECK(announced(scene.there) == Paths{"changes", "stays"});
    CHECK(hops("changes") == std::vector<std::uint64_t>{5, 77});
    CHECK(scene.server->announcements_left_out() == 1);
    scene.pass(10s);
    REQUIRE(scene.asked->size() == 3);
    scene.list(2, {"stays", "later"}, {5});
    CHECK(announced(scene.there) == Paths{"changes", "later", "stays"});
    CHECK(hops("later") == std::vector<std::uint64_t>{5, 77});
    CHECK(hops("stays") == std::vector<std::uint64_t>{9, 77});
    // The first stream says what ends.
    for (const char *path : {"stays", "later", "changes"}) scene.announce(false, path);
    CHECK(announced(scene.there).empty());
    CHECK(scene.open());
}

TEST_CASE("a session: a list of announcements that does not come gives its stream back, and is asked for again and again, less often",
          "[lite][session]") {
    Scene scene(2);
    for (const char *path : {"a", "b", "c", "d"}) scene.announce(true, path);
    scene.announce(false, "a");
    scene.pass(1s);
    REQUIRE(scene.asked->size() == 2);
    const auto is_over = [&](std::size_t stream) {
        Begun<std::error_code> over(scene.context, scene.asked->at(stream).send->stopped());
        return over.done();
    };
    scene.pass(14'900ms);
    CHECK_FALSE(is_over(1));
    scene.pass(200ms);
    CHECK(is_over(1));
    scene.pass(2s);
    REQUIRE(scene.asked->size() == 3);
    SECTION("nor at the next time") {
        scene.pass(15s);
        CHECK(is_over(2));
        scene.pass(3'900ms);
        CHECK(scene.asked->size() == 3);
        scene.pass(200ms);
        CHECK(scene.asked->size() == 4);
        for (int minute = 0; minute < 24 * 60; ++minute) scene.pass(1min);
        CHECK(scene.asked->size() < 45);
        CHECK(is_over(scene.asked->size() - 2));
    }
    SECTION("it comes at the next time") {
        scene.list(2, {"c"});
        CHECK(announced(scene.there) == Paths{"b", "c"});
    }
    SECTION("a part of it comes, and no more") {
        Octets ok;
        lite::encode(lite::AnnounceOk{77, 3}, spoken(), ok);
        scene.on_stream[2].write(lite::Announce{true, "b", {}}, ok);
        scene.write(2, std::move(ok));
        scene.pass(15s);
        CHECK_FALSE(is_over(2));
        scene.pass(15s);
        CHECK(is_over(2));
        CHECK(announced(scene.there) == Paths{"b"});
    }
    CHECK(scene.open());
}

TEST_CASE("a session: a malformed list of announcements ends the session, and a lost one does not", "[lite][session]") {
    Scene scene(1);
    for (const char *path : {"a", "b", "c"}) scene.announce(true, path);
    scene.announce(false, "a");
    scene.pass(1s);
    REQUIRE(scene.asked->size() == 2);
    SECTION("lost in the middle") {
        scene.write(1, octets_of({2, 0}));
        scene.asked->at(1).send->reset(0x01);
        scene.run();
        CHECK(scene.open());
        scene.announce(true, "b");
        CHECK(announced(scene.there) == Paths{"b"});
    }
    SECTION("malformed") {
        scene.write(1, octets_of({1, 0xff}));
        CHECK_FALSE(scene.open());
    }
    SECTION("the stream of the first list ends meanwhile") {
        scene.asked->at(0).send->finish();
        scene.run();
        scene.list(1, {"b"});
        CHECK(announced(scene.there).empty());
        CHECK(scene.server->announcements_left_out() == 0);
        CHECK(scene.open());
    }
}

}
