// Which of the sockets at a port gets a packet: our decision, the system's, and what passes from thread to thread where they differ.
#include <comoq/detail/quic/handover.hpp>
#include <comoq/detail/quic/own_ids.hpp>
#include <comoq/detail/quic/steering.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace quic_steering_tests {

using namespace comoq;
using namespace comoq::test;
using asio::ip::udp;
using quic::detail::Handover;
using quic::detail::own_id_size;
using quic::detail::Share;
using Datagram = std::vector<std::byte>;

namespace {

constexpr std::byte of_long{0xc0}, of_short{0x40};

/// With an id of that size, whose first byte is `first`, as far as that many bytes go.
Datagram long_header(std::size_t id_size, std::byte first, std::size_t bytes = 1200) {
    Datagram made(bytes, std::byte{0xee});
    made[0] = of_long;
    if (bytes > 5) made[5] = static_cast<std::byte>(id_size);
    if (bytes > 6) made[6] = first;
    return made;
}
Datagram short_header(std::byte first, std::size_t bytes = 1200) {
    Datagram made(bytes, std::byte{0xee});
    made[0] = of_short;
    if (bytes > 1) made[1] = first;
    return made;
}

/// Random ones, most of which look like packets.
class Datagrams {
public:
    explicit Datagrams(const char *name) : numbers_(seed(name)) {}
    std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(numbers_); }
    Datagram next() {
        Datagram made(below(40));
        for (auto &each : made) each = static_cast<std::byte>(below(256));
        if (made.size() > 5 && below(2) == 0) made[5] = static_cast<std::byte>(below(24));
        return made;
    }

private:
    std::mt19937_64 numbers_;
};

}  // namespace

TEST_CASE("an id says which of the sockets at a port has its connection, and is random otherwise", "[quic]") {
    for (const std::size_t count : {1u, 2u, 3u, 7u, 100u, 255u, 256u}) {
        for (std::size_t index = 0; index < count; index += 1 + count / 7) {
            const Share share{index, count, false};
            std::set<std::byte> firsts;
            for (unsigned first = 0; first < 256; ++first) {
                std::array id{static_cast<std::byte>(first), std::byte{7}};
                share.mark(id);
                CHECK(std::to_integer<std::size_t>(id[0]) % count == index);
                CHECK(id[1] == std::byte{7});
                firsts.insert(id[0]);
            }
            // All that the number leaves.
            CHECK(firsts.size() == (256 - index + count - 1) / count);
        }
    }
    Share{1, 3, false}.mark({});
}

TEST_CASE("a packet belongs to the socket that its id names, if its id is all there", "[quic]") {
    for (const bool is_steered : {false, true}) {
        const Share share{2, 5, is_steered};
        for (unsigned first = 0; first < 256; ++first) {
            const auto byte = static_cast<std::byte>(first);
            CHECK(share.owner_of(short_header(byte)) == first % 5);
            CHECK(share.owner_of(short_header(byte, 1 + own_id_size)) == first % 5);
            CHECK(share.owner_of(short_header(byte, own_id_size)) == 2);
            for (std::size_t size = 0; size < 256; ++size) {
                // What a client has chosen itself stays, unless the system steers by it.
                const bool names_one = size != 0 && (is_steered || size == own_id_size);
                CHECK(share.owner_of(long_header(size, byte)) == (names_one ? first % 5 : 2));
                CHECK(share.owner_of(long_header(size, byte, 6 + size)) == (names_one ? first % 5 : 2));
                if (size != 0) CHECK(share.owner_of(long_header(size, byte, 5 + size)) == 2);
            }
        }
        for (std::size_t bytes = 0; bytes < 6; ++bytes) CHECK(share.owner_of(Datagram(bytes, of_long)) == 2);
        for (std::size_t bytes = 0; bytes < 13; ++bytes) CHECK(share.owner_of(Datagram(bytes, of_short)) == 2);
    }
    CHECK(Share().owner_of(short_header(std::byte{7})) == 0);
}

TEST_CASE("whatever comes, its owner is one of the sockets", "[quic]") {
    Datagrams random("owners of garbage");
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t count = 1 + random.below(256);
        const Share share{random.below(count), count, random.below(2) == 0};
        CHECK(share.owner_of(random.next()) < count);
    }
}

#if defined(COMOQ_QUIC_SHARES_PORTS)

namespace {

using quic::detail::no_socket;

/// Every size of an id in a long header, each cut behind every byte, the same for short ones, and garbage.
std::vector<Datagram> all_kinds(const char *name) {
    std::vector<Datagram> all;
    for (const std::size_t size : {0u, 1u, 4u, 8u, 11u, 12u, 13u, 18u, 20u, 21u, 255u})
        for (std::size_t bytes = 1; bytes <= 7 + size; ++bytes) all.push_back(long_header(size, static_cast<std::byte>(bytes * 37), bytes));
    for (std::size_t bytes = 1; bytes <= 20; ++bytes) all.push_back(short_header(static_cast<std::byte>(bytes * 91), bytes));
    Datagrams random(name);
    for (int i = 0; i < 500; ++i) all.push_back(random.next());
    return all;
}

/// What Linux makes of a program of classic BPF: a load from beyond the end ends it with 0. No value if the program is not sound.
std::optional<std::uint32_t> run(std::span<const sock_filter> program, std::span<const std::byte> datagram) {
    std::uint32_t a = 0, x = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        const auto &step = program[at];
        const auto jump = [&](bool condition) { at += condition ? step.jt : step.jf; };
        switch (step.code) {
        case BPF_LD | BPF_W | BPF_LEN: a = static_cast<std::uint32_t>(datagram.size()); break;
        case BPF_LD | BPF_B | BPF_ABS:
            if (step.k >= datagram.size()) return 0;
            a = std::to_integer<std::uint32_t>(datagram[step.k]);
            break;
        case BPF_ALU | BPF_ADD | BPF_K: a += step.k; break;
        case BPF_ALU | BPF_MOD | BPF_K:
            if (step.k == 0) return std::nullopt;
            a %= step.k;
            break;
        case BPF_MISC | BPF_TAX: x = a; break;
        case BPF_JMP | BPF_JA: at += step.k; break;
        case BPF_JMP | BPF_JGE | BPF_K: jump(a >= step.k); break;
        case BPF_JMP | BPF_JGE | BPF_X: jump(a >= x); break;
        case BPF_JMP | BPF_JEQ | BPF_K: jump(a == step.k); break;
        case BPF_JMP | BPF_JSET | BPF_K: jump((a & step.k) != 0); break;
        case BPF_RET | BPF_A: return a;
        case BPF_RET | BPF_K: return step.k;
        default: return std::nullopt;
        }
    }
    return std::nullopt;
}

/// The socket that the datagram's id names, by our own decision. `no_socket` if it has none.
std::uint32_t decision(std::size_t count, std::span<const std::byte> datagram) {
    // Two sockets that disagree keep what names neither.
    const std::size_t first = Share{0, count, true}.owner_of(datagram), last = Share{count - 1, count, true}.owner_of(datagram);
    return count > 1 && first != last ? no_socket : static_cast<std::uint32_t>(first);
}

struct Sockets {
    Sockets(asio::io_context &context, std::size_t count) {
        all.emplace_back(context, udp::endpoint(asio::ip::address_v4::loopback(), 0));
        quic::detail::let_share(all[0]);
        while (all.size() < count) {
            auto &next = all.emplace_back(context, udp::v4());
            quic::detail::let_share(next);
            next.bind(all[0].local_endpoint());
        }
        for (auto &each : all) each.non_blocking(true);
    }
    /// The sockets that have got something, once for each datagram. It is gone then.
    std::vector<std::size_t> takers() {
        std::array<std::byte, 2048> buffer;
        std::vector<std::size_t> those;
        for (std::size_t i = 0; i < all.size(); ++i) {
            std::error_code failure;
            for (;;) {
                all[i].receive(asio::buffer(buffer), 0, failure);
                if (failure) break;
                those.push_back(i);
            }
        }
        return those;
    }
    std::vector<udp::socket> all;
};

}  // namespace

TEST_CASE("the program for the system decides as we do", "[quic]") {
    const auto all = all_kinds("programs");
    for (const std::size_t count : {2u, 3u, 7u, 255u, 256u}) {
        const auto program = quic::detail::steering_program(count);
        std::size_t named = 0;
        for (const auto &each : all) {
            const auto expected = decision(count, each);
            CHECK(run(program, each) == expected);
            if (expected != no_socket) ++named;
        }
        CHECK(named > all.size() / 5);
        CHECK(named < all.size());
        CHECK(run(program, {}) == no_socket);
    }
}

TEST_CASE("the system gives a packet to the socket that its id names", "[quic][sockets]") {
    const auto all = all_kinds("sockets");
    for (const std::size_t count : {2u, 3u, 7u}) {
        asio::io_context context;
        Sockets sockets(context, count);
        if (!quic::detail::steer(sockets.all[0], count)) {
            WARN("not tested: the system refuses to steer");
            return;
        }
        udp::socket client(context, udp::endpoint(asio::ip::address_v4::loopback(), 0));
        for (const auto &each : all) {
            client.send_to(asio::buffer(each), sockets.all[0].local_endpoint());
            const auto takers = sockets.takers();
            REQUIRE(takers.size() == 1);
            const auto expected = decision(count, each);
            if (expected != no_socket) CHECK(takers[0] == expected);
        }
    }
}

#endif

TEST_CASE("what waits for another thread comes whole and in its order, and holds memory only while it waits", "[quic]") {
    Handover handover;
    CHECK(handover.empty());
    const udp::endpoint one(asio::ip::address_v4::loopback(), 1), two(asio::ip::address_v6::loopback(), 2);
    handover.put(Datagram(3, std::byte{1}), one, 0);
    handover.put(Datagram(2, std::byte{2}), two, 3);
    handover.put({}, one, 1);
    CHECK(!handover.empty());
    const auto batch = handover.take();
    CHECK(handover.empty());
    REQUIRE(batch.datagrams.size() == 3);
    const auto is = [&](std::size_t i, const Datagram &bytes, const udp::endpoint &from, unsigned ecn) {
        const auto &each = batch.datagrams[i];
        return std::ranges::equal(batch.bytes_of(each), bytes) && each.from == from && each.ecn == ecn;
    };
    CHECK(is(0, Datagram(3, std::byte{1}), one, 0));
    CHECK(is(1, Datagram(2, std::byte{2}), two, 3));
    CHECK(is(2, {}, one, 1));
    const auto nothing = handover.take();
    CHECK(nothing.datagrams.capacity() == 0);
    CHECK(nothing.bytes.capacity() == 0);
}

TEST_CASE("what waits for another thread is bounded in datagrams and in bytes", "[quic]") {
    Handover handover;
    const udp::endpoint from(asio::ip::address_v4::loopback(), 1);
    std::size_t count = 0;
    for (; handover.has_room_for(1); ++count) handover.put(Datagram(1), from, 0);
    CHECK(count == Handover::most_datagrams);
    CHECK(!handover.has_room_for(0));
    handover.take();
    const Datagram large(65'507);
    for (count = 0; handover.has_room_for(large.size()); ++count) handover.put(large, from, 0);
    CHECK(count == Handover::most_bytes / large.size());
    const std::size_t rest = Handover::most_bytes - count * large.size();
    CHECK(handover.has_room_for(rest));
    CHECK(!handover.has_room_for(rest + 1));
    handover.put(Datagram(rest), from, 0);
    CHECK(handover.has_room_for(0));
    CHECK(!handover.has_room_for(1));
}

}  // namespace quic_steering_tests
