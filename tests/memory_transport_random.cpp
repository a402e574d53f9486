// Everything at once, at random.
#include <comoq/memory_transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "support/catch.hpp"
#include "support/memory_scene.hpp"
#include "support/seed.hpp"

namespace memory_transport_random_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

char letter(std::uint32_t id, std::size_t place) {
    return static_cast<char>((id * 131 + place * 7 + place / 251) & 0xff);
}

/// The outcome of one direction of one stream.
struct Fate {
    std::size_t written = 0, received = 0;
    bool finished = false, writer_gone = false, reader_gone = false, ended = false, wrong = false;
    bool reset = false, stopped = false;
    std::error_code reset_code, stop_code, write_failure, read_failure;
};

struct Party {
    Fate &of(std::uint32_t id) { return fates[id]; }
    std::size_t chance(std::size_t below) { return static_cast<std::size_t>(random() % below); }

    std::mt19937_64 random;
    std::map<std::uint32_t, Fate> fates;
    std::uint32_t next_id = 1;
    int running = 0;
};

/// A direction begins with its number.
constexpr std::size_t id_size = 4;
std::string id_bytes(std::uint32_t id) {
    std::string text;
    for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>(id >> shift & 0xff);
    return text;
}

asio::awaitable<void> write_all(Party &party, SendPtr stream, std::uint32_t id) {
    Fate &fate = party.of(id);
    ++party.running;
    // Some write little, some more than any window holds.
    const std::size_t size = party.chance(4) == 0 ? party.chance(200'000) : party.chance(3000);
    const bool resets = party.chance(5) == 0;
    const std::size_t until = resets ? party.chance(size + 1) : size;
    const bool by_drop = party.chance(2) == 0;
    try {
        const std::string name = id_bytes(id);
        co_await stream->write(as_span(name), Bytes());
        while (fate.written < until) {
            const std::size_t largest = party.chance(8) == 0 ? 60'000 : 700;
            const std::size_t count = std::min(until - fate.written, party.chance(largest));
            const std::size_t in_head = std::min(count, party.chance(SendStream::max_head + 1));
            std::string text(count, '\0');
            for (std::size_t i = 0; i < count; ++i) text[i] = letter(id, fate.written + i);
            fate.written += count;
            const auto before = as_span(std::string_view(text).substr(0, in_head));
            Bytes after = bytes(std::string_view(text).substr(in_head));
            co_await stream->write(before, std::move(after));
            SendOrder order;
            order.priority = static_cast<std::uint8_t>(party.chance(4));
            order.flow = id % 3;
            if (party.chance(3) == 0) stream->set_order(order);
        }
        if (!resets || party.chance(3) == 0) {
            stream->finish();
            fate.finished = true;
        }
    } catch (const std::system_error &failure) {
        fate.write_failure = failure.code();
    }
    if (resets) {
        fate.reset = true;
        fate.reset_code = stream_ended(by_drop ? 0 : 64 + id);
        if (!by_drop) stream->reset(64 + id);
    }
    stream.reset();
    fate.writer_gone = true;
    --party.running;
}

asio::awaitable<void> read_all(Party &party, ReceivePtr stream) {
    ++party.running;
    std::string name;
    Fate *fate = nullptr;
    std::uint32_t id = 0;
    const bool stops = party.chance(5) == 0;
    const std::size_t until = party.chance(4000);
    std::error_code failure;
    bool ended = false;
    while (!ended && !(stops && fate != nullptr && fate->received >= until)) {
        Bytes next;
        try {
            next = co_await stream->read();
        } catch (const std::system_error &error) {
            failure = error.code();
            break;
        }
        ended = next.empty();
        std::string_view text = next.view();
        if (fate == nullptr) {
            const std::size_t rest = std::min(id_size - name.size(), text.size());
            name += text.substr(0, rest);
            text.remove_prefix(rest);
            if (name.size() < id_size) continue;
            for (std::size_t i = id_size; i-- != 0;) id = id << 8 | static_cast<unsigned char>(name[i]);
            fate = &party.of(id);
        }
        for (const char each : text) {
            if (each != letter(id, fate->received++)) fate->wrong = true;
        }
    }
    if (fate != nullptr) {
        fate->ended = ended;
        fate->read_failure = failure;
        fate->reader_gone = true;
        if (!ended && !failure) {
            fate->stopped = true;
            fate->stop_code = abandoned;
            if (party.chance(2) == 0) {
                fate->stop_code = stream_ended(1'000'000 + id);
                stream->stop(1'000'000 + id);
            }
        }
    }
    stream.reset();
    --party.running;
}

asio::awaitable<void> open_some(Party &party, std::shared_ptr<Transport> end, int count) {
    ++party.running;
    for (int i = 0; i < count; ++i) {
        const auto executor = end->executor();
        if (party.chance(2) == 0) {
            auto stream = co_await end->open_uni();
            asio::co_spawn(executor, write_all(party, std::move(stream), party.next_id++), asio::detached);
        } else {
            auto stream = co_await end->open_bidi();
            asio::co_spawn(executor, write_all(party, std::move(stream.send), party.next_id++), asio::detached);
            asio::co_spawn(executor, read_all(party, std::move(stream.receive)), asio::detached);
        }
    }
    --party.running;
}
asio::awaitable<void> accept_unis(Party &party, std::shared_ptr<Transport> end) {
    try {
        for (;;) {
            auto stream = co_await end->accept_uni();
            asio::co_spawn(end->executor(), read_all(party, std::move(stream)), asio::detached);
        }
    } catch (const std::system_error &) {
    }
}
asio::awaitable<void> accept_bidis(Party &party, std::shared_ptr<Transport> end) {
    try {
        for (;;) {
            auto stream = co_await end->accept_bidi();
            asio::co_spawn(end->executor(), write_all(party, std::move(stream.send), party.next_id++), asio::detached);
            asio::co_spawn(end->executor(), read_all(party, std::move(stream.receive)), asio::detached);
        }
    } catch (const std::system_error &) {
    }
}

void check(const Fate &fate) {
    CHECK(fate.writer_gone);
    CHECK_FALSE(fate.wrong);
    CHECK(fate.received <= fate.written);
    if (fate.ended) {
        CHECK(fate.finished);
        CHECK(fate.received == fate.written);
    }
    if (fate.finished && !fate.reset && !fate.stopped) {
        CHECK(fate.ended);
    }
    if (fate.read_failure) {
        CHECK(fate.reset);
        CHECK(fate.read_failure == fate.reset_code);
    }
    // Nobody reads it any more: its reader stopped, or never learned its number.
    if (fate.write_failure) {
        CHECK(fate.stopped);
        CHECK(fate.write_failure == fate.stop_code);
    }
}

}  // namespace

TEST_CASE("transport: many streams at once, written and read at random, arrive byte for byte or not at all",
          "[transport][random]") {
    const auto seed_given = seed("many streams over a memory link");
    for (std::uint64_t round = 0; round < 6; ++round) {
        CAPTURE(round);
        Party party;
        party.random.seed(seed_given + round);
        MemoryLinkConfig config;
        config.seed = party.random();
        config.delay = std::chrono::milliseconds(party.chance(3) * 5);
        config.jitter = std::chrono::milliseconds(party.chance(3) * 7);
        config.by_priority = party.chance(2) == 0;
        config.largest_piece = 1 + party.chance(9000);
        config.window = 200 + party.chance(70'000);
        config.max_streams = 1 + party.chance(9);
        MemoryScene scene(config);
        for (const auto &end : {scene.client, scene.server}) {
            asio::co_spawn(scene.context, accept_unis(party, end), asio::detached);
            asio::co_spawn(scene.context, accept_bidis(party, end), asio::detached);
            asio::co_spawn(scene.context, open_some(party, end, 30), asio::detached);
        }
        scene.run();
        int turns = 0;
        while ((party.running != 0 || scene.link.open_streams() != 0) && ++turns < 100'000) {
            if (party.chance(9) == 0) {
                scene.link.pause();
                scene.advance(3ms);
                scene.link.resume();
            }
            scene.advance(std::chrono::milliseconds(party.chance(6)));
        }
        CHECK(party.running == 0);
        CHECK(scene.link.open_streams() == 0);
        CHECK(party.fates.size() >= 60);
        for (const auto &[id, fate] : party.fates) {
            CAPTURE(id);
            check(fate);
        }
        scene.client->close({}, "");
        scene.run();
    }
}

}
