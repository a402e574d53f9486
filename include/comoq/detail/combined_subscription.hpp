#pragma once
#include "../subscription.hpp"

#include <algorithm>
#include <optional>

namespace comoq::detail {

/// What several subscribers want together: the most urgent priority; ordered only if all are; the longest max_latency;
/// the lowest start, where no start asks for none; the highest end, or none if one has none.
class CombinedSubscription {
public:
    void add(const Subscription &one) {
        if (!all_) {
            all_ = one;
            return;
        }
        all_->priority = std::max(all_->priority, one.priority);
        all_->ordered = all_->ordered && one.ordered;
        all_->max_latency = std::max(all_->max_latency, one.max_latency);
        if (one.start) all_->start = all_->start ? std::min(*all_->start, *one.start) : *one.start;
        if (all_->end) {
            if (one.end)
                all_->end = std::max(*all_->end, *one.end);
            else
                all_->end.reset();
        }
    }

    /// Nothing means that nobody subscribes.
    const std::optional<Subscription> &value() const noexcept { return all_; }

private:
    std::optional<Subscription> all_;
};

}  // namespace comoq::detail
