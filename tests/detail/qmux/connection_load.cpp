// High load: hostile peers, and many streams at once.
#include <comoq/detail/qmux/connection.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>

#include "detail/qmux/connection_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/numbered.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/transport_scene.hpp"

namespace connection_load_tests {

using namespace comoq;
using namespace comoq::test;
using qmux::Direction;

TEST_CASE("qmux connection: the latest of a flood of pings is answered", "[qmux]") {
    Solo solo;
    solo.greeted();
    for (std::uint64_t i = 0; i < 100'000; ++i) solo.send(qmux::PingRequest{i});
    const auto answers = solo.frames_of<qmux::PingResponse>();
    REQUIRE(answers.size() == 16);
    CHECK(answers.back().sequence == 99'999);
    solo.send({qmux::PingRequest{100'005}, qmux::PingRequest{100'006}});
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::PingResponse{100'005}, qmux::PingResponse{100'006}});
}

TEST_CASE("qmux connection: a message that a peer repeats is held once", "[qmux]") {
    Solo solo;
    solo.greeted();
    std::vector<SendPtr> streams;
    for (int i = 0; i < 10; ++i) {
        streams.push_back(solo.now(solo.own->open_uni()));
        solo.write(*streams.back(), "x");
    }
    solo.stream(client_bidi(0), 0, "");
    auto peers = solo.now(solo.own->accept_bidi());
    solo.frames();
    const auto flood = [&] {
        for (std::uint64_t i = 0; i < 10'000; ++i) {
            solo.send({qmux::StopSending{server_uni(i % 10), i}, qmux::StopSending{client_bidi(0), i},
                       qmux::ResetStream{client_bidi(0), i, 0}, qmux::MaxStreamData{client_bidi(0), i}, qmux::MaxData{i},
                       qmux::MaxStreams{Direction::Uni, i}, qmux::StreamDataBlocked{client_bidi(0), i}, qmux::DataBlocked{i},
                       qmux::StreamsBlocked{Direction::Bidi, i}});
        }
    };
    flood();
    const auto before = live_bytes();
    flood();
    CHECK(live_bytes() <= before);
    CHECK(solo.frames_of<qmux::ResetStream>().size() == 11);
    peers = {};
    CHECK(solo.is_quiet());
    solo.check_alive();
}

TEST_CASE("qmux connection: streams that have ended leave nothing behind, whether they were read or not", "[qmux]") {
    Solo solo;
    solo.greeted();
    const auto round = [&](std::uint64_t i) {
        solo.stream(client_bidi(i), 0, "x", i % 2 == 0);
        if (i % 2 != 0) solo.send(qmux::ResetStream{client_bidi(i), 0, 1});
        if (i % 3 == 0) solo.send(qmux::StopSending{client_bidi(i), 0});
        solo.now(solo.own->accept_bidi());
        solo.frames();
        solo.kept.clear();
    };
    for (std::uint64_t i = 0; i < 3000; ++i) round(i);
    const auto before = live_bytes();
    for (std::uint64_t i = 3000; i < 10'000; ++i) round(i);
    CHECK(live_bytes() <= before + 4096);
    CHECK(solo.own->open_streams() == 0);
}

TEST_CASE("qmux connection: sent streams and their flows leave nothing behind", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    const auto round = [&](std::uint64_t i) {
        auto stream = solo.now(solo.own->open_uni());
        stream->set_order({static_cast<std::uint8_t>(i), 0, i, i});
        solo.write(*stream, "x");
        if (i % 2 == 0) stream->set_order({static_cast<std::uint8_t>(i), 1, i, i});
        if (i % 3 == 0) stream->finish();
        if (i % 5 == 0) solo.frames();
        stream.reset();
        solo.frames();
        solo.kept.clear();
    };
    for (std::uint64_t i = 0; i < 1000; ++i) round(i);
    const auto before = live_bytes();
    for (std::uint64_t i = 1000; i < 5000; ++i) round(i);
    CHECK(live_bytes() <= before + 4096);
    CHECK(solo.own->open_streams() == 0);
}

TEST_CASE("qmux connection: data that comes a byte at a time takes memory for its bytes only", "[qmux]") {
    Solo solo;
    solo.greeted();
    solo.stream(client_uni(0), 0, "");
    auto stream = solo.now(solo.own->accept_uni());
    const auto before = live_bytes();
    constexpr std::uint64_t size = 200'000;
    for (std::uint64_t i = 0; i < size; ++i) solo.stream(client_uni(0), i, "x");
    CHECK(live_bytes() < before + 3 * size);
    CHECK(solo.read(*stream) == std::string(size, 'x'));
}

namespace {

/// A stream of the randomised test, as its writer knows it.
struct Sent {
    std::uint64_t number = 0;
    std::size_t size = 0;
    bool whole = false;    // ended by finish()
    bool broken = false;   // reset, or stopped by the reader
};

class Crowd {
public:
    Crowd(Pair &pair, std::uint64_t seed) : pair_(pair), random_(seed) {}

    void spawn(std::shared_ptr<Connection> from, bool bidi) {
        const auto sent = std::make_shared<Sent>();
        sent->number = sent_.size();
        sent_.push_back(sent);
        // The first eight bytes tell which stream it is.
        begin(bidi ? write_bidi(std::move(from), sent) : write_uni(std::move(from), sent));
    }
    void serve(std::shared_ptr<Connection> to) {
        begin(accept_uni(to));
        begin(accept_bidi(to));
    }
    std::size_t running() const { return running_; }
    std::size_t whole() const { return whole_; }
    void check_all() const {
        for (const auto &sent : sent_) {
            if (sent->whole && !sent->broken) {
                INFO("stream " << sent->number << " of " << sent->size);
                CHECK(received_.count(sent->number) == 1);
            }
        }
    }

private:
    std::size_t up_to(std::size_t most) { return static_cast<std::size_t>(random_() % (most + 1)); }

    void begin(asio::awaitable<void> coroutine) {
        ++running_;
        asio::co_spawn(pair_.context, std::move(coroutine), [this](std::exception_ptr failure) {
            --running_;
            try {
                if (failure) std::rethrow_exception(failure);
            } catch (const std::system_error &) {
            }
        });
    }
    asio::awaitable<void> write_uni(std::shared_ptr<Connection> from, std::shared_ptr<Sent> sent) {
        auto stream = co_await from->open_uni();
        co_await write(std::move(stream), sent);
    }
    asio::awaitable<void> write_bidi(std::shared_ptr<Connection> from, std::shared_ptr<Sent> sent) {
        auto stream = co_await from->open_bidi();
        begin(read(std::move(stream.receive)));
        co_await write(std::move(stream.send), sent);
    }
    asio::awaitable<void> write(SendPtr stream, std::shared_ptr<Sent> sent) {
        stream->set_order({static_cast<std::uint8_t>(up_to(2)), 0, up_to(3), up_to(5)});
        sent->size = up_to(up_to(3) == 0 ? 600'000 : 3000);
        std::uint64_t offset = 0;
        try {
            std::array<std::byte, 8> name{};
            for (std::size_t i = 0; i < name.size(); ++i) name[i] = static_cast<std::byte>(sent->number >> (8 * i) & 0xff);
            co_await stream->write(name, Bytes());
            while (offset < sent->size) {
                const std::size_t part = std::min<std::size_t>(sent->size - offset, up_to(up_to(1) == 0 ? 20 : 50'000));
                co_await stream->write(numbered(sent->number, offset, part));
                offset += part;
                if (up_to(60) == 0) {
                    sent->broken = true;
                    stream->reset(end_number);
                    co_return;
                }
                if (up_to(60) == 0) {
                    sent->broken = true;
                    co_return;
                }
            }
            stream->finish();
            sent->whole = true;
            co_await stream->sent();
        } catch (const std::system_error &) {
            sent->broken = true;
        }
    }
    asio::awaitable<void> accept_uni(std::shared_ptr<Connection> to) {
        while (true) {
            auto stream = co_await to->accept_uni();
            begin(read(std::move(stream)));
        }
    }
    asio::awaitable<void> accept_bidi(std::shared_ptr<Connection> to) {
        while (true) {
            auto stream = co_await to->accept_bidi();
            begin(read(std::move(stream.receive)));
            if (up_to(5) == 0) continue;
            const auto sent = std::make_shared<Sent>();
            sent->number = sent_.size();
            sent_.push_back(sent);
            begin(write(std::move(stream.send), sent));
        }
    }
    asio::awaitable<void> read(ReceivePtr stream) {
        std::optional<std::uint64_t> number;
        std::vector<std::byte> name;
        std::uint64_t offset = 0;
        while (true) {
            const Bytes part = co_await stream->read();
            if (part.empty()) break;
            for (const std::byte one : part.span()) {
                if (!number) {
                    name.push_back(one);
                    if (name.size() < 8) continue;
                    number = 0;
                    for (std::size_t i = 0; i < 8; ++i) *number |= std::to_integer<std::uint64_t>(name[i]) << (8 * i);
                } else if (one != numbered_byte(*number, offset++)) {
                    FAIL("stream " << *number << " is wrong before " << offset);
                }
            }
            if (number && up_to(up_to(3) == 0 ? 0 : 100) == 0) {
                sent_.at(*number)->broken = true;
                if (up_to(1) == 0) stream->stop(end_number);
                co_return;
            }
        }
        CHECK((number && offset == sent_.at(*number)->size));
        if (!number) co_return;
        CHECK(received_.emplace(*number, offset).second);
        ++whole_;
    }

    Pair &pair_;
    std::mt19937_64 random_;
    std::vector<std::shared_ptr<Sent>> sent_;
    std::map<std::uint64_t, std::uint64_t> received_;
    std::size_t running_ = 0;
    std::size_t whole_ = 0;
};

}  // namespace

TEST_CASE("qmux connection: many streams both ways arrive whole and leave nothing behind", "[qmux]") {
    const std::uint64_t first = seed("qmux connection");
    constexpr std::size_t rounds = 10;
    std::size_t whole = 0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        std::mt19937_64 random(first + round);
        const auto config = with_parameters([&](auto &of) {
            of.max_data = 2000 + random() % 300'000;
            of.max_stream_data_bidi_local = 500 + random() % 100'000;
            of.max_stream_data_bidi_remote = 500 + random() % 100'000;
            of.max_stream_data_uni = 500 + random() % 100'000;
            of.max_streams_bidi = 1 + random() % 20;
            of.max_streams_uni = 1 + random() % 20;
        });
        Pair pair(config, config);
        Crowd crowd(pair, first + round);
        for (int i = 0; i < 120; ++i) crowd.spawn(i % 3 == 0 ? pair.client : pair.server, i % 4 == 0);
        crowd.serve(pair.client);
        crowd.serve(pair.server);
        // Records arrive in any rhythm, and the application may run in between.
        int idle = 0;
        while (idle < 200) {
            const bool to_server = random() % 2 == 0;
            const bool moved = to_server ? pair.move_one(*pair.client, *pair.server) : pair.move_one(*pair.server, *pair.client);
            if (random() % 3 == 0) settle_down(pair.context);
            idle = moved ? 0 : idle + 1;
        }
        pair.move();
        CHECK_FALSE(pair.closed(*pair.client));
        CHECK_FALSE(pair.closed(*pair.server));
        CHECK(crowd.running() == 4);
        whole += crowd.whole();
        crowd.check_all();
        CHECK(pair.client->open_streams() == 0);
        CHECK(pair.server->open_streams() == 0);
        pair.client->close(0, "");
        pair.move();
        CHECK(crowd.running() == 0);
    }
    // Readers break off by chance at each part they get, and small windows make many parts: one round may have fewer.
    CHECK(whole > rounds * 50);
}

}
