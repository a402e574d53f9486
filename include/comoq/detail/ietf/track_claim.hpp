// SPDX-License-Identifier: MIT
#pragma once
#include "session_core.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>

namespace comoq::ietf::detail {

/// A track among those that a peer gets, in drafts that have one subscription to it at a time. The session outlives it.
class TrackClaim {
public:
    explicit TrackClaim(SessionCore &core) noexcept : core_(core) {}
    TrackClaim(const TrackClaim &) = delete;
    TrackClaim &operator=(const TrackClaim &) = delete;
    ~TrackClaim() { release(); }

    /// Throws Duplicate if another one has it.
    void take(const std::string &path, const std::string &name) {
        if (!core_.rules().single_subscriptions) return;
        const auto [place, is_new] = core_.served_tracks.emplace(path, name);
        if (!is_new) comoq::detail::throw_error(make_error_code(Error::Duplicate));
        place_ = place;
    }
    void release() noexcept {
        if (place_) core_.served_tracks.erase(*place_);
        place_.reset();
    }

private:
    SessionCore &core_;
    std::optional<std::set<std::pair<std::string, std::string>>::iterator> place_;
};

}  // namespace comoq::ietf::detail
