// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/sequence_set.hpp"
#include "codes.hpp"

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>

namespace comoq::ietf::detail {

/// The numbers of requests where each side says up to which number the other one may use them, as in draft 16: a client's are
/// even, a server's odd.
class SharedCredit {
public:
    /// The peer may have as many requests as `most` at a time.
    SharedCredit(bool is_client, std::uint64_t most) noexcept
        : most_(most), own_(is_client ? 0 : 1), next_own_(own_), unsent_(own_), granted_(2 * most) {}

    // The peer's numbers.

    /// The peer uses that number, for a request or an update. Those on one stream come in their order.
    std::error_code take(std::uint64_t id, bool in_order) {
        if (is_own(id)) return make_code(SessionFault::InvalidRequestId);
        if (id >= granted_) return make_code(SessionFault::TooManyRequests);
        if (used_.contains(id / 2) || (in_order && id < next_in_order_)) return make_code(SessionFault::InvalidRequestId);
        used_.insert(id / 2);
        if (in_order) next_in_order_ = id + 2;
        return {};
    }
    /// Nothing is left here of a request or an update of the peer's.
    void release() noexcept { ++released_; }
    void peer_is_blocked() noexcept { is_blocked_ = true; }
    bool has_grant() const noexcept { return released_ != 0 && (is_blocked_ || released_ >= std::max<std::uint64_t>(most_ / 4, 1)); }
    std::uint64_t grant() noexcept {
        is_blocked_ = false;
        return granted_ += 2 * std::exchange(released_, 0);
    }
    /// The first number that the peer must not use.
    std::uint64_t granted() const noexcept { return granted_; }

    // This side's numbers.

    /// One more request is possible: what has been promised is not used yet.
    bool may_open() const noexcept { return next_own_ + 2 * promised_ < allowed_; }
    void open() noexcept { ++promised_; }
    void give_up() noexcept { --promised_; }
    /// A request has this number now, or an update.
    void ask(std::uint64_t id) noexcept {
        --promised_;
        update(id);
    }
    void update(std::uint64_t id) noexcept { next_own_ = std::max(next_own_, id + 2); }
    void sent(std::uint64_t id) noexcept { unsent_ = std::max(unsent_, id + 2); }
    /// The first number that this side must not use.
    std::uint64_t allowed() const noexcept { return allowed_; }
    void allow(std::uint64_t first_never) noexcept { allowed_ = first_never; }
    /// Once for each bound.
    bool is_to_tell_of_wait() noexcept {
        if (may_open() || told_of_ == allowed_ + 1) return false;
        told_of_ = allowed_ + 1;
        return true;
    }

    bool is_own(std::uint64_t id) const noexcept { return id % 2 == own_; }
    /// By either side: the other one knows of it.
    bool was_used(std::uint64_t id) const noexcept { return is_own(id) ? id < unsent_ : used_.contains(id / 2); }

private:
    const std::uint64_t most_;
    const std::uint64_t own_;
    std::uint64_t next_own_, unsent_;
    std::uint64_t promised_ = 0, allowed_ = 0, told_of_ = 0;
    std::uint64_t granted_, released_ = 0, next_in_order_ = 0;
    bool is_blocked_ = false;
    comoq::detail::SequenceSet used_;
};

}  // namespace comoq::ietf::detail
