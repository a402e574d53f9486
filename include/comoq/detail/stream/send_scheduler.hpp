// SPDX-License-Identifier: MIT
#pragma once
#include "send_schedule.hpp"
#include "../../transport.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace comoq::detail {

template <class Side> struct FlowOfStreams;

/// The more urgent flow first, then the one that has waited longest for a turn.
template <class Side> struct GoesFirst {
    bool operator()(const FlowOfStreams<Side> *left, const FlowOfStreams<Side> *right) const noexcept {
        return goes_before(left->order, right->order, left->turn, right->turn);
    }
};
template <class Side> using FlowQueue = std::set<FlowOfStreams<Side> *, GoesFirst<Side>>;

/// Streams of one flow and one urgency.
template <class Side> struct FlowOfStreams {
    /// The part of their order that its streams share: everything except the rank.
    SendOrder order;
    /// How many streams belong to it.
    std::size_t members = 0;
    /// The streams that have something to send; the first is sent last.
    std::vector<Side *> ready;
    /// When it reached the end of the queue, as the number of that turn.
    std::uint64_t turn = 0;
    /// Its node of the queue while it is outside, so that entering and leaving allocate nothing.
    typename FlowQueue<Side>::node_type place;
};

/// Decides which stream is next, by their SendOrder. It holds streams that have data, and does not know the data. Takes
/// logarithmic time in the flows that have something to send, and linear time in the few streams of a flow.
///
/// A Side is what a transport knows of a stream: it has `order()`, and for the scheduler alone `flow`, a pointer to a
/// FlowOfStreams<Side> that is null at first, and `scheduled`, which is false at first.
template <class Side> class SendScheduler {
    using Flow = FlowOfStreams<Side>;

public:
    bool empty() const noexcept { return queue_.empty(); }
    /// The scheduler must not be empty.
    Side &next() const noexcept { return *(*queue_.begin())->ready.back(); }

    /// Puts the stream behind its equals in its flow.
    void add(Side &side) {
        if (side.scheduled) return;
        if (side.flow == nullptr) join(side);
        Flow &flow = *side.flow;
        flow.ready.insert(before_equals(flow, side), &side);
        side.scheduled = true;
        if (flow.ready.size() == 1) enter(flow);
    }
    void remove(Side &side) noexcept {
        if (!side.scheduled) return;
        Flow &flow = *side.flow;
        // Searches from the likeliest end.
        const auto found = std::find(flow.ready.rbegin(), flow.ready.rend(), &side);
        flow.ready.erase(std::next(found).base());
        side.scheduled = false;
        if (flow.ready.empty()) flow.place = queue_.extract(&flow);
    }
    /// The next stream has been sent from: it moves behind its equals, and its flow behind other flows.
    void end_turn(Side &side) noexcept {
        Flow &flow = *side.flow;
        std::rotate(before_equals(flow, side), flow.ready.end() - 1, flow.ready.end());
        flow.place = queue_.extract(&flow);
        enter(flow);
    }
    /// The stream's order changes, or the stream is gone: it must be added again.
    void leave(Side &side) noexcept {
        remove(side);
        Flow *flow = std::exchange(side.flow, nullptr);
        if (flow != nullptr && --flow->members == 0) flows_.erase(key_of(flow->order));
    }

private:
    using Key = std::pair<std::uint32_t, std::uint64_t>;
    static Key key_of(const SendOrder &order) noexcept { return {order.urgency(), order.flow}; }

    /// Behind the streams that are sent later.
    static typename std::vector<Side *>::iterator before_equals(Flow &flow, const Side &side) noexcept {
        const auto goes_later = [](const Side *one, const SendOrder &order) {
            return goes_before(order, one->order());
        };
        return std::lower_bound(flow.ready.begin(), flow.ready.end(), side.order(), goes_later);
    }
    void join(Side &side) {
        const SendOrder &order = side.order();
        Flow &flow = flows_[key_of(order)];
        if (flow.members == 0 && flow.place.empty()) {
            flow.order = order;
            flow.order.rank = 0;
            // A set gives an iterator only to elements in it.
            flow.turn = ++turns_;
            flow.place = queue_.extract(queue_.insert(&flow).first);
        }
        ++flow.members;
        side.flow = &flow;
    }
    void enter(Flow &flow) noexcept {
        flow.turn = ++turns_;
        queue_.insert(std::move(flow.place));
    }

    std::map<Key, Flow> flows_;
    FlowQueue<Side> queue_;
    std::uint64_t turns_ = 0;
};

}  // namespace comoq::detail
