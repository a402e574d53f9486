// How a session serves its peer: within which bounds, and in which time.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>

#include "lite/raw_peer.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace session_serving_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using lite::BidiStreamType;
using Texts = std::vector<std::string>;

struct Clocked {
    ManualClock clock;
};

/// A server with three streams for groups, and a track that keeps its groups for an hour.
struct ThreeStreams : Clocked, HostileScene {
    ThreeStreams() : HostileScene(three()) {
        there = clock.origin();
        TrackInfo keep;
        keep.max_latency = 1h;
        track = publish("a", "video", keep);
    }
    static MemoryLinkConfig three() {
        auto config = spoken_link();
        config.max_streams = 3;
        return config;
    }
    /// Groups of a frame that a stream does not take at once.
    void write_each_second(int groups) {
        for (int i = 0; i < groups; ++i) {
            run();
            track.write_frame(payload(1 << 17));
            run();
            clock.advance(1s);
        }
    }
    TrackProducer track;
};

}  // namespace

TEST_CASE("a session serves: groups that are later than the subscriber allows are given up, and others are sent",
          "[lite][session][serving]") {
    ThreeStreams scene;
    auto &track = scene.track;
    auto &peer = scene.begin();
    peer.say_setup();
    Subscription wishes;
    wishes.max_latency = 2s;
    const auto answer = subscribe(peer, 1, "a", wishes);
    // SETUP has released its stream, so that three are free.
    scene.write_each_second(5);
    // Groups 3 and 4 wait for a stream, and 0 to 2 for the peer to read.
    CHECK(replies(*answer) == Texts{"ok 0"});
    scene.clock.advance(1500ms);
    track.write_frame(payload("last"));
    scene.run();
    // Of the waiting groups, only the one before the last is not too old.
    CHECK(replies(*answer) == Texts{"ok 0", "drop 3-3"});
    auto reading = Begun<void>(scene.context, read_groups(scene.link.client()));
    track.finish();
    scene.run();
    CHECK(replies(*answer) == Texts{"ok 0", "drop 3-3", "end 6"});
    CHECK(answer->ended);
}

TEST_CASE("a session serves: the time limit of groups takes one wait, and follows the subscriber's wishes at once",
          "[lite][session][serving]") {
    ThreeStreams scene;
    std::vector<std::chrono::milliseconds> asked;
    auto config = scene.config_of(scene.there);
    config.sleep = [&](std::chrono::milliseconds time) {
        asked.push_back(time);
        return scene.time(time);
    };
    scene.begin(std::move(config)).say_setup();
    Subscription wishes;
    wishes.max_latency = 1h;
    auto stream = run_to_end(scene.context, scene.link.client()->open_bidi());
    const lite::Subscribe question{1, "a", "video", wishes};
    run_to_end(scene.context, stream.send->write(Bytes(opening(BidiStreamType::Subscribe, question))));
    scene.write_each_second(5);
    CHECK(std::count(asked.begin(), asked.end(), 1h + 1ms) == 1);
    const auto before = asked.size();
    for (int i = 0; i < 5; ++i) scene.pass(1s);
    CHECK(asked.size() == before);
    // Groups 3 and 4 wait for a stream. Group 0 was superseded four seconds ago, and 3 one second ago.
    wishes.max_latency = 4'500ms;
    Octets update;
    lite::encode(lite::SubscribeUpdate{wishes, {}}, spoken(), update);
    run_to_end(scene.context, stream.send->write(Bytes(std::move(update))));
    scene.run();
    CHECK(asked.back() == 501ms);
    scene.clock.advance(4s);
    scene.pass(501ms);
    Answer answer;
    while (replies(answer).size() < 2) {
        const auto octets = run_to_end(scene.context, stream.receive->read());
        answer.octets.insert(answer.octets.end(), octets.span().begin(), octets.span().end());
    }
    CHECK(replies(answer) == Texts{"ok 0", "drop 3-3"});
    CHECK(scene.open());
}

TEST_CASE("a session serves: a peer that takes nothing while groups wait for it is given up in time", "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    subscribe(peer, 1, "a");
    auto closed = scene.closed();
    for (int i = 0; i < 200; ++i) {
        track.write_frame(payload(100'000));
        scene.run();
    }
    CHECK_FALSE(closed.done());
    for (int i = 0; i < 4 && !closed.done(); ++i) {
        scene.pass(15s);
    }
    CHECK(closed.value() == Error::Timeout);
    CHECK(track.stats().subscribers == 0);
    CHECK(scene.time.sleepers() == 0);
}

TEST_CASE("a session serves: a peer that merely has nothing to read is not given up", "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    subscribe(peer, 1, "a");
    auto reading = Begun<void>(scene.context, read_groups(scene.link.client()));
    for (int i = 0; i < 200; ++i) {
        track.write_frame(payload(100'000));
        scene.run();
        scene.pass(5s);
    }
    scene.pass(10min);
    CHECK(scene.open());
}

TEST_CASE("a session serves: a request of any kind that nobody answers is refused with Timeout", "[lite][session][serving]") {
    HostileScene scene;
    auto origin_handler = scene.there.producer().dynamic();
    auto published = scene.there.producer().create_broadcast("live");
    auto track_handler = published.producer().dynamic();
    auto &peer = scene.begin();
    peer.say_setup();
    const std::vector<std::shared_ptr<Answer>> answers{
        info(peer, "nowhere"), subscribe(peer, 1, "nowhere"), info(peer, "live"), subscribe(peer, 2, "live"),
        peer.ask(opening(BidiStreamType::Fetch, lite::Fetch{"nowhere", "video", 0, 7}))};
    scene.pass(14s);
    for (const auto &answer : answers) {
        CHECK_FALSE(answer->over());
    }
    scene.pass(1s);
    for (const auto &answer : answers) {
        CHECK(answer->number == 0x31u);
    }
    CHECK(scene.open());
    CHECK(scene.time.sleepers() == 0);
    CHECK(scene.there.stats().pending == 0);
}

TEST_CASE("a session serves: one peer's waiting questions are bounded, and those of others are still answered",
          "[lite][session][serving]") {
    ManualClock clock;
    HostileScene scene;
    scene.there = clock.origin();
    auto handler = scene.there.producer().dynamic();
    auto config = scene.config_of(scene.there);
    config.max_waiting = 10;
    config.max_passed_on = 25;
    auto &peer = scene.begin(config);
    peer.say_setup();
    std::vector<std::shared_ptr<Answer>> answers;
    std::size_t refused = 0;
    for (int i = 0; i < 15; ++i) {
        answers.push_back(info(peer, "p/" + std::to_string(i)));
        refused += answers.back()->number == 0x03u;
    }
    CHECK(refused == 5);
    CHECK(scene.there.stats().pending == 10);
    // Announced broadcasts cost nothing of the share.
    auto track = scene.publish("a");
    CHECK(info(peer, "a")->ended);
    for (int i = 0; i < 10; ++i) {
        [[maybe_unused]] const auto dropped = now(handler.requested_broadcast());
    }
    scene.run();
    // The number within a while is bounded, too.
    refused = 0;
    for (int i = 0; i < 20; ++i) {
        const auto answer = info(peer, "q/" + std::to_string(i));
        scene.run();
        if (!answer->over()) {
            [[maybe_unused]] const auto dropped = now(handler.requested_broadcast());
        }
        scene.run();
        refused += answer->number == 0x03u;
    }
    CHECK(refused == 5);
    clock.advance(5s);
    CHECK_FALSE(info(peer, "r")->over());
}

TEST_CASE("a session serves: a peer's view is decided after its SETUP, and nothing is served before",
          "[lite][session][serving]") {
    HostileScene scene;
    auto a = scene.publish("tenant-a/x"), b = scene.publish("tenant-b/x");
    struct Gate {
        detail::Event open;
        std::optional<std::string> path;
    };
    const auto gate = std::make_shared<Gate>();
    lite::SessionConfig config = scene.config_of(scene.there);
    const auto all = scene.there.consumer();
    const auto everywhere = scene.there.producer();
    config.authorize = [gate, all, everywhere](const lite::Setup &setup,
                                               const Transport &) -> asio::awaitable<lite::SessionViews> {
        gate->path = setup.path;
        const auto root = setup.path.value_or("");
        co_await gate->open.wait();
        if (root == "/refused") {
            detail::throw_error(make_error_code(Error::NotFound));
        }
        const Path prefixes[] = {Path(root)};
        co_return lite::SessionViews(all.with_root(root), everywhere.scope(prefixes));
    };
    lite::Setup setup;
    setup.path = "/tenant-b";
    auto &peer = scene.begin(config);
    const auto early = info(peer, "x"), other = info(peer, "tenant-a/x");
    SECTION("it is let in") {
        peer.say_setup(setup);
        CHECK(gate->path == "/tenant-b");
        CHECK_FALSE(early->over());
        gate->open.set();
        scene.run();
        CHECK(early->ended);
        CHECK(other->code == Error::NotFound);
        const auto announced = announce(peer, "");
        std::error_code failure;
        const auto ok = lite::next_message(announced->octets, failure);
        REQUIRE(ok);
        CHECK(lite::decode<lite::AnnounceOk>(ok->body, spoken())->active_count == 1);
    }
    SECTION("it is refused, with the code of the refusal") {
        setup.path = "/refused";
        peer.say_setup(setup);
        auto closed = scene.closed();
        gate->open.set();
        scene.run();
        CHECK(closed.value() == Error::NotFound);
        CHECK(early->over());
    }
    SECTION("nobody decides") {
        peer.say_setup(setup);
        auto closed = scene.closed();
        scene.pass(15s);
        CHECK(closed.value() == Error::Timeout);
    }
    SECTION("it leaves before") {
        peer.say_setup(setup);
        scene.server->close();
        scene.run();
        CHECK(early->over());
        CHECK(scene.time.sleepers() == 0);
    }
    SECTION("its announcements are published only where it may publish") {
        gate->open.set();
        scene.peer.reset();
        auto of_client = scene.config_of(scene.here);
        of_client.path = "/tenant-b";
        scene.client.emplace(scene.link.client(), of_client);
        auto inside = scene.here.producer().create_broadcast("tenant-b/y"), outside = scene.here.producer().create_broadcast("z");
        scene.run();
        CHECK(code_now(all.announced_broadcast("tenant-b/y")) == std::error_code());
        CHECK_FALSE(all.announced_broadcast("z").ready());
    }
}

TEST_CASE("a session serves: broadcasts that are requested from a peer are shown only where its view allows",
          "[lite][session][serving]") {
    HostileScene scene;
    const detail::Event decided;
    const bool may_publish = GENERATE(true, false);
    OriginConfig of_elsewhere;
    of_elsewhere.max_pending_requests = 1;
    const Origin elsewhere(of_elsewhere);
    const Path prefixes[] = {Path("tenant-b")};
    const auto allowed = elsewhere.producer().with_root("host")->scope(prefixes);
    lite::SessionConfig config = scene.config_of(scene.there);
    config.authorize = [&](const lite::Setup &, const Transport &) -> asio::awaitable<lite::SessionViews> {
        co_await decided.wait();
        co_return lite::SessionViews(std::nullopt, may_publish ? allowed : std::nullopt);
    };
    auto &peer = scene.begin(config);
    const auto refusal = [&](std::string_view path) {
        return error_of([&] { [[maybe_unused]] const auto broadcast = scene.server->broadcast(path); });
    };
    peer.say_setup();
    // Nothing is decided yet.
    CHECK(refusal("tenant-b/x") == Error::Unauthorized);
    CHECK_FALSE(scene.server->admitted().ready());
    detail::Event(decided).set();
    scene.run();
    CHECK(scene.server->admitted().ready());
    CHECK(refusal("tenant-a/x") == Error::Unauthorized);
    CHECK(refusal("host/tenant-b/x") == Error::Unauthorized);
    CHECK(refusal("") == Error::Unauthorized);
    if (!may_publish) {
        CHECK(refusal("tenant-b/x") == Error::Unauthorized);
        return;
    }
    const auto broadcast = scene.server->broadcast("tenant-b/x");
    CHECK_FALSE(broadcast.is_closed());
    // It has the bounds of the origin that the peer may publish at.
    auto one = wait(broadcast.track("a").info());
    CHECK(code_now(broadcast.track("b").info()) == Error::LimitReached);
}

}
