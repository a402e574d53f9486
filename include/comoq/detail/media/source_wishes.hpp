// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/outcome.hpp"
#include "../wait/step.hpp"
#include "../wait/sync.hpp"
#include "../../operation.hpp"
#include "../../subscription.hpp"
#include "subscriber_list.hpp"
#include "track_state.hpp"
#include "usage.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

/// The wishes for a track's source: first the present ones, and then each change, several at once as one; empty while
/// nobody subscribes. They can change while the combined subscription stays the same: a subscriber comes that wants the
/// live edge, while the others wait for a group in the future. Fails with the code that ended the track.
class SourceWishes {
public:
    explicit SourceWishes(std::shared_ptr<TrackState> track) : track_(std::move(track)) {}

    /// The present ones.
    static std::optional<Subscription> of(const TrackState &track) {
        Lock lock(track.mutex());
        return combined(track);
    }

    /// One call at a time.
    Operation<std::optional<Subscription>> next() const {
        return Operation<std::optional<Subscription>>(Passkey(), Step(Rule(track_, view_)));
    }

private:
    /// As the combined subscription of a track, but what some want does not keep from others what they want. Under the
    /// track's lock.
    static std::optional<Subscription> combined(const TrackState &track) {
        auto wishes = track.combined();
        if (!wishes) return wishes;
        const SubscriberList &all = track.subscriber_list();
        const auto latest = track.numbers().latest().value_or(0);
        if (all.follows_edge() && wishes->start && *wishes->start > latest) wishes->start.reset();
        if (all.has_unlimited()) {
            // No limit, with a start, asks for all that there is: unless somebody wants that, the publisher's own one does.
            const bool wants_all = !wishes->start || all.is_patient();
            wishes->max_latency = wants_all || !track.is_live() ? std::chrono::milliseconds(0) : track.info().max_latency;
        }
        return wishes;
    }

    class Rule : public UsageRule {
    public:
        using value_type = std::optional<Subscription>;
        Rule(std::shared_ptr<TrackState> track, std::shared_ptr<SubscriptionView> view) noexcept
            : UsageRule(std::move(track)), view_(std::move(view)) {}

        bool available() const noexcept {
            return track_->ended() || !view_->told || combined(*track_) != view_->last;
        }
        Outcome<value_type> take() {
            if (track_->ended()) return ended_with();
            view_->told = true;
            view_->last = combined(*track_);
            return Outcome<value_type>(std::in_place, view_->last);
        }

    private:
        std::shared_ptr<SubscriptionView> view_;
    };

    std::shared_ptr<TrackState> track_;
    std::shared_ptr<SubscriptionView> view_ = std::make_shared<SubscriptionView>();
};

}  // namespace comoq::detail
