// SPDX-License-Identifier: MIT
#pragma once
#include "broadcast_state.hpp"
#include "track_state.hpp"

#include <memory>
#include <string>
#include <utility>

namespace comoq::detail {

/// The publisher's description of a requested track, as soon as that is fixed: by the acceptance of the track, or of
/// one of its groups.
class TrackInfoRule {
public:
    using value_type = TrackInfo;
    /// `asked` keeps the request for the track.
    explicit TrackInfoRule(BroadcastState::TrackRequester asked) noexcept : asked_(std::move(asked)) {}

    Mutex &mutex() const noexcept { return track().mutex(); }
    WaitList &waits() const noexcept { return track().info_waits(); }
    bool available() const noexcept { return track().info_fixed() || track().ended() || track().moved_to() != nullptr; }
    std::string subject() const { return asked_.subject(); }
    Outcome<value_type> take() {
        if (track().info_fixed()) return Outcome<value_type>(std::in_place, track().info());
        // A live track has had its info since before anybody could see it.
        if (const auto &to = track().moved_to()) return Outcome<value_type>(std::in_place, to->info());
        return track().end_code();
    }

private:
    TrackState &track() const noexcept { return *asked_.entry().payload(); }

    BroadcastState::TrackRequester asked_;
};

}  // namespace comoq::detail
