#include "support/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <utility>

#ifdef __clang__
#if __has_feature(thread_sanitizer)
#define COMOQ_TEST_HOOKS 1
#include <sanitizer/allocator_interface.h>
#endif
#endif

#ifdef __APPLE__
#include <malloc/malloc.h>
#else
#include <malloc.h>
#endif

namespace {

constinit thread_local std::size_t made_by_thread = 0;

// How many more allocations of this thread succeed; the next one fails.
constexpr std::size_t any_number = static_cast<std::size_t>(-1);
constinit thread_local std::size_t allowed_to_thread = any_number;
constinit thread_local const std::function<void()> *meanwhile_on_thread = nullptr;
constinit thread_local bool none_for_thread = false;

bool refused() noexcept {
    if (none_for_thread) return true;
    if (allowed_to_thread == any_number) return false;
    if (allowed_to_thread > 0) {
        --allowed_to_thread;
        return false;
    }
    allowed_to_thread = any_number;
    if (const auto *meanwhile = std::exchange(meanwhile_on_thread, nullptr)) (*meanwhile)();
    return true;
}

constinit std::atomic<std::size_t> live_blocks{0};
constinit std::atomic<std::size_t> live_size{0};

#ifdef COMOQ_COUNT_ONLY_MADE
constexpr bool counts_live = false;
#else
constexpr bool counts_live = true;
#endif

/// `size_of` is asked for the block's size only if that is counted.
template <class SizeOf> void count_allocation(SizeOf size_of) noexcept {
    ++made_by_thread;
    if constexpr (counts_live) {
        live_blocks.fetch_add(1, std::memory_order_relaxed);
        live_size.fetch_add(size_of(), std::memory_order_relaxed);
    }
}

template <class SizeOf> void count_release(SizeOf size_of) noexcept {
    if constexpr (counts_live) {
        live_blocks.fetch_sub(1, std::memory_order_relaxed);
        live_size.fetch_sub(size_of(), std::memory_order_relaxed);
    }
}

}  // namespace

namespace comoq::test {

AllocationCount::AllocationCount() noexcept : before_(made_by_thread) {}

#ifdef COMOQ_TEST_HOOKS
bool allocations_can_fail() noexcept { return false; }
#else
bool allocations_can_fail() noexcept { return true; }
#endif

FailingAllocation::FailingAllocation(std::size_t after, const std::function<void()> &meanwhile) noexcept {
    allowed_to_thread = after;
    meanwhile_on_thread = meanwhile ? &meanwhile : nullptr;
}
FailingAllocation::~FailingAllocation() { stop(); }
bool FailingAllocation::stop() noexcept {
    const bool failed = allowed_to_thread == any_number;
    allowed_to_thread = any_number;
    meanwhile_on_thread = nullptr;
    return failed;
}

NoMemory::NoMemory() noexcept { none_for_thread = true; }
void NoMemory::end() noexcept { none_for_thread = false; }

std::size_t AllocationCount::made() const noexcept { return made_by_thread - before_; }

std::size_t live_allocations() noexcept { return live_blocks.load(std::memory_order_relaxed); }

std::size_t live_bytes() noexcept { return live_size.load(std::memory_order_relaxed); }

}  // namespace comoq::test

#ifdef COMOQ_TEST_HOOKS

// Clang's thread sanitizer does not let a program replace the operators, but reports to it what they and malloc do.

namespace {

void on_allocation(const volatile void *block, std::size_t) {
    if (block != nullptr) {
        count_allocation([block] { return __sanitizer_get_allocated_size(block); });
    }
}

void on_release(const volatile void *block) {
    if (block != nullptr) {
        count_release([block] { return __sanitizer_get_allocated_size(block); });
    }
}

[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(on_allocation, on_release);

}  // namespace

#else

// Everything goes to malloc, which sanitizers watch too. Every form is replaced: for a form that is not, a sanitizer
// brings its own, and then reports that memory of one form is freed by the other.

namespace {

std::size_t size_of(void *block) noexcept {
#ifdef __APPLE__
    return malloc_size(block);
#else
    return malloc_usable_size(block);
#endif
}

void *allocate(std::size_t size, std::size_t alignment) noexcept {
    if (refused()) return nullptr;
    void *block = nullptr;
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
        block = std::malloc(size == 0 ? 1 : size);
    } else if (posix_memalign(&block, alignment, size) != 0) {
        block = nullptr;
    }
    if (block != nullptr) count_allocation([block] { return size_of(block); });
    return block;
}

void *allocate_or_throw(std::size_t size, std::size_t alignment) {
    void *block = allocate(size, alignment);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return block;
}

void release(void *block) noexcept {
    if (block != nullptr) {
        count_release([block] { return size_of(block); });
        std::free(block);
    }
}

}  // namespace

using Size = std::size_t;
using Align = std::align_val_t;
using Nothrow = const std::nothrow_t &;

void *operator new(Size size) { return allocate_or_throw(size, 0); }
void *operator new[](Size size) { return allocate_or_throw(size, 0); }
void *operator new(Size size, Align to) { return allocate_or_throw(size, static_cast<Size>(to)); }
void *operator new[](Size size, Align to) { return allocate_or_throw(size, static_cast<Size>(to)); }
void *operator new(Size size, Nothrow) noexcept { return allocate(size, 0); }
void *operator new[](Size size, Nothrow) noexcept { return allocate(size, 0); }
void *operator new(Size size, Align to, Nothrow) noexcept { return allocate(size, static_cast<Size>(to)); }
void *operator new[](Size size, Align to, Nothrow) noexcept { return allocate(size, static_cast<Size>(to)); }

void operator delete(void *block) noexcept { release(block); }
void operator delete[](void *block) noexcept { release(block); }
void operator delete(void *block, Size) noexcept { release(block); }
void operator delete[](void *block, Size) noexcept { release(block); }
void operator delete(void *block, Align) noexcept { release(block); }
void operator delete[](void *block, Align) noexcept { release(block); }
void operator delete(void *block, Size, Align) noexcept { release(block); }
void operator delete[](void *block, Size, Align) noexcept { release(block); }
void operator delete(void *block, Nothrow) noexcept { release(block); }
void operator delete[](void *block, Nothrow) noexcept { release(block); }
void operator delete(void *block, Align, Nothrow) noexcept { release(block); }
void operator delete[](void *block, Align, Nothrow) noexcept { release(block); }

#endif

// asio gets the memory of its handlers and coroutine frames here, if it has none to recycle. It returns the memory by
// free, which only the hooks see: without them it counts as made, and not as live.
extern "C" void *aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    if (comoq::test::allocations_can_fail() && refused()) return nullptr;
    void *block = nullptr;
    if (posix_memalign(&block, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) != 0) {
        return nullptr;
    }
#ifdef COMOQ_TEST_HOOKS
    on_allocation(block, size);
#else
    ++made_by_thread;
#endif
    return block;
}
