#pragma once
#include "media_bounds.hpp"
#include "waiter.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// What a change of a track has let go of, to be freed when no lock is held. A chain through the objects themselves:
/// letting go must not need memory.
class Garbage {
public:
    class Item {
    public:
        /// Frees what the item has let go of. Called without a lock.
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

/// One writing call: made before the lock is taken, and when it ends, after unlocking, the origin's memory is brought
/// within its bound, who waits is woken, and what was let go of is freed.
class MediaChange {
public:
    explicit MediaChange(MediaBounds &media_bounds) : bounds(media_bounds), now(media_bounds.now()) {}
    MediaChange(const MediaChange &) = delete;
    MediaChange &operator=(const MediaChange &) = delete;
    ~MediaChange() { bounds.trim(); }

private:
    // First, to end last: what it resumes may free all else.
    ResumeScope scope_;

public:
    MediaBounds &bounds;
    const TimePoint now;
    std::shared_ptr<const void> replaced;
    Garbage garbage;
    WakeList wake;
};

}  // namespace comoq::detail
