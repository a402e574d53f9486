// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/pairing_heap.hpp"
#include "../../subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace comoq::detail {

/// The combined wishes of several subscribers: the most urgent priority; ordered only if all are; the longest
/// max_latency; the lowest start, where no start asks for none; the highest end, or none if one has none.
///
/// It is kept up to date, and allocates nothing: adding takes constant time, removing the logarithm of the number of
/// subscribers, averaged over all calls, and reading costs nothing.
class CombinedSubscription {
    struct ByPriority {};
    struct ByLatency {};
    struct ByStart {};
    struct ByEnd {};

public:
    /// One subscriber's part in the combination.
    class Member : HeapNode<ByPriority>, HeapNode<ByLatency>, HeapNode<ByStart>, HeapNode<ByEnd> {
    public:
        Member() = default;
        /// What it wishes, or is going to when it is added.
        const Subscription &wishes() const noexcept { return wishes_; }
        /// While it is not added.
        void wish(const Subscription &wishes) noexcept { wishes_ = wishes; }

    private:
        friend class CombinedSubscription;
        template <class, class, class> friend class PairingHeap;
        bool is_unlimited() const noexcept { return wishes_.max_latency.count() <= 0; }
        bool is_patient() const noexcept { return wishes_.start && is_unlimited(); }

        Subscription wishes_;
    };

    void add(Member &member, const Subscription &wishes) noexcept {
        member.wishes_ = wishes;
        count(member, 1);
        priorities_.add(member);
        latencies_.add(member);
        if (wishes.start) starts_.add(member);
        if (wishes.end) ends_.add(member);
    }
    /// It must have been added.
    void remove(Member &member) noexcept {
        count(member, std::uint32_t{0} - 1);
        priorities_.remove(member);
        latencies_.remove(member);
        if (member.wishes_.start) starts_.remove(member);
        if (member.wishes_.end) ends_.remove(member);
    }

    /// Empty if nobody subscribes.
    std::optional<Subscription> value() const noexcept {
        if (count_ == 0) return std::nullopt;
        Subscription all;
        all.priority = priorities_.top()->wishes_.priority;
        all.ordered = ordered_ == count_;
        all.max_latency = latencies_.top()->wishes_.max_latency;
        all.start = lowest_start();
        if (with_end_ == count_) all.end = ends_.top()->wishes_.end;
        return all;
    }

    std::size_t size() const noexcept { return count_; }
    /// True if one of them begins at the live edge.
    bool follows_edge() const noexcept { return with_start_ < count_; }
    /// The lowest start, if one has one.
    std::optional<std::uint64_t> lowest_start() const noexcept {
        return starts_.empty() ? std::nullopt : starts_.top()->wishes_.start;
    }
    /// True if one of them leaves it to the publisher how late groups may come.
    bool has_unlimited() const noexcept { return unlimited_ != 0; }
    /// The same for one that has a start.
    bool is_patient() const noexcept { return patient_ != 0; }

private:
    struct MoreUrgent {
        bool operator()(const Member &one, const Member &other) const noexcept {
            return one.wishes_.priority > other.wishes_.priority;
        }
    };
    struct Later {
        bool operator()(const Member &one, const Member &other) const noexcept {
            return one.wishes_.max_latency > other.wishes_.max_latency;
        }
    };
    struct StartsBefore {
        bool operator()(const Member &one, const Member &other) const noexcept { return *one.wishes_.start < *other.wishes_.start; }
    };
    struct EndsAfter {
        bool operator()(const Member &one, const Member &other) const noexcept { return *one.wishes_.end > *other.wishes_.end; }
    };

    void count(const Member &member, std::uint32_t one) noexcept {
        count_ += one;
        if (member.wishes_.ordered) ordered_ += one;
        if (member.wishes_.start) with_start_ += one;
        if (member.wishes_.end) with_end_ += one;
        if (member.is_unlimited()) unlimited_ += one;
        if (member.is_patient()) patient_ += one;
    }

    // A subscriber takes more than half a kilobyte: 32 bits are enough.
    std::uint32_t count_ = 0, ordered_ = 0, with_start_ = 0, with_end_ = 0, unlimited_ = 0, patient_ = 0;
    PairingHeap<Member, MoreUrgent, ByPriority> priorities_;
    PairingHeap<Member, Later, ByLatency> latencies_;
    PairingHeap<Member, StartsBefore, ByStart> starts_;
    PairingHeap<Member, EndsAfter, ByEnd> ends_;
};

}  // namespace comoq::detail
