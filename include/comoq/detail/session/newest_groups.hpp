// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/pairing_heap.hpp"
#include "../media/media_bounds.hpp"
#include "../media/track_state.hpp"
#include "../wait/resumption.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace comoq::detail {

/// Limits the bytes that the newest groups of a peer's tracks hold together. The newest group of a live track stays,
/// whatever the pool says: the next subscriber begins there. With many tracks, or large groups, a peer could so fill the
/// memory.
///
/// Above the limit the largest group of them all becomes like any other: the pool may evict it, and its bytes do not count
/// here any more. So a peer's small tracks, such as a catalog, keep theirs, in whatever order they come. Used on one
/// executor.
class NewestGroups {
public:
    /// `most` in bytes.
    explicit NewestGroups(std::size_t most) noexcept : most_(most) {}
    NewestGroups(const NewestGroups &) = delete;
    NewestGroups &operator=(const NewestGroups &) = delete;

    /// A track of the peer's, for as long as it is live.
    class Place : public HeapNode<Place> {
    public:
        Place(NewestGroups &groups, std::shared_ptr<TrackState> track) : groups_(groups), track_(std::move(track)) {
            groups_.largest_.add(*this);
        }
        Place(const Place &) = delete;
        Place &operator=(const Place &) = delete;
        ~Place() {
            groups_.held_ -= bytes_;
            groups_.largest_.remove(*this);
        }

        /// A group of the track has begun, or has grown. Called without a lock. A coroutine that this resumes may destroy the
        /// place: that is the last act.
        void changed() noexcept {
            ResumeScope scope;
            count();
            while (groups_.held_ > groups_.most_) groups_.largest_.top()->let_go();
        }

    private:
        friend class NewestGroups;

        void count() noexcept {
            const std::size_t bytes = track_->kept_bytes();
            if (bytes == bytes_) return;
            groups_.held_ = groups_.held_ - bytes_ + bytes;
            bytes_ = bytes;
            groups_.largest_.update(*this);
        }
        void let_go() noexcept {
            track_->let_newest_go();
            count();
        }

        NewestGroups &groups_;
        const std::shared_ptr<TrackState> track_;
        std::size_t bytes_ = 0;
    };

    /// Tells a track's place how a group grows. A look costs two locks, so small frames are summed up: up to `each` bytes of a
    /// group that is under way have not been looked at.
    class Growth {
    public:
        static constexpr std::size_t each = 4 * 1024;

        /// The place is there until the track is over. The group has begun.
        explicit Growth(std::weak_ptr<Place> place) noexcept : place_(std::move(place)) { look(); }
        Growth(const Growth &) = delete;
        Growth &operator=(const Growth &) = delete;
        ~Growth() {
            if (bytes_ != 0) look();
        }
        /// A part of a frame has come, of any size.
        void operator()() noexcept { look(); }
        /// A frame has come.
        void operator()(std::size_t bytes) noexcept {
            bytes_ += bytes + MediaCost::frame;
            if (bytes_ >= each) look();
        }

    private:
        void look() noexcept {
            bytes_ = 0;
            if (const auto place = place_.lock()) place->changed();
        }

        const std::weak_ptr<Place> place_;
        std::size_t bytes_ = 0;
    };

    /// The bytes of all newest groups that stay whatever the pool says, when each was last looked at.
    std::size_t held() const noexcept { return held_; }

private:
    struct Before {
        bool operator()(const Place &one, const Place &other) const noexcept { return one.bytes_ > other.bytes_; }
    };

    const std::size_t most_;
    std::size_t held_ = 0;
    PairingHeap<Place, Before> largest_;
};

}  // namespace comoq::detail
