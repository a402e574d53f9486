// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/quic/endpoint.hpp"
#include "../../../detail/quic/shared_port.hpp"

#include <asio/post.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <span>

namespace comoq::quic::detail {

COMOQ_DECL bool SharedPort::pass(std::size_t index, std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from,
                                 unsigned ecn) {
    Member &to = members_[index];
    comoq::detail::Lock lock(to.mutex);
    if (!to.executor || !to.waiting.has_room_for(datagram.size())) return false;
    // Under the lock, so that the member, and its context with it, is still there: it leaves before they end. And first: what
    // waits is never without a function that takes it.
    if (to.waiting.empty()) {
        asio::post(to.executor, [member = to.endpoint] {
            if (const auto endpoint = member.lock()) endpoint->take_passed();
        });
    }
    to.waiting.put(datagram, from, ecn);
    return true;
}

COMOQ_DECL void Endpoint::take_passed() {
    const auto batch = port_->take(share_.index);
    for (const auto &each : batch.datagrams) take(batch.bytes_of(each), each.from, each.ecn, true);
}

COMOQ_DECL bool Endpoint::pass_on(std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from, unsigned ecn) {
    if (port_ == nullptr) return false;
    const std::size_t owner = share_.owner_of(datagram);
    if (owner == share_.index) return false;
    bool is_on_its_way = false;
    try {
        is_on_its_way = port_->pass(owner, datagram, from, ecn);
    } catch (const std::exception &) {
        // Without memory for it, it is lost.
    }
    ++(is_on_its_way ? passed_on_ : dropped_);
    return true;
}

}  // namespace comoq::quic::detail
