// SPDX-License-Identifier: MIT
#pragma once
#include "../../group.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Reads the lanes of one group together, in the order of their object ids: what a fetch of MoQ Transport sends. It holds a
/// frame of each lane. Used by one coroutine at a time.
class MergedLanes {
public:
    class Object {
    public:
        // With a body: GCC 12 destroys an aggregate twice that is made in a co_await expression.
        Object() {}
        GroupInfo lane;
        std::uint64_t id = 0;
        Frame frame;
    };

    /// Lanes as `TrackConsumer::get_lanes` gives them. Without `waits`, a lane ends where its next frame is not there.
    explicit MergedLanes(std::vector<GroupConsumer> lanes, bool waits = true) : waits_(waits) {
        lanes_.reserve(lanes.size());
        for (auto &lane : lanes) {
            const GroupInfo info = lane.info();
            lanes_.push_back(Lane{std::move(lane), info, 0, std::nullopt, false});
        }
    }

    /// True if `next()` does not wait.
    bool is_ready() {
        return !waits_ || std::all_of(lanes_.begin(), lanes_.end(),
                                      [](Lane &lane) { return lane.next || lane.has_ended || lane.from.read_frame().ready(); });
    }
    /// The object with the lowest id of those that no call gave; of several with that id, that of the lowest lane. Empty once
    /// all lanes have ended. Waits until each lane that goes on has a frame; fails with the code of a lane that fails.
    asio::awaitable<std::optional<Object>> next() {
        Lane *lowest = nullptr;
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            Lane &lane = lanes_[i];
            if (!lane.next && !lane.has_ended) {
                auto reading = lane.from.read_frame();
                if (!waits_ && !reading.ready()) {
                    lane.has_ended = true;
                    continue;
                }
                lane.next = co_await std::move(reading);
                lane.has_ended = !lane.next;
                lane.id = lane.from.object_id().value_or(lane.id);
            }
            if (lane.next && (lowest == nullptr || lane.id < lowest->id)) lowest = &lane;
        }
        std::optional<Object> object;
        if (lowest == nullptr) co_return object;
        object.emplace();
        object->lane = lowest->info;
        object->id = lowest->id;
        object->frame = *std::exchange(lowest->next, std::nullopt);
        co_return object;
    }

private:
    struct Lane {
        GroupConsumer from;
        GroupInfo info;
        std::uint64_t id;
        std::optional<Frame> next;
        bool has_ended;
    };
    const bool waits_;
    std::vector<Lane> lanes_;
};

}  // namespace comoq::detail
