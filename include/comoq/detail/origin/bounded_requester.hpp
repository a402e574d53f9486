// SPDX-License-Identifier: MIT
#pragma once
#include "../media/broadcast_state.hpp"
#include "../request/request.hpp"
#include "origin_view.hpp"

#include <memory>
#include <string>
#include <utility>

namespace comoq::detail {

/// A wait for a broadcast that was requested through a view that bounds requests: a broadcast that the view hides is
/// NotFound for it, and it has a place in the view's share of requests as long as it waits.
template <class Owner> class BoundedRequester {
public:
    using value_type = BroadcastInterest;

    /// Under the origin's lock. The entry counts this requester already, the share does not.
    BoundedRequester(std::shared_ptr<Owner> owner, std::shared_ptr<RequestEntry<Owner>> entry,
                     std::shared_ptr<const OriginView> view) noexcept
        : request_(std::move(owner), std::move(entry)), view_(std::move(view)) {
        if (auto &share = view_->request_share()) ++share->used;
    }
    BoundedRequester(BoundedRequester &&) noexcept = default;
    BoundedRequester &operator=(BoundedRequester &&) = delete;
    ~BoundedRequester() {
        if (view_ != nullptr && view_->request_share() != nullptr) give_back_place();
    }

    Mutex &mutex() const noexcept { return request_.mutex(); }
    WaitList &waits() const noexcept { return request_.waits(); }
    bool available() const noexcept { return request_.available(); }
    std::string subject() const { return request_.subject(); }
    Outcome<value_type> take() {
        // What is hidden stays in the request, which this leaves without the lock: that may wake others.
        const auto &answer = request_.entry().outcome().value;
        const auto shown = [this](const BroadcastInfo &info) { return view_->shows(info); };
        if (answer && !answer.state()->with_info(shown)) return Outcome<value_type>(make_error_code(Error::NotFound));
        return request_.take();
    }

private:
    void give_back_place() noexcept {
        Lock lock(request_.mutex());
        --view_->request_share()->used;
    }

    Requester<Owner, value_type> request_;
    std::shared_ptr<const OriginView> view_;
};

}  // namespace comoq::detail
