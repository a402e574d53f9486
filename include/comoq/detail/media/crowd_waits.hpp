#pragma once
#include "../containers/intrusive_list.hpp"
#include "../wait/waiter.hpp"

namespace comoq::detail {

class CrowdWaits;

/// The waits of one subscriber's steps: an event for it alone wakes nobody else. While it has any, it is in the list of
/// the event that they wait for. Guarded by the track's lock.
class SubscriberWaits : public ListNode<SubscriberWaits> {
public:
    SubscriberWaits() = default;
    ~SubscriberWaits();

    bool withdraw(Waiter &waiter) noexcept;
    /// Claims all of them.
    void wake(WakeList &wake) noexcept;

private:
    friend class CrowdWaits;
    void leave() noexcept;

    WaitList waits_;
    CrowdWaits *in_ = nullptr;
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
    IntrusiveList<SubscriberWaits> all_;
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
    in_->all_.remove(*this);
    in_ = nullptr;
}

/// Where a step of a subscriber waits, as a list for a Step.
class CrowdPlace {
public:
    CrowdPlace(CrowdWaits &crowd, SubscriberWaits &mine) noexcept : crowd_(crowd), mine_(mine) {}
    void add(Waiter &waiter) noexcept { crowd_.add(mine_, waiter); }
    bool withdraw(Waiter &waiter) noexcept { return mine_.withdraw(waiter); }

private:
    CrowdWaits &crowd_;
    SubscriberWaits &mine_;
};

}  // namespace comoq::detail
