// SPDX-License-Identifier: MIT
#pragma once
#include "../../net/source_limits.hpp"

#include <algorithm>

namespace comoq::net {

COMOQ_DECL asio::ip::address source_of(const asio::ip::address &address) {
    if (!address.is_v6()) return address;
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
    auto bytes = v6.to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    return asio::ip::address_v6(bytes);
}

COMOQ_DECL SourceLimits::Places SourceLimits::enter(const asio::ip::address &address) {
    if (most_connections_ == 0 || most_handshakes_ == 0) return {};
    const auto source = source_of(address);
    std::lock_guard lock(mutex_);
    auto &count = counts_[source];
    // A refusal leaves no new entry behind: an address at a limit has a connection, and so an entry.
    if (count.connections >= most_connections_ || count.handshakes >= most_handshakes_) return {};
    ++count.connections;
    ++count.handshakes;
    return Places(*this, source);
}

COMOQ_DECL void SourceLimits::end_handshake(const asio::ip::address &source) {
    std::lock_guard lock(mutex_);
    --counts_.at(source).handshakes;
}

COMOQ_DECL void SourceLimits::leave(const asio::ip::address &source, bool greets) {
    std::lock_guard lock(mutex_);
    const auto found = counts_.find(source);
    if (greets) --found->second.handshakes;
    if (--found->second.connections == 0) counts_.erase(found);
}

COMOQ_DECL std::size_t SourceLimits::size() const {
    std::lock_guard lock(mutex_);
    return counts_.size();
}

}  // namespace comoq::net
