// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/step.hpp"
#include "track_state.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

/// Common parts of a producer's steps that follow its subscribers: they fail when the track has ended.
class UsageRule {
public:
    explicit UsageRule(std::shared_ptr<TrackState> track) noexcept : track_(std::move(track)) {}
    Mutex &mutex() const noexcept { return track_->mutex(); }
    WaitList &waits() const noexcept { return track_->usage_waits(); }

protected:
    std::error_code ended_with() const noexcept {
        return track_->ended() ? track_->end_code() : std::error_code();
    }
    std::shared_ptr<TrackState> track_;
};

/// The reason why a track ended, once its producers have gone or aborted it, for callers that do not subscribe to it.
class TrackEndRule {
public:
    using value_type = std::error_code;
    explicit TrackEndRule(std::shared_ptr<TrackState> track) noexcept : track_(std::move(track)) {}
    Mutex &mutex() const noexcept { return track_->mutex(); }
    WaitList &waits() const noexcept { return track_->end_waits(); }
    bool available() const noexcept { return track_->ended(); }
    Outcome<value_type> take() { return Outcome<value_type>(std::in_place, track_->cause()); }

protected:
    std::shared_ptr<TrackState> track_;
};

/// Completes while it is known where the track is, and with its end.
class EdgeKnownRule : public TrackEndRule {
public:
    using value_type = void;
    using TrackEndRule::TrackEndRule;
    bool available() const noexcept { return track_->knows_edge(); }
    Outcome<void> take() { return Outcome<void>(std::error_code()); }
};

/// Completes while there are subscribers (Wanted), or none.
template <bool Wanted> class UsedRule : public UsageRule {
public:
    using value_type = void;
    using UsageRule::UsageRule;
    bool available() const noexcept { return track_->ended() || (track_->subscribers() != 0) == Wanted; }
    Outcome<void> take() { return ended_with(); }
};

/// The wishes that one producer was last told. Guarded by the track's lock.
struct SubscriptionView {
    bool told = false;
    std::optional<Subscription> last;
};

/// Takes the combined subscription when it differs from the last one told.
class SubscriptionChangedRule : public UsageRule {
public:
    using value_type = std::optional<Subscription>;
    SubscriptionChangedRule(std::shared_ptr<TrackState> track, std::shared_ptr<SubscriptionView> view) noexcept
        : UsageRule(std::move(track)), view_(std::move(view)) {}

    bool available() const noexcept { return track_->ended() || !view_->told || track_->combined() != view_->last; }
    Outcome<value_type> take() {
        if (track_->ended()) return ended_with();
        view_->told = true;
        view_->last = track_->combined();
        return Outcome<value_type>(std::in_place, view_->last);
    }

private:
    std::shared_ptr<SubscriptionView> view_;
};

}  // namespace comoq::detail
