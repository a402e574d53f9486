// SPDX-License-Identifier: MIT
#pragma once
#include "object.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace comoq::detail::c {

/// An object that a call uses: it stays for that long, also if its handle is closed meanwhile.
template <class T> class Pinned;

/// All handles of the process, and what they stand for.
///
/// A handle is kind (8 bits), generation (20), slot (32) and shard (4). Each use of a slot has a generation of its own, and a slot
/// whose generations are used up is not used again: a handle never comes back to life. That costs 32 bytes for each million of
/// handles. A slot costs 32 bytes, for as many as there were handles at a time.
///
/// A look-up takes no lock: it counts itself in the slot's word first, and looks at the word's generation and state then. A handle
/// that was closed lets go of its object once nobody is counted there any more. Counts of those who came in vain may be in the word
/// of any slot for a moment, and change nothing.
class HandleTable {
public:
    /// It is there before the first line of the program runs, and nothing destroys it: threads may use it until the process has
    /// ended.
    static HandleTable &instance() noexcept {
        static constinit HandleTable table;
        static_assert(std::is_trivially_destructible_v<HandleTable>);
        return table;
    }

    /// A new handle; throws std::bad_alloc.
    template <class T> comoq_handle insert(const Ref<T> &object) { return insert_object(object.get()); }

    /// What a handle of that type stands for; nothing and a code if it does not.
    template <class T> Pinned<T> find(comoq_handle handle, std::int32_t &code) noexcept;
    Pinned<Object> find_any(comoq_handle handle, std::int32_t &code) noexcept;

    /// Ends the handle, and gives what it stood for; nothing if it is not a live one. `last` is whether it was the object's last.
    Ref<Object> remove(comoq_handle handle, bool &last) noexcept {
        Slot *slot = pin(handle);
        if (slot == nullptr) return Ref<Object>();
        Ref<Object> object;
        // One caller changes the state of a live slot.
        for (std::uint64_t word = slot->word.load(std::memory_order_relaxed); is_live(word, handle);) {
            if (!slot->word.compare_exchange_weak(word, word - live + closed, std::memory_order_acq_rel)) continue;
            object = Ref<Object>(slot->object.load(std::memory_order_relaxed));
            last = object->handles_.fetch_sub(1, std::memory_order_acq_rel) == 1;
            shards_[slot->shard].live.fetch_sub(1, std::memory_order_relaxed);
            break;
        }
        unpin(*slot);
        return object;
    }

    std::uint64_t live_handles() const noexcept {
        std::uint64_t sum = 0;
        for (const Shard &shard : shards_) sum += shard.live.load(std::memory_order_relaxed);
        return sum;
    }

private:
    template <class T> friend class Pinned;

    static constexpr std::uint32_t no_slot = 0xffff'ffff;
    static constexpr std::uint32_t last_generation = (1u << 20) - 1;
    // The word of a slot: those who use it (32 bits), its state (2), its generation (20).
    static constexpr std::uint64_t counted = 0xffff'ffff;
    static constexpr std::uint64_t live = std::uint64_t{1} << 32, closed = std::uint64_t{2} << 32, state = std::uint64_t{3} << 32;
    static constexpr unsigned generation_at = 34;

    struct Slot {
        Atomic<std::uint64_t> word{0};
        // Set while the slot is free.
        Atomic<Object *> object{nullptr};
        std::uint32_t next_free = no_slot;
        std::uint32_t place = 0;
        std::uint32_t shard = 0;
    };
    // The chunks of a shard have 32 slots, 64, 128 and so on, and stay where they are.
    static constexpr std::uint32_t first_chunk = 32;
    struct alignas(64) Shard {
        std::array<Atomic<Slot *>, 27> chunks{};
        Mutex mutex;
        std::uint32_t free = no_slot;
        std::uint32_t size = 0;
        Atomic<std::uint64_t> live{0};
    };

    static unsigned chunk_of(std::uint32_t place) noexcept {
        return static_cast<unsigned>(std::bit_width(place / first_chunk + 1)) - 1;
    }
    static std::uint32_t within(std::uint32_t place, unsigned chunk) noexcept { return place - (((1u << chunk) - 1) * first_chunk); }

    static bool is_live(std::uint64_t word, comoq_handle handle) noexcept {
        return (word & ~counted) == (live | ((handle >> 36 & last_generation) << generation_at));
    }

    /// The slot of a live handle, which is counted as used; null if it is none.
    COMOQ_INLINED Slot *pin(comoq_handle handle) noexcept {
        Shard &shard = shards_[handle & 15];
        const auto place = static_cast<std::uint32_t>(handle >> 4);
        const unsigned chunk = chunk_of(place);
        Slot *slots = chunk < shard.chunks.size() ? shard.chunks[chunk].load(std::memory_order_acquire) : nullptr;
        if (slots == nullptr) return nullptr;
        Slot &slot = slots[within(place, chunk)];
        const std::uint64_t word = slot.word.fetch_add(1, std::memory_order_acquire);
        if (is_live(word, handle) && slot.object.load(std::memory_order_relaxed)->kind() == handle >> 56) return &slot;
        unpin(slot);
        return nullptr;
    }
    static COMOQ_INLINED void unpin(Slot &slot) noexcept {
        const std::uint64_t word = slot.word.fetch_sub(1, std::memory_order_acq_rel) - 1;
        if ((word & (counted | state)) == closed) instance().let_go(slot, word);
    }
    /// Nobody uses the slot of a closed handle: whoever makes it free lets go of the object.
    COMOQ_APART void let_go(Slot &slot, std::uint64_t word) noexcept {
        Object *object = slot.object.load(std::memory_order_relaxed);
        if (!slot.word.compare_exchange_strong(word, word - closed, std::memory_order_acq_rel)) return;
        if (word >> generation_at < last_generation) {
            Shard &shard = shards_[slot.shard];
            const Lock lock(shard.mutex);
            slot.next_free = shard.free;
            shard.free = slot.place;
        }
        object->drop();
    }

    /// Threads begin at different shards.
    static std::size_t next_shard() noexcept {
        static Atomic<std::size_t> threads{0};
        static thread_local std::size_t at = threads.fetch_add(5, std::memory_order_relaxed);
        return ++at & 15;
    }

    comoq_handle insert_object(Object *object) {
        const std::size_t which = next_shard();
        Shard &shard = shards_[which];
        const Lock lock(shard.mutex);
        const bool is_new = shard.free == no_slot;
        const std::uint32_t place = is_new ? shard.size : shard.free;
        const unsigned chunk = chunk_of(place);
        if (is_new) {
            if (chunk >= shard.chunks.size()) throw std::bad_alloc();
            if (shard.chunks[chunk].load(std::memory_order_relaxed) == nullptr)
                shard.chunks[chunk].store(new Slot[std::size_t{first_chunk} << chunk], std::memory_order_release);
            ++shard.size;
        }
        Slot &slot = shard.chunks[chunk].load(std::memory_order_relaxed)[within(place, chunk)];
        if (!is_new) shard.free = slot.next_free;
        slot.place = place;
        slot.shard = static_cast<std::uint32_t>(which);
        slot.object.store(object, std::memory_order_relaxed);
        object->hold();
        object->handles_.fetch_add(1, std::memory_order_relaxed);
        shard.live.fetch_add(1, std::memory_order_relaxed);
        // The next generation, alive.
        const std::uint64_t word = slot.word.fetch_add(live + (std::uint64_t{1} << generation_at), std::memory_order_release);
        const std::uint64_t generation = (word >> generation_at) + 1;
        return std::uint64_t{object->kind()} << 56 | generation << 36 | std::uint64_t{place} << 4 | which;
    }

    std::array<Shard, 16> shards_;
};

template <class T> class Pinned {
public:
    Pinned() noexcept = default;
    Pinned(HandleTable::Slot *slot, T *object) noexcept : slot_(slot), object_(object) {}
    Pinned(const Pinned &) = delete;
    Pinned &operator=(const Pinned &) = delete;
    ~Pinned() {
        if (slot_ != nullptr) HandleTable::unpin(*slot_);
    }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    T *operator->() const noexcept { return object_; }
    T &operator*() const noexcept { return *object_; }
    /// A reference that outlives the call.
    Ref<T> ref() const noexcept { return Ref<T>(object_); }

private:
    HandleTable::Slot *slot_ = nullptr;
    T *object_ = nullptr;
};

inline Pinned<Object> HandleTable::find_any(comoq_handle handle, std::int32_t &code) noexcept {
    Slot *slot = pin(handle);
    if (slot == nullptr) code = COMOQ_ERROR_HANDLE;
    return Pinned<Object>(slot, slot != nullptr ? slot->object.load(std::memory_order_relaxed) : nullptr);
}

template <class T> Pinned<T> HandleTable::find(comoq_handle handle, std::int32_t &code) noexcept {
    Slot *slot = pin(handle);
    if (slot == nullptr) {
        code = COMOQ_ERROR_HANDLE;
        return Pinned<T>();
    }
    Object *object = slot->object.load(std::memory_order_relaxed);
    if (object->kind() == T::handle_kind) return Pinned<T>(slot, static_cast<T *>(object));
    unpin(*slot);
    code = COMOQ_ERROR_KIND;
    return Pinned<T>();
}

}  // namespace comoq::detail::c
