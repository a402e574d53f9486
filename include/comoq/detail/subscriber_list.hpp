#pragma once
#include "combined_subscription.hpp"
#include "intrusive_list.hpp"
#include "sequence_set.hpp"
#include "../subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace comoq::detail {

class TrackState;

/// One subscriber's wishes and its places in the track. Guarded by the track's lock.
struct SubscriberPlace : ListNode<SubscriberPlace> {
    Subscription wishes;
    /// Set when a pending subscription was moved to another track than the one it was made for. Guarded by the lock of
    /// the track that it was made for.
    std::shared_ptr<TrackState> moved_to;
    /// The lowest sequence that `next_group` may still give, and that `recv_group` may give at all.
    std::uint64_t next = 0;
    std::uint64_t first = 0;
    /// How often `next` was set.
    std::uint64_t moves = 0;
    std::optional<std::uint64_t> cap;
    /// Where `recv_group` goes on in the order of arrival, and what it has given: start and cap may move back and forth.
    std::uint64_t next_arrival = 0;
    SequenceSet received;
    std::uint64_t next_datagram = 0;

    void set_next(std::uint64_t sequence) noexcept {
        next = sequence;
        ++moves;
    }
    bool within_cap(std::uint64_t sequence) const noexcept { return !cap || sequence <= *cap; }
};

/// All subscribers of a track, live and pending. Guarded by the track's lock.
class SubscriberList {
public:
    std::size_t size() const noexcept { return size_; }
    SubscriberPlace *front() const noexcept { return places_.front(); }

    void add(SubscriberPlace &place) noexcept {
        places_.push_back(place);
        ++size_;
    }
    void remove(SubscriberPlace &place) noexcept {
        places_.remove(place);
        --size_;
    }

    /// What they want together; nothing if there are none.
    std::optional<Subscription> combined() const {
        CombinedSubscription all;
        for (SubscriberPlace *place = places_.front(); place != nullptr; place = places_.after(*place))
            all.add(place->wishes);
        return all.value();
    }

    /// Whether one of them begins wherever the track is.
    bool follows_edge() const noexcept {
        for (SubscriberPlace *place = places_.front(); place != nullptr; place = places_.after(*place))
            if (!place->wishes.start) return true;
        return false;
    }

private:
    IntrusiveList<SubscriberPlace> places_;
    std::size_t size_ = 0;
};

}  // namespace comoq::detail
