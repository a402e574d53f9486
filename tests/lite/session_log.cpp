// What sessions write into the program's log.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/catch.hpp"
#include "support/logged.hpp"

namespace session_log_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Lines = std::vector<std::string>;

std::string said(const std::string &start, const std::string &rest = {}) {
    return start + " protocol='" + spoken_protocol() + "'" + rest;
}
/// The lines that contain the word, sorted: which of two sessions learns of an end first does not matter.
Lines with(std::string_view word, const Lines &lines) {
    Lines found;
    for (const auto &line : lines)
        if (line.find(word) != std::string::npos) found.push_back(line);
    std::ranges::sort(found);
    return found;
}

/// A client and its server, each with a name.
struct Scene : LiteScene {
    void connect_named(lite::SessionConfig of_client) {
        auto of_server = config_of(there);
        of_server.name = "guest";
        server.emplace(link.server(), std::move(of_server));
        of_client.name = "relay";
        client.emplace(link.client(), std::move(of_client));
        run();
    }
    void connect_named() { connect_named(config_of(here)); }

    Logged logged;
};

}  // namespace

TEST_CASE("log of a session: its beginning with protocol and path, and its end with code and reason", "[lite][session][log]") {
    Scene scene;
    auto config = scene.config_of(scene.here);
    config.path = "/room?jwt=secret#x";
    scene.connect_named(std::move(config));
    CHECK(with("session_begun", scene.logged.take()) ==
          Lines{said("info session_begun name='guest'", " path='/room'"), said("info session_begun name='relay'", " path='/room'")});
    SECTION("in peace") {
        scene.client->close();
        scene.run();
        CHECK(with("session_ended", scene.logged.take()) ==
              Lines{said("info session_ended name='guest'"), said("info session_ended name='relay'")});
    }
    SECTION("refused by the server") {
        scene.server->close(Error::Unauthorized, "the token is too old");
        scene.run();
        const std::string rest = " code='not authorized' reason='the token is too old'";
        CHECK(with("session_ended", scene.logged.take()) ==
              Lines{said("info session_ended name='guest'", rest), said("info session_ended name='relay'", rest)});
    }
    SECTION("lost") {
        scene.link.cut();
        scene.run();
        const std::string rest = " code='the transport failed'";
        CHECK(with("session_ended", scene.logged.take()) ==
              Lines{said("info session_ended name='guest'", rest), said("info session_ended name='relay'", rest)});
    }
}

TEST_CASE("log of a session: no line contains the query of a path", "[lite][session][log]") {
    Scene scene;
    auto config = scene.config_of(scene.here);
    config.path = "/?jwt=secret";
    scene.connect_named(std::move(config));
    auto track = scene.publish("cam");
    auto subscriber = scene.subscribe("cam");
    scene.server->close(Error::Unauthorized, "enough");
    scene.run();
    const auto lines = scene.logged.take();
    CHECK(lines.size() >= 5);
    CHECK(with("secret", lines).empty());
}

TEST_CASE("log of a session: what the peer announces, subscribes to and is refused", "[lite][session][log]") {
    Scene scene;
    scene.connect_named();
    scene.logged.take();
    auto track = scene.publish("room/cam");
    scene.run();
    CHECK(scene.logged.take() == Lines{said("debug announced name='relay'", " path='room/cam'")});
    {
        auto subscriber = scene.subscribe("room/cam");
        CHECK(scene.logged.take() == Lines{said("debug subscribed name='guest'", " path='room/cam' track='video'")});
    }
    scene.run();
    scene.pass(std::chrono::minutes(1));
    CHECK(with("unsubscribed", scene.logged.take()).size() == 1);
    CHECK(scene.code<TrackSubscriber>(scene.announced("room/cam").track("audio").subscribe()) == Error::NotFound);
    const auto refusals = scene.logged.take();
    REQUIRE_FALSE(refusals.empty());
    CHECK(refusals.front() == said("debug refused name='guest'", " path='room/cam' track='audio' code='not found'"));
    scene.broadcasts.clear();
    scene.run();
    CHECK(with("unannounced", scene.logged.take()) == Lines{said("debug unannounced name='relay'", " path='room/cam'")});
}

TEST_CASE("log of a session: at the level of set_log's default, a peer cannot set the pace", "[lite][session][log]") {
    LiteScene scene;
    Logged logged(LogLevel::Info);
    scene.connect();
    auto track = scene.publish("cam");
    scene.run();
    logged.take();
    CHECK(scene.code<TrackSubscriber>(scene.announced("cam").track("audio").subscribe()) == Error::NotFound);
    scene.broadcasts.clear();
    scene.run();
    CHECK(logged.take().empty());
}

TEST_CASE("log of a session: a limit beyond which the peer is served no more, once", "[lite][session][log]") {
    Scene scene;
    auto config = scene.config_of(scene.here);
    SECTION("announcements that this side takes") {
        config.max_announced = 1;
        scene.connect_named(std::move(config));
        for (const char *path : {"a", "b", "c"}) static_cast<void>(scene.publish(path));
        scene.run();
        CHECK(with("limit_reached", scene.logged.take()) ==
              Lines{said("warning limit_reached name='relay'", " reason='max_announced'")});
    }
    SECTION("tracks") {
        config.max_tracks = 1;
        scene.connect_named(std::move(config));
        auto track = scene.publish("a");
        auto other = scene.broadcasts.front().producer().create_track("audio");
        auto third = scene.broadcasts.front().producer().create_track("text");
        auto subscriber = scene.subscribe("a");
        CHECK(scene.code<TrackSubscriber>(scene.announced("a").track("audio").subscribe()) == Error::LimitReached);
        CHECK(scene.code<TrackSubscriber>(scene.announced("a").track("text").subscribe()) == Error::LimitReached);
        CHECK(with("limit_reached", scene.logged.take()) ==
              Lines{said("warning limit_reached name='relay'", " reason='max_tracks'")});
    }
    SECTION("groups of one track at a time") {
        config.max_open_groups = 1;
        scene.connect_named(std::move(config));
        auto track = scene.publish("a");
        auto subscriber = scene.subscribe("a");
        auto first = track.append_group(), second = track.append_group(), third = track.append_group();
        for (auto *group : {&first, &second, &third}) group->write_frame(Bytes::copy("x"));
        scene.run();
        CHECK(with("limit_reached", scene.logged.take()) ==
              Lines{said("warning limit_reached name='relay'", " reason='max_open_groups'")});
    }
}

TEST_CASE("log of a session: each has a number of its own, and the protocol that both agreed on", "[lite][session][log]") {
    LiteScene scene;
    std::vector<std::uint64_t> numbers;
    set_log([&numbers](const LogRecord &record) {
        if (record.event == "session_begun") numbers.push_back(record.session);
    });
    scene.connect();
    set_log({});
    CHECK(numbers == std::vector{scene.client->number(), scene.server->number()});
    CHECK(scene.client->number() != scene.server->number());
    CHECK(scene.client->protocol() == spoken_protocol());
    const lite::Session session = std::move(*scene.client);
    CHECK(scene.client->number() == 0);
    CHECK(scene.client->protocol().empty());
}

TEST_CASE("the reason of an end: the text of either side, for both, once it is over", "[transport][log]") {
    asio::io_context context;
    MemoryLink link(context.get_executor(), context.get_executor());
    CHECK(link.client()->end_reason().empty());
    link.server()->close(7, "enough " + std::string(300, 'x'));
    CHECK(link.client()->end_reason() == "enough " + std::string(193, 'x'));
    CHECK(link.server()->end_reason() == link.client()->end_reason());
    link.client()->close(8, "too late");
    CHECK(link.client()->end_reason().starts_with("enough"));
}

}
