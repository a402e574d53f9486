// A channel that is slow: what it is told, in the time of the test.
#include <comoq/qmux/run.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/greeting.hpp"
#include "support/manual_clock.hpp"
#include "support/transport_scene.hpp"

namespace run_slowly_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using qmux::Connection;

namespace {

struct Peer {
    explicit Peer(asio::io_context &context) : greeting(context) {}
    Greeting greeting;
    ManualClock clock;
    double bytes_per_second = 1e5;
    std::vector<std::size_t> limits;
};

/// It takes records at the peer's rate, and reads the peer's parameters and nothing more.
class SlowChannel {
public:
    explicit SlowChannel(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}

    asio::awaitable<std::span<const std::byte>> read_record() { return peer_->greeting.read_record(); }
    asio::awaitable<void> write_record(std::span<const asio::const_buffer> frames) {
        const double seconds = static_cast<double>(asio::buffer_size(frames)) / peer_->bytes_per_second;
        peer_->clock.advance(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)));
        co_return;
    }
    void limit_unsent(std::size_t bytes) { peer_->limits.push_back(bytes); }
    void close() noexcept { peer_->greeting.end(); }

private:
    std::shared_ptr<Peer> peer_;
};

}  // namespace

TEST_CASE("qmux::run: a channel is told how much to hold when its link turns out to be slow, and when it is not", "[qmux][rate]") {
    TransportScene scene;
    auto peer = std::make_shared<Peer>(scene.context);
    qmux::ConnectionConfig config;
    config.protocol = "moq-lite-05";
    config.parameters.idle_timeout = 0ms;
    config.clock = peer->clock.clock();
    auto connection = std::make_shared<Connection>(scene.context.get_executor(), true, std::move(config));
    auto running = scene.begin(qmux::run(connection, SlowChannel(peer)));
    auto stream = scene.now(connection->open_uni());
    CHECK(peer->limits.empty());
    auto written = scene.begin(stream->write(bytes(std::string(300'000, 'a'))));
    CHECK(peer->limits == std::vector<std::size_t>{4096});
    peer->bytes_per_second = 5e6;
    auto more = scene.begin(stream->write(bytes(std::string(10'000'000, 'a'))));
    REQUIRE_FALSE(peer->limits.empty());
    CHECK(peer->limits.back() == qmux::detail::SendAhead::no_limit);
    // The peer goes.
    peer->greeting.end();
    scene.run();
    CHECK(running.done());
}

}
