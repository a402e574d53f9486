// SPDX-License-Identifier: MIT
#pragma once
#include "../../subscription.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

namespace comoq::detail {

/// The combined wishes of several subscribers: the most urgent priority; ordered only if all are; the longest
/// max_latency; the lowest start, where no start asks for none; the highest end, or none if one has none.
///
/// It is kept up to date: adding or removing a subscriber costs the logarithm of their number, and reading costs
/// nothing.
class CombinedSubscription {
    using Values = std::multiset<std::uint64_t>;

    /// A number in one of the sets, or on its way there: made together with its node, so that entering it cannot fail.
    class Value {
    public:
        Value() {
            Values one;
            spare_ = one.extract(one.insert(0));
        }
        void enter(Values &values, std::uint64_t value) noexcept {
            spare_.value() = value;
            at_ = values.insert(std::move(spare_));
        }
        void leave(Values &values) noexcept {
            if (spare_.empty()) spare_ = values.extract(at_);
        }

    private:
        Values::node_type spare_;
        Values::iterator at_;
    };

public:
    /// One subscriber's part in the combination.
    class Member {
    public:
        Member() = default;
        Member(const Member &) = delete;
        Member &operator=(const Member &) = delete;

    private:
        friend class CombinedSubscription;
        Value priority_, latency_, start_, end_;
        bool ordered_ = false, unlimited_ = false, patient_ = false;
    };

    void add(Member &member, const Subscription &wishes) noexcept {
        ++count_;
        ordered_ += wishes.ordered ? 1 : 0;
        member.ordered_ = wishes.ordered;
        member.unlimited_ = wishes.max_latency.count() <= 0;
        unlimited_ += member.unlimited_ ? 1 : 0;
        member.patient_ = wishes.start && member.unlimited_;
        patient_ += member.patient_ ? 1 : 0;
        member.priority_.enter(priorities_, wishes.priority);
        member.latency_.enter(latencies_, in_order(wishes.max_latency.count()));
        if (wishes.start) member.start_.enter(starts_, *wishes.start);
        if (wishes.end) member.end_.enter(ends_, *wishes.end);
    }
    /// It must have been added.
    void remove(Member &member) noexcept {
        --count_;
        ordered_ -= member.ordered_ ? 1 : 0;
        unlimited_ -= member.unlimited_ ? 1 : 0;
        patient_ -= member.patient_ ? 1 : 0;
        member.priority_.leave(priorities_);
        member.latency_.leave(latencies_);
        member.start_.leave(starts_);
        member.end_.leave(ends_);
    }

    /// Empty if nobody subscribes.
    std::optional<Subscription> value() const noexcept {
        if (count_ == 0) return std::nullopt;
        Subscription all;
        all.priority = static_cast<std::uint8_t>(*priorities_.rbegin());
        all.ordered = ordered_ == count_;
        all.max_latency = std::chrono::milliseconds(from_order(*latencies_.rbegin()));
        all.start = lowest_start();
        if (ends_.size() == count_) all.end = *ends_.rbegin();
        return all;
    }

    std::size_t size() const noexcept { return count_; }
    /// True if one of them begins at the live edge.
    bool follows_edge() const noexcept { return starts_.size() < count_; }
    /// The lowest start, if one has one.
    std::optional<std::uint64_t> lowest_start() const noexcept {
        return starts_.empty() ? std::nullopt : std::optional(*starts_.begin());
    }
    /// True if one of them leaves it to the publisher how late groups may come.
    bool has_unlimited() const noexcept { return unlimited_ != 0; }
    /// The same for one that has a start.
    bool is_patient() const noexcept { return patient_ != 0; }

private:
    // Signed numbers as unsigned ones in the same order.
    static constexpr std::uint64_t sign = std::uint64_t{1} << 63;
    static std::uint64_t in_order(std::int64_t number) noexcept { return static_cast<std::uint64_t>(number) ^ sign; }
    static std::int64_t from_order(std::uint64_t number) noexcept { return static_cast<std::int64_t>(number ^ sign); }

    std::size_t count_ = 0, ordered_ = 0, unlimited_ = 0, patient_ = 0;
    Values priorities_, latencies_, starts_, ends_;
};

}  // namespace comoq::detail
