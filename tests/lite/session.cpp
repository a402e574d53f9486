// Two origins with a session between them: what passes, in both directions, and what is left when one side goes.
#include <comoq/lite/session.hpp>

#include <comoq/detail/lite/stream_reader.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "lite/scene.hpp"
#include "support/asking_on_sight.hpp"
#include "support/catch.hpp"

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
