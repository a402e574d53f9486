// SPDX-License-Identifier: MIT
#pragma once
#include "../request/handler_lanes.hpp"
#include "origin_state.hpp"
#include "origin_view.hpp"
#include "../request/request.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

/// A handler of an origin, shared by its copies. It keeps the origin's memory, not the origin.
class OriginHandler : public LaneHandler<OriginState::Requests> {
public:
    OriginHandler(std::shared_ptr<OriginState> owner, std::shared_ptr<const OriginView> handled)
        : LaneHandler(handled->allowed()), origin(std::move(owner)), view(std::move(handled)) {}

    static std::shared_ptr<OriginHandler> make(std::shared_ptr<OriginState> origin,
                                               std::shared_ptr<const OriginView> view) {
        auto handler = std::make_shared<OriginHandler>(std::move(origin), std::move(view));
        Lock lock(handler->origin->mutex());
        if (!handler->origin->gone()) handler->origin->lanes().add(*handler);
        return handler;
    }

    void last_copy_gone() noexcept {
        WakeList wake;
        Lock lock(origin->mutex());
        origin->lanes().remove(*this, origin->requests(), wake);
    }

    const std::shared_ptr<OriginState> origin;
    const std::shared_ptr<const OriginView> view;
};

/// A request as its handler gets it: with the path relative to its root, if that differs from the origin's.
struct TakenBroadcastRequest {
    Obligation<OriginState> obligation;
    std::unique_ptr<const Path> relative_path;
};

/// Takes the oldest request that the handler covers and that no more specific handler covers.
class RequestedBroadcastRule {
public:
    using value_type = std::optional<TakenBroadcastRequest>;
    explicit RequestedBroadcastRule(std::shared_ptr<OriginHandler> handler) noexcept : handler_(std::move(handler)) {}

    Mutex &mutex() const noexcept { return origin().mutex(); }
    WaitList &waits() const noexcept { return handler_->waits; }
    bool available() const noexcept { return over() || origin().lanes().oldest_for(*handler_) != nullptr; }
    Outcome<value_type> take() {
        if (over()) return Outcome<value_type>(std::in_place, std::nullopt);
        auto *queue = origin().lanes().oldest_for(*handler_);
        // Takes all the memory before it takes anything.
        const Path &root = handler_->view->root();
        std::unique_ptr<const Path> relative;
        if (!root.empty()) relative = std::make_unique<const Path>(*queue->front()->key().strip_prefix(root));
        TakenBroadcastRequest taken{{handler_->origin, origin().requests().take(*queue)}, std::move(relative)};
        return Outcome<value_type>(std::in_place, std::move(taken));
    }
    void waiting() noexcept { origin().lanes().waiting(*handler_); }
    void pass_on(WakeList &wake) noexcept { origin().lanes().pass_on(*handler_, wake); }

private:
    OriginState &origin() const noexcept { return *handler_->origin; }
    bool over() const noexcept {
        return origin().gone() || handler_->copies.load(std::memory_order_relaxed) == 0;
    }
    std::shared_ptr<OriginHandler> handler_;
};

}  // namespace comoq::detail
