// SPDX-License-Identifier: MIT
#pragma once
#include "bytes.hpp"
#include "detail/media/held.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace comoq {

/// What an object of MoQ Transport says beside its payload.
enum class ObjectStatus : std::uint8_t {
    /// It is an object like any other.
    Normal = 0,
    /// Its group has no object with this id or a higher one.
    EndOfGroup = 3,
    /// Its track has no object from this place on.
    EndOfTrack = 4
};

/// What a frame or a datagram of MoQ Transport has beside its payload. moq-lite has none of it: there it is dropped.
/// Frames that have nothing of it, as nearly all, take no memory for it. An object is a frame or a datagram here.
///
/// Immutable; one word, and copies share what there is. Threads: distinct handles may be used at the same time.
class ObjectExtras {
public:
    /// The parts, to make one of.
    class Parts {
    public:
        // With a body: GCC 12 destroys an aggregate twice that is made in a co_await expression.
        Parts() noexcept {}

        /// Properties of the object, as a block of key-value pairs in the form of draft 18: comoq passes it on and does not
        /// look into it. At most 65,535 bytes.
        Bytes properties;
        /// How many object ids before this frame's are left out: its id is that of the frame before, and this, and one
        /// more. Of frames.
        std::uint64_t skipped = 0;
        /// What the object says of its group or track. Of datagrams; a group has an `EndMarker` instead.
        ObjectStatus status = ObjectStatus::Normal;
        /// Higher is more urgent, as everywhere; nothing means the track's. Of datagrams; a group has it in its `GroupInfo`.
        std::optional<std::uint8_t> priority;
        /// It is the last object of its group. Of datagrams.
        bool ends_group = false;

        friend bool operator==(const Parts &, const Parts &) = default;
    };

    /// Nothing.
    ObjectExtras() noexcept = default;
    /// One allocation, unless there is nothing. Throws std::bad_alloc.
    explicit ObjectExtras(Parts parts) {
        if (parts != Parts()) held_ = detail::Held<Parts>(std::in_place, std::move(parts));
    }
    /// Of a frame. Throws std::bad_alloc.
    explicit ObjectExtras(Bytes properties, std::uint64_t skipped = 0) : ObjectExtras(parts_of(std::move(properties), skipped)) {}

    /// True if there is nothing.
    bool empty() const noexcept { return !held_; }
    /// All of it. Valid as long as this handle.
    const Parts &parts() const & noexcept { return held_ ? *held_ : none(); }
    // Returns a copy: a temporary does not keep it.
    Parts parts() && noexcept { return parts(); }
    /// Properties of the object; see `Parts`. Valid as long as this handle.
    const Bytes &properties() const & noexcept { return parts().properties; }
    Bytes properties() && noexcept { return properties(); }
    /// How many object ids before this one are left out.
    std::uint64_t skipped() const noexcept { return parts().skipped; }

    /// By content.
    friend bool operator==(const ObjectExtras &left, const ObjectExtras &right) noexcept {
        return left.held_ == right.held_ || left.parts() == right.parts();
    }

private:
    static const Parts &none() noexcept {
        static const Parts none;
        return none;
    }
    static Parts parts_of(Bytes &&properties, std::uint64_t skipped) noexcept {
        Parts parts;
        parts.properties = std::move(properties);
        parts.skipped = skipped;
        return parts;
    }

    detail::Held<Parts> held_;
};

}  // namespace comoq
