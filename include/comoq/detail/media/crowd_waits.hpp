// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"
#include "../containers/pairing_heap.hpp"
#include "../wait/waiter.hpp"

#include <cstdint>
#include <limits>
#include <optional>

namespace comoq::detail {

class CrowdWaits;
class CappedCrowd;

/// The waits of one subscriber's steps: an event for it alone wakes nobody else. While it has any, it is in the list of
/// the event that they wait for. Guarded by the track's lock.
class SubscriberWaits : public HeapNode<SubscriberWaits> {
public:
    SubscriberWaits() = default;
    ~SubscriberWaits();

    bool withdraw(Waiter &waiter) noexcept;
    /// Claims all of them.
    void wake(WakeList &wake) noexcept;

private:
    friend class CrowdWaits;
    friend class CappedCrowd;
    void leave() noexcept;

    static constexpr std::uint64_t no_cap = std::numeric_limits<std::uint64_t>::max();

    WaitList waits_;
    CrowdWaits *in_ = nullptr;
    std::uint64_t cap_ = no_cap;
};

/// The subscribers that wait for one event, oldest first. Guarded by the track's lock.
class CrowdWaits {
public:
    CrowdWaits() = default;
    CrowdWaits(const CrowdWaits &) = delete;
    CrowdWaits &operator=(const CrowdWaits &) = delete;
    ~CrowdWaits() {
        while (SubscriberWaits *first = all_.front()) first->leave();
    }

    bool empty() const noexcept { return all_.empty(); }

    void add(SubscriberWaits &subscriber, Waiter &waiter) noexcept {
        if (subscriber.in_ != this) {
            subscriber.leave();
            subscriber.in_ = this;
            subscriber.cap_ = SubscriberWaits::no_cap;
            all_.push_back(subscriber);
        }
        subscriber.waits_.add(waiter);
    }

    /// Claims every waiter.
    void wake_all(WakeList &wake) noexcept {
        while (SubscriberWaits *first = all_.front()) first->wake(wake);
    }

private:
    friend class SubscriberWaits;
    friend class CappedCrowd;
    IntrusiveList<SubscriberWaits> all_;
};

/// The same for events that come with a group's number. Subscribers may have a cap, and are woken behind those without,
/// the highest cap first.
class CappedCrowd : private CrowdWaits {
public:
    ~CappedCrowd() {
        while (SubscriberWaits *first = capped_.top()) first->leave();
    }

    bool empty() const noexcept { return CrowdWaits::empty() && capped_.empty(); }

    /// The subscriber is woken when its cap changes.
    void add(SubscriberWaits &subscriber, Waiter &waiter, std::optional<std::uint64_t> cap = std::nullopt) noexcept {
        if (subscriber.in_ == this || !cap || *cap == SubscriberWaits::no_cap) return CrowdWaits::add(subscriber, waiter);
        subscriber.leave();
        subscriber.in_ = this;
        subscriber.cap_ = *cap;
        capped_.add(subscriber);
        subscriber.waits_.add(waiter);
    }

    /// Claims every waiter.
    void wake_all(WakeList &wake) noexcept { wake_for(0, wake); }
    /// Claims the waiters that may take the group with that number.
    void wake_for(std::uint64_t sequence, WakeList &wake) noexcept {
        CrowdWaits::wake_all(wake);
        for (SubscriberWaits *first = capped_.top(); first != nullptr && first->cap_ >= sequence; first = capped_.top())
            first->wake(wake);
    }

private:
    friend class SubscriberWaits;
    struct HigherCap {
        bool operator()(const SubscriberWaits &one, const SubscriberWaits &other) const noexcept {
            return one.cap_ > other.cap_;
        }
    };
    PairingHeap<SubscriberWaits, HigherCap> capped_;
};

inline SubscriberWaits::~SubscriberWaits() { leave(); }
inline bool SubscriberWaits::withdraw(Waiter &waiter) noexcept {
    if (!waits_.withdraw(waiter)) return false;
    if (waits_.empty()) leave();
    return true;
}
inline void SubscriberWaits::wake(WakeList &wake) noexcept {
    leave();
    wake.take(waits_);
}
inline void SubscriberWaits::leave() noexcept {
    if (in_ == nullptr) return;
    if (cap_ == no_cap)
        in_->all_.remove(*this);
    else
        static_cast<CappedCrowd *>(in_)->capped_.remove(*this);
    in_ = nullptr;
}

/// Where a step of a subscriber waits, as a list for a Step.
class CrowdPlace {
public:
    CrowdPlace(CrowdWaits &crowd, SubscriberWaits &mine) noexcept : crowd_(&crowd), mine_(mine) {}
    CrowdPlace(CappedCrowd &crowd, SubscriberWaits &mine, std::optional<std::uint64_t> cap) noexcept
        : capped_(&crowd), mine_(mine), cap_(cap) {}
    void add(Waiter &waiter) noexcept { capped_ != nullptr ? capped_->add(mine_, waiter, cap_) : crowd_->add(mine_, waiter); }
    bool withdraw(Waiter &waiter) noexcept { return mine_.withdraw(waiter); }

private:
    CrowdWaits *const crowd_ = nullptr;
    CappedCrowd *const capped_ = nullptr;
    SubscriberWaits &mine_;
    const std::optional<std::uint64_t> cap_;
};

}  // namespace comoq::detail
