/// \file
/// Short ways to write and read media in tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/media_bounds.hpp>
#include <comoq/track.hpp>

#include "support/settle.hpp"

namespace comoq::test {

inline Bytes payload(std::string_view text) { return Bytes::copy(text); }
inline Bytes payload(std::size_t size) { return Bytes(std::vector<std::byte>(size)); }

/// The pool's charge for groups of one frame each, with this many bytes of payload in all.
constexpr std::size_t pool_of(std::size_t groups, std::size_t bytes) {
    return groups * (comoq::detail::MediaCost::group + comoq::detail::MediaCost::frame) + bytes;
}

/// The texts of the frames that a reader gets without waiting.
inline std::vector<std::string> texts(GroupConsumer &reader) {
    std::vector<std::string> all;
    for (auto next = reader.read_frame(); next.ready(); next = reader.read_frame()) {
        auto outcome = settle(std::move(next));
        if (!outcome || std::get<0>(*outcome) || !std::get<1>(*outcome)) {
            break;
        }
        all.emplace_back(std::get<1>(*outcome)->payload.view());
    }
    return all;
}

/// The numbers of the groups that a step yields without waiting: `numbers(subscriber, &TrackSubscriber::next_group)`.
template <class Step> std::vector<std::uint64_t> numbers(TrackSubscriber &subscriber, Step step) {
    std::vector<std::uint64_t> all;
    for (auto next = (subscriber.*step)(); next.ready(); next = (subscriber.*step)()) {
        auto outcome = settle(std::move(next));
        if (!outcome || std::get<0>(*outcome) || !std::get<1>(*outcome)) {
            break;
        }
        all.push_back(std::get<1>(*outcome)->sequence());
    }
    return all;
}
inline std::vector<std::uint64_t> nexts(TrackSubscriber &subscriber) {
    return numbers(subscriber, &TrackSubscriber::next_group);
}
inline std::vector<std::uint64_t> received(TrackSubscriber &subscriber) {
    return numbers(subscriber, &TrackSubscriber::recv_group);
}

/// The request that a handler takes now, if there is one.
inline std::optional<TrackRequest> take_track(BroadcastDynamic &handler) {
    auto next = handler.requested_track();
    return next.ready() ? now(std::move(next)) : std::nullopt;
}

/// A subscription that names only the fields that matter.
struct Wish {
    std::uint8_t priority = 0;
    bool ordered = false;
    std::chrono::milliseconds max_latency{0};
    std::optional<std::uint64_t> start = {};
    std::optional<std::uint64_t> end = {};

    operator Subscription() const { return Subscription{priority, ordered, max_latency, start, end}; }
};

using Numbers = std::vector<std::uint64_t>;
using Words = std::vector<std::string>;

/// No field has its default value.
inline TrackInfo unusual_info() {
    TrackInfo info;
    info.priority = 9;
    info.ordered = true;
    info.max_latency = std::chrono::seconds(77);
    info.timescale = Timescale(90'000);
    return info;
}

}  // namespace comoq::test
