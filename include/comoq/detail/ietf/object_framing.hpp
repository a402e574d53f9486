// SPDX-License-Identifier: MIT
#pragma once
#include "../../frame.hpp"
#include "../../group_info.hpp"
#include "fetch_objects.hpp"
#include "pairs.hpp"
#include "subgroup.hpp"
#include "track_facts.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

/// What stands before a payload, until the next one is written.
class WrittenHeader {
public:
    explicit WrittenHeader(const std::vector<std::byte> &bytes) noexcept : bytes_(bytes) {}
    std::span<const std::byte> span() const noexcept { return bytes_; }

private:
    const std::vector<std::byte> &bytes_;
};

/// The properties with which a frame goes out: those that it came with, and its time, if the source of the track has given one.
inline Pairs properties_of(const ObjectExtras &extras, Timestamp timestamp, bool has_timestamps) {
    Pairs own;
    if (has_timestamps) own.add(object_timestamp, timestamp.value());
    return extras.empty() ? own : merged(own, extras.properties());
}

/// The numbers of a group's objects, up to the last one that is wanted.
class ObjectNumbers {
public:
    explicit ObjectNumbers(std::uint64_t first, std::optional<std::uint64_t> last = {}) noexcept
        : next_(first), last_(last.value_or(std::numeric_limits<std::uint64_t>::max())) {}

    std::uint64_t next() const noexcept { return next_; }
    std::uint64_t take(std::uint64_t skipped) noexcept {
        next_ += skipped;
        return next_++;
    }
    /// No object from here on is wanted.
    bool are_over() const noexcept { return next_ > last_; }
    bool is_beyond(std::uint64_t skipped) const noexcept { return are_over() || skipped > last_ - next_; }

private:
    std::uint64_t next_, last_;
};

/// Frames as the objects of a subgroup.
class SubgroupFraming {
public:
    /// `first` is the number of the first object, if that leaves out none.
    SubgroupFraming(const SubgroupHeader &header, Draft draft, std::uint64_t first, bool has_timestamps,
                    std::optional<std::uint64_t> last = {})
        : objects_(header, draft), numbers_(first, last), has_timestamps_(has_timestamps) {}

    bool is_over() const noexcept { return numbers_.are_over(); }
    bool is_beyond(const ObjectExtras &extras) const noexcept { return numbers_.is_beyond(extras.skipped()); }

    WrittenHeader header(const Frame &frame, std::uint64_t size) { return write(frame.timestamp, frame.extras, size); }
    WrittenHeader header(const FrameConsumer &frame, std::uint64_t size) { return write(frame.timestamp(), frame.extras(), size); }
    /// The object that ends the group.
    Bytes ended_by(const EndMarker &end) {
        bytes_.clear();
        ObjectHeader object;
        object.id = std::max(numbers_.next(), end.object);
        object.status = end.status == comoq::ObjectStatus::EndOfTrack ? ObjectStatus::EndOfTrack : ObjectStatus::EndOfGroup;
        objects_.write(object, bytes_);
        return Bytes::copy(bytes_);
    }

private:
    WrittenHeader write(Timestamp timestamp, const ObjectExtras &extras, std::uint64_t size) {
        bytes_.clear();
        ObjectHeader object;
        object.id = numbers_.take(extras.skipped());
        object.properties = properties_of(extras, timestamp, has_timestamps_);
        object.payload_size = size;
        objects_.write(object, bytes_);
        return WrittenHeader(bytes_);
    }

    SubgroupObjects objects_;
    ObjectNumbers numbers_;
    bool has_timestamps_;
    std::vector<std::byte> bytes_;
};

/// Frames as the objects of a fetch, of whose groups one comes after the other. `objects` outlives it.
class FetchFraming {
public:
    FetchFraming(FetchObjects &objects, std::uint64_t group, std::uint64_t first, std::uint8_t priority, const TrackInfo &info,
                 std::optional<std::uint64_t> last = {})
        : objects_(&objects), group_(group), numbers_(first, last), priority_(turned(priority)),
          has_timestamps_(info.has_timestamps) {}

    bool is_over() const noexcept { return numbers_.are_over(); }
    bool is_beyond(const ObjectExtras &extras) const noexcept { return numbers_.is_beyond(extras.skipped()); }

    WrittenHeader header(const Frame &frame, std::uint64_t size) { return write(frame.timestamp, frame.extras, size); }
    WrittenHeader header(const FrameConsumer &frame, std::uint64_t size) { return write(frame.timestamp(), frame.extras(), size); }

private:
    WrittenHeader write(Timestamp timestamp, const ObjectExtras &extras, std::uint64_t size) {
        bytes_.clear();
        FetchedObject object;
        object.location = Location{group_, numbers_.take(extras.skipped())};
        object.priority = priority_;
        object.properties = properties_of(extras, timestamp, has_timestamps_);
        object.payload_size = size;
        objects_->write(object, bytes_);
        return WrittenHeader(bytes_);
    }

    FetchObjects *objects_;
    std::uint64_t group_;
    ObjectNumbers numbers_;
    std::uint8_t priority_;
    bool has_timestamps_;
    std::vector<std::byte> bytes_;
};

}  // namespace comoq::ietf::detail
