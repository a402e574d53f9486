// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/quic/datagram_socket.hpp"
#include "../../../detail/quic/socket_refusal.hpp"

#include <asio/buffer.hpp>
#include <asio/error.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace comoq::quic::detail {

/// An option of a socket whose level and name are not known to asio.
struct NumberOption {
    int level_of, name_of, value;

    template <class Protocol> int level(const Protocol &) const noexcept { return level_of; }
    template <class Protocol> int name(const Protocol &) const noexcept { return name_of; }
    template <class Protocol> const void *data(const Protocol &) const noexcept { return &value; }
    template <class Protocol> std::size_t size(const Protocol &) const noexcept { return sizeof value; }
};

COMOQ_DECL DatagramSocket::DatagramSocket(asio::ip::udp::socket socket, const Means &wanted)
    : socket_(std::move(socket)), means_(wanted) {
    socket_.non_blocking(true);
    std::error_code failure;
    local_ = socket_.local_endpoint(failure);
    socket_.remote_endpoint(failure);
    is_connected_ = !failure;
    // A burst of packets must find room. The system may give less.
    constexpr int room = 4 * 1024 * 1024;
    socket_.set_option(asio::socket_base::receive_buffer_size(room), failure);
    socket_.set_option(asio::socket_base::send_buffer_size(room), failure);
    prepare();
}

COMOQ_DECL bool DatagramSocket::use_option(int level, int name, int value) noexcept {
    std::error_code failure;
    socket_.set_option(NumberOption{level, name, value}, failure);
    return !failure;
}

/// A packet that is too large for the path must be lost, not cut: so the search for the path's size sees it, and nobody can
/// forge a part of one. The kernel's own opinion on that size is ignored, because strangers can make it.
COMOQ_DECL void DatagramSocket::prepare() noexcept {
    // An option of the other family fails, or is for a socket of both.
#if defined(IP_MTU_DISCOVER) && defined(IP_PMTUDISC_PROBE)
    use_option(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    use_option(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
#elif defined(IP_DONTFRAG) && defined(IPV6_DONTFRAG)
    use_option(IPPROTO_IP, IP_DONTFRAG, 1);
    use_option(IPPROTO_IPV6, IPV6_DONTFRAG, 1);
#elif defined(IP_DONTFRAGMENT)
    use_option(IPPROTO_IP, IP_DONTFRAGMENT, 1);
#endif
#if defined(COMOQ_QUIC_HAS_BATCHES)
    if (means_.batches) {
        use_option(IPPROTO_IP, IP_RECVTOS, 1);
        use_option(IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    }
    // An old kernel does not know it. It would send a train as one datagram.
    means_.trains = means_.trains && means_.batches && use_option(IPPROTO_UDP, UDP_SEGMENT, 0);
    means_.joined = means_.joined && means_.batches && use_option(IPPROTO_UDP, UDP_GRO, 1);
#else
    means_ = Means::none();
#endif
}

COMOQ_DECL std::error_code DatagramSocket::send(PacketTrains &packets) noexcept {
    std::error_code failure;
    while (!failure && !packets.empty()) {
#if defined(COMOQ_QUIC_HAS_BATCHES)
        if (means_.batches) {
            failure = send_batch(packets);
            continue;
        }
#endif
        send_one_by_one(packets, failure);
    }
    return failure;
}

COMOQ_DECL std::size_t DatagramSocket::send_one_by_one(PacketTrains &packets, std::error_code &failure) noexcept {
    std::size_t taken = 0;
    for (std::size_t left = packets.waiting().front().packets(); left != 0; --left) {
        const PacketTrain &train = packets.waiting().front();
        const auto bytes = packets.bytes(train).first(std::min(train.size, train.each));
        const asio::const_buffer buffer(bytes.data(), bytes.size());
        ++counts_.send_calls;
        if (is_connected_)
            socket_.send(buffer, 0, failure);
        else
            socket_.send_to(buffer, train.to, 0, failure);
        if (failure == asio::error::try_again) failure = asio::error::would_block;
        if (failure == asio::error::would_block || failure == asio::error::bad_descriptor) return taken;
        // Of any other failure the packet is lost, as packets are.
        ++(failure ? counts_.refused : counts_.sent);
        if (!failure) ++taken;
        failure.clear();
        packets.first_packet_went();
    }
    return taken;
}

COMOQ_DECL Arrival DatagramSocket::receive_one(Arrivals &arrivals, bool &has_more, std::error_code &failure) noexcept {
    Arrival arrival;
    const auto room = arrivals.single();
    ++counts_.receive_calls;
    const std::size_t size = socket_.receive_from(asio::buffer(room.data(), room.size()), arrival.from, 0, failure);
    has_more = !failure;
    if (failure == asio::error::try_again) failure = asio::error::would_block;
    if (failure) arrival.from = {};
    arrival.bytes = room.first(failure ? 0 : size);
    return arrival;
}

#if defined(COMOQ_QUIC_HAS_BATCHES)

COMOQ_DECL void DatagramSocket::give_up_batches() noexcept {
    // What is joined could not be told apart.
    use_option(IPPROTO_UDP, UDP_GRO, 0);
    means_ = Means::none();
}

/// What goes out in one call.
class Departures {
public:
    Departures(const PacketTrains &packets, bool is_connected, bool has_trains) noexcept {
        for (const PacketTrain &train : packets.waiting()) {
            const auto bytes = packets.bytes(train);
            // The last one that is begun may have its rest in the next call.
            const std::size_t step = has_trains ? train.size : train.each;
            for (std::size_t at = 0; at < train.size && count_ < most; at += step)
                add(train, bytes.subspan(at, std::min(step, train.size - at)), is_connected);
            if (count_ == most) return;
        }
    }
    Departures(const Departures &) = delete;
    Departures &operator=(const Departures &) = delete;

    mmsghdr *heads() noexcept { return heads_.data(); }
    unsigned count() const noexcept { return static_cast<unsigned>(count_); }
    std::size_t packets_in(std::size_t i) const noexcept { return packets_[i]; }

private:
    static constexpr std::size_t most = 64;

    void add(const PacketTrain &train, std::span<const std::byte> bytes, bool is_connected) noexcept {
        parts_[count_] = {const_cast<std::byte *>(bytes.data()), bytes.size()};
        msghdr &head = heads_[count_].msg_hdr;
        head = {};
        if (!is_connected) {
            head.msg_name = const_cast<void *>(static_cast<const void *>(train.to.data()));
            head.msg_namelen = static_cast<socklen_t>(train.to.size());
        }
        head.msg_iov = &parts_[count_];
        head.msg_iovlen = 1;
        std::size_t used = 0;
        if (train.ecn != 0) {
            const auto address = train.to.address();
            const bool is_v4 = address.is_v4() || address.to_v6().is_v4_mapped();
            const int mark = static_cast<int>(train.ecn);
            put(used, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TOS : IPV6_TCLASS, mark);
        }
        packets_[count_] = (bytes.size() + train.each - 1) / train.each;
        if (packets_[count_] > 1) put(used, IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(train.each));
        if (used != 0) {
            head.msg_control = control_[count_].data();
            head.msg_controllen = used;
        }
        ++count_;
    }
    template <class Number> void put(std::size_t &used, int level, int type, Number number) noexcept {
        cmsghdr word{};
        word.cmsg_level = level;
        word.cmsg_type = type;
        word.cmsg_len = CMSG_LEN(sizeof number);
        std::byte *at = control_[count_].data() + used;
        std::memset(at, 0, CMSG_SPACE(sizeof number));
        std::memcpy(at, &word, sizeof word);
        std::memcpy(at + CMSG_LEN(0), &number, sizeof number);
        used += CMSG_SPACE(sizeof number);
    }

    // Only those that are used are written.
    std::size_t count_ = 0;
    std::array<mmsghdr, most> heads_;
    std::array<iovec, most> parts_;
    std::array<std::size_t, most> packets_;
    alignas(cmsghdr) std::array<std::array<std::byte, CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint16_t))>, most> control_;
};

COMOQ_DECL std::error_code DatagramSocket::send_batch(PacketTrains &packets) noexcept {
    Departures departures(packets, is_connected_, means_.trains);
    ++counts_.send_calls;
    const int sent = ::sendmmsg(socket_.native_handle(), departures.heads(), departures.count(), 0);
    if (sent > 0) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(sent); ++i) {
            counts_.sent += departures.packets_in(i);
            for (std::size_t left = departures.packets_in(i); left != 0; --left) packets.first_packet_went();
        }
        return {};
    }
    const bool is_train = departures.packets_in(0) > 1;
    std::error_code failure;
    switch (after_refusal(errno, is_train)) {
    case AfterRefusal::Again:
        break;
    case AfterRefusal::Wait:
        return asio::error::would_block;
    case AfterRefusal::Closed:
        return asio::error::bad_descriptor;
    case AfterRefusal::NoTrains:
        means_.trains = false;
        break;
    case AfterRefusal::NoBatches:
        give_up_batches();
        break;
    case AfterRefusal::OneByOne: {
        const std::size_t all = packets.waiting().front().packets();
        if (send_one_by_one(packets, failure) != all) break;
        if (is_train)
            means_.trains = false;
        else
            give_up_batches();
        break;
    }
    case AfterRefusal::Lost:
        ++counts_.refused;
        packets.first_packet_went();
        break;
    }
    return failure;
}

COMOQ_DECL std::size_t DatagramSocket::receive_batch(Arrivals &arrivals, bool &has_more, std::error_code &failure) noexcept {
    const auto room = arrivals.ready();
    ++counts_.receive_calls;
    const int count = ::recvmmsg(socket_.native_handle(), room.data(), static_cast<unsigned>(room.size()), 0, nullptr);
    if (count >= 0) {
        failure.clear();
        has_more = static_cast<std::size_t>(count) == room.size();
        return static_cast<std::size_t>(count);
    }
    failure = std::error_code(errno, asio::error::get_system_category());
    has_more = failure == asio::error::interrupted;
    if (has_more) failure.clear();
    if (failure == asio::error::try_again) failure = asio::error::would_block;
    if (failure.value() == ENOSYS) {
        // A sandbox does not know the call.
        give_up_batches();
        has_more = true;
        failure.clear();
    }
    return 0;
}

#endif

}  // namespace comoq::quic::detail
