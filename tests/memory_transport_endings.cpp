// The ways in which a stream is over.
#include <comoq/memory_transport.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>

#include <comoq/error.hpp>

#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/memory_scene.hpp"

namespace memory_transport_endings_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// What a test does with a handle, at the end or before.
enum class Act { Nothing, Finish, Fail, Use };

/// Destroys the handles of a stream in some order, after having used each in some way.
template <class Handle> void act(MemoryScene &scene, Handle &handle, Act what) {
    if constexpr (std::is_same_v<Handle, SendPtr>) {
        if (what == Act::Use) scene.begin(handle->write(bytes("used"))).done();
        if (what == Act::Finish) handle->finish();
        if (what == Act::Fail) handle->reset(end_number);
    } else {
        if (what == Act::Finish || what == Act::Use) scene.begin(handle->read()).done();
        if (what == Act::Fail) handle->stop(other_end_number);
    }
}

}  // namespace

TEST_CASE("transport: no unidirectional stream stays open when its handles are gone, whatever calls were made on them",
          "[transport]") {
    const auto writes = GENERATE(Act::Nothing, Act::Finish, Act::Fail, Act::Use);
    const auto reads = GENERATE(Act::Nothing, Act::Fail, Act::Use);
    const bool writer_first = GENERATE(false, true);
    const bool between = GENERATE(false, true);
    const bool full = GENERATE(false, true);
    MemoryScene scene(config_with([](auto &config) { config.max_streams = 1; }));
    auto [send, receive] = scene.uni();
    auto another = scene.begin(scene.client->open_uni());
    CHECK_FALSE(another.done());
    std::optional<Begun<void>> writing;
    // More than the window, so that some of it waits to be sent.
    if (full) writing.emplace(scene.begin(send->write(bytes(200'000))));
    const auto turn = [&] {
        if (between) scene.run();
    };
    act(scene, send, writes);
    turn();
    act(scene, receive, reads);
    turn();
    if (writer_first) send.reset();
    else receive.reset();
    turn();
    send.reset();
    receive.reset();
    scene.run();
    REQUIRE(another.done());
    another.value().reset();
    scene.run();
    CHECK(scene.link.open_streams() == 0);
    if (writing) CHECK(writing->done());
}

TEST_CASE("transport: no bidirectional stream stays open when its handles are gone, in any order", "[transport]") {
    std::array<int, 4> order{0, 1, 2, 3};
    const std::array<int, 4> first_order = order;
    const auto acts = GENERATE(range(0, 16));
    const bool between = GENERATE(false, true);
    const bool accepted = GENERATE(false, true);
    const auto seed = static_cast<std::uint64_t>(acts + 1);
    do {
        MemoryScene scene(config_with([&](auto &config) {
            config.max_streams = 1;
            config.seed = seed;
        }));
        BidiStream here, there;
        if (accepted)
            std::tie(here, there) = scene.bidi();
        else
            here = scene.now(scene.client->open_bidi());
        auto another = scene.begin(scene.client->open_bidi());
        CHECK_FALSE(another.done());
        for (const int which : order) {
            const bool does = (acts >> which & 1) != 0;
            if (which < 2) {
                SendPtr &send = which == 0 ? here.send : there.send;
                if (send != nullptr && does) act(scene, send, Act::Finish);
                send.reset();
            } else {
                ReceivePtr &receive = which == 2 ? here.receive : there.receive;
                if (receive != nullptr && does) act(scene, receive, Act::Fail);
                receive.reset();
            }
            if (between) scene.run();
        }
        // Nobody ever accepts the stream: it must not stay for that.
        scene.run();
        REQUIRE(another.done());
        another.value() = BidiStream();
        scene.run();
        CHECK(scene.link.open_streams() == 0);
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(order == first_order);
}

TEST_CASE("transport: a reset fails the reads, drops unread bytes, and carries its number", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    const bool delivered = GENERATE(false, true);
    const bool waiting = GENERATE(false, true);
    std::optional<Begun<Bytes>> reading;
    if (waiting) reading.emplace(scene.begin(receive->read()));
    else scene.link.pause();
    if (!waiting) {
        auto writing = scene.begin(send->write(bytes("not read")));
        scene.link.resume();
        if (delivered) scene.run();
    }
    const std::uint64_t told = GENERATE(0u, 1u, 13u, 64u, 0xffff'ffffu);
    send->reset(told);
    scene.run();
    const auto code = stream_ended(told);
    if (reading) CHECK(reading->code() == code);
    CHECK(scene.code(receive->read()) == code);
    CHECK(scene.code(receive->read()) == code);
    CHECK(scene.link.open_streams() == 0);
    CHECK(scene.code(send->write(bytes("more"))) == code);
}

TEST_CASE("transport: the first reset counts, with 0 as well", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    send->reset(0);
    send->reset(end_number);
    send->finish();
    CHECK(scene.code(send->write(bytes("more"))) == stream_ended(0));
    scene.run();
    send->reset(end_number);
    CHECK(scene.code(receive->read()) == stream_ended(0));
}

TEST_CASE("transport: a reset after finish drops unsent bytes", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    scene.link.pause();
    scene.write(*send, "not sent");
    send->finish();
    send->reset(end_number);
    scene.link.resume();
    scene.run();
    CHECK(scene.code(receive->read()) == stream_ended(end_number));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: a reset after everything was sent has no effect", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    scene.write(*send, "sent");
    send->finish();
    scene.run();
    send->reset(end_number);
    CHECK(scene.now(send->stopped()) == none);
    CHECK(scene.read(*receive) == "sent");
    CHECK(scene.at_end(*receive));
}

TEST_CASE("transport: a wait for the end of a stream completes when all bytes have been sent", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    auto stopped = scene.begin(send->stopped());
    scene.write(*send, "sent");
    scene.link.pause();
    send->finish();
    scene.run();
    CHECK_FALSE(stopped.done());
    scene.link.resume();
    scene.run();
    CHECK(stopped.value() == none);
    CHECK(scene.read(*receive) == "sent");
}

TEST_CASE("transport: a write after the end fails with Closed, and is not sent", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    auto waiting = scene.begin(send->write(bytes(200'000)));
    CHECK_FALSE(waiting.done());
    send->finish();
    const auto closed = make_error_code(Error::Closed);
    CHECK(scene.code(send->write(bytes("late"))) == closed);
    CHECK(scene.code(send->write(Bytes())) == closed);
    // A write that was taken before it is another matter.
    CHECK(waiting.code() == none);
    CHECK(scene.read(*receive).size() == 200'000);
    CHECK(scene.code(send->write(bytes("later"))) == closed);
}

TEST_CASE("transport: a stream that failed says why, even if it was finished before", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    scene.link.pause();
    scene.write(*send, "never");
    send->finish();
    send->reset(end_number);
    CHECK(scene.code(send->write(bytes("late"))) == stream_ended(end_number));
}

TEST_CASE("transport: a handle that is destroyed before its end resets the stream, with 0 or the number set for that",
          "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    scene.write(*send, "not ended");
    auto writing = scene.begin(send->write(bytes(200'000)));
    CHECK_FALSE(writing.done());
    const std::uint64_t told = GENERATE(0u, 1u);
    if (told != 0) scene.client->abandon_with(told);
    const auto code = stream_ended(told);
    send.reset();
    CHECK(writing.code() == code);
    CHECK(scene.code(receive->read()) == code);
}

TEST_CASE("transport: a stop ends writes, and waits for the stop, with its number", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    const bool finished = GENERATE(false, true);
    auto stopped = scene.begin(send->stopped());
    auto writing = scene.begin(send->write(bytes(200'000)));
    CHECK_FALSE(writing.done());
    CHECK_FALSE(stopped.done());
    if (finished) {
        send->finish();
        // It may as well go on: no more will come.
        CHECK(writing.done());
    }
    const std::uint64_t told = GENERATE(0u, 1u, 13u, 64u, 0xffff'ffffu);
    receive->stop(told);
    const auto code = stream_ended(told);
    CHECK(stopped.value() == code);
    CHECK(writing.code() == (finished ? none : code));
    CHECK(scene.now(send->stopped()) == code);
    if (!finished) CHECK(scene.code(send->write(bytes("more"))) == code);
    CHECK(scene.link.open_streams() == 0);
    // Calls from here on have no effect.
    send->finish();
    send->reset(end_number);
    CHECK(scene.now(send->stopped()) == code);
    CHECK(scene.code(receive->read()) == cancelled);
}

TEST_CASE("transport: a handle that is destroyed before its end was read stops the stream, with 0 or the number set for that",
          "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    const bool waits = GENERATE(false, true);
    std::optional<Begun<Bytes>> reading;
    if (waits) reading.emplace(scene.begin(receive->read()));
    const std::uint64_t told = GENERATE(0u, 1u);
    if (told != 0) scene.server->abandon_with(told);
    const auto code = stream_ended(told);
    receive.reset();
    CHECK(scene.now(send->stopped()) == code);
    CHECK(scene.code(send->write(bytes("more"))) == code);
    if (reading) CHECK(reading->code() == cancelled);
}

TEST_CASE("transport: bytes that come after a stop are dropped, and the writer does not wait for a reader", "[transport]") {
    MemoryScene scene(config_with([](auto &config) { config.delay = 10ms; }));
    auto send = scene.now(scene.client->open_uni());
    scene.write(*send, "!");
    scene.advance(10ms);
    auto receive = scene.now(scene.server->accept_uni());
    receive->stop(end_number);
    // The peer does not know yet.
    scene.now(send->write(bytes(enough - 1)));
    auto writing = scene.begin(send->write(bytes(10)));
    CHECK_FALSE(writing.done());
    scene.advance(9ms);
    CHECK_FALSE(writing.done());
    scene.advance(1ms);
    CHECK(writing.code() == stream_ended(end_number));
}

TEST_CASE("transport: a stop after the end came has no effect on the peer", "[transport]") {
    MemoryScene scene;
    auto [send, receive] = scene.uni();
    auto stopped = scene.begin(send->stopped());
    scene.write(*send, "all");
    send->finish();
    scene.run();
    receive->stop(end_number);
    receive.reset();
    scene.run();
    CHECK(stopped.value() == none);
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: stop and reset that cross on their way end the stream once", "[transport]") {
    const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 6)));
    MemoryScene scene(config_with([&](auto &config) {
        config.seed = seed;
        config.max_streams = 1;
    }));
    auto [send, receive] = scene.uni();
    send->reset(end_number);
    receive->stop(other_end_number);
    scene.run();
    CHECK(scene.link.open_streams() == 0);
    CHECK(scene.now(send->stopped()) == stream_ended(end_number));
    auto another = scene.now(scene.client->open_uni());
    CHECK_FALSE(scene.begin(scene.client->open_uni()).done());
}

}
