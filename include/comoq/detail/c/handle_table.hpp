// SPDX-License-Identifier: MIT
#pragma once
#include "object.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace comoq::detail::c {

/// All handles of the process, and what they stand for.
///
/// A handle is kind (8 bits), generation (20), slot (32) and shard (4). Each use of a slot has a generation of its own, and a slot
/// whose generations are used up is not used again: a handle never comes back to life. That costs 16 bytes for each million of
/// handles. A slot costs 16 bytes, for as many as there were handles at a time.
class HandleTable {
public:
    /// Never destroyed: threads may use it until the process has ended.
    static HandleTable &instance() {
        static HandleTable &table = *new HandleTable;
        return table;
    }

    /// A new handle; throws std::bad_alloc.
    template <class T> comoq_handle insert(const Ref<T> &object) { return insert_object(object.get()); }

    /// What a handle of that type stands for; nothing and a code if it does not.
    template <class T> Ref<T> find(comoq_handle handle, std::int32_t &code) noexcept {
        Object *object = hold(handle, code);
        if (object == nullptr) return Ref<T>();
        if (object->kind() == T::handle_kind) return Ref<T>::adopt(static_cast<T *>(object));
        object->drop();
        code = COMOQ_ERROR_KIND;
        return Ref<T>();
    }
    Ref<Object> find_any(comoq_handle handle, std::int32_t &code) noexcept { return Ref<Object>::adopt(hold(handle, code)); }

    /// Ends the handle, and gives what it stood for; nothing if it is not a live one. `last` is whether it was the object's last.
    Ref<Object> remove(comoq_handle handle, bool &last) noexcept {
        Shard &shard = shard_of(handle);
        const std::uint32_t place = slot_of(handle);
        const Lock lock(shard.mutex);
        Slot *slot = live_slot(shard, handle);
        if (slot == nullptr) return Ref<Object>();
        Object *object = std::exchange(slot->object, nullptr);
        --shard.live;
        if (slot->generation < last_generation) {
            ++slot->generation;
            slot->next_free = shard.free;
            shard.free = place;
        }
        last = object->handles_.fetch_sub(1, std::memory_order_acq_rel) == 1;
        return Ref<Object>::adopt(object);
    }

    std::uint64_t live() noexcept {
        std::uint64_t sum = 0;
        for (Shard &shard : shards_) {
            const Lock lock(shard.mutex);
            sum += shard.live;
        }
        return sum;
    }

private:
    static constexpr std::uint32_t no_slot = 0xffff'ffff;
    static constexpr std::uint32_t last_generation = (1u << 20) - 1;

    struct Slot {
        Object *object = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = no_slot;
    };
    struct alignas(64) Shard {
        Mutex mutex;
        std::vector<Slot> slots;
        std::uint32_t free = no_slot;
        std::uint64_t live = 0;
    };

    Shard &shard_of(comoq_handle handle) noexcept { return shards_[handle & 15]; }
    static std::uint32_t slot_of(comoq_handle handle) noexcept { return static_cast<std::uint32_t>(handle >> 4); }
    static std::uint32_t generation_of(comoq_handle handle) noexcept {
        return static_cast<std::uint32_t>(handle >> 36) & last_generation;
    }

    static Slot *live_slot(Shard &shard, comoq_handle handle) noexcept {
        const std::uint32_t place = slot_of(handle);
        if (place >= shard.slots.size()) return nullptr;
        Slot &slot = shard.slots[place];
        if (slot.object == nullptr || slot.generation != generation_of(handle) || slot.object->kind() != handle >> 56) return nullptr;
        return &slot;
    }

    COMOQ_INLINED Object *hold(comoq_handle handle, std::int32_t &code) noexcept {
        Shard &shard = shard_of(handle);
        const Lock lock(shard.mutex);
        if (const Slot *slot = live_slot(shard, handle)) {
            slot->object->hold();
            return slot->object;
        }
        code = COMOQ_ERROR_HANDLE;
        return nullptr;
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
        std::uint32_t place = shard.free;
        if (place != no_slot) {
            shard.free = shard.slots[place].next_free;
        } else {
            if (shard.slots.size() == no_slot) throw std::bad_alloc();
            place = static_cast<std::uint32_t>(shard.slots.size());
            shard.slots.emplace_back();
        }
        Slot &slot = shard.slots[place];
        slot.object = object;
        object->hold();
        object->handles_.fetch_add(1, std::memory_order_relaxed);
        ++shard.live;
        return std::uint64_t{object->kind()} << 56 | std::uint64_t{slot.generation} << 36 | std::uint64_t{place} << 4 | which;
    }

    std::array<Shard, 16> shards_;
};

}  // namespace comoq::detail::c
