// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "messages.hpp"
#include "session_core.hpp"

#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// A subscription of the peer's that the session's observer is told of: that it begins, and that it is over. Nothing is told
/// of one that is destroyed with its context, where the observer may be gone. `of` outlives this.
class ToldSubscription {
public:
    ToldSubscription(std::shared_ptr<SessionCore> core, const Subscribe &of) : core_(std::move(core)), of_(of) {
        core_->report(SessionEvent::Kind::Subscribed, of_.broadcast, of_.track);
    }
    ToldSubscription(const ToldSubscription &) = delete;
    ToldSubscription &operator=(const ToldSubscription &) = delete;
    ~ToldSubscription() = default;

    /// Why it is about to end: the first word counts.
    void ends(std::error_code why) noexcept {
        if (!why_) why_ = why;
    }
    /// It is over. Tells that once.
    void over() {
        if (std::exchange(is_over_, true)) return;
        const auto why = why_ ? *why_ : core_->lost_code(make_error_code(Error::Cancelled));
        core_->report(SessionEvent::Kind::Unsubscribed, of_.broadcast, of_.track, why);
    }

private:
    const std::shared_ptr<SessionCore> core_;
    const Subscribe &of_;
    std::optional<std::error_code> why_;
    bool is_over_ = false;
};

}  // namespace comoq::lite::detail
