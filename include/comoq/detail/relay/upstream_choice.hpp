// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>

namespace comoq::detail {

/// Chooses among several upstream origins for a proxied broadcast, without I/O: whom to ask when, and when nothing is
/// left to try. The caller tells it the time.
class UpstreamChoice {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// An upstream that was lost within this time, without delivering anything, counts as a failed try: a source of
    /// such upstreams must not keep this side busy for ever. A quiet track of an upstream that lasts longer may be lost
    /// any number of times.
    static constexpr std::chrono::seconds short_life{1};
    static constexpr int most_in_vain = 3;

    explicit UpstreamChoice(std::size_t origins) noexcept : origins_(origins) {}

    std::size_t origins() const noexcept { return origins_; }
    /// The origin of the current broadcast.
    std::size_t place() const noexcept { return place_; }

    /// The current broadcast, or a part of it, has failed. True if another one may be requested, beginning with
    /// `first_to_ask()`: the same origin if the broadcast is lost, the next one if it does not know a track.
    bool may_ask_again(bool is_lost, Time now) noexcept {
        if (origins_ == 0) return false;
        if (!is_lost) {
            first_to_ask_ = place_ + 1;
            return !is_settled_ && origins_ > 1;
        }
        first_to_ask_ = place_;
        if (!is_lost_) {
            is_lost_ = true;
            if (now - taken_ >= short_life) in_vain_ = 0;
        }
        return in_vain_ < most_in_vain;
    }
    std::size_t first_to_ask() const noexcept { return first_to_ask_; }

    /// Origin number `place` gave another broadcast.
    void took(std::size_t place, bool after_loss, Time now) noexcept {
        place_ = place;
        taken_ = now;
        is_lost_ = false;
        is_settled_ = false;
        if (after_loss) {
            ++in_vain_;
            is_replacement_ = true;
        }
    }
    /// The origin knows a track: others are not asked for tracks that it lacks.
    void settle() noexcept { is_settled_ = true; }
    /// The origin has delivered something.
    void gave() noexcept {
        in_vain_ = 0;
        is_replacement_ = false;
    }
    /// Whether it replaced a lost one and has delivered nothing yet.
    bool is_replacement() const noexcept { return is_replacement_; }

private:
    const std::size_t origins_;
    std::size_t place_ = 0;
    std::size_t first_to_ask_ = 0;
    Time taken_{};
    bool is_lost_ = false;
    bool is_settled_ = false;
    bool is_replacement_ = false;
    int in_vain_ = 0;
};

}  // namespace comoq::detail
