// A record with little in it waits a moment for what may go with it.
#include <comoq/qmux/run.hpp>

#include <comoq/detail/qmux/codec.hpp>
#include <comoq/detail/qmux/frames.hpp>

#include <chrono>
#include <cstddef>
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

#include "detail/qmux/noting_channel.hpp"
#include "fair_strand_scene.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/transport_scene.hpp"

namespace run_little_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Counts the trips through the context until a record is written.
class Trips {
public:
    explicit Trips(NotingScene &scene) : scene_(scene) {
        scene_.noted->written = [this] { is_written_ = true; };
    }
    Trips(const Trips &) = delete;
    Trips &operator=(const Trips &) = delete;
    ~Trips() { scene_.noted->written = [] {}; }

    /// Calls `act` in the first trip.
    int count(const std::function<void()> &act = [] {}) {
        is_written_ = false;
        int trips = 0;
        const auto next = [&](const auto &self) -> void {
            if (is_written_ || ++trips == 100) return;
            if (trips == 1) act();
            asio::post(scene_.context, [&self] { self(self); });
        };
        asio::post(scene_.context, [&next] { next(next); });
        scene_.run();
        CHECK(is_written_);
        return trips;
    }

private:
    NotingScene &scene_;
    bool is_written_ = false;
};

void write_now(SendStream &stream, std::size_t size) {
    Bytes payload = bytes(size);
    REQUIRE(stream.write_now(comoq::detail::Passkey(), {}, payload));
}

/// A connection that runs, on which somebody writes little media.
struct LittleWorld {
    LittleWorld() {
        const auto channel = std::make_shared<Noted>(*context);
        noted = channel;
        qmux::ConnectionConfig config;
        config.protocol = "moq-lite-05";
        config.parameters.idle_timeout = std::chrono::milliseconds(0);
        connection = std::make_shared<qmux::Connection>(context->get_executor(), true, std::move(config));
        running = qmux::run(connection, NotingChannel(channel));
        asio::co_spawn(*context, write_little(), asio::detached);
    }
    asio::awaitable<void> write_little() {
        stream = co_await connection->open_uni();
        stream->set_order(SendOrder{});
        write_now(*stream, 100);
    }
    asio::awaitable<void> work() { return std::move(*running); }
    void leave() {
        connection->lost(make_error_code(Error::Transport));
        if (const auto left = noted.lock()) left->greeting.end();
    }
    void check_end() const { CHECK(noted.expired()); }

    std::optional<asio::io_context> context{std::in_place};
    std::weak_ptr<Noted> noted;
    std::shared_ptr<qmux::Connection> connection;
    SendPtr stream;
    std::optional<asio::awaitable<void>> running;
};

}  // namespace

TEST_CASE("qmux run: media of less than 1,000 bytes wait two turns of the context, and what should go soon waits for none",
          "[qmux]") {
    NotingScene scene;
    Trips trips(scene);
    auto &stream = *scene.stream;
    const auto tell = [&scene](const auto &frame) {
        std::vector<std::byte> octets;
        qmux::encode(frame, octets);
        scene.connection->input(octets);
    };
    write_now(stream, 1000);
    const int at_once = trips.count();
    SECTION("control") {
        write_now(stream, 1);
        CHECK(trips.count() == at_once);
    }
    SECTION("an answer to a ping") {
        tell(qmux::PingRequest{7});
        CHECK(trips.count() == at_once);
    }
    SECTION("that the peer is to stop") {
        const std::string text = "a";
        tell(qmux::Stream{3, 0, as_span(text), false});
        const auto unwanted = scene.now(scene.connection->accept_uni());
        unwanted->stop(end_number);
        CHECK(trips.count() == at_once);
    }
    SECTION("a datagram") {
        scene.connection->send_datagram(bytes("d"));
        CHECK(trips.count() == at_once);
    }
    SECTION("a close") {
        scene.connection->close(other_end_number, "over");
        CHECK(trips.count() == at_once);
    }
    SECTION("media") {
        stream.set_order(SendOrder{});
        SECTION("much") {
            write_now(stream, 1000);
            CHECK(trips.count() == at_once);
        }
        SECTION("little") {
            write_now(stream, 999);
            CHECK(trips.count() == at_once + 2);
        }
        SECTION("the end of a stream") {
            stream.finish();
            CHECK(trips.count() == at_once + 2);
        }
        SECTION("little, and more in the first turn") {
            write_now(stream, 999);
            CHECK(trips.count([&] { write_now(stream, 1); }) == at_once + 1);
        }
        SECTION("little, and a close in the first turn") {
            write_now(stream, 999);
            CHECK(trips.count([&] { scene.connection->close(other_end_number, "over"); }) == at_once + 1);
        }
        SECTION("little, and the connection is lost in the first turn") {
            write_now(stream, 999);
            asio::post(scene.context, [&] { scene.connection->lost(make_error_code(Error::Transport)); });
            scene.run();
            CHECK(scene.connection->done().ready());
            CHECK(scene.noted->records.size() == 1);
        }
    }
}

TEST_CASE("qmux run: what others of the context cause to be written meanwhile goes with a small record, on fair strands, too",
          "[qmux]") {
    const bool is_on_strand = GENERATE(false, true);
    CAPTURE(is_on_strand);
    NotingScene scene(is_on_strand);
    const auto second = scene.now(scene.connection->open_uni());
    second->set_order(SendOrder{});
    scene.stream->set_order(SendOrder{});
    const auto others = fair_strand_tests::strand_of(scene.context);
    // The strand of the peer that both come from has its turn between the two, and wakes another coroutine for the second.
    asio::post(scene.executor, [&] { write_now(*scene.stream, 100); });
    asio::post(others, [&] {
        asio::post(scene.executor, [&] { write_now(*second, 200); });
    });
    scene.run();
    REQUIRE(scene.noted->records.size() == 1);
    CHECK(scene.noted->records[0].size() > 300);
}

TEST_CASE("qmux run: it can be cancelled at each of its steps, and its context destroyed, also while it waits for more", "[qmux]") {
    // The record with the parameters, that of the stream, and the wait between.
    CHECK(cancel_at_every_step<LittleWorld>(false) > 6);
    CHECK(destroy_at_every_point<LittleWorld>() > 6);
}

}  // namespace run_little_tests
