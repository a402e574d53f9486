#pragma once
#include "../containers/intrusive_list.hpp"
#include "../containers/pairing_heap.hpp"
#include "../wait/waiter.hpp"

#include <cstdint>
#include <limits>
#include <optional>

namespace comoq::detail {

class CrowdWaits;

/// The waits of one subscriber's steps: an event for it alone wakes nobody else. While it has any, it is in the list of
/// the event that they wait for. Guarded by the track's lock.
class SubscriberWaits : public ListNode<SubscriberWaits>, public HeapNode<SubscriberWaits> {
public:
    SubscriberWaits() = default;
    ~SubscriberWaits();

    bool withdraw(Waiter &waiter) noexcept;
    /// Claims all of them.
    void wake(WakeList &wake) noexcept;

private:
    friend class CrowdWaits;
    void leave() noexcept;

    static constexpr std::uint64_t no_cap = std::numeric_limits<std::uint64_t>::max();

    WaitList waits_;
    CrowdWaits *in_ = nullptr;
    std::uint64_t cap_ = no_cap;
};

/// The subscribers that wait for one event: those without a cap, oldest first, and then those with one, the highest
/// first. Guarded by the track's lock.
class CrowdWaits {
public:
    CrowdWaits() = default;
    CrowdWaits(const CrowdWaits &) = delete;
    CrowdWaits &operator=(const CrowdWaits &) = delete;
    ~CrowdWaits() {
        while (SubscriberWaits *first = uncapped_.front()) first->leave();
        while (SubscriberWaits *first = capped_.top()) first->leave();
    }

    bool empty() const noexcept { return uncapped_.empty() && capped_.empty(); }

    /// The subscriber is woken when its cap changes.
    void add(SubscriberWaits &subscriber, Waiter &waiter, std::optional<std::uint64_t> cap = std::nullopt) noexcept {
        if (subscriber.in_ != this) {
            subscriber.leave();
            subscriber.in_ = this;
            subscriber.cap_ = cap.value_or(SubscriberWaits::no_cap);
            if (subscriber.cap_ == SubscriberWaits::no_cap)
                uncapped_.push_back(subscriber);
            else
                capped_.add(subscriber);
        }
        subscriber.waits_.add(waiter);
    }

    /// Claims every waiter.
    void wake_all(WakeList &wake) noexcept { wake_for(0, wake); }
    /// Claims the waiters that may take the group with that number.
    void wake_for(std::uint64_t sequence, WakeList &wake) noexcept {
        while (SubscriberWaits *first = uncapped_.front()) first->wake(wake);
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
    IntrusiveList<SubscriberWaits> uncapped_;
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
        in_->uncapped_.remove(*this);
    else
        in_->capped_.remove(*this);
    in_ = nullptr;
}

/// Where a step of a subscriber waits, as a list for a Step.
class CrowdPlace {
public:
    CrowdPlace(CrowdWaits &crowd, SubscriberWaits &mine, std::optional<std::uint64_t> cap = std::nullopt) noexcept
        : crowd_(crowd), mine_(mine), cap_(cap) {}
    void add(Waiter &waiter) noexcept { crowd_.add(mine_, waiter, cap_); }
    bool withdraw(Waiter &waiter) noexcept { return mine_.withdraw(waiter); }

private:
    CrowdWaits &crowd_;
    SubscriberWaits &mine_;
    const std::optional<std::uint64_t> cap_;
};

}  // namespace comoq::detail
