// SPDX-License-Identifier: MIT
#pragma once
#include "aftermath.hpp"
#include "../containers/raw_room.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace comoq::detail {

/// A queue of what waits on a stream. Its elements do not move, a few need one allocation, and while about as many come as go it
/// allocates nothing: it keeps up to two of its blocks. Guarded by the transport's lock.
template <class T> class PieceQueue {
    static constexpr std::uint8_t in_block = 8;

    struct Block final : Aftermath::Item {
        ~Block() override {
            for (; begin != end; ++begin) room.destroy(begin);
        }

        std::unique_ptr<Block> next;
        std::uint8_t begin = 0, end = 0;
        RawRoom<T, in_block> room;
    };

public:
    /// A place between two elements. A default one is before the first.
    class Mark {
        friend class PieceQueue;
        Block *block_ = nullptr;
        std::uint8_t index_ = 0;
    };

    PieceQueue() = default;
    PieceQueue(const PieceQueue &) = delete;
    PieceQueue &operator=(const PieceQueue &) = delete;
    ~PieceQueue() {
        // One by one: a chain of any length must not need as much stack.
        while (first_ != nullptr) first_ = std::move(first_->next);
        while (spare_ != nullptr) spare_ = std::move(spare_->next);
    }

    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    /// There must be one.
    T &front() const noexcept { return first_->room[first_->begin]; }

    template <class... Arguments> T &emplace_back(Arguments &&...arguments) {
        if (first_ == nullptr) {
            first_ = std::make_unique<Block>();
            last_ = first_.get();
        }
        if (last_->end == in_block) grow();
        T &made = last_->room.make(last_->end, std::forward<Arguments>(arguments)...);
        ++last_->end;
        ++size_;
        return made;
    }
    /// A mark right after the element becomes one before the first, if it has to.
    void pop_front(Mark *mark = nullptr) noexcept {
        first_->room.destroy(first_->begin++);
        --size_;
        if (first_->begin != first_->end) return;
        if (mark != nullptr && mark->block_ == first_.get()) *mark = {};
        first_->begin = first_->end = 0;
        if (first_->next == nullptr) return;
        auto empty = std::exchange(first_, std::move(first_->next));
        if (spares_ == most_spares) return;
        ++spares_;
        empty->next = std::move(spare_);
        spare_ = std::move(empty);
    }

    /// The element after the mark, or null at the end.
    T *after(Mark &mark) const noexcept {
        if (mark.block_ == nullptr) {
            if (first_ == nullptr) return nullptr;
            mark.block_ = first_.get();
            mark.index_ = first_->begin;
        }
        if (mark.index_ == in_block && mark.block_->next != nullptr) {
            mark.block_ = mark.block_->next.get();
            mark.index_ = 0;
        }
        return mark.index_ == mark.block_->end ? nullptr : &mark.block_->room[mark.index_];
    }
    /// There must be an element after the mark.
    void pass(Mark &mark) const noexcept {
        static_cast<void>(after(mark));
        ++mark.index_;
    }

    /// Everything goes with `aftermath`.
    void clear(Aftermath &aftermath) noexcept {
        while (first_ != nullptr) {
            auto next = std::move(first_->next);
            aftermath.drop(std::move(first_));
            first_ = std::move(next);
        }
        last_ = nullptr;
        size_ = 0;
    }

private:
    static constexpr std::uint8_t most_spares = 2;

    void grow() {
        if (spare_ == nullptr) {
            last_->next = std::make_unique<Block>();
        } else {
            auto taken = std::move(spare_);
            spare_ = std::move(taken->next);
            --spares_;
            last_->next = std::move(taken);
        }
        last_ = last_->next.get();
    }

    std::unique_ptr<Block> first_, spare_;
    Block *last_ = nullptr;
    std::size_t size_ = 0;
    std::uint8_t spares_ = 0;
};

}  // namespace comoq::detail
