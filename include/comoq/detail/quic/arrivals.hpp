// SPDX-License-Identifier: MIT
#pragma once
#include <asio/ip/udp.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

// Several datagrams in one call of the system: Linux. COMOQ_QUIC_PORTABLE_SOCKETS, defined for a whole program, leaves it out.
#if defined(__linux__) && !defined(COMOQ_QUIC_PORTABLE_SOCKETS)
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#if defined(UDP_SEGMENT) && defined(UDP_GRO)
#define COMOQ_QUIC_HAS_BATCHES 1
#endif
#endif

namespace comoq::quic::detail {

/// The largest that a socket gives, also when it has joined several datagrams.
inline constexpr std::size_t largest_datagram = 65'536;

/// A message that a socket gave: a datagram, or several that the system has joined.
struct Arrival {
    std::span<const std::byte> bytes;
    /// Bytes of each datagram, or 0 if nothing was joined.
    std::size_t each = 0;
    asio::ip::udp::endpoint from;
    /// Its mark of congestion.
    unsigned ecn = 0;
};

#if defined(COMOQ_QUIC_HAS_BATCHES)

/// Room for the messages of one call. Pages that no message reaches cost no memory, so that 2 MiB are mostly 200 KiB.
class Arrivals {
public:
    static constexpr std::size_t most = 32;

    /// For a call that takes any number of messages.
    std::span<mmsghdr> ready() noexcept {
        for (std::size_t i = 0; i < most; ++i) {
            parts_[i] = {data_[i].data(), data_[i].size()};
            msghdr &head = heads_[i].msg_hdr;
            head = {};
            head.msg_name = &from_[i];
            head.msg_namelen = sizeof from_[i];
            head.msg_iov = &parts_[i];
            head.msg_iovlen = 1;
            head.msg_control = control_[i].data();
            head.msg_controllen = control_[i].size();
        }
        return heads_;
    }
    /// What the call has written there. Without bytes if they do not fit.
    Arrival operator[](std::size_t i) noexcept {
        msghdr &head = heads_[i].msg_hdr;
        Arrival arrival;
        if ((head.msg_flags & MSG_TRUNC) != 0 || head.msg_namelen > arrival.from.capacity()) return arrival;
        arrival.bytes = std::span<const std::byte>(data_[i]).first(heads_[i].msg_len);
        std::memcpy(arrival.from.data(), &from_[i], head.msg_namelen);
        arrival.from.resize(head.msg_namelen);
        for (cmsghdr *word = CMSG_FIRSTHDR(&head); word != nullptr; word = CMSG_NXTHDR(&head, word)) {
            const std::size_t size = word->cmsg_len - CMSG_LEN(0);
            int number = 0;
            // One octet for IPv4, a whole number otherwise.
            if (size == 1)
                number = *CMSG_DATA(word);
            else
                std::memcpy(&number, CMSG_DATA(word), std::min(size, sizeof number));
            if (word->cmsg_level == IPPROTO_UDP && word->cmsg_type == UDP_GRO) arrival.each = static_cast<std::size_t>(number);
            const bool is_mark = (word->cmsg_level == IPPROTO_IP && word->cmsg_type == IP_TOS) ||
                                 (word->cmsg_level == IPPROTO_IPV6 && word->cmsg_type == IPV6_TCLASS);
            if (is_mark) arrival.ecn = static_cast<unsigned>(number) & 3u;
        }
        return arrival;
    }
    /// For a call that takes one datagram.
    std::span<std::byte> single() noexcept { return data_[0]; }

private:
    std::array<mmsghdr, most> heads_;
    std::array<iovec, most> parts_;
    std::array<sockaddr_storage, most> from_;
    alignas(cmsghdr) std::array<std::array<std::byte, 128>, most> control_;
    std::array<std::array<std::byte, largest_datagram>, most> data_;
};

#else

/// Room for one datagram.
class Arrivals {
public:
    std::span<std::byte> single() noexcept { return data_; }

private:
    std::array<std::byte, largest_datagram> data_;
};

#endif

/// The room that the sockets of a thread share: nothing stays in it between two calls. A call within a call has one of its own.
class BorrowedArrivals {
public:
    BorrowedArrivals() : arrivals_(std::exchange(idle(), nullptr)) {
        if (arrivals_ == nullptr) arrivals_ = std::make_unique_for_overwrite<Arrivals>();
    }
    BorrowedArrivals(const BorrowedArrivals &) = delete;
    BorrowedArrivals &operator=(const BorrowedArrivals &) = delete;
    ~BorrowedArrivals() { idle() = std::move(arrivals_); }
    Arrivals &operator*() const noexcept { return *arrivals_; }

private:
    static std::unique_ptr<Arrivals> &idle() noexcept {
        thread_local std::unique_ptr<Arrivals> arrivals;
        return arrivals;
    }
    std::unique_ptr<Arrivals> arrivals_;
};

}  // namespace comoq::quic::detail
