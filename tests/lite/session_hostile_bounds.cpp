// A hostile peer that asks for or tells too much, or stops in the middle.
#include <comoq/lite/session.hpp>

#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/stream_reader.hpp>
#include <comoq/detail/lite/stream_type.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace session_hostile_bounds_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A publisher that answers TRACK, sends half a group to each subscriber, and finishes it when the subscriber leaves,
/// as if it were whole.
asio::awaitable<void> finish_what_is_half_sent(std::shared_ptr<Transport> transport) {
    const auto setup = opening(lite::UniStreamType::Setup, lite::Setup());
    auto first = co_await transport->open_uni();
    auto said = first->write(Bytes::copy(std::span(setup)));
    co_await std::move(said);
    first->finish();
    std::vector<std::unique_ptr<SendStream>> not_answered;
    while (true) {
        auto stream = co_await transport->accept_bidi();
        lite::detail::StreamReader reader(std::move(stream.receive), spoken(), lite::StreamUse::Request);
        const auto type = co_await reader.varint();
        if (type == static_cast<std::uint64_t>(lite::BidiStreamType::Track)) {
            Octets info;
            lite::encode(lite::TrackInfoMessage(), spoken(), info);
            auto answered = stream.send->write(Bytes(std::move(info)));
            co_await std::move(answered);
            stream.send->finish();
        } else if (type == static_cast<std::uint64_t>(lite::BidiStreamType::Subscribe)) {
            const auto message = co_await reader.message<lite::Subscribe>();
            auto octets = opening(lite::UniStreamType::Group, lite::Group{message->id, 0});
            lite::encode(lite::FrameHeader{0, 1}, octets);
            octets.push_back(std::byte{'x'});
            auto group = co_await transport->open_uni();
            auto written = group->write(Bytes(std::move(octets)));
            co_await std::move(written);
            co_await reader.expect_end();
            group->finish();
            stream.send->finish();
        } else {
            not_answered.push_back(std::move(stream.send));
        }
    }
}

}  // namespace

TEST_CASE("a hostile peer: of too many announcements the first are published, and the others are counted", "[lite][session]") {
    const bool alone = GENERATE(true, false);
    HostileScene scene;
    auto config = scene.config_of(scene.there);
    // Of this session, or of all together.
    const auto left = std::make_shared<std::atomic<std::int64_t>>(10);
    if (alone) {
        config.max_announced = 10;
    } else {
        config.announcements_left = left;
    }
    scene.begin(config);
    scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
    std::vector<BroadcastPublish> published;
    for (int i = 0; i < 10; ++i) {
        published.push_back(scene.here.producer().create_broadcast("p/" + std::to_string(i)));
    }
    scene.run();
    CHECK(scene.there.stats().announced == 10);
    CHECK(scene.open());
    CHECK(scene.server->announcements_left_out() == 0);
    published.push_back(scene.here.producer().create_broadcast("one too many"));
    published.push_back(scene.here.producer().create_broadcast("and another"));
    scene.run();
    CHECK(scene.open());
    CHECK(scene.there.stats().announced == 10);
    CHECK(scene.server->announcements_left_out() == 2);
    // It can be requested by its name.
    CHECK_FALSE(scene.server->broadcast("one too many").is_closed());
    // The end of a broadcast that was left out is not a violation, and frees no place.
    published.pop_back();
    scene.run();
    CHECK(scene.open());
    CHECK(scene.server->announcements_left_out() == 1);
    CHECK(scene.there.stats().announced == 10);
    // When a broadcast has ended, the next one that comes has room.
    published.erase(published.begin());
    scene.run();
    published.push_back(scene.here.producer().create_broadcast("later"));
    scene.run();
    CHECK(scene.there.stats().announced == 10);
    CHECK(scene.server->announcements_left_out() == 1);
    scene.client.reset();
    scene.run();
    CHECK(scene.there.stats().announced == 0);
    CHECK(*left == 10);
}

TEST_CASE("a hostile peer: many announcements at once do not keep its thread from other work", "[lite][session]") {
    HostileScene scene;
    scene.begin();
    scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
    std::vector<BroadcastPublish> published;
    for (int i = 0; i < 1000; ++i) {
        published.push_back(scene.here.producer().create_broadcast(std::to_string(i)));
    }
    // Other tasks get a turn between the first announcement and the last.
    bool had_a_turn = false;
    std::function<void()> look = [&] {
        const auto announced = scene.there.stats().announced;
        had_a_turn = had_a_turn || (announced > 0 && announced < 1000);
        if (announced < 1000) {
            asio::post(scene.context, look);
        }
    };
    asio::post(scene.context, look);
    scene.run();
    CHECK(scene.there.stats().announced == 1000);
    CHECK(had_a_turn);
}

TEST_CASE("a hostile peer: many subscriptions that let no group in make few groups wait", "[lite][session]") {
    auto few = spoken_link();
    few.max_streams = 40;
    HostileScene scene(few);
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    scene.run();
    // The groups take the streams, which this peer does not accept.
    std::vector<std::shared_ptr<Answer>> answers;
    for (std::uint64_t i = 0; i < 30; ++i) {
        lite::Subscribe subscribe;
        subscribe.id = i;
        subscribe.broadcast = "a";
        subscribe.track = "video";
        answers.push_back(peer.ask(opening(lite::BidiStreamType::Subscribe, subscribe), false));
    }
    scene.run();
    CHECK(track.stats().subscribers == 30);
    const auto before = live_allocations();
    for (int i = 0; i < 200; ++i) {
        track.append_group().finish();
        scene.run();
    }
    // 128 for each of 30 would be 3,840, each with some 18 live allocations.
    CHECK(live_allocations() - before < 1'400 * 18);
}

TEST_CASE("a hostile peer: a group that it finishes after this side has left does not count as whole", "[lite][session]") {
    LiteScene scene;
    scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
    asio::co_spawn(scene.context, finish_what_is_half_sent(scene.link.server()), asio::detached);
    const auto track = scene.client->broadcast("a").track("video");
    auto waiting = wait(track.subscribe());
    scene.run();
    auto group = scene.get(waiting.value().next_group());
    REQUIRE(group);
    CHECK(scene.get(group->read_frame()));
    waiting.value() = {};
    scene.run();
    CHECK(scene.code(group->read_frame()) == Error::Cancelled);
}

TEST_CASE("a hostile peer: requests for its unannounced broadcasts are bounded", "[lite][session]") {
    LiteScene scene;
    auto config = scene.config_of(scene.here);
    config.max_requested = 3;
    scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
    scene.client.emplace(scene.link.client(), config);
    std::vector<BroadcastConsumer> asked;
    for (const auto *path : {"a", "b", "c", "c"}) {
        asked.push_back(scene.client->broadcast(path));
    }
    CHECK(error_of([&] { [[maybe_unused]] auto more = scene.client->broadcast("d"); }) == Error::LimitReached);
    asked.clear();
    scene.run();
    scene.pass(std::chrono::seconds(5));
    CHECK_FALSE(scene.client->broadcast("d").is_closed());
}

TEST_CASE("a hostile peer: subscriptions that it stops in the middle leave nothing behind", "[lite][session]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    for (std::uint64_t i = 0; i < 20; ++i) {
        struct Stop {
            static asio::awaitable<void> run(std::shared_ptr<Transport> transport, Octets octets,
                                             std::unique_ptr<SendStream> *to) {
                auto stream = co_await transport->open_bidi();
                auto written = stream.send->write(Bytes(std::move(octets)));
                co_await std::move(written);
                *to = std::move(stream.send);
                stream.receive->stop(1);
            }
        };
        std::unique_ptr<SendStream> send;
        Subscription wishes;
        wishes.start = i;
        auto octets = opening(lite::BidiStreamType::Subscribe, lite::Subscribe{i, "a", "video", wishes});
        asio::co_spawn(scene.context, Stop::run(scene.link.client(), std::move(octets), &send), asio::detached);
        scene.run();
        track.write_frame(payload("x"));
        scene.run();
        send->finish();
        scene.run();
    }
    CHECK(track.stats().subscribers == 0);
}

TEST_CASE("a hostile peer: a reset of the stream of announcements does not end its session", "[lite][session]") {
    HostileScene scene;
    auto &peer = scene.begin();
    peer.say_setup();
    struct Refuse {
        static asio::awaitable<void> run(std::shared_ptr<Transport> transport) {
            auto stream = co_await transport->accept_bidi();
            stream.send->reset(0x12);
        }
    };
    asio::co_spawn(scene.context, Refuse::run(scene.link.client()), asio::detached);
    scene.run();
    CHECK(scene.open());
}

TEST_CASE("a hostile peer: a session that is lost in the middle of a dropped track leaves nothing behind",
          "[lite][session]") {
    std::weak_ptr<Transport> transport;
    asio::io_context context;
    Origin there = origin_with_id(1);
    auto published = there.producer().create_broadcast("a");
    std::optional track = published.producer().create_track("video");
    auto group = track->append_group();
    group.write_frame(payload("1"));
    {
        MemoryLink link(context.get_executor(), context.get_executor(), spoken_link());
        transport = link.server();
        lite::SessionConfig config;
        config.publish = there.consumer();
        std::optional<lite::Session> server;
        server.emplace(link.server(), config);
        RawPeer peer(context, link.client());
        peer.say_setup();
        peer.ask(opening(lite::BidiStreamType::Subscribe, lite::Subscribe{1, "a", "video", {}}), false);
        track.reset();
        settle_down(context);
        server.reset();
        settle_down(context);
    }
    settle_down(context);
    CHECK(transport.expired());
}

}
