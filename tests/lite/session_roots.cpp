// A peer that publishes below one root and asks below another: it is not asked for its own broadcasts.
#include <comoq/lite/session.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "lite/raw_peer.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"

namespace session_roots_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A peer that does not say its hop id, that asks below `asks_below` and publishes below `publishes_below`.
struct Scene : HostileScene {
    Scene(std::string asks_below, std::string publishes_below) {
        lite::SessionConfig config = config_of(there);
        config.authorize = [all = there.consumer(), everywhere = there.producer(), asks_below = std::move(asks_below),
                            publishes_below = std::move(publishes_below)](
                               const lite::Setup &, const Transport &) -> asio::awaitable<lite::SessionViews> {
            co_return lite::SessionViews(all.with_root(asks_below), everywhere.with_root(publishes_below));
        };
        begin(std::move(config));
        asio::co_spawn(context, hold_what_comes(link.client(), asked), asio::detached);
        peer->say_setup();
    }

    /// The peer announces a broadcast on the first stream that the session has opened.
    void announce(std::string_view path) {
        REQUIRE(asked->size() == 1);
        Octets octets;
        lite::encode(lite::AnnounceOk{0, 1}, spoken(), octets);
        announcing.write(lite::Announce{true, std::string(path), {}}, octets);
        asio::co_spawn(context, asked->front().send->write(Bytes(std::move(octets))), asio::detached);
        run();
    }
    /// The session refuses each kind of question for that path, and asks the peer nothing.
    void check_not_found(std::string_view path) {
        INFO(path);
        const auto before = asked->size();
        CHECK(info(*peer, path)->code == Error::NotFound);
        CHECK(comoq::test::subscribe(*peer, next_id++, path)->code == Error::NotFound);
        CHECK(peer->ask(opening(lite::BidiStreamType::Fetch, lite::Fetch{std::string(path), "video", 0, 1}))->code == Error::NotFound);
        CHECK(asked->size() == before);
    }

    std::shared_ptr<std::vector<BidiStream>> asked = std::make_shared<std::vector<BidiStream>>();
    std::uint64_t next_id = 1;
    Announcing announcing;
};

}  // namespace

TEST_CASE("a session: a peer does not find its own broadcast, also where it asks below another root", "[lite][session]") {
    SECTION("it publishes below the place where it asks") {
        Scene scene("room", "room/alice");
        scene.announce("cam");
        REQUIRE(scene.there.consumer().request_broadcast("room/alice/cam").ready());
        scene.check_not_found("alice/cam");
        scene.check_not_found("cam");
    }
    SECTION("it asks below the place where it publishes") {
        Scene scene("room/alice", "room");
        scene.announce("alice/cam");
        scene.check_not_found("cam");
    }
    SECTION("it asks with an untidy path") {
        Scene scene("room", "room");
        scene.announce("alice/cam");
        scene.check_not_found("/alice//cam/");
    }
}

TEST_CASE("a session: a broadcast at the same path below another root is not the peer's", "[lite][session]") {
    Scene scene("room", "room/alice");
    auto track = scene.publish("room/cam");
    scene.announce("cam");
    CHECK(info(*scene.peer, "cam")->ended);
}

TEST_CASE("a session: a peer does not find its own broadcast that a handler serves at another path", "[lite][session]") {
    Scene scene("", "");
    auto handler = scene.there.producer().dynamic();
    const auto serve = [&] {
        while (true) {
            auto next = handler.requested_broadcast();
            if (!next.ready()) return;
            now(std::move(next))->accept(scene.server->broadcast("cam"));
        }
    };
    const auto first = info(*scene.peer, "elsewhere");
    serve();
    scene.run();
    CHECK(first->code == Error::NotFound);
    // The session has asked for announcements, and for nothing else.
    CHECK(scene.asked->size() == 1);
}

TEST_CASE("a session: a peer does not find a broadcast that was asked of it, also after it has announced that path",
          "[lite][session]") {
    Scene scene("", "");
    auto handler = scene.there.producer().dynamic();
    // Somebody here has it.
    auto held = std::make_optional(scene.server->broadcast("cam"));
    scene.announce("cam");
    CHECK(scene.server->broadcast("cam") != *held);
    const auto ask = [&](std::string_view path) {
        const auto answer = info(*scene.peer, path);
        for (auto next = handler.requested_broadcast(); next.ready(); next = handler.requested_broadcast())
            now(std::move(next))->accept(*held);
        scene.run();
        return answer->code;
    };
    CHECK(ask("elsewhere") == Error::NotFound);
    CHECK(ask("elsewhere") == Error::NotFound);
    CHECK(scene.asked->size() == 1);
    // And after the peer has taken its announcement back.
    auto octets = scene.announcing.bytes(lite::Announce{false, "cam", {}});
    asio::co_spawn(scene.context, scene.asked->front().send->write(Bytes(std::move(octets))), asio::detached);
    scene.run();
    CHECK(ask("yonder") == Error::NotFound);
    CHECK(scene.asked->size() == 1);
}

TEST_CASE("a session: broadcasts that are asked of a peer count for as long as somebody has them, whatever it announces",
          "[lite][session]") {
    LiteScene scene;
    auto config = scene.config_of(scene.here);
    config.max_requested = 2;
    scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
    scene.client.emplace(scene.link.client(), std::move(config));
    scene.run();
    std::vector<BroadcastConsumer> held;
    for (int i = 0; i < 2; ++i) {
        held.push_back(scene.client->broadcast("cam"));
        {
            const auto shown = scene.there.producer().create_broadcast("cam");
            scene.run();
            REQUIRE(scene.here.stats().announced == 1);
            CHECK(scene.client->broadcast("cam") != held.back());
        }
        scene.run();
    }
    CHECK(error_of([&] { return scene.client->broadcast("other"); }) == Error::LimitReached);
    held.clear();
    scene.run();
    CHECK(scene.client->broadcast("other") != BroadcastConsumer());
}

TEST_CASE("a session: after the peer's broadcast has ended, another publisher can serve its path", "[lite][session]") {
    Scene scene("room", "room/alice");
    scene.announce("cam");
    scene.check_not_found("alice/cam");
    auto octets = scene.announcing.bytes(lite::Announce{false, "cam", {}});
    asio::co_spawn(scene.context, scene.asked->front().send->write(Bytes(std::move(octets))), asio::detached);
    scene.run();
    auto track = scene.publish("room/alice/cam");
    CHECK(info(*scene.peer, "alice/cam")->ended);
}

}
