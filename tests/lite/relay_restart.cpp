// A relay whose upstream comes and goes.
#include <comoq/lite/keep_connected.hpp>
#include <comoq/proxy.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "lite/relay_scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/seed.hpp"

namespace relay_restart_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// Relay B with A as its upstream, which comes and goes.
struct RestartScene : RelayScene {
    RestartScene() {
        lite::ReconnectConfig config;
        config.session.subscribe = upstream.producer();
        config.session.sleep = time;
        auto connect = [this]() -> asio::awaitable<std::shared_ptr<Transport>> { return connect_now(*this); };
        asio::co_spawn(context, lite::keep_connected(std::move(connect), std::move(config)),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
        asio::co_spawn(context, proxy(upstream.consumer(), b.producer(), b.producer().dynamic()), asio::detached);
        run();
    }
    static asio::awaitable<std::shared_ptr<Transport>> connect_now(RestartScene &scene) {
        ++scene.attempts;
        if (!scene.a) {
            throw std::system_error(make_error_code(Error::Transport));
        }
        scene.link.emplace(scene.context.get_executor(), scene.context.get_executor());
        scene.a_session.emplace(scene.link->server(), scene.config_of(*scene.a));
        co_return scene.link->client();
    }
    void kill_a() {
        if (link) {
            link->cut();
        }
        a_session.reset();
        track.reset();
        published.reset();
        a.reset();
        run();
    }
    void start_a() {
        a = origin_with_id(1);
        published.emplace(a->producer().create_broadcast("x"));
        track.emplace(published->producer().create_track("video"));
    }
    void pass(std::chrono::milliseconds how_long) {
        time.advance(how_long);
        run();
    }

    Origin upstream = origin_with_id(4);
    Origin b = origin_with_id(2);
    std::optional<Origin> a;
    std::optional<BroadcastPublish> published;
    std::optional<TrackProducer> track;
    std::optional<MemoryLink> link;
    std::optional<lite::Session> a_session;
    int attempts = 0;
    asio::cancellation_signal stop;
};

}  // namespace

TEST_CASE("a relay: when its upstream comes back, readers go on where they were", "[lite][relay]") {
    RestartScene scene;
    scene.start_a();
    scene.pass(1s);
    auto waiting = wait(scene.b.consumer().request_broadcast("x"));
    scene.run();
    auto subscribing = wait(waiting.value().track("video").subscribe());
    scene.run();
    auto &subscriber = subscribing.value();
    scene.track->write_frame(payload("0"));
    scene.track->write_frame(payload("1"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{0, 1});
    auto next = wait(subscriber.next_group());

    scene.kill_a();
    CHECK_FALSE(next.done());
    scene.pass(1s);
    CHECK_FALSE(next.done());

    scene.start_a();
    scene.track->create_group(2).finish();
    scene.pass(5s);
    scene.pass(5s);
    REQUIRE(next.done());
    REQUIRE(next.value());
    CHECK(next.value()->sequence() == 2);
    scene.track->write_frame(payload("3"));
    scene.run();
    CHECK(nexts(subscriber) == Numbers{3});
    CHECK(scene.track->stats().subscribers == 1);
}

TEST_CASE("a relay: a reader that waits too long for an upstream gets one clear error", "[lite][relay]") {
    RestartScene scene;
    auto waiting = wait(scene.b.consumer().request_broadcast("x"));
    scene.run();
    CHECK_FALSE(waiting.done());
    for (int i = 0; i < 11; ++i) {
        scene.pass(1s);
    }
    CHECK(waiting.code() == Error::Unroutable);
}

namespace {

/// A reader's result for a track, to its end.
struct Log {
    std::map<std::uint64_t, Words> whole;
    Numbers cut;
    int ends = 0;
    std::error_code end;

    static asio::awaitable<void> write(TrackSubscriber track, Log &log) {
        while (true) {
            auto [failure, group] = co_await track.recv_group().as_tuple();
            if (failure || !group) {
                ++log.ends;
                log.end = failure;
                co_return;
            }
            Words words;
            std::error_code lost;
            while (!lost) {
                auto [code, frame] = co_await group->read_frame().as_tuple();
                lost = code;
                if (!frame) {
                    break;
                }
                words.emplace_back(frame->payload.view());
            }
            if (lost) {
                log.cut.push_back(group->sequence());
            } else {
                log.whole.emplace(group->sequence(), std::move(words));
            }
        }
    }
};

/// A hundred viewers, over sessions of their own, which read while A sends.
struct Crowd {
    explicit Crowd(RestartScene &of) : scene(of), random(seed("lite relay restart")) {
        scene.start_a();
        scene.pass(1s);
        for (int i = 0; i < 100; ++i) {
            viewers.push_back(std::make_unique<Viewer>(scene, scene.b));
        }
        scene.run();
        // Groups may come later than newer ones, and the viewer still wants them.
        Subscription wishes;
        wishes.ordered = true;
        wishes.max_latency = 10s;
        for (auto &viewer : viewers) {
            viewer->subscribe("x", wishes);
        }
        scene.run();
        for (auto &viewer : viewers) {
            asio::co_spawn(scene.context, Log::write(std::move(viewer->subscriber()), logs.emplace_back()), asio::detached);
        }
        scene.run();
        CHECK(scene.track->stats().subscribers == 1);
    }
    ~Crowd() {
        viewers.clear();
        scene.run();
    }
    void write(GroupProducer &group) {
        std::string text(random() % 5000, ' ');
        for (char &c : text) {
            c = static_cast<char>(random() % 256);
        }
        group.write_frame(payload(text));
        written[group.sequence()].push_back(std::move(text));
        // A part of it is in flight when the next one comes.
        for (auto turns = random() % 200; turns != 0; --turns) {
            scene.context.restart();
            scene.context.poll_one();
        }
    }
    void send_group(std::uint64_t sequence) {
        auto group = scene.track->create_group(sequence);
        for (int i = 0; i < 3; ++i) {
            write(group);
        }
        group.finish();
    }
    /// A goes in the middle of a group, of which every viewer has had a part.
    void lose_a_in(std::uint64_t sequence) {
        auto group = scene.track->create_group(sequence);
        write(group);
        scene.run();
        scene.kill_a();
        written.erase(sequence);
    }
    /// Every viewer has all groups except the one that was cut off, and one end.
    void check_logs(std::uint64_t cut, std::error_code end) const {
        for (const Log &log : logs) {
            CHECK(log.whole == written);
            CHECK(log.cut == Numbers{cut});
            CHECK(log.ends == 1);
            CHECK(log.end == end);
        }
    }

    RestartScene &scene;
    std::mt19937_64 random;
    std::vector<std::unique_ptr<Viewer>> viewers;
    std::deque<Log> logs;
    std::map<std::uint64_t, Words> written;
};

}  // namespace

TEST_CASE("a relay: when its upstream is killed under load and comes back, a hundred readers go on with the next group",
          "[lite][relay]") {
    RestartScene scene;
    Crowd crowd(scene);
    for (std::uint64_t sequence = 0; sequence < 4; ++sequence) {
        crowd.send_group(sequence);
    }
    crowd.lose_a_in(4);
    scene.pass(2s);
    scene.start_a();
    scene.pass(4s);
    for (std::uint64_t sequence = 7; sequence < 11; ++sequence) {
        crowd.send_group(sequence);
    }
    scene.run();
    CHECK(scene.track->stats().subscribers == 1);
    scene.track->finish();
    // While the track has a writer, the groups between could still come.
    scene.track.reset();
    for (int i = 0; i < 6; ++i) {
        scene.pass(10s);
    }
    crowd.check_logs(4, {});
}

TEST_CASE("a relay: when its upstream is killed under load and stays away, each of a hundred readers gets one clear error",
          "[lite][relay]") {
    RestartScene scene;
    Crowd crowd(scene);
    crowd.send_group(0);
    crowd.lose_a_in(1);
    CHECK(crowd.logs.front().ends == 0);
    for (int i = 0; i < 11; ++i) {
        scene.pass(1s);
    }
    // The lost connection has no number on the next one.
    crowd.check_logs(1, make_error_code(Error::Dropped));
}

TEST_CASE("a relay: attempts to connect come at ever longer intervals, and at short ones again after a success",
          "[lite][relay]") {
    RestartScene scene;
    CHECK(scene.attempts == 1);
    for (int i = 0; i < 600; ++i) {
        scene.pass(100ms);
    }
    // At the latest at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s and so on; at the earliest in half of the time.
    CHECK(scene.attempts >= 7);
    CHECK(scene.attempts <= 9);
    scene.start_a();
    // The wait that has just begun takes 30 s at most; the session that follows must last 2 s to be a success.
    for (int i = 0; i < 330; ++i) {
        scene.pass(100ms);
    }
    const int before = scene.attempts;
    scene.kill_a();
    scene.pass(500ms);
    CHECK(scene.attempts == before + 1);
    scene.stop.emit(asio::cancellation_type::terminal);
    scene.run();
    CHECK(scene.time.sleepers() == 0);
}

}
