// SPDX-License-Identifier: MIT
#pragma once
#include "media_bounds.hpp"
#include "../wait/waiter.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// Objects that a change of a track has dropped, to be freed when no lock is held. A chain through the objects
/// themselves: dropping them must not need memory.
class Garbage {
public:
    class Item {
    public:
        /// Frees the item's dropped contents. Called without a lock.
        virtual void free_garbage() noexcept = 0;

    protected:
        Item() = default;
        ~Item() = default;

    private:
        friend class Garbage;
        std::shared_ptr<Item> next_;
    };

    Garbage() = default;
    Garbage(const Garbage &) = delete;
    Garbage &operator=(const Garbage &) = delete;
    ~Garbage() {
        while (head_ != nullptr) {
            const auto item = std::exchange(head_, std::move(head_->next_));
            item->free_garbage();
        }
    }

    /// An item is garbage at most once in its life.
    void add(std::shared_ptr<Item> item) noexcept {
        item->next_ = std::move(head_);
        head_ = std::move(item);
    }

private:
    std::shared_ptr<Item> head_;
};

/// One writing call: made before the lock is taken. When it ends, after unlocking, it brings the origin's memory within
/// its bound, wakes the waiters, and frees the dropped objects.
class MediaChange {
public:
    explicit MediaChange(MediaBounds &media_bounds) : MediaChange(media_bounds, media_bounds.now()) {}
    MediaChange(MediaBounds &media_bounds, TimePoint at) noexcept : bounds(media_bounds), now(at) {}
    MediaChange(const MediaChange &) = delete;
    MediaChange &operator=(const MediaChange &) = delete;
    ~MediaChange() {
        // First the objects that the change itself has dropped, which count until then.
        replaced.reset();
        bounds.trim();
    }

private:
    // First, to end last: the coroutines that it resumes may free everything else.
    ResumeScope scope_;

public:
    MediaBounds &bounds;
    const TimePoint now;
    std::shared_ptr<const void> replaced;
    Garbage garbage;
    WakeList wake;
};

}  // namespace comoq::detail
