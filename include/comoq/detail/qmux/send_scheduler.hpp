#pragma once
#include "stream_sides.hpp"

#include "../../transport.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace comoq::qmux::detail {

struct FlowOfStreams;

/// The higher priority first, then the higher tie-break, then who has waited longest for a turn.
struct GoesFirst {
    bool operator()(const FlowOfStreams *left, const FlowOfStreams *right) const noexcept;
};
using FlowQueue = std::set<FlowOfStreams *, GoesFirst>;

/// Streams of one flow and one urgency.
struct FlowOfStreams {
    /// The greater, the sooner.
    std::uint16_t urgency = 0;
    std::uint64_t number = 0;
    /// Streams that know of it.
    std::size_t members = 0;
    /// Those that have something to send, the first to go last.
    std::vector<SendSide *> ready;
    /// When it came to the end of the queue: the turns are counted.
    std::uint64_t turn = 0;
    /// Its place in the queue while it is not there, so that coming and going allocates nothing.
    FlowQueue::node_type place;
};

inline bool GoesFirst::operator()(const FlowOfStreams *left, const FlowOfStreams *right) const noexcept {
    if (left->urgency != right->urgency) return left->urgency > right->urgency;
    return left->turn < right->turn;
}

/// Which stream's turn it is, by their SendOrder. It holds streams that can be sent from, and knows nothing of what they
/// send. Takes time in the logarithm of the flows that have something to send, and in few streams of a flow.
class SendScheduler {
public:
    bool empty() const noexcept { return queue_.empty(); }
    /// It must not be empty.
    SendSide &next() const noexcept { return *(*queue_.begin())->ready.back(); }

    /// Goes after those of its flow that are equal to it.
    void add(SendSide &side) {
        if (side.scheduled) return;
        if (side.flow == nullptr) join(side);
        FlowOfStreams &flow = *side.flow;
        flow.ready.insert(before_equals(flow, side), &side);
        side.scheduled = true;
        if (flow.ready.size() == 1) enter(flow);
    }
    void remove(SendSide &side) noexcept {
        if (!side.scheduled) return;
        FlowOfStreams &flow = *side.flow;
        // From where it most likely is.
        const auto found = std::find(flow.ready.rbegin(), flow.ready.rend(), &side);
        flow.ready.erase(std::next(found).base());
        side.scheduled = false;
        if (flow.ready.empty()) flow.place = queue_.extract(&flow);
    }
    /// The stream that was next has been sent from: it goes behind its equals, and its flow behind other flows.
    void end_turn(SendSide &side) noexcept {
        FlowOfStreams &flow = *side.flow;
        std::rotate(before_equals(flow, side), flow.ready.end() - 1, flow.ready.end());
        flow.place = queue_.extract(&flow);
        enter(flow);
    }
    /// The stream's order changes, or it is gone: it has to be added again.
    void leave(SendSide &side) noexcept {
        remove(side);
        FlowOfStreams *flow = std::exchange(side.flow, nullptr);
        if (flow != nullptr && --flow->members == 0) flows_.erase({flow->urgency, flow->number});
    }

private:
    /// Behind those that go later.
    static std::vector<SendSide *>::iterator before_equals(FlowOfStreams &flow, const SendSide &side) noexcept {
        const auto goes_later = [](const SendSide *one, std::uint64_t rank) { return one->order().rank > rank; };
        return std::lower_bound(flow.ready.begin(), flow.ready.end(), side.order().rank, goes_later);
    }
    void join(SendSide &side) {
        const SendOrder &order = side.order();
        const auto urgency = static_cast<std::uint16_t>(order.priority << 8 | order.tie_break);
        FlowOfStreams &flow = flows_[{urgency, order.flow}];
        if (flow.members == 0 && flow.place.empty()) {
            flow.urgency = urgency;
            flow.number = order.flow;
            // A set gives a place only by way of being in it.
            flow.turn = ++turns_;
            flow.place = queue_.extract(queue_.insert(&flow).first);
        }
        ++flow.members;
        side.flow = &flow;
    }
    void enter(FlowOfStreams &flow) noexcept {
        flow.turn = ++turns_;
        queue_.insert(std::move(flow.place));
    }

    std::map<std::pair<std::uint16_t, std::uint64_t>, FlowOfStreams> flows_;
    FlowQueue queue_;
    std::uint64_t turns_ = 0;
};

}  // namespace comoq::qmux::detail
