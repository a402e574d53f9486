// A session whose peer breaks the rules: how the session answers, and that nobody else notices.
#include <comoq/lite/session.hpp>

#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/stream_type.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace session_hostile_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("a hostile peer: an unknown type ends its stream, and nothing else",
          "[lite][session]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    CHECK(peer.ask(octets_of({0x07, 0x00}))->number == 0x00u);
    CHECK(peer.ask(octets_of({0x40, 0xff, 0x00}), false)->number == 0x00u);
    peer.send_uni(octets_of({0x02}), false);
    const auto info = peer.ask(opening(lite::BidiStreamType::Track, lite::Track{"a", "video"}));
    CHECK(info->ended);
    CHECK_FALSE(info->octets.empty());
    CHECK(scene.open());
}

TEST_CASE("a hostile peer: a malformed request ends its stream as a malformed track, and nothing else", "[lite][session]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    for (const int type : {1, 2, 3, 5, 6}) {
        INFO("type " << type);
        // Too long by its own account, cut off, with bytes left over, with text that is not UTF-8.
        CHECK(peer.ask(octets_of({type, 0x80, 0x01, 0x00, 0x00}), false)->number == 0x12u);
        CHECK(peer.ask(octets_of({type, 0x05, 0x01}))->number == 0x12u);
        CHECK(peer.ask(octets_of({type}))->number == 0x12u);
        CHECK(peer.ask(octets_of({type, 0x03, 0xc1, 0xff, 0xff}))->number == 0x12u);
    }
    // Bytes where nothing may follow.
    auto octets = opening(lite::BidiStreamType::Track, lite::Track{"a", "video"});
    octets.push_back(std::byte{1});
    const auto answer = peer.ask(octets);
    CHECK(answer->over());
    octets = opening(lite::BidiStreamType::Announce, lite::AnnounceRequest{"", 0});
    octets.push_back(std::byte{1});
    CHECK(peer.ask(octets)->number == 0x12u);
    CHECK(scene.open());
}

TEST_CASE("a hostile peer: nothing is served before its SETUP", "[lite][session]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    const auto answer = peer.ask(opening(lite::BidiStreamType::Track, lite::Track{"a", "video"}));
    CHECK_FALSE(answer->over());
    CHECK(answer->octets.empty());
    peer.say_setup();
    CHECK(answer->ended);
}

TEST_CASE("a hostile peer: a wrong SETUP, or a second one, ends the session", "[lite][session]") {
    HostileScene scene;
    auto &peer = scene.begin();
    std::error_code expected;
    SECTION("malformed") {
        peer.send_uni(octets_of({0x01, 0x02, 0x01, 0x01}));
        expected = Error::Decode;
    }
    SECTION("cut off") {
        peer.send_uni(octets_of({0x01, 0x02, 0x01}));
        expected = Error::Decode;
    }
    SECTION("with something after it") {
        peer.send_uni(octets_of({0x01, 0x01, 0x00, 0x00}));
        expected = Error::Decode;
    }
    SECTION("a second one") {
        peer.say_setup();
        CHECK(scene.open());
        peer.say_setup();
        expected = Error::ProtocolViolation;
    }
    auto closed = scene.closed();
    scene.run();
    CHECK(closed.value() == expected);
}

TEST_CASE("a hostile peer: a server's SETUP with a path or a role ends the session", "[lite][session]") {
    LiteScene scene;
    scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
    RawPeer peer(scene.context, scene.link.server());
    lite::Setup setup;
    SECTION("a path") { setup.path = "/a"; }
    SECTION("a role") { setup.role = lite::Setup::Role::Publisher; }
    peer.say_setup(setup);
    auto closed = wait(scene.client->closed());
    scene.run();
    CHECK(closed.value() == Error::InvalidRole);
}

TEST_CASE("a hostile peer: groups that nobody subscribed to are stopped", "[lite][session]") {
    HostileScene scene;
    auto &peer = scene.begin();
    peer.say_setup();
    for (std::uint64_t i = 0; i < 100; ++i) {
        peer.send_uni(opening(lite::UniStreamType::Group, lite::Group{i, i}), false);
    }
    const auto open = scene.link.open_streams();
    CHECK(open < 10);
    CHECK(scene.open());
    CHECK(scene.there.stats().cached_groups == 0);
}

TEST_CASE("a hostile peer: a request outside its view is refused, and reaches no handler", "[lite][session]") {
    HostileScene scene;
    auto inside = scene.publish("open/a");
    auto outside = scene.publish("closed/b");
    auto handler = scene.there.producer().dynamic();
    const Path prefixes[] = {Path("open")};
    lite::SessionConfig config;
    config.publish = scene.there.consumer().scope(prefixes);
    auto &peer = scene.begin(config);
    peer.say_setup();
    for (const auto *path : {"closed/b", "closed/other", "", "opens"}) {
        INFO(path);
        CHECK(peer.ask(opening(lite::BidiStreamType::Track, lite::Track{path, "video"}))->number == 0x03u);
        CHECK(peer.ask(opening(lite::BidiStreamType::Subscribe, lite::Subscribe{1, path, "video", {}}), false)->number == 0x03u);
        CHECK(peer.ask(opening(lite::BidiStreamType::Fetch, lite::Fetch{path, "video", 0, 1}))->number == 0x03u);
    }
    CHECK(peer.ask(opening(lite::BidiStreamType::Track, lite::Track{"open/\x01", "video"}))->number == 0x12u);
    CHECK_FALSE(handler.requested_broadcast().ready());
    CHECK(peer.ask(opening(lite::BidiStreamType::Track, lite::Track{"open/a", "video"}))->ended);

    // The peer is not told of announcements outside its view.
    const auto announced = peer.ask(opening(lite::BidiStreamType::Announce, lite::AnnounceRequest{"closed", 0}), false);
    CHECK_FALSE(announced->over());
    std::error_code failure;
    const auto ok = lite::next_message(announced->octets, failure);
    REQUIRE(ok);
    CHECK(ok->size == announced->octets.size());
    CHECK(lite::decode<lite::AnnounceOk>(ok->body, spoken()) == lite::AnnounceOk{1, 0});
}

TEST_CASE("a hostile peer: announcements outside of its prefixes are ignored", "[lite][session]") {
    HostileScene scene;
    const Path prefixes[] = {Path("open")};
    lite::SessionConfig config;
    config.subscribe = scene.there.producer().scope(prefixes);
    scene.begin(config);
    // An obedient peer would not announce outside of the prefixes.
    auto client_config = scene.config_of(scene.here);
    scene.client.emplace(scene.link.client(), client_config);
    auto inside = scene.here.producer().create_broadcast("open/a");
    auto outside = scene.here.producer().create_broadcast("closed/b");
    scene.run();
    CHECK(scene.there.stats().announced == 1);
}

TEST_CASE("a hostile peer: messages that come a byte at a time are understood", "[lite][session]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    auto dripping = spoken_link();
    const auto request = opening(lite::BidiStreamType::Track, lite::Track{"a", "video"});
    auto answer = std::make_shared<Answer>();
    struct Drip {
        static asio::awaitable<void> run(std::shared_ptr<Transport> transport, Octets octets, asio::io_context &context,
                                         std::shared_ptr<Answer> to) {
            auto stream = co_await transport->open_bidi();
            for (const std::byte one : octets) {
                auto written = stream.send->write(Bytes(std::vector<std::byte>{one}));
                co_await std::move(written);
                for (int turn = 0; turn < 5; ++turn) {
                    co_await asio::post(context, asio::use_awaitable);
                }
            }
            stream.send->finish();
            const Bytes first = co_await stream.receive->read();
            to->octets.assign(first.span().begin(), first.span().end());
        }
    };
    asio::co_spawn(scene.context, Drip::run(scene.link.client(), request, scene.context, answer), asio::detached);
    scene.run();
    CHECK_FALSE(answer->octets.empty());
}

TEST_CASE("a hostile peer: a frame that is too large ends its group, and no memory is allocated for it", "[lite][session]") {
    OriginConfig small;
    small.max_frame_size = 1000;
    Origin bounded(small);
    LiteScene scene;
    auto config = scene.config_of(bounded);
    scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
    scene.client.emplace(scene.link.client(), config);
    auto track = scene.publish("a");
    scene.run();
    auto waiting = wait(now(bounded.consumer().announced_broadcast("a")).track("video").subscribe());
    scene.run();
    auto &subscriber = waiting.value();
    auto group = track.append_group();
    group.write_frame(payload(std::size_t{1000}));
    group.write_frame(payload(std::size_t{1001}));
    scene.run();
    auto received = scene.get(subscriber.next_group());
    REQUIRE(received);
    CHECK(scene.code(received->finished()) == Error::FrameTooLarge);
    track.write_frame(payload("small"));
    CHECK(scene.words(*scene.get(subscriber.next_group())) == Words{"small"});
}

TEST_CASE("a hostile peer: for any bytes on its streams the session lives or ends, and others never notice", "[lite][session]") {
    std::mt19937_64 random(seed("hostile peer of a lite session"));
    for (int round = 0; round < 200; ++round) {
        HostileScene scene;
        auto track = scene.publish("a");
        auto &peer = scene.begin();
        if (random() % 4 != 0) {
            peer.say_setup();
        }
        for (int stream = 0; stream < 10; ++stream) {
            Octets octets;
            switch (random() % 4) {
            case 0: octets = opening(lite::BidiStreamType::Subscribe, lite::Subscribe{random() % 3, "a", "video", {}}); break;
            case 1: octets = opening(lite::BidiStreamType::Announce, lite::AnnounceRequest{"", random() % 3}); break;
            case 2: octets = opening(lite::UniStreamType::Group, lite::Group{random() % 3, random() % 5}); break;
            default: break;
            }
            for (auto extra = random() % 8; extra != 0; --extra) {
                octets.push_back(static_cast<std::byte>(random() % 3 == 0 ? random() : random() % 8));
            }
            if (random() % 3 == 0) {
                peer.send_uni(octets, random() % 2 == 0);
            } else {
                peer.ask(octets, random() % 2 == 0);
            }
            track.write_frame(payload("x"));
        }
        peer.let_go();
        scene.server->close();
        scene.run();
        CHECK(track.stats().subscribers == 0);
        CHECK(scene.time.sleepers() == 0);
    }
}

}
