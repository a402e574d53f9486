// W11: the cost of one more, and of an act for one, as the others grow in number: subscribers, watchers, handlers, capped
// readers, colliding names, and the subscribers of a track that comes by a session, and groups that wait for a peer that reads slowly.
#include "crowd_kinds.hpp"
#include "workload.hpp"

#include <comoq/comoq.hpp>
#include <comoq/memory_transport.hpp>

#include <fmt/format.h>

#include <memory>

namespace comoq::bench {

namespace {

// A cost may grow by this factor from the smallest number to the largest.
constexpr double most_growth = 3.0;

/// The reported figure: the cost of an act, or its cost for each member of the crowd.
enum class Cost { Whole, Each };

/// Calls `act(crowd)` `acts` times, with `count` others there.
template <class Kind, class Act> Setup with(std::size_t count, std::size_t acts, Cost cost, Act act) {
    return [=]() -> Body {
        auto crowd = std::make_shared<Kind>();
        crowd->reserve(count);
        for (std::size_t i = 0; i < count; ++i) crowd->add(i);
        crowd->run();
        crowd->begin(count);
        return [=] {
            const Stopwatch stopwatch;
            for (std::size_t i = 0; i < acts; ++i) {
                act(*crowd);
                crowd->run();
            }
            return stopwatch.stop(cost == Cost::Each ? acts * count : acts);
        };
    };
}

/// A case for each number. The smallest is the yardstick of the largest, whose ratio is then the growth of the cost.
template <class Kind, class Act> void add_curve(Workload &workload, const char *name, Act act, Cost cost = Cost::Whole) {
    constexpr std::size_t acts = 100;
    const auto few = numbers().front(), many = numbers().back();
    for (const std::size_t count : numbers()) {
        Timed timed{"W11", fmt::format("{} x{}", name, count), with<Kind>(count, acts, cost, act), {}, {}};
        if (count == many) {
            timed.yardstick = Yardstick{fmt::format("the same x{}", few), with<Kind>(few, acts, cost, act)};
            timed.target = most_growth;
        }
        workload.timed.push_back(std::move(timed));
    }
}

/// Bytes of heap for one more member, when half of this number are there already.
template <class Kind> double bytes_of_one_more(std::size_t count) {
    auto crowd = std::make_unique<Kind>();
    crowd->reserve(count);
    for (std::size_t i = 0; i < count / 2; ++i) crowd->add(i);
    crowd->run();
    const auto before = heap_in_use();
    for (std::size_t i = count / 2; i < count; ++i) crowd->add(i);
    crowd->run();
    return static_cast<double>(heap_in_use() - before) / static_cast<double>(count - count / 2);
}
template <class Kind> void add_bytes(std::vector<Figure> &figures, const char *name) {
    double with_few = 0;
    for (const std::size_t count : numbers()) {
        Figure figure{"W11", fmt::format("{} bytes x{}", name, count), "bytes", bytes_of_one_more<Kind>(count), {}, {}, {}};
        if (count == numbers().front()) with_few = figure.value;
        if (count == numbers().back()) {
            figure.yardstick = with_few;
            figure.yardstick_name = fmt::format("the same x{}", numbers().front());
            figure.target = most_growth;
        }
        figures.push_back(std::move(figure));
    }
}

std::vector<Figure> bytes() {
    std::vector<Figure> figures;
    add_bytes<Subscribers>(figures, "subscriber");
    add_bytes<CappedReaders>(figures, "capped reader");
    add_bytes<Watchers>(figures, "watcher");
    add_bytes<Handlers>(figures, "handler");
    add_bytes<CollidingNames>(figures, "colliding name");
    add_bytes<RemoteSubscribers>(figures, "remote subscriber");
    return figures;
}

}  // namespace

Workload crowds() {
    Workload workload{"W11", "one more, and what one does, in a crowd", {}, bytes};
    add_curve<Subscribers>(workload, "update", [](Subscribers &crowd) { crowd.update(); });
    add_curve<Subscribers>(workload, "join", [](Subscribers &crowd) { crowd.join_and_leave(); });
    add_curve<CappedReaders>(workload, "group, a capped reader", [](CappedReaders &crowd) { crowd.group(); }, Cost::Each);
    add_curve<GroupsBehindCap>(workload, "group, groups behind a cap", [](GroupsBehindCap &crowd) { crowd.group(); });
    add_curve<Watchers>(workload, "announce", [](Watchers &crowd) { crowd.announce(); });
    add_curve<Watchers>(workload, "watch", [](Watchers &crowd) { crowd.join_and_leave(); });
    add_curve<Handlers>(workload, "request", [](Handlers &crowd) { crowd.request("p" + std::to_string(crowd.asked++)); });
    add_curve<HandlersApart>(workload, "request, prefixes",
                             [](HandlersApart &crowd) { crowd.request("served/0/p" + std::to_string(crowd.asked++)); });
    add_curve<HandlersApart>(workload, "handle", [](HandlersApart &crowd) { crowd.join_and_leave(); });
    add_curve<CollidingNames>(workload, "look up", [](CollidingNames &crowd) { crowd.look_up(); });
    add_curve<CollidingNames>(workload, "announce, names", [](CollidingNames &crowd) { crowd.announce(); });
    add_curve<RemoteSubscribers>(workload, "join, remote", [](RemoteSubscribers &crowd) { crowd.join_and_leave(); });
    add_curve<RemoteSubscribers>(workload, "update, remote", [](RemoteSubscribers &crowd) { crowd.update(); });
    add_curve<WaitingGroups>(workload, "room for a group", [](WaitingGroups &crowd) { crowd.wait_and_take(); });
    return workload;
}

}  // namespace comoq::bench
