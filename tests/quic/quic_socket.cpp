// Trains of packets, what the system joins, and sockets with and without calls for many packets.
#include <comoq/detail/quic/datagram_socket.hpp>
#include <comoq/detail/quic/packet_trains.hpp>
#include <comoq/detail/quic/socket_refusal.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/udp.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace quic_socket_tests {

using namespace comoq;
using namespace comoq::test;
using quic::detail::DatagramSocket;
using quic::detail::PacketTrains;

namespace {

asio::ip::udp::endpoint at(unsigned short port) { return {asio::ip::address_v4::loopback(), port}; }

/// A packet of that size, each octet of which is `mark`.
quic::Packet packet(std::size_t size, int mark, const asio::ip::udp::endpoint &to, unsigned ecn = 0) {
    quic::Packet made;
    made.size = size;
    made.buffer.fill(static_cast<std::byte>(mark));
    made.path.remote = to;
    made.ecn = ecn;
    return made;
}

/// Size and number of packets of each train.
std::vector<std::pair<std::size_t, std::size_t>> shape(const PacketTrains &trains) {
    std::vector<std::pair<std::size_t, std::size_t>> shape;
    for (const auto &train : trains.waiting()) shape.emplace_back(train.size, train.packets());
    return shape;
}
using Shape = std::vector<std::pair<std::size_t, std::size_t>>;

struct Seen {
    std::size_t size;
    int mark;
    unsigned ecn;
    bool operator==(const Seen &) const = default;
};

/// Two sockets, the first of which sends to the second.
struct Pair {
    explicit Pair(DatagramSocket::Means of_sender, DatagramSocket::Means of_receiver = {}, bool v6 = false, bool connected = false)
        : receiver(open(v6), of_receiver), sender(connect(open(v6), connected), of_sender) {}

    asio::ip::udp::socket open(bool v6) {
        const asio::ip::address here = v6 ? asio::ip::address(asio::ip::address_v6::loopback()) : asio::ip::address_v4::loopback();
        return asio::ip::udp::socket(context, asio::ip::udp::endpoint(here, 0));
    }
    asio::ip::udp::socket connect(asio::ip::udp::socket socket, bool connected) {
        if (connected) socket.connect(receiver.local());
        return socket;
    }
    /// All that comes until `count` have come, or a long time has passed.
    std::vector<Seen> all(std::size_t count) {
        std::vector<Seen> seen;
        const auto take = [&](std::span<const std::byte> bytes, const asio::ip::udp::endpoint &from, unsigned ecn) {
            CHECK(from == sender.local());
            const int first = bytes.empty() ? 0 : static_cast<int>(bytes[0]);
            seen.push_back({bytes.size(), first, ecn});
        };
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (seen.size() < count && std::chrono::steady_clock::now() < end) {
            std::error_code failure;
            receiver.receive(take, failure);
            if (failure && failure != asio::error::would_block) break;
        }
        return seen;
    }

    asio::io_context context;
    DatagramSocket receiver, sender;
};

}  // namespace

TEST_CASE("QUIC trains: packets of one size to one address join, and a smaller one is the last", "[quic]") {
    PacketTrains trains(64 * 1024);
    CHECK(trains.empty());
    for (int i = 0; i < 3; ++i) trains.add(packet(1'200, i, at(1)));
    trains.add(packet(300, 3, at(1)));
    CHECK(shape(trains) == Shape{{3'900, 4}});
    // After a smaller one nothing joins, not even of that size.
    trains.add(packet(300, 4, at(1)));
    trains.add(packet(1'200, 5, at(1)));
    trains.add(packet(1'300, 6, at(1)));
    trains.add(packet(1'300, 7, at(2)));
    trains.add(packet(1'300, 8, at(2), 2));
    CHECK(shape(trains) == Shape{{3'900, 4}, {300, 1}, {1'200, 1}, {1'300, 1}, {1'300, 1}, {1'300, 1}});
    trains.add(packet(0, 9, at(2), 2));
    CHECK(trains.waiting().size() == 6);
}

TEST_CASE("QUIC trains: no train is larger than the system takes, and there is room for what it says", "[quic]") {
    PacketTrains trains(256 * 1024);
    std::size_t added = 0;
    for (; trains.has_room(); ++added) trains.add(packet(1'200, 0, at(1)));
    CHECK(added >= 256 * 1024 / 1'200 - 2);
    std::size_t packets = 0;
    for (const auto &train : trains.waiting()) {
        CHECK(train.packets() <= PacketTrains::most_packets);
        CHECK(train.size <= PacketTrains::most_bytes);
        packets += train.packets();
    }
    CHECK(packets == added);
    trains.clear();
    CHECK(trains.has_room());
    for (added = 0; trains.has_room(); ++added) trains.add(packet(30 + added % 2, 0, at(static_cast<unsigned short>(added + 1))));
    CHECK(added == PacketTrains::most_trains);
}

TEST_CASE("QUIC trains: what has gone is not there any more, packet by packet and train by train", "[quic]") {
    PacketTrains trains(8 * 1024);
    for (int i = 0; i < 2; ++i) trains.add(packet(1'000, i, at(1)));
    trains.add(packet(10, 2, at(1)));
    trains.add(packet(500, 3, at(2)));
    trains.first_packet_went();
    CHECK(shape(trains) == Shape{{1'010, 2}, {500, 1}});
    CHECK(trains.bytes(trains.waiting()[0])[0] == std::byte{1});
    trains.first_packet_went();
    CHECK(trains.bytes(trains.waiting()[0])[0] == std::byte{2});
    trains.first_packet_went();
    CHECK(trains.waiting()[0].to == at(2));
    trains.went(1);
    CHECK(trains.empty());
    const AllocationCount count;
    for (int i = 0; i < 5; ++i) trains.add(packet(1'000, i, at(1)));
    trains.went(1);
    CHECK(count.made() == 0);
}

TEST_CASE("QUIC sockets: a joined message falls into datagrams of the size that the system says", "[quic]") {
    const std::vector<std::byte> bytes(10);
    const auto sizes = [&](std::size_t of_all, std::size_t each) {
        std::vector<std::size_t> seen;
        quic::detail::each_datagram(std::span(bytes).first(of_all), each, [&](auto part) { seen.push_back(part.size()); });
        return seen;
    };
    using Sizes = std::vector<std::size_t>;
    CHECK(sizes(10, 0) == Sizes{10});
    CHECK(sizes(10, 4) == Sizes{4, 4, 2});
    CHECK(sizes(8, 4) == Sizes{4, 4});
    CHECK(sizes(3, 4) == Sizes{3});
    CHECK(sizes(0, 0) == Sizes{0});
}

TEST_CASE("QUIC sockets: what the system refuses is done in another way, waits, or is lost", "[quic]") {
    using quic::detail::after_refusal;
    using After = quic::detail::AfterRefusal;
    for (const bool is_train : {false, true}) {
        CHECK(after_refusal(EINTR, is_train) == After::Again);
        CHECK(after_refusal(EAGAIN, is_train) == After::Wait);
        CHECK(after_refusal(EBADF, is_train) == After::Closed);
        CHECK(after_refusal(ENOSYS, is_train) == After::NoBatches);
        CHECK(after_refusal(EPERM, is_train) == After::OneByOne);
        CHECK(after_refusal(ECONNREFUSED, is_train) == After::Lost);
        CHECK(after_refusal(ENOBUFS, is_train) == After::Lost);
    }
    CHECK(after_refusal(EIO, true) == After::NoTrains);
    CHECK(after_refusal(EIO, false) == After::Lost);
    CHECK(after_refusal(EINVAL, true) == After::OneByOne);
    CHECK(after_refusal(EMSGSIZE, true) == After::OneByOne);
    CHECK(after_refusal(EMSGSIZE, false) == After::Lost);
}

TEST_CASE("QUIC sockets: packets arrive whole and in order, whatever both sides' systems can", "[quic][sockets]") {
    using Means = DatagramSocket::Means;
    const auto of_sender = GENERATE(Means{true, true, true}, Means{true, false, false}, Means{false, false, false});
    const auto of_receiver = GENERATE(Means{true, true, true}, Means{true, true, false}, Means{false, false, false});
    const bool v6 = GENERATE(false, true), connected = GENERATE(false, true);
    Pair pair(of_sender, of_receiver, v6, connected);
    PacketTrains trains(256 * 1024);
    std::vector<Seen> sent;
    for (const std::size_t size : {1'200u, 1'200u, 1'200u, 700u, 1'400u, 1'400u, 30u, 30u, 30u, 1u}) {
        const unsigned ecn = size == 700 || size == 1'200 ? 2 : 0;
        trains.add(packet(size, static_cast<int>(sent.size()), pair.receiver.local(), ecn));
        sent.push_back({size, static_cast<int>(sent.size()), ecn});
    }
    REQUIRE_FALSE(pair.sender.send(trains));
    CHECK(trains.empty());
    if (!pair.sender.means().batches || !pair.receiver.means().batches)
        for (auto &each : sent) each.ecn = 0;
    CHECK(pair.all(sent.size()) == sent);
    CHECK(pair.sender.counts().sent == sent.size());
    CHECK(pair.receiver.counts().received == sent.size());
    CHECK(pair.sender.counts().refused == 0);
#if defined(COMOQ_QUIC_HAS_BATCHES)
    CHECK(pair.sender.counts().send_calls == (of_sender.batches ? 1 : sent.size()));
#endif
}

TEST_CASE("QUIC sockets: more messages than fit into a call go in several, and none is lost", "[quic][sockets]") {
    const bool trains_too = GENERATE(false, true);
    Pair pair({true, trains_too, true});
    PacketTrains trains(256 * 1024);
    std::vector<Seen> sent;
    for (std::size_t i = 0; trains.has_room() && i < 150; ++i) {
        const std::size_t size = 100 + i % 3;
        trains.add(packet(size, static_cast<int>(i), pair.receiver.local()));
        sent.push_back({size, static_cast<int>(i), 0});
    }
    REQUIRE_FALSE(pair.sender.send(trains));
    CHECK(pair.all(sent.size()) == sent);
}

TEST_CASE("QUIC sockets: a packet that is too large for the link is lost, also in a train, and trains go on", "[quic][sockets]") {
    // The system does not cut it into fragments.
    Pair pair({});
    const auto before = pair.sender.means().trains;
    const asio::ip::udp::endpoint nowhere = at(0);
    PacketTrains trains(64 * 1024);
    for (int i = 0; i < 3; ++i) trains.add(packet(1'200, i, nowhere));
    trains.add(packet(1'200, 7, pair.receiver.local()));
    REQUIRE_FALSE(pair.sender.send(trains));
    CHECK(pair.all(1) == std::vector<Seen>{{1'200, 7, 0}});
    CHECK(pair.sender.counts().refused == 3);
    CHECK(pair.sender.means().trains == before);
}

TEST_CASE("QUIC sockets: a closed socket says so, and keeps what it was to send", "[quic][sockets]") {
    for (const auto &means : {DatagramSocket::Means(), DatagramSocket::Means::none()}) {
        Pair pair(means);
        PacketTrains trains(8 * 1024);
        trains.add(packet(100, 1, pair.receiver.local()));
        pair.sender.socket().close();
        CHECK(pair.sender.send(trains) == asio::error::bad_descriptor);
        CHECK_FALSE(trains.empty());
    }
}

TEST_CASE("QUIC sockets: sending and receiving allocate nothing once warm", "[quic][sockets]") {
    const auto means = GENERATE(DatagramSocket::Means(), DatagramSocket::Means::none());
    Pair pair(means, means);
    PacketTrains trains(64 * 1024);
    std::size_t received = 0;
    const auto round = [&] {
        for (int i = 0; i < 10; ++i) trains.add(packet(1'200, i, pair.receiver.local()));
        std::error_code failure = pair.sender.send(trains);
        const auto take = [&](std::span<const std::byte>, const asio::ip::udp::endpoint &, unsigned) { ++received; };
        while (!failure) pair.receiver.receive(take, failure);
    };
    round();
    const AllocationCount count;
    for (int i = 0; i < 20; ++i) round();
    CHECK(count.made() == 0);
    CHECK(received == 210);
}

}
