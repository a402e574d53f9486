// SPDX-License-Identifier: MIT
// The time that `run` keeps where this side has no idle time of its own: all deadlines come later, from the peer or from data.
#include <comoq/qmux/run.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "detail/qmux/octets.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/transport_scene.hpp"

namespace run_time_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using qmux::Connection;

namespace {

/// The far end of a channel, in the time of the test.
struct Peer {
    explicit Peer(asio::io_context &context) : waiting(context, asio::steady_timer::time_point::max()) {}

    /// It reads this next.
    template <class Frame> void say(const Frame &frame) {
        Octets record;
        qmux::encode(frame, record);
        words.push_back(std::move(record));
        waiting.cancel();
    }

    asio::steady_timer waiting;
    ManualClock clock;
    std::vector<Octets> words;
    std::size_t said = 0;
    bool is_gone = false;
    /// How long each record takes to be read, and each to be written.
    std::chrono::milliseconds after_reading{0}, after_writing{0};
    bool answers = true;
    std::size_t pings = 0, of_streams = 0;
};

/// What a call does to the clock is done before anybody else has a turn: a deadline that the call before it has brought
/// forward is over by then, and no timer has to be waited for.
class TimedChannel {
public:
    explicit TimedChannel(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}

    asio::awaitable<std::span<const std::byte>> read_record() {
        // `run` comes again once it has looked at the deadline.
        if (peer_->said != 0) peer_->clock.advance(std::exchange(peer_->after_reading, 0ms));
        while (peer_->said == peer_->words.size()) {
            if (peer_->is_gone) comoq::detail::throw_error(asio::error::eof);
            peer_->waiting.expires_at(asio::steady_timer::time_point::max());
            std::error_code ignored;
            co_await peer_->waiting.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        const Octets &next = peer_->words[peer_->said++];
        co_return std::span<const std::byte>(next);
    }
    asio::awaitable<void> write_record(std::span<const asio::const_buffer> frames) {
        Octets all(asio::buffer_size(frames));
        asio::buffer_copy(asio::buffer(all), frames);
        look_at(all);
        peer_->clock.advance(peer_->after_writing);
        co_return;
    }
    void close() noexcept {
        peer_->is_gone = true;
        peer_->waiting.cancel();
    }

private:
    void look_at(std::span<const std::byte> rest) {
        std::error_code failure;
        while (const auto read = qmux::next_frame(rest, failure)) {
            rest = rest.subspan(read->size);
            if (const auto *stream = std::get_if<qmux::Stream>(&read->frame)) peer_->of_streams += stream->payload.size();
            const auto *ping = std::get_if<qmux::PingRequest>(&read->frame);
            if (ping == nullptr) continue;
            ++peer_->pings;
            if (peer_->answers) peer_->say(qmux::PingResponse{ping->sequence});
        }
    }

    std::shared_ptr<Peer> peer_;
};

/// A client whose idle time is 0, and a peer whose idle time is `theirs`.
struct Scene : TransportScene {
    explicit Scene(std::chrono::milliseconds theirs) {
        said.protocols = {"moq-lite-05"};
        said.max_data = said.max_stream_data_uni = 1 << 30;
        said.max_streams_uni = 100;
        said.idle_timeout = theirs;
        qmux::ConnectionConfig config;
        config.protocols = {"moq-lite-05"};
        config.parameters.idle_timeout = 0ms;
        config.clock = peer->clock.clock();
        connection = std::make_shared<Connection>(context.get_executor(), true, std::move(config));
    }
    ~Scene() {
        peer->is_gone = true;
        peer->waiting.cancel();
        run();
    }
    Scene(const Scene &) = delete;
    Scene &operator=(const Scene &) = delete;

    std::shared_ptr<Peer> peer = std::make_shared<Peer>(context);
    qmux::TransportParameters said = qmux::default_parameters();
    std::shared_ptr<Connection> connection;
};

}  // namespace

TEST_CASE("qmux run: without an idle time of its own, a side pings a peer that has one, and gives it up when it is silent",
          "[qmux]") {
    Scene scene(30s);
    scene.peer->answers = false;
    auto running = scene.begin(qmux::run(scene.connection, TimedChannel(scene.peer)));
    // There is nothing to wait for.
    CHECK_FALSE(scene.connection->deadline());
    auto closed = scene.begin(scene.connection->closed());
    scene.peer->after_reading = 10s;
    scene.peer->after_writing = 10s;
    scene.peer->say(scene.said);
    scene.run();
    CHECK(scene.peer->pings == 1);
    REQUIRE(closed.done());
    CHECK(closed.value() == Error::Timeout);
    CHECK(running.done());
}

TEST_CASE("qmux run: without an idle time of either side, what the limit of the flight holds goes when the peer does not answer",
          "[qmux][rate]") {
    Scene scene(0ms);
    auto running = scene.begin(qmux::run(scene.connection, TimedChannel(scene.peer)));
    scene.peer->say(scene.said);
    auto stream = scene.now(scene.connection->open_uni());
    // Without an order it would not be media, and go at any time.
    SendOrder order;
    order.priority = 60;
    stream->set_order(order);
    // A marker that is answered at once: the way is short.
    scene.peer->after_writing = 10ms;
    scene.write(*stream, std::string(1000, 'a'));
    CHECK(scene.peer->pings == 1);
    CHECK_FALSE(scene.connection->deadline());
    // A record takes a minute: whoever waits for its marker has waited long enough when the next one has gone.
    scene.peer->answers = false;
    scene.peer->after_writing = 60s;
    auto written = scene.begin(stream->write(bytes(std::string(300'000, 'b'))));
    CHECK(scene.peer->of_streams == 301'000);
    CHECK(written.done());
    CHECK_FALSE(scene.connection->deadline());
}

}
