// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"
#include "gauge.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace comoq::detail {

/// Limits the bytes in flight: what a session, and each subscription in it, has taken to send and not sent yet. Taken
/// frames stay in memory whatever the cache's bounds are, for as long as the peer does not read.
///
/// A sender that wants to take more asks whether there is room, takes, which may exceed the room by one frame, and
/// reports what it holds. The budget decides and counts; it holds no lock and wakes nobody.
///
/// The most is twice the session's limit, and a frame; groups that wait for their next frame may hold a little beside that
/// (QuietOctets). Up to the limit everybody has room. Beyond it only the oldest stream of each subscription and what is more
/// urgent than the rest have: a peer that reads one stream after the other would wait for ever for one that is kept out by those
/// that it does not read yet.
class SendBudget {
public:
    struct Limits {
        Limits() noexcept {}
        std::size_t session = std::size_t{4} << 20;
        std::size_t subscription = std::size_t{1} << 20;
    };
    class Share;
    /// The bytes that a subscription holds, and its streams, the oldest first.
    struct Account {
        std::size_t held = 0;
        IntrusiveList<Share> shares;
        std::size_t turn = 64 * 1024;  // how much one of them takes at a time, judged by the last ones
    };

    explicit SendBudget(Limits limits) noexcept : limits_(limits), session_(limits.session) {}
    SendBudget(const SendBudget &) = delete;
    SendBudget &operator=(const SendBudget &) = delete;

    /// The bytes that are held, and those that were ever taken. Any thread.
    std::size_t held() const noexcept { return static_cast<std::size_t>(held_.get()); }
    std::uint64_t taken() const noexcept { return taken_.get(); }
    /// True if none of the subscription's streams may take more, except the oldest.
    bool is_full(const Account &account) const noexcept { return account.held >= limits_.subscription; }

    /// The session's limit follows the link: what a slow one carries in two seconds is enough to keep it busy, and more
    /// would only be late. `bandwidth` is in bits per second; nothing if it is not known.
    void follow(std::optional<std::uint64_t> bandwidth) noexcept {
        session_ = limits_.session;
        if (!bandwidth || *bandwidth / 4 >= limits_.session) return;
        session_ = std::min(limits_.session, std::max(least, static_cast<std::size_t>(*bandwidth / 4)));
    }
    /// True after each 64 KiB or so that were taken: it is time for `follow`.
    bool is_look_due() noexcept {
        if (taken() < next_look_) return false;
        next_look_ = taken() + look_each;
        return true;
    }
    /// In bytes. A link may turn out to be faster, and then has something to carry.
    static constexpr std::size_t least = 256 * 1024;

    /// The bytes that one stream holds; 0 once it has left, or is destroyed.
    class Share : public ListNode<Share> {
    public:
        Share(SendBudget &budget, Account &account, std::uint8_t priority) noexcept
            : budget_(budget), account_(account), priority_(priority) {
            account_.shares.push_back(*this);
        }
        Share(const Share &) = delete;
        Share &operator=(const Share &) = delete;
        ~Share() { leave(); }
        void leave() noexcept {
            if (std::exchange(left_, true)) return;
            hold(0);
            account_.shares.remove(*this);
        }

        std::size_t held() const noexcept { return held_; }
        /// True for the oldest while it holds nothing: it goes on whatever the newer ones hold. A peer may want it first.
        bool goes_on() const noexcept { return held_ == 0 && account_.shares.front() == this; }
        /// True if the stream may take more.
        bool has_room() const noexcept {
            const std::size_t all = budget_.held(), most = budget_.session_;
            if (goes_on()) return all < 2 * most;
            if (budget_.is_full(account_)) return false;
            // Less urgent bytes do not keep out more urgent ones, unless the total is twice the limit.
            return all < most || (all < 2 * most && budget_.held_from(priority_) < most);
        }
        void hold(std::size_t octets) noexcept {
            const std::size_t before = std::exchange(held_, octets);
            account_.held += octets - before;
            budget_.held_ += std::uint64_t{octets} - before;
            budget_.by_priority_[priority_] += octets - before;
        }
        /// It may take more, and counts as holding that much until it reports the real amount.
        void reserve() noexcept { hold(held_ + account_.turn); }
        void took(std::size_t octets) noexcept {
            budget_.taken_ += octets;
            account_.turn = std::max({octets, account_.turn / 2, std::size_t{64} * 1024});
        }
        void set_priority(std::uint8_t priority) noexcept {
            const std::size_t octets = held_;
            hold(0);
            priority_ = priority;
            hold(octets);
        }

    private:
        SendBudget &budget_;
        Account &account_;
        std::uint8_t priority_;
        std::size_t held_ = 0;
        bool left_ = false;
    };

private:
    static constexpr std::uint64_t look_each = 64 * 1024;

    std::size_t held_from(std::uint8_t priority) const noexcept {
        std::size_t sum = 0;
        for (std::size_t each = priority; each < by_priority_.size(); ++each) sum += by_priority_[each];
        return sum;
    }

    const Limits limits_;
    std::size_t session_;  // at most that of the limits
    Gauge held_, taken_;
    std::uint64_t next_look_ = look_each;  // by the bytes that were taken
    std::array<std::size_t, 256> by_priority_{};
};

}  // namespace comoq::detail
