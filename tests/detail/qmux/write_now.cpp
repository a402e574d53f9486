// Writing without a wait: what a socket takes at once, and who has a turn meanwhile.
#include <comoq/detail/qmux/write_now.hpp>

#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include "detail/qmux/noting_channel.hpp"
#include "support/catch.hpp"
#include "support/transport_scene.hpp"
#include "websocket/raw.hpp"

namespace write_now_tests {

using namespace comoq;
using namespace comoq::test;
using qmux::TcpChannel;
using qmux::detail::drop_front;
using qmux::detail::write_now;
using qmux::detail::WritesNow;

namespace {

using Buffers = std::vector<asio::const_buffer>;

static_assert(WritesNow<Socket> && WritesNow<asio::ip::tcp::socket>);
static_assert(!WritesNow<Trickle>);

}  // namespace

TEST_CASE("write now: what is written is dropped from the front, and the rest stays as it is", "[qmux]") {
    const std::string text = "abcdefghi";
    const auto part = [&](std::size_t begin, std::size_t size) { return asio::buffer(text.data() + begin, size); };
    for (std::size_t count = 0; count <= text.size(); ++count) {
        CAPTURE(count);
        Buffers buffers{part(0, 3), part(3, 0), part(3, 5), part(8, 1)};
        drop_front(buffers, count);
        CHECK(text_of(buffers) == text.substr(count));
        CHECK((count == text.size()) == buffers.empty());
    }
}

TEST_CASE("write now: a socket takes what it has room for, in order and without a wait, and a closed one nothing", "[qmux]") {
    asio::io_context context;
    SocketPair pair(context);
    std::string text(3'000'000, 'x');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * i / 7);
    Buffers buffers{asio::buffer(text.data(), 10), asio::buffer(text.data() + 10, text.size() - 10)};
    const std::size_t count = write_now(pair.first, buffers);
    REQUIRE(count > 0);
    CHECK(count < text.size());
    drop_front(buffers, count);
    // There is no room now, or next to none.
    const std::size_t more = write_now(pair.first, buffers);
    drop_front(buffers, more);
    CHECK((received_raw(pair.second) == text.substr(0, count + more)));
    CHECK((text_of(buffers) == text.substr(count + more)));
    pair.first.close();
    CHECK(write_now(pair.first, buffers) == 0);
}

TEST_CASE("write now: a record that the system takes in part goes on with its rest, and others follow it", "[qmux]") {
    asio::io_context context;
    SocketPair pair(context);
    pair.take_in_parts();
    TcpChannel channel(std::move(pair.first)), peer(std::move(pair.second));
    const auto record = [](std::size_t number) {
        return std::to_string(number) + std::string(15'000, static_cast<char>('a' + number % 20));
    };
    std::vector<std::string> all;
    const auto write = [&](bool is_now) {
        all.push_back(record(all.size()));
        const Buffers buffers{asio::buffer(all.back().data(), 7), asio::buffer(all.back().data() + 7, all.back().size() - 7)};
        return is_now && channel.write_now(buffers);
    };
    all.reserve(1000);
    while (write(true)) REQUIRE(all.size() < 1000);
    CHECK(all.size() > 1);
    const auto write_again = [](TcpChannel<Socket> &on, const std::string &text) -> asio::awaitable<void> {
        const Buffers buffers{asio::buffer(text.data(), 7), asio::buffer(text.data() + 7, text.size() - 7)};
        co_await on.write_record(buffers);
    };
    auto rest = Begun<void>(context, write_again(channel, all.back()));
    CHECK_FALSE(rest.done());
    const auto read = [&] {
        const auto frames = run_to_end(context, peer.read_record());
        return std::string(reinterpret_cast<const char *>(frames.data()), frames.size());
    };
    for (const auto &each : all) CHECK((read() == each));
    CHECK(rest.done());
    // One that has been written in two parts leaves nothing behind.
    write(false);
    run_to_end(context, write_again(channel, all.back()));
    CHECK((read() == all.back()));
    CHECK(write(true));
    CHECK((read() == all.back()));
}

TEST_CASE("qmux run: a record after a wait is written without one, and of a row of records every second one takes a trip through the "
          "executor",
          "[qmux]") {
    NotingScene scene;
    SECTION("after a wait") {
        for (int i = 0; i < 5; ++i) scene.write(*scene.stream, "a");
        CHECK(scene.noted->calls == "nnnnn");
    }
    SECTION("a row") {
        scene.write(*scene.stream, std::string(100'000, 'a'));
        const std::string &calls = scene.noted->calls;
        CHECK(calls.substr(0, 6) == "nrnrnr");
        CHECK(calls.find("nn") == std::string::npos);
    }
    SECTION("a channel that cannot take all of it is asked for the rest of the same record") {
        scene.noted->takes = false;
        scene.write(*scene.stream, "a");
        scene.write(*scene.stream, "b");
        CHECK(scene.noted->calls == "nrnr");
        REQUIRE(scene.noted->records.size() == 4);
        CHECK(scene.noted->records[0] == scene.noted->records[1]);
        CHECK(scene.noted->records[2] == scene.noted->records[3]);
        CHECK(scene.noted->records[0] != scene.noted->records[2]);
    }
}

}
