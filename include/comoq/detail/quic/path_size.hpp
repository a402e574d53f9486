// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace comoq::quic::detail {

/// Finds out that a path that has carried large packets carries them no more (a black hole, RFC 8899, section 4.3): the library
/// searches for the size once, and would go on with it for ever. It learns what was sent and what was acknowledged, and says how
/// large packets may be. It learns of what was acknowledged in order, not of each packet: a long outage of the whole path looks
/// the same, and costs a few percent until the size is tried again.
class PathSize {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// What every path of QUIC carries.
    static constexpr std::size_t least = 1200;
    /// The first limit lasts this long, each later one twice as long as the one before, up to a day.
    static constexpr std::chrono::minutes first_pause{10};
    static constexpr std::chrono::hours longest_pause{24};

    void sent(std::size_t size, Time now) noexcept {
        // Headers, in which no data is acknowledged: what is not surely more than a small packet proves nothing.
        constexpr std::size_t around = 64;
        if (size <= least + around) return;
        if (++unanswered_ == 1) since_ = now;
    }
    /// `bytes` of data, by one packet of the peer's. It may answer several small packets: while those pass in pairs, a hole for
    /// large ones is found late or never.
    void acknowledged(std::size_t bytes) noexcept {
        if (bytes > least) unanswered_ = 0;
    }
    /// True if large packets have just turned out not to arrive. `wait`: how long an answer may take before a probe is sent.
    bool turns_black(Time now, std::chrono::nanoseconds wait) noexcept {
        // By then the third probe after the silence has had its time. Where a third of the packets is lost, this seldom happens.
        constexpr unsigned most_unanswered = 7;
        if (unanswered_ <= most_unanswered || now - since_ < 6 * wait) return false;
        unanswered_ = 0;
        small_until_ = now + pause_;
        pause_ = std::min<std::chrono::minutes>(2 * pause_, longest_pause);
        return true;
    }
    /// No more than that, for now.
    std::size_t limit(std::size_t room, Time now) noexcept {
        if (small_until_ && now >= *small_until_) small_until_.reset();
        return small_until_ ? std::min(room, least) : room;
    }

private:
    std::size_t unanswered_ = 0;  // large packets since the last one that has arrived
    Time since_{};                // when the first of them was sent
    std::optional<Time> small_until_;
    std::chrono::minutes pause_ = first_pause;
};

}  // namespace comoq::quic::detail
