// SPDX-License-Identifier: MIT
#pragma once
#include "../../group.hpp"
#include "../../time.hpp"
#include "../session/receive_payload.hpp"
#include "fetch_objects.hpp"
#include "stream_reader.hpp"
#include "subgroup.hpp"
#include "track_facts.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace comoq::ietf::detail {

/// The times of a track's frames: what the objects say, or when they have come where its source gives none.
class ObjectTimes {
public:
    explicit ObjectTimes(const TrackInfo &info) noexcept : scale_(info.timescale), are_given_(info.has_timestamps) {}
    Timestamp of(const Pairs &properties) {
        if (!are_given_) {
            using namespace std::chrono;
            const auto now = duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
            return Timestamp(static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0)), Timescale(1000));
        }
        if (const auto given = timestamp_in(properties)) last_ = std::min(*given, Timestamp::max_value);
        return Timestamp(last_, scale_);
    }

private:
    Timescale scale_;
    bool are_given_;
    std::uint64_t last_ = 0;
};

/// What a frame has beside its payload: the properties that it came with, without its time, and the gap before it.
inline ObjectExtras extras_of(const Pairs &properties, std::uint64_t skipped, const TrackInfo &info) {
    if (properties.empty() && skipped == 0) return ObjectExtras();
    if (!info.has_timestamps) return ObjectExtras(Bytes::copy(properties.bytes()), skipped);
    Pairs others;
    for (const Pair &pair : properties)
        if (pair.type != object_timestamp && pair.type != object_old_timestamp) others.add(pair);
    return ObjectExtras(Bytes::copy(others.bytes()), skipped);
}

inline asio::awaitable<void> pass_over(StreamReader &reader, std::uint64_t size) {
    while (size != 0) {
        const auto piece = co_await reader.bytes(size);
        size -= piece.size();
    }
}

/// The next object of a subgroup: what stands before its payload. Nothing at the end of the stream.
inline asio::awaitable<std::optional<ObjectHeader>> next_object(StreamReader &reader, SubgroupObjects &objects) {
    return reader.item([&objects](std::span<const std::byte> bytes) { return objects.read(bytes); });
}
/// The same of a fetch.
inline asio::awaitable<std::optional<FetchedObject>> next_object(StreamReader &reader, FetchObjects &objects) {
    return reader.item([&objects](std::span<const std::byte> bytes) { return objects.read(bytes); });
}

}  // namespace comoq::ietf::detail
