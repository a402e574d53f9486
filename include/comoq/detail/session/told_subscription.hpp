// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "gauge.hpp"

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// A subscription of the peer's that the session's observer is told of: that it begins, and that it is over. Nothing is told
/// of one that is destroyed before. It counts as served meanwhile. `Core` is the session's state; the names outlive this.
template <class Core> class ToldSubscription {
    using SessionEvent = typename Core::SessionEvent;

public:
    ToldSubscription(std::shared_ptr<Core> core, const std::string &broadcast, const std::string &track)
        : core_(std::move(core)), broadcast_(broadcast), track_(track), served_(std::in_place, core_->served_subscriptions) {
        tell(SessionEvent::Kind::Subscribed, {});
    }
    ToldSubscription(const ToldSubscription &) = delete;
    ToldSubscription &operator=(const ToldSubscription &) = delete;

    /// Why it is about to end: the first word counts.
    void ends(std::error_code why) noexcept {
        if (!why_) why_ = why;
    }
    /// It is over. Tells that once.
    void over() {
        if (!served_) return;
        served_.reset();
        tell(SessionEvent::Kind::Unsubscribed, why_ ? *why_ : core_->lost_code(make_error_code(Error::Cancelled)));
    }

private:
    void tell(typename SessionEvent::Kind kind, std::error_code code) {
        try {
            core_->report(kind, broadcast_, track_, code);
        } catch (const std::bad_alloc &) {
            // Nothing else depends on it.
        }
    }

    const std::shared_ptr<Core> core_;
    const std::string &broadcast_, &track_;
    std::optional<Counted> served_;  // until it is over
    std::optional<std::error_code> why_;
};

}  // namespace comoq::detail
