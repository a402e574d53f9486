// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/outcome.hpp"
#include "../wait/step.hpp"
#include "../../operation.hpp"
#include "../../subscription.hpp"
#include "track_state.hpp"
#include "usage.hpp"

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

    /// One call at a time.
    Operation<std::optional<Subscription>> next() const {
        return Operation<std::optional<Subscription>>(Passkey(), Step(Rule(track_, view_)));
    }

private:
    class Rule : public UsageRule {
    public:
        using value_type = std::optional<Subscription>;
        Rule(std::shared_ptr<TrackState> track, std::shared_ptr<SubscriptionView> view) noexcept
            : UsageRule(std::move(track)), view_(std::move(view)) {}

        bool available() const noexcept {
            return track_->ended() || !view_->told || track_->wishes_for_source() != view_->last;
        }
        Outcome<value_type> take() {
            if (track_->ended()) return ended_with();
            view_->told = true;
            view_->last = track_->wishes_for_source();
            return Outcome<value_type>(std::in_place, view_->last);
        }

    private:
        std::shared_ptr<SubscriptionView> view_;
    };

    std::shared_ptr<TrackState> track_;
    std::shared_ptr<SubscriptionView> view_ = std::make_shared<SubscriptionView>();
};

}  // namespace comoq::detail
