// A record with little in it waits a moment for what may go with it.
#include <comoq/qmux/run.hpp>

#include <comoq/detail/qmux/codec.hpp>
#include <comoq/detail/qmux/frames.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "detail/qmux/noting_channel.hpp"
#include "fair_strand_scene.hpp"
#include "support/catch.hpp"
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

    int count() {
        is_written_ = false;
        int trips = 0;
        const auto next = [this, &trips](const auto &self) -> void {
            if (is_written_ || ++trips == 100) return;
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

}  // namespace

TEST_CASE("qmux run: a record of less than 1,000 bytes waits two turns of the context, and what should go soon waits for none",
          "[qmux]") {
    NotingScene scene;
    Trips trips(scene);
    auto &stream = *scene.stream;
    write_now(stream, 1000);
    const int at_once = trips.count();
    SECTION("little") {
        write_now(stream, 999);
        CHECK(trips.count() == at_once + 2);
    }
    SECTION("the end of a stream") {
        stream.finish();
        CHECK(trips.count() == at_once + 2);
    }
    SECTION("an answer to a ping") {
        std::vector<std::byte> ping;
        qmux::encode(qmux::PingRequest{7}, ping);
        scene.connection->input(ping);
        CHECK(trips.count() == at_once);
    }
    SECTION("a datagram") {
        static_cast<void>(scene.connection->send_datagram(bytes("d")));
        CHECK(trips.count() == at_once);
    }
    SECTION("a close") {
        scene.connection->close(other_end_number, "over");
        CHECK(trips.count() == at_once);
    }
}

TEST_CASE("qmux run: what others of the context cause to be written meanwhile goes with a small record, on fair strands, too",
          "[qmux]") {
    const bool is_on_strand = GENERATE(false, true);
    CAPTURE(is_on_strand);
    NotingScene scene(is_on_strand);
    const auto second = scene.now(scene.connection->open_uni());
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

}  // namespace run_little_tests
