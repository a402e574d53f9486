// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>

namespace comoq::detail {

/// Memory for one function that is queued on an executor, as a part of the object that the function is for. It is for
/// executors that free a queued function before they run it (poster.hpp). A function that does not fit, or that comes
/// while another one is queued, gets its memory from the heap.
class PostRoom {
public:
    PostRoom() = default;
    PostRoom(const PostRoom &) = delete;
    PostRoom &operator=(const PostRoom &) = delete;

    template <class U> class Allocator {
    public:
        using value_type = U;
        explicit Allocator(PostRoom &room) noexcept : room_(&room) {}
        template <class V> Allocator(const Allocator<V> &other) noexcept : room_(other.room_) {}

        U *allocate(std::size_t count) const {
            constexpr bool fits = sizeof(U) <= size && alignof(U) <= alignof(std::max_align_t);
            if (!fits || room_->is_taken_ || count != 1) return std::allocator<U>().allocate(count);
            room_->is_taken_ = true;
            return reinterpret_cast<U *>(room_->bytes_);
        }
        void deallocate(U *memory, std::size_t count) const noexcept {
            if (reinterpret_cast<std::byte *>(memory) == room_->bytes_)
                room_->is_taken_ = false;
            else
                std::allocator<U>().deallocate(memory, count);
        }
        template <class V> bool operator==(const Allocator<V> &other) const noexcept { return room_ == other.room_; }

    private:
        template <class V> friend class Allocator;
        PostRoom *room_;
    };

private:
    // asio's queued function has five words.
    static constexpr std::size_t size = 8 * sizeof(void *);

    bool is_taken_ = false;
    alignas(std::max_align_t) std::byte bytes_[size];
};

}  // namespace comoq::detail
