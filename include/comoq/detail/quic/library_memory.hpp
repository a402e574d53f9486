// SPDX-License-Identifier: MIT
#pragma once
#include "ngtcp2.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace comoq::quic::detail {

/// The memory that ngtcp2 takes for one connection. What the library forgets is freed with the connection.
///
/// Versions below 1.20 forget the memory of a frame, some hundred bytes, each time when they send the data of a stream once
/// more of which one frame had more than a few pieces and the peer has acknowledged a part (their commit 17d5b7a0 ended that; seen
/// with 1.11 and AddressSanitizer). A peer chooses what it acknowledges.
///
/// It costs two pointers a block, and the library keeps its small objects in pools: where a connection is warm, it takes none.
class LibraryMemory {
public:
    LibraryMemory() noexcept = default;
    LibraryMemory(const LibraryMemory &) = delete;
    LibraryMemory &operator=(const LibraryMemory &) = delete;
    /// After the library's connection is deleted.
    ~LibraryMemory() {
        while (ring_.next != &ring_) {
            Block *const block = ring_.next;
            unlink(*block);
            std::free(block);
        }
    }

    /// For the call that makes the connection. It stays where it is.
    const ngtcp2_mem *functions() const noexcept { return &functions_; }
    /// How many blocks the library has.
    std::size_t blocks() const noexcept { return blocks_; }

private:
    /// What stands before each block, aligned as malloc aligns.
    struct alignas(std::max_align_t) Block {
        Block *next = nullptr, *previous = nullptr;
    };

    void *linked(void *memory) noexcept {
        if (memory == nullptr) return nullptr;
        auto *const block = ::new (memory) Block{&ring_, ring_.previous};
        ring_.previous->next = block;
        ring_.previous = block;
        ++blocks_;
        return block + 1;
    }
    void unlink(Block &block) noexcept {
        block.previous->next = block.next;
        block.next->previous = block.previous;
        --blocks_;
    }
    static LibraryMemory &of(void *self) noexcept { return *static_cast<LibraryMemory *>(self); }
    static Block *before(void *memory) noexcept { return static_cast<Block *>(memory) - 1; }
    /// With the head. 0 if no number can say it.
    static std::size_t whole(std::size_t size) noexcept { return size > SIZE_MAX - sizeof(Block) ? 0 : size + sizeof(Block); }

    static void *take(std::size_t size, void *self) noexcept {
        const std::size_t all = whole(size);
        return all == 0 ? nullptr : of(self).linked(std::malloc(all));
    }
    static void give(void *memory, void *self) noexcept {
        if (memory == nullptr) return;
        of(self).unlink(*before(memory));
        std::free(before(memory));
    }
    static void *take_zeros(std::size_t count, std::size_t size, void *self) noexcept {
        if (size != 0 && count > SIZE_MAX / size) return nullptr;
        const std::size_t all = whole(count * size);
        return all == 0 ? nullptr : of(self).linked(std::calloc(1, all));
    }
    static void *resize(void *memory, std::size_t size, void *self) noexcept {
        if (memory == nullptr) return take(size, self);
        const std::size_t all = whole(size);
        if (all == 0) return nullptr;
        Block *const block = before(memory);
        of(self).unlink(*block);
        void *const moved = std::realloc(block, all);
        // Without memory the old block stays as it is.
        void *const kept = of(self).linked(moved != nullptr ? moved : block);
        return moved != nullptr ? kept : nullptr;
    }

    Block ring_{&ring_, &ring_};
    std::size_t blocks_ = 0;
    const ngtcp2_mem functions_{this, take, give, take_zeros, resize};
};

}  // namespace comoq::quic::detail
