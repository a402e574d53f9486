// SPDX-License-Identifier: MIT
#pragma once
#include "range_stream.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

/// What a subscriber wants of the past (FILL_PARAMETERS, from draft 20 on), on a stream of its own like that of a fetch.
struct AskedFill {
    /// Without one, the subscription's.
    std::optional<Filter> filter;
    std::optional<std::uint8_t> priority;
    std::optional<GroupOrder> order;
};

/// Speakers do not agree on whether the parameters are counted. What is neither counted parameters nor bare ones says nothing.
inline AskedFill fill_of(const std::string &value, const Dialect &dialect) {
    const auto bytes = std::as_bytes(std::span(value));
    FieldReader counted(bytes, dialect);
    Parameters parameters = read_parameters(counted, in_fetch);
    if (!counted.ok() || !counted.empty()) {
        FieldReader bare(bytes, dialect);
        parameters = read_parameters(bare, in_fetch, false);
        if (!bare.ok()) parameters = {};
    }
    return {parameters.filter, parameters.subscriber_priority, parameters.group_order};
}
/// The value does not stay in the message: it may be long.
inline std::optional<AskedFill> take_fill(Parameters &parameters, Draft draft) {
    const auto value = std::exchange(parameters.fill, std::nullopt);
    return value ? std::optional(fill_of(*value, dialect_of(draft))) : std::nullopt;
}

/// Nothing if nothing of that has been published. Without a filter of any kind, everything is wanted, as in a fetch.
inline std::optional<RangeStream::Range> range_of(const AskedFill &fill, const std::optional<Filter> &of_subscription,
                                                  const std::optional<Location> &largest) noexcept {
    if (!largest) return std::nullopt;
    const auto wanted = range_of(fill.filter ? fill.filter : of_subscription, largest);
    RangeStream::Range range{wanted.start.value_or(Location{}), RangeEnd{largest->group, largest->object}};
    if (wanted.end && wanted.end->group <= largest->group) {
        const bool is_last = wanted.end->group == largest->group;
        const auto object = wanted.end->object;
        range.last = is_last ? RangeEnd{largest->group, std::min(object.value_or(largest->object), largest->object)} : *wanted.end;
    }
    return range.is_empty() ? std::nullopt : std::optional(range);
}

/// How it is sent; what it does not say, the subscription says, whose priority that is.
inline RangeStream::Wish wish_of(const AskedFill &fill, std::uint64_t request_id, std::uint8_t priority) noexcept {
    return {request_id, fill.priority.value_or(turned(priority)), fill.order.value_or(GroupOrder::Ascending)};
}

/// The fills of one subscription. The peer may ask for one with each update.
class Fills {
public:
    /// That are being sent at a time: each costs a stream and the places of its coroutines, some kilobytes.
    static constexpr std::size_t most = 4;

    struct Asked {
        AskedFill fill;
        std::uint64_t request_id = 0;
    };
    /// What the subscription asks for itself, and early updates of it, until it is served. Throws LimitReached for too many.
    void ask(std::optional<AskedFill> fill, std::uint64_t request_id) {
        if (!fill) return;
        if (asked_.size() == most) comoq::detail::throw_error(make_error_code(Error::LimitReached));
        asked_.push_back({std::move(*fill), request_id});
    }
    std::vector<Asked> take_asked() noexcept { return std::exchange(asked_, {}); }
    bool is_asked() const noexcept { return !asked_.empty(); }

    /// One that is being sent.
    class Place {
    public:
        Place(std::shared_ptr<const void> owner, Fills &of, comoq::detail::Event &over, std::uint64_t &streams) noexcept
            : owner_(std::move(owner)), of_(of), over_(over), streams_(streams) {
            ++of_.size_;
        }
        Place(const Place &) = delete;
        Place &operator=(const Place &) = delete;
        ~Place() {
            --of_.size_;
            over_.set();
        }
        void opened() noexcept { ++streams_; }

    private:
        const std::shared_ptr<const void> owner_;
        Fills &of_;
        comoq::detail::Event &over_;
        std::uint64_t &streams_;
    };

    std::size_t size() const noexcept { return size_; }
    /// Sets `over` when it is over, and counts its stream in `streams`. Throws LimitReached if there are too many. `owner` keeps
    /// these: compilers differ in the order in which the arguments of a coroutine end.
    std::unique_ptr<Place> enter(std::shared_ptr<const void> owner, comoq::detail::Event &over, std::uint64_t &streams) {
        if (size_ == most) comoq::detail::throw_error(make_error_code(Error::LimitReached));
        return std::make_unique<Place>(std::move(owner), *this, over, streams);
    }

    /// Sends one. If it fails, so does its stream.
    static asio::awaitable<void> send(std::unique_ptr<Place> place, std::shared_ptr<SessionCore> core, TrackConsumer track,
                                      RangeStream::Wish wish, RangeStream::Range range) {
        const auto stream = std::make_shared<RangeStream>(core, wish);
        stream->use(std::move(track));
        auto sending = send(*place, stream, range);
        const auto code = co_await outcome_of(std::move(sending));
        if (code && stream->is_open()) core->reset(stream->stream(), code);
    }

private:
    static asio::awaitable<void> send(Place &place, RangeStream::Self stream, RangeStream::Range range) {
        auto opening = stream->open();
        co_await std::move(opening);
        place.opened();
        std::optional<GroupConsumer> group;
        auto looking = stream->look_for(stream->first_of(range), group);
        co_await std::move(looking);
        auto sending = RangeStream::send(stream, range, std::move(group));
        co_await std::move(sending);
        stream->stream().finish();
        auto sent = stream->stream().sent();
        co_await std::move(sent);
    }

    std::size_t size_ = 0;
    std::vector<Asked> asked_;
};

}  // namespace comoq::ietf::detail
