// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include <asio/ip/address.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <utility>

namespace comoq::net {

/// The source that an address counts for: a /64 of IPv6, an address of IPv4 however it is written.
asio::ip::address source_of(const asio::ip::address &address);

/// Counts the connections of each address, and the handshakes in progress, and limits both. A /64 of IPv6 counts as one
/// address, because the holder of one address has all of them. It must outlive its places. Threads: any.
class SourceLimits {
public:
    /// For each address.
    SourceLimits(std::size_t most_connections, std::size_t most_handshakes)
        : most_connections_(most_connections), most_handshakes_(most_handshakes) {}
    SourceLimits(const SourceLimits &) = delete;
    SourceLimits &operator=(const SourceLimits &) = delete;

    /// The place of one connection, which its end gives back.
    class [[nodiscard]] Places {
    public:
        Places() = default;
        Places(SourceLimits &limits, asio::ip::address source) : limits_(&limits), source_(std::move(source)) {}
        Places(Places &&other) noexcept
            : limits_(std::exchange(other.limits_, nullptr)), source_(std::move(other.source_)), greets_(other.greets_) {}
        Places &operator=(Places &&other) noexcept {
            std::swap(limits_, other.limits_);
            std::swap(source_, other.source_);
            std::swap(greets_, other.greets_);
            return *this;
        }
        ~Places() {
            if (limits_ != nullptr) limits_->leave(source_, greets_);
        }
        /// Whether the connection may stay.
        explicit operator bool() const noexcept { return limits_ != nullptr; }

        /// The handshakes are done.
        void greeted() {
            if (limits_ != nullptr && std::exchange(greets_, false)) limits_->end_handshake(source_);
        }

    private:
        SourceLimits *limits_ = nullptr;
        asio::ip::address source_;
        bool greets_ = true;
    };

    /// Counts a connection from that address, with its handshake, until the result is destroyed. The result is empty, and
    /// nothing is counted, if the address is at its limit.
    Places enter(const asio::ip::address &address);

    /// The number of known addresses: those that are connected.
    std::size_t size() const;

private:
    struct Count {
        std::size_t connections = 0, handshakes = 0;
    };
    void leave(const asio::ip::address &source, bool greets);
    void end_handshake(const asio::ip::address &source);

    const std::size_t most_connections_, most_handshakes_;
    mutable std::mutex mutex_;
    std::map<asio::ip::address, Count> counts_;
};

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/source_limits.ipp"
#endif
