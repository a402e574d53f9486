// SPDX-License-Identifier: MIT
#pragma once
#include "announce_tree.hpp"
#include "origin_state.hpp"
#include "origin_view.hpp"
#include "../text/path_text.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::detail {

/// A watcher of an origin, on the tree's lists from its making until its last holder lets go.
class OriginWatch {
public:
    OriginWatch(std::shared_ptr<OriginState> watched, std::shared_ptr<const OriginView> seen)
        : origin(std::move(watched)), view(std::move(seen)) {
        Lock lock(origin->mutex());
        watch.ended = origin->gone();
        watch.excluded_hops = view->excluded_hops();
        if (watch.ended) return;
        try {
            for (const Path &prefix : view->allowed()) origin->tree().watch(watch, prefix.view());
        } catch (...) {
            origin->tree().unwatch(watch);
            throw;
        }
    }
    OriginWatch(const OriginWatch &) = delete;
    OriginWatch &operator=(const OriginWatch &) = delete;
    ~OriginWatch() {
        Lock lock(origin->mutex());
        origin->tree().unwatch(watch);
    }

    const std::shared_ptr<OriginState> origin;
    const std::shared_ptr<const OriginView> view;
    AnnounceTree::Watch watch;
};

/// A change as its watcher is told of it: with a path relative to the watcher's root.
struct SeenChange {
    Path path;
    WatchQueue::Event event;
    std::shared_ptr<BroadcastState> broadcast;
};

/// Takes the next unseen change of a watcher.
class NextChangeRule {
public:
    using value_type = std::optional<SeenChange>;
    explicit NextChangeRule(std::shared_ptr<OriginWatch> watch) noexcept : watch_(std::move(watch)) {}

    Mutex &mutex() const noexcept { return watch_->origin->mutex(); }
    WaitList &waits() const noexcept { return watch_->watch.waits; }
    bool available() const noexcept { return watch_->watch.ended || queue().lost() || !queue().empty(); }
    Outcome<value_type> take() {
        if (watch_->watch.ended) return Outcome<value_type>(std::in_place, std::nullopt);
        if (queue().lost() && queue().tell_loss()) return std::make_error_code(std::errc::not_enough_memory);
        if (queue().lost()) return Outcome<value_type>(std::in_place, std::nullopt);
        // Takes all the memory before it takes anything.
        Path path = PathAccess::make(*strip_prefix(queue().front_path(), watch_->view->root().view()));
        auto change = queue().pop();
        return Outcome<value_type>(std::in_place, SeenChange{std::move(path), change.event, std::move(change.broadcast)});
    }

private:
    WatchQueue &queue() const noexcept { return watch_->watch.queue; }

    std::shared_ptr<OriginWatch> watch_;
};

/// A wait for the announcement of exactly one path.
class AwaitedBroadcastRule {
public:
    using value_type = std::shared_ptr<BroadcastState>;

    /// A refusal, the announced broadcast, or a wait for it.
    using Resolution = std::variant<std::error_code, std::shared_ptr<BroadcastState>, AwaitedBroadcastRule>;

    static Resolution make(const std::shared_ptr<OriginState> &origin, const OriginView &view, std::string_view text);

    Mutex &mutex() const noexcept { return wait_->origin->mutex(); }
    WaitList &waits() const noexcept { return wait_->await.waits; }
    bool available() const noexcept { return wait_->await.settled; }
    Outcome<value_type> take() {
        if (wait_->await.refusal) return wait_->await.refusal;
        return Outcome<value_type>(std::in_place, wait_->await.broadcast);
    }

private:
    struct Wait {
        Wait(std::shared_ptr<OriginState> awaited, std::vector<std::uint64_t> excluded_hops) noexcept
            : origin(std::move(awaited)) {
            await.excluded_hops = std::move(excluded_hops);
        }
        Wait(const Wait &) = delete;
        Wait &operator=(const Wait &) = delete;
        ~Wait() {
            Lock lock(origin->mutex());
            origin->tree().forget(await);
        }
        const std::shared_ptr<OriginState> origin;
        AnnounceTree::Await await;
    };
    explicit AwaitedBroadcastRule(std::unique_ptr<Wait> wait) noexcept : wait_(std::move(wait)) {}

    std::unique_ptr<Wait> wait_;
};

inline AwaitedBroadcastRule::Resolution AwaitedBroadcastRule::make(const std::shared_ptr<OriginState> &origin,
                                                                   const OriginView &view, std::string_view text) {
    const AbsolutePath path(view.root().view(), text);
    if (!path.valid()) return make_error_code(Error::InvalidPath);
    if (!view.covers(path.view())) return make_error_code(Error::Unauthorized);
    std::unique_ptr<Wait> wait;
    Lock lock(origin->mutex());
    if (origin->gone()) return make_error_code(Error::Dropped);
    if (const auto &active = origin->tree().active(path.view(), view.excluded_hops())) return active;
    wait = std::make_unique<Wait>(origin, view.excluded_hops());
    try {
        origin->tree().await(wait->await, path.view());
    } catch (...) {
        lock.unlock();  // the wait's end takes it again
        throw;
    }
    return AwaitedBroadcastRule(std::move(wait));
}

}  // namespace comoq::detail
