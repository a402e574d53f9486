// Which bytes are sent now, and which have to wait: for room at the reader, and for more urgent ones.
#include <comoq/memory_transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "support/catch.hpp"
#include "support/memory_scene.hpp"
#include "support/numbered.hpp"

namespace memory_transport_sending_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("transport: a writer waits when enough is pending and nobody reads, and goes on when somebody does",
          "[transport]") {
    const std::size_t window = 10'000;
    MemoryScene scene(config_with([](auto &config) { config.window = window; }));
    auto [send, receive] = scene.uni();
    scene.now(send->write(numbered(0, window)));
    scene.run();
    scene.now(send->write(numbered(window, enough - 1)));
    auto writing = scene.begin(send->write(numbered(window + enough - 1, 1)));
    CHECK_FALSE(writing.done());
    auto next = scene.begin(send->write(numbered(window + enough, 5)));
    CHECK_FALSE(next.done());
    const Bytes first = scene.now(receive->read());
    CHECK(first.size() == window);
    CHECK(writing.done());
    CHECK(next.done());
    CHECK(std::string(first.view()) + scene.read(*receive) == numbered(0, window + enough + 5).view());
}

TEST_CASE("memory transport: no more than the window is delivered and not read", "[transport]") {
    const auto window = static_cast<std::size_t>(GENERATE(1, 10, 4096, 5000));
    MemoryScene scene(config_with([&](auto &config) { config.window = window; }));
    auto [send, receive] = scene.uni();
    auto writing = scene.begin(send->write(numbered(0, 3 * window + 7)));
    send->finish();
    std::string all;
    for (int i = 0; i < 3; ++i) {
        scene.run();
        const Bytes next = scene.now(receive->read());
        CHECK(next.size() == window);
        all += next.view();
    }
    all += scene.read(*receive);
    CHECK(all == numbered(0, 3 * window + 7).view());
    CHECK(scene.at_end(*receive));
}

TEST_CASE("transport: a stream that nobody reads does not hold up another one", "[transport]") {
    MemoryScene scene;
    auto [stuck, unread] = scene.uni();
    auto writing = scene.begin(stuck->write(bytes(500'000)));
    CHECK_FALSE(writing.done());
    auto [send, receive] = scene.uni();
    scene.write(*send, "passes");
    CHECK(scene.read(*receive) == "passes");
    CHECK_FALSE(writing.done());
    // A reader that stops it makes room as well.
    unread->stop(end_number);
    CHECK(writing.code() == stream_ended(end_number));
}

TEST_CASE("memory transport: a reader that has stopped makes room, and the stop still arrives after its delay", "[transport]") {
    MemoryScene scene(config_with([](auto &config) { config.delay = 10ms; }));
    auto send = scene.now(scene.client->open_uni());
    auto writing = scene.begin(send->write(bytes(500'000)));
    scene.advance(10ms);
    auto receive = scene.now(scene.server->accept_uni());
    auto stopped = scene.begin(send->stopped());
    CHECK_FALSE(writing.done());
    receive->stop(end_number);
    CHECK(writing.code() == none);
    scene.advance(10ms - 1ns);
    CHECK_FALSE(stopped.done());
    scene.advance(1ns);
    CHECK(stopped.value() == stream_ended(end_number));
    CHECK(scene.link.open_streams() == 0);
}

namespace {

/// Streams that all have something to deliver, a byte at a time, and the order of delivery.
class Race {
public:
    explicit Race(std::uint64_t seed)
        : scene_(config_with([&](auto &config) {
              config.by_priority = true;
              config.largest_piece = 1;
              config.seed = seed;
          })) {}

    void add(std::string text, const SendOrder &order) {
        auto [send, receive] = scene_.uni();
        send->set_order(order);
        runners_.push_back({std::move(text), std::move(send), std::move(receive)});
    }
    /// From here on everything waits to be sent.
    void line_up() {
        scene_.link.pause();
        for (auto &each : runners_) {
            scene_.write(*each.send, each.text);
            asio::co_spawn(scene_.context, note(*each.receive, order_), asio::detached);
        }
        scene_.run();
    }
    SendStream &stream(std::size_t which) { return *runners_[which].send; }
    std::string run() {
        scene_.link.resume();
        scene_.run();
        runners_.clear();
        scene_.run();
        return order_;
    }

private:
    static asio::awaitable<void> note(ReceiveStream &stream, std::string &order) {
        try {
            for (;;) {
                const Bytes next = co_await stream.read();
                order += next.view();
            }
        } catch (const std::system_error &) {
        }
    }

    struct Runner {
        std::string text;
        SendPtr send;
        ReceivePtr receive;
    };
    MemoryScene scene_;
    std::vector<Runner> runners_;
    std::string order_;
};

}  // namespace

TEST_CASE("memory transport: by priority, the highest goes first, then the highest tie-break, then the lowest rank",
          "[transport]") {
    const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 4)));
    Race race(seed);
    race.add("aa", {.priority = 1, .rank = 0});
    race.add("bb", {.priority = 200, .tie_break = 0, .rank = 0});
    race.add("cc", {.priority = 7, .tie_break = 9, .rank = 9});
    race.add("dd", {.priority = 200, .tie_break = 1, .rank = 5});
    race.add("ee", {.priority = 7, .tie_break = 9, .rank = 8});
    race.add("ff", {.priority = 7, .tie_break = 3, .flow = 1});
    race.line_up();
    CHECK(race.run() == "ddbbeeccffaa");
}

TEST_CASE("memory transport: by priority, control goes before all media", "[transport]") {
    Race race(1);
    race.add("aa", {.priority = 255, .tie_break = 255});
    race.add("bb", SendOrder::for_control());
    race.line_up();
    CHECK(race.run() == "bbaa");
}

TEST_CASE("memory transport: by priority, flows that are equal take turns, and each follows its own ranks", "[transport]") {
    Race race(1);
    race.add("aa", {.flow = 7, .rank = 10});
    race.add("bb", {.flow = 7, .rank = 11});
    race.add("yyy", {.flow = 3, .rank = 21});
    race.add("xxx", {.flow = 3, .rank = 20});
    race.add("mm", {.flow = 9'000'000'000, .rank = 0});
    race.line_up();
    const auto order = race.run();
    REQUIRE(order.size() == 12);
    std::string of_seven, of_three;
    for (const char letter : order) {
        if (letter == 'a' || letter == 'b') of_seven += letter;
        if (letter == 'x' || letter == 'y') of_three += letter;
    }
    CHECK(of_seven == "aabb");
    CHECK(of_three == "xxxyyy");
    // No stream waits for another one to be done.
    for (std::size_t i = 0; i < 6; i += 3) {
        std::string turn = order.substr(i, 3);
        std::sort(turn.begin(), turn.end());
        CHECK(turn == "amx");
    }
}

TEST_CASE("memory transport: by priority, streams that are equal in everything take turns", "[transport]") {
    Race race(1);
    race.add("aaa", {});
    race.add("bbb", {});
    race.line_up();
    CHECK(race.run().substr(0, 4) == "abab");
}

TEST_CASE("transport: an order can change while something waits to be sent", "[transport]") {
    Race race(1);
    race.add("aa", {.priority = 9});
    race.add("bb", {.priority = 5});
    race.line_up();
    race.stream(0).set_order({.priority = 1});
    CHECK(race.run() == "bbaa");
}

}
