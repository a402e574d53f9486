// A session's questions to its peer: with a time limit, with the combined wishes of all subscribers, and without losing
// a newcomer.
#include <comoq/detail/lite/codec.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "lite/asked_scene.hpp"
#include "lite/relay_scene.hpp"
#include "lite/scene.hpp"
#include "lite/spoken.hpp"
#include "support/allocations.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
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

TEST_CASE("a session asks: a FETCH is taken back when its last requester has left, and not before", "[lite][session]") {
    AskedScene scene;
    auto video = scene.session->broadcast("x").track("video");
    auto one = std::make_unique<Waiting<GroupConsumer>>(wait(video.fetch_group(7)));
    auto other = std::make_unique<Waiting<GroupConsumer>>(wait(video.fetch_group(7)));
    auto track = scene.asked();
    scene.answer_info(track);
    auto fetch = scene.accept();
    CHECK_FALSE(run_to_end(scene.context, fetch.receive->read()).empty());
    auto more = Begun<Bytes>(scene.context, fetch.receive->read());
    auto stopped = Begun<std::error_code>(scene.context, fetch.send->stopped());
    // One question for both.
    CHECK_FALSE(scene.is_asked_more());
    one.reset();
    CHECK_FALSE(stopped.done());
    CHECK_FALSE(more.done());
    SECTION("the other one leaves as well") {
        other.reset();
        CHECK(stopped.done());
        REQUIRE(more.done());
        CHECK(stream_end_number(more.code()) == 1);
    }
    SECTION("the other one is answered") {
        run_to_end(scene.context, fetch.send->write(Bytes::copy(std::string_view("\0\1x", 3))));
        scene.run();
        REQUIRE(other->done());
        fetch.send->finish();
        scene.run();
        CHECK(texts(other->value()) == std::vector<std::string>{"x"});
    }
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

TEST_CASE("a session asks: through a relay that holds the newest groups all groups come in order", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    RelayScene scene;
    Origin publisher = origin_with_id(1);
    Origin relay = origin_with_id(2);
    Connection up(scene.context, scene.config_of(publisher), scene.config_of(relay));
    auto broadcast = publisher.producer().create_broadcast("a");
    TrackInfo keep;
    keep.max_latency = 1h;
    auto track = broadcast.producer().create_track("video", keep);
    for (int i = 0; i < 3; ++i) {
        track.write_frame(payload("x"));
    }
    scene.run();
    Viewer live(scene, relay);
    live.subscribe("a");
    scene.run();
    track.write_frame(payload("x"));
    track.write_frame(payload("x"));
    scene.run();
    CHECK(nexts(live.subscriber()) == Numbers{2, 3, 4});
    Viewer all(scene, relay);
    Subscription wishes;
    wishes.start = 0;
    all.subscribe("a", wishes);
    scene.run();
    CHECK(nexts(all.subscriber()) == Numbers{0, 1, 2, 3, 4});
    track.write_frame(payload("x"));
    scene.run();
    CHECK(nexts(all.subscriber()) == Numbers{5});
    CHECK(nexts(live.subscriber()) == Numbers{5});
}

TEST_CASE("a session asks: a subscriber that joins as the last one leaves is served, at every moment", "[lite][session]") {
    for (const bool in_the_middle : {false, true}) {
        for (int handlers = 0; handlers < 80; ++handlers) {
            INFO(handlers << " handlers between, " << (in_the_middle ? "in the middle of a group" : "after it"));
            LiteScene scene;
            auto track = scene.publish("a");
            scene.connect();
            const auto remote = scene.announced("a").track("video");
            // The track has one group: a catalog.
            auto group = track.append_group();
            group.write_frame(payload("catalog"));
            if (!in_the_middle) {
                group.finish();
            }
            auto first = std::make_unique<TrackSubscriber>(scene.subscribe("a"));
            CHECK(scene.get(first->recv_group()));
            first.reset();
            scene.context.restart();
            for (int i = 0; i < handlers; ++i) {
                scene.context.poll_one();
            }
            auto joining = wait(remote.subscribe());
            scene.run();
            auto received = scene.get(joining.value().recv_group());
            REQUIRE(received);
            CHECK(scene.get(received->read_frame())->payload.view() == "catalog");
            // And it stays live.
            track.write_frame(payload("next"));
            CHECK(scene.words(*scene.get(joining.value().recv_group())) == Words{"next"});
        }
    }
}

TEST_CASE("a session asks: a requester that joins as the last one takes its question back is answered, at every moment",
          "[lite][session]") {
    for (int handlers = 0; handlers < 80; ++handlers) {
        INFO(handlers << " handlers between");
        LiteScene scene;
        auto handler = scene.there.producer().dynamic();
        scene.connect();
        auto first = std::make_unique<Waiting<TrackInfo>>(wait(scene.client->broadcast("b").track("video").info()));
        scene.run();
        first.reset();
        scene.context.restart();
        for (int i = 0; i < handlers; ++i) {
            scene.context.poll_one();
        }
        auto joining = wait(scene.client->broadcast("b").track("video").subscribe());
        scene.run();
        // The question that was taken back may have been answered already; the newcomer has one of its own.
        auto broadcast = scene.there.producer().make_broadcast();
        auto track = broadcast.create_track("video");
        bool served = false;
        for (auto next = handler.requested_broadcast(); next.ready(); next = handler.requested_broadcast()) {
            served = now(std::move(next))->accept(broadcast.consume()) || served;
        }
        scene.run();
        CHECK(served);
        CHECK(joining.done());
        track.write_frame(payload("x"));
        CHECK(scene.words(*scene.get(joining.value().recv_group())) == Words{"x"});
    }
}

TEST_CASE("a session asks: an unannounced broadcast goes when nobody has it or a track of it any more", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("elsewhere");
    scene.connect();
    auto held = std::make_unique<BroadcastConsumer>(scene.client->broadcast("b"));
    const std::weak_ptr<detail::BroadcastState> state = held->state(detail::Passkey());
    scene.run();
    // As long as one caller holds it, for all.
    CHECK(scene.client->broadcast("b") == *held);
    auto other = *held;
    held.reset();
    scene.run();
    CHECK_FALSE(other.is_closed());
    auto waiting = std::make_unique<Waiting<TrackInfo>>(wait(other.track("video").info()));
    other = {};
    // A waiter for one of its tracks is answered.
    scene.run();
    CHECK(waiting->code() == Error::NotFound);
    scene.run();
    CHECK(state.expired());
}

TEST_CASE("a session asks: a subscribed track keeps its broadcast for later requesters", "[lite][session]") {
    LiteScene scene;
    auto handler = scene.there.producer().dynamic();
    scene.connect();
    auto subscribing = wait(scene.client->broadcast("b").track("video").subscribe());
    scene.run();
    auto broadcast = scene.there.producer().make_broadcast();
    auto track = broadcast.create_track("video");
    now(handler.requested_broadcast())->accept(broadcast.consume());
    scene.run();
    CHECK(track.stats().subscribers == 1);
    // No caller has a handle of the broadcast now.
    auto other = wait(scene.client->broadcast("b").track("video").subscribe());
    scene.run();
    CHECK(other.done());
    CHECK(track.stats().subscribers == 1);
}

TEST_CASE("a session asks: a fetch of a group keeps a track that has no subscriber", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    auto handler = track.dynamic();
    scene.connect();
    auto fetching = wait(scene.announced("a").track("video").fetch_group(7));
    scene.run();
    auto request = now(handler.requested_group());
    scene.pass(5s);
    scene.pass(4s);
    auto group = request->accept();
    group.write_frame(payload("seven"));
    group.finish();
    scene.run();
    CHECK(scene.words(fetching.value()) == Words{"seven"});
}

TEST_CASE("a session asks: its end at any moment leaves nothing behind, and nobody waits", "[lite][session]") {
    const auto end = GENERATE(as<std::string>(), "cut", "client", "server", "close");
    bool was_over = false;
    int handlers = 0;
    for (; !was_over; ++handlers) {
        INFO(handlers << " handlers, " << end);
        std::weak_ptr<Transport> transport;
        {
            LiteScene scene;
            auto track = scene.publish("a");
            auto group = track.append_group();
            group.write_frame(payload("x"));
            scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
            scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
            transport = scene.link.client();
            auto subscribing = wait(scene.client->broadcast("a").track("video").subscribe());
            auto info = wait(scene.client->broadcast("b").track("video").info());
            auto fetching = wait(scene.client->broadcast("a").track("video").fetch_group(9));
            scene.context.restart();
            int done = 0;
            while (done < handlers && scene.context.poll_one() != 0) {
                ++done;
            }
            was_over = done < handlers;
            if (end == "cut") {
                scene.link.cut();
            } else if (end == "client") {
                scene.client.reset();
            } else if (end == "server") {
                scene.server.reset();
            } else {
                scene.client->close(Error::Cancelled, "at any moment");
            }
            scene.run();
            CHECK(info.done());
            CHECK(fetching.done());
            CHECK(subscribing.done());
            if (!subscribing.code()) {
                auto all = wait(subscribing.value().closed());
                scene.run();
                CHECK(all.done());
            }
            scene.client.reset();
            scene.server.reset();
            scene.run();
            CHECK(scene.time.sleepers() == 0);
            CHECK(scene.link.open_streams() == 0);
        }
        CHECK(transport.expired());
    }
    CHECK(handlers > 50);
}

TEST_CASE("a session asks: when memory runs out at any moment, every waiter is told", "[lite][session]") {
    if (!allocations_can_fail()) {
        return;
    }
    bool failed = true;
    std::size_t after = 0;
    for (; failed; ++after) {
        INFO("after " << after << " allocations");
        std::weak_ptr<Transport> transport;
        {
            LiteScene scene;
            auto track = scene.publish("a");
            auto handler = track.dynamic();
            auto group = track.append_group();
            group.write_frame(payload("x"));
            scene.connect();
            transport = scene.link.client();
            const auto announced = scene.announced("a");
            std::optional<Waiting<TrackSubscriber>> subscribing;
            std::optional<Waiting<TrackInfo>> info;
            std::optional<Waiting<GroupConsumer>> fetching;
            {
                FailingAllocation failing(after);
                const auto attempt = [](auto &&work) {
                    try {
                        work();
                    } catch (const std::bad_alloc &) {
                    } catch (const std::system_error &) {
                    }
                };
                attempt([&] { subscribing.emplace(wait(announced.track("video").subscribe())); });
                attempt([&] { info.emplace(wait(scene.client->broadcast("b").track("video").info())); });
                attempt([&] { fetching.emplace(wait(announced.track("video").fetch_group(9))); });
                // The context throws where asio has no memory.
                for (int i = 0; i < 3; ++i) {
                    attempt([&] { scene.run(); });
                }
                failed = failing.stop();
            }
            scene.run();
            scene.link.cut();
            scene.run();
            CHECK((!info || info->done()));
            CHECK((!fetching || fetching->done()));
            CHECK((!subscribing || subscribing->done()));
            if (subscribing && !subscribing->code()) {
                auto closed = wait(subscribing->value().closed());
                scene.run();
                CHECK(closed.done());
            }
        }
        CHECK(transport.expired());
    }
    CHECK(after > 300);
}

}
