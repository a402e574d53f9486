// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "../../first_of.hpp"
#include "../../group.hpp"
#include "../../track.hpp"
#include "../wait/code_of.hpp"
#include "../wait/failure.hpp"
#include "../wait/take_each.hpp"
#include "../wait/task_group_state.hpp"
#include "proxy_group.hpp"
#include "proxy_transform.hpp"
#include "proxy_upstream.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The state that all tasks of a proxied track share.
struct ProxyOfTrack : std::enable_shared_from_this<ProxyOfTrack> {
    ProxyOfTrack(std::shared_ptr<ProxyUpstream> upstream, std::shared_ptr<TaskGroupState> tasks, BroadcastConsumer to,
                 std::weak_ptr<BroadcastState> given, std::string name)
        : upstream_(std::move(upstream)), tasks_(std::move(tasks)), to_(std::move(to)), given_(std::move(given)),
          name_(std::move(name)) {}

    /// Begins a task in the broadcast's group. A task without memory is dropped, and the rest goes on.
    template <class Make> void spawn(Make make) {
        try {
            TaskGroupState::spawn(tasks_, make(), [](const std::exception_ptr &) {});
        } catch (const std::bad_alloc &) {
        }
    }

    /// Copies a group to the side that is served, as it is or transformed.
    COMOQ_IF_CALLED asio::awaitable<void> copying(GroupConsumer from, GroupProducer to) const {
        const auto transform = upstream_->transform();
        if (transform == nullptr) return proxy_group(std::move(from), std::move(to));
        return transform_group(shared_from_this(), *transform, place(), std::move(from), std::move(to));
    }
    ProxiedFrame place() const noexcept {
        ProxiedFrame place;
        place.path = upstream_->served_at();
        place.track = name_;
        return place;
    }

    /// What upstream has says how far the track is, before anything of it has come here.
    void note_largest(const TrackProducer &out) const {
        if (const auto largest = upstream_->current().track(name_).largest()) out.state(Passkey())->note_largest(*largest);
    }

    const std::shared_ptr<ProxyUpstream> upstream_;
    const std::shared_ptr<TaskGroupState> tasks_;
    const BroadcastConsumer to_;
    /// Kept alive while there is a subscriber or a request, if any holder is left then.
    const std::weak_ptr<BroadcastState> given_;
    const std::string name_;
};

/// Nothing if nobody waits for it any more. Throws the code of a refusal.
COMOQ_IF_CALLED
inline asio::awaitable<std::optional<GroupConsumer>> fetch_upstream(std::shared_ptr<ProxyOfTrack> self, GroupRequest &request) {
    for (;;) {
        // The most urgent of those that wait now. A later one does not change the question upstream.
        const FetchWish wish = request.wish(Passkey());
        Fetch how;
        how.priority = wish.priority;
        how.asker = wish.asker;
        const auto source = self->upstream_->current();
        auto fetching = source.track(self->name_).fetch_group(request.sequence(), how).as_tuple();
        auto ring = self->upstream_->comes_back(source, self->name_);
        auto first = co_await comoq::first_of(std::move(fetching), request.abandoned(), std::move(ring));
        if (first.index() == 2) throw_error(make_error_code(Error::NotFound));
        if (first.index() != 0) {
            if (request.abandoned().ready()) co_return std::nullopt;
            continue;
        }
        auto &[code, group] = std::get<0>(first);
        if (!code) co_return std::move(group);
        // A refusal is an answer. Only a failed broadcast leaves the question open.
        const auto refusal = code;
        BroadcastConsumer next;
        if (ProxyUpstream::takes_nothing(source)) next = co_await self->upstream_->another_than(source);
        if (!next) throw_error(refusal);
    }
}

/// Copies the other lanes of a group that was fetched: those that upstream has now.
COMOQ_IF_CALLED void copy_lanes(ProxyOfTrack &self, std::uint64_t sequence, GroupProducer &copy) {
    for (auto &lane : self.upstream_->current().track(self.name_).get_lanes(sequence)) {
        const auto info = lane.info_of_rest(Passkey());
        std::error_code code;
        if (info.subgroup == 0) continue;
        auto to = copy.create_lane(info, code);
        if (!code) self.spawn([&] { return self.copying(std::move(lane), std::move(to)); });
    }
}

COMOQ_IF_CALLED asio::awaitable<void> serve_group(std::shared_ptr<ProxyOfTrack> self, GroupRequest request) {
    const auto given = self->given_.lock();
    std::exception_ptr failure;
    std::optional<GroupConsumer> group;
    try {
        group = co_await fetch_upstream(self, request);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure != nullptr) {
        request.reject(told_of(failure));
        std::rethrow_exception(failure);
    }
    if (!group) co_return;
    self->upstream_->gave();
    std::optional<GroupProducer> copy;
    try {
        copy = request.accept(group->track_info(), group->info_of_rest(Passkey()));
    } catch (const std::system_error &) {
        co_return;
    }
    copy_lanes(*self, group->sequence(), *copy);
    co_await self->copying(std::move(*group), std::move(*copy));
}

/// Answers requests for groups by number.
COMOQ_IF_CALLED asio::awaitable<void> serve_groups(std::shared_ptr<ProxyOfTrack> self, TrackDynamic handler) {
    struct Requests {
        std::shared_ptr<ProxyOfTrack> of;
        TrackDynamic handler;
        auto next() { return handler.requested_group(); }
        void take(GroupRequest &&request) {
            of->spawn([&] { return serve_group(of, std::move(request)); });
        }
    };
    return take_each(Requests{std::move(self), std::move(handler)});
}

}  // namespace comoq::detail
