// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/sequence_set.hpp"

#include <cstdint>

namespace comoq::ietf::detail {

/// The numbers of requests: a client's are even, a server's odd, and each is used once. Streams overtake one another, so that
/// those of the peer may come in any order. What is kept of them are runs, of which there is a bounded number.
class RequestIds {
public:
    explicit RequestIds(bool is_client) noexcept : next_(is_client ? 0 : 1), peers_(is_client ? 1 : 0) {}

    /// For a request of this side.
    std::uint64_t next() noexcept {
        const std::uint64_t id = next_;
        next_ += 2;
        return id;
    }
    /// The peer uses that number. False if it may not.
    bool take(std::uint64_t id) {
        if (id % 2 != peers_ || used_.contains(id / 2)) return false;
        used_.insert(id / 2);
        return true;
    }

private:
    std::uint64_t next_;
    const std::uint64_t peers_;
    comoq::detail::SequenceSet used_;
};

}  // namespace comoq::ietf::detail
