// A session's questions to its peer: with a time limit, with the combined wishes of all subscribers, and without losing
// a newcomer.
#include <comoq/detail/lite/codec.hpp>
#include <comoq/memory_transport.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "lite/asked_scene.hpp"
#include "lite/spoken.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace session_asking_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using Octets = std::vector<std::byte>;

template <class Message> Octets reply(lite::SubscribeReply type, const Message &message) {
    Octets octets;
    lite::encode_typed(type, message, spoken(), octets);
    return octets;
}

/// A session whose subscription has reached the peer.
struct SubscribedScene : AskedScene {
    explicit SubscribedScene(Subscription wishes = {}, const Change &change = [](lite::SessionConfig &) {})
        : AskedScene(spoken_link(), change), subscribing(wait(video.subscribe(wishes))) {
        run();
        auto track = asked();
        answer_info(track);
        subscribe = accept();
        run_to_end(context, subscribe.receive->read());
        asio::co_spawn(context, listen(*subscribe.receive, said), asio::detached);
        run();
    }
    TrackSubscriber &subscriber() { return subscribing.value(); }
    void say(Octets octets) {
        run_to_end(context, subscribe.send->write(Bytes(std::move(octets))));
        run();
    }
    /// A finished group of the first subscription.
    void send_group(std::uint64_t sequence, bool finish = true) {
        Octets octets;
        detail::WireWriter(octets).varint(static_cast<std::uint64_t>(lite::UniStreamType::Group));
        lite::encode(lite::Group{0, sequence}, spoken(), octets);
        auto stream = run_to_end(context, peer->open_uni());
        run_to_end(context, stream->write(Bytes(std::move(octets))));
        if (finish) {
            stream->finish();
        }
        groups.push_back(std::move(stream));
        run();
    }
    /// The session's present wishes, if it has sent any since the last call.
    std::optional<Subscription> updated() {
        run();
        const Octets bytes = std::exchange(*said, {});
        std::error_code failure;
        std::optional<Subscription> last;
        for (std::size_t at = 0; at < bytes.size();) {
            const auto message = lite::next_message(std::span(bytes).subspan(at), failure);
            if (!message) {
                break;
            }
            last = lite::decode<lite::SubscribeUpdate>(message->body, spoken())->wishes;
            at += message->size;
        }
        return last;
    }
    static asio::awaitable<void> listen(ReceiveStream &stream, std::shared_ptr<Octets> to) {
        while (true) {
            const Bytes more = co_await stream.read();
            if (more.empty()) {
                break;
            }
            to->insert(to->end(), more.span().begin(), more.span().end());
        }
    }

    TrackConsumer video = session->broadcast("x").track("video");
    Waiting<TrackSubscriber> subscribing;
    BidiStream subscribe;
    std::shared_ptr<Octets> said = std::make_shared<Octets>();
    std::vector<std::unique_ptr<SendStream>> groups;
};

}  // namespace

TEST_CASE("a session asks: a peer that does not answer TRACK is waited for as long as the config says, and no longer",
          "[lite][session]") {
    AskedScene scene;
    const auto track = scene.session->broadcast("x").track("video");
    auto info = wait(track.info());
    auto subscribing = wait(track.subscribe());
    auto fetching = wait(track.fetch_group(3));
    scene.run();
    auto question = scene.asked();
    scene.time.advance(9999ms);
    scene.run();
    CHECK_FALSE(info.done());
    scene.time.advance(1ms);
    scene.run();
    CHECK(info.code() == Error::Timeout);
    CHECK(subscribing.code() == Error::Timeout);
    CHECK(fetching.code() == Error::Timeout);
    // The peer is asked again for the next requester.
    auto again = wait(track.info());
    scene.run();
    auto next = scene.asked();
    scene.answer_info(next);
    CHECK_FALSE(again.code());
}

TEST_CASE("a session asks: a subscription for which the peer allows no stream fails in time", "[lite][session]") {
    auto config = spoken_link();
    config.max_streams = 3;
    AskedScene scene(config);
    const auto broadcast = scene.session->broadcast("x");
    auto other = wait(broadcast.track("other").subscribe());
    scene.run();
    auto other_track = scene.asked();
    scene.answer_info(other_track);
    other_track.stream = {};
    auto other_subscribe = scene.asked();
    auto subscribing = wait(broadcast.track("video").subscribe());
    scene.run();
    // For the stream that TRACK has now.
    auto fetching = wait(broadcast.track("other").fetch_group(7));
    scene.run();
    auto track = scene.asked();
    scene.answer_info(track);
    track.stream = {};
    auto fetch = scene.asked();
    scene.answer(fetch, {std::byte{0}, std::byte{2}});
    REQUIRE(subscribing.done());
    auto next = wait(subscribing.value().next_group());
    scene.time.advance(9999ms);
    scene.run();
    CHECK_FALSE(next.done());
    scene.time.advance(1ms);
    scene.run();
    CHECK(next.code() == Error::Timeout);
}

TEST_CASE("a session asks: readers do not wait for a group that the peer drops", "[lite][session]") {
    SubscribedScene scene;
    auto &subscriber = scene.subscriber();
    scene.say(reply(lite::SubscribeReply::Ok, lite::SubscribeOk{0}));
    scene.send_group(0);
    CHECK(now(subscriber.recv_group())->sequence() == 0);
    scene.say(reply(lite::SubscribeReply::End, lite::SubscribeEnd{5}));
    scene.say(reply(lite::SubscribeReply::Drop, lite::SubscribeDrop{1, 2, 5}));
    scene.send_group(4);
    CHECK(now(subscriber.recv_group())->sequence() == 4);
    auto next = wait(subscriber.recv_group());
    CHECK_FALSE(next.done());
    scene.say(reply(lite::SubscribeReply::Drop, lite::SubscribeDrop{3, 3, 5}));
    CHECK(next.done());
    CHECK_FALSE(next.value());
    scene.subscribe.send->finish();
    scene.run();
    // The track is over without any time passing.
    CHECK(now(subscriber.closed()) == std::error_code());
}

TEST_CASE("a session asks: groups come in any order, and the end waits for those that are neither there nor dropped",
          "[lite][session]") {
    SubscribedScene scene;
    auto &subscriber = scene.subscriber();
    scene.say(reply(lite::SubscribeReply::Ok, lite::SubscribeOk{0}));
    scene.send_group(2);
    scene.send_group(1);
    scene.say(reply(lite::SubscribeReply::End, lite::SubscribeEnd{3}));
    CHECK(received(subscriber) == Numbers{2, 1});
    auto last = wait(subscriber.recv_group());
    CHECK_FALSE(last.done());
    SECTION("dropped") { scene.say(reply(lite::SubscribeReply::Drop, lite::SubscribeDrop{0, 0, 3})); }
    SECTION("there") {
        scene.send_group(0);
        REQUIRE(last.done());
        REQUIRE(last.value());
        CHECK(last.value()->sequence() == 0);
    }
    CHECK_FALSE(now(subscriber.recv_group()));
    CHECK(now(subscriber.finished()) == 3);
}

TEST_CASE("a session asks: a group that comes twice is stopped the second time, and the track ends well", "[lite][session]") {
    SubscribedScene scene;
    auto &subscriber = scene.subscriber();
    scene.say(reply(lite::SubscribeReply::Ok, lite::SubscribeOk{0}));
    scene.send_group(0);
    scene.send_group(0, false);
    CHECK(Begun<std::error_code>(scene.context, scene.groups.back()->stopped()).done());
    scene.send_group(1);
    scene.say(reply(lite::SubscribeReply::End, lite::SubscribeEnd{2}));
    CHECK(received(subscriber) == Numbers{0, 1});
    CHECK(now(subscriber.closed()) == std::error_code());
}

TEST_CASE("a session asks: the config bounds the time for which the peer may have groups kept", "[lite][session]") {
    AskedScene scene(spoken_link(), [](lite::SessionConfig &config) { config.max_latency = 3s; });
    auto info = wait(scene.session->broadcast("x").track("video").info());
    scene.run();
    auto track = scene.asked();
    lite::TrackInfoMessage said;
    said.info.max_latency = 24h;
    Octets octets;
    lite::encode(said, spoken(), octets);
    scene.answer(track, std::move(octets));
    CHECK(info.value().max_latency == 3s);
}

TEST_CASE("a session asks: the tracks of a session are bounded", "[lite][session]") {
    AskedScene scene(spoken_link(), [](lite::SessionConfig &config) { config.max_tracks = 3; });
    const auto broadcast = scene.session->broadcast("x");
    std::vector<std::unique_ptr<Waiting<TrackInfo>>> asking;
    for (const auto *name : {"a", "b", "c", "d"}) {
        asking.push_back(std::make_unique<Waiting<TrackInfo>>(wait(broadcast.track(name).info())));
    }
    scene.run();
    CHECK(asking[3]->code() == Error::LimitReached);
    CHECK_FALSE(asking[2]->done());
    asking.erase(asking.begin());
    scene.run();
    auto later = wait(broadcast.track("d").info());
    scene.run();
    CHECK_FALSE(later.done());
}

TEST_CASE("a session asks: the groups of a track that its peer may have open are bounded", "[lite][session]") {
    SubscribedScene scene({}, [](lite::SessionConfig &config) { config.max_open_groups = 3; });
    for (std::uint64_t i = 0; i < 4; ++i) {
        scene.send_group(i, false);
    }
    auto &subscriber = scene.subscriber();
    CHECK(nexts(subscriber) == Numbers{0, 1, 2});
    scene.groups.front()->finish();
    scene.run();
    scene.send_group(9, false);
    CHECK(nexts(subscriber) == Numbers{9});
}

TEST_CASE("a session asks: the peer is told the combined wishes at once", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    Subscription far;
    far.start = 1000;
    SubscribedScene scene(far);
    CHECK_FALSE(scene.updated());
    {
        auto live = wait(scene.video.subscribe());
        scene.run();
        auto wanted = scene.updated();
        REQUIRE(wanted);
        CHECK_FALSE(wanted->start);
        Subscription range;
        range.start = 0;
        range.end = 1;
        auto early = wait(scene.video.subscribe(range));
        scene.run();
        wanted = scene.updated();
        REQUIRE(wanted);
        CHECK(wanted->start == 0);
        CHECK_FALSE(wanted->end);
    }
    scene.run();
    const auto wanted = scene.updated();
    REQUIRE(wanted);
    CHECK(wanted->start == 1000);
}

TEST_CASE("a session asks: a start in the past is read in order, whatever the peer sends first", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    Subscription all;
    all.start = 0;
    SubscribedScene scene(all);
    auto &subscriber = scene.subscriber();
    for (const std::uint64_t sequence : {4u, 5u, 3u, 1u}) {
        scene.send_group(sequence);
    }
    CHECK(nexts(subscriber).empty());
    SECTION("all of it") {
        scene.send_group(2);
        scene.send_group(0);
        CHECK(nexts(subscriber) == Numbers{0, 1, 2, 3, 4, 5});
    }
    SECTION("the groups that are still there") {
        scene.say(reply(lite::SubscribeReply::Drop, lite::SubscribeDrop{0, 0, 3}));
        CHECK(nexts(subscriber) == Numbers{1});
        scene.send_group(2);
        CHECK(nexts(subscriber) == Numbers{2, 3, 4, 5});
    }
    SECTION("for a limited time only") {
        scene.time.advance(2s);
        scene.run();
        CHECK(nexts(subscriber) == Numbers{1, 3, 4, 5});
    }
}

}
