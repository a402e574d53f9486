/// \file Counts allocations on the heap, through `operator new` and through `aligned_alloc`, which asio uses. A program
/// that links allocations.cpp has those functions replaced.
///
/// Clang's thread sanitizer counts malloc as well (and so a thrown exception), and the release of some memory whose
/// allocation it did not see: with it, rely on the live counts only around code that does nothing of the kind.
///
/// COMOQ_COUNT_ONLY_MADE leaves the live counts out, for programs that measure time.
#pragma once

#include <cstddef>
#include <functional>

namespace comoq::test {

/// The allocations of this thread since the object was made.
class AllocationCount {
public:
    AllocationCount() noexcept;
    std::size_t made() const noexcept;

private:
    std::size_t before_;
};

/// Makes one allocation of this thread fail, after this many others: until it does, or this object ends. Right before
/// the failure it calls `meanwhile`, which outlives this object.
class FailingAllocation {
public:
    explicit FailingAllocation(std::size_t after, const std::function<void()> &meanwhile = nothing) noexcept;
    FailingAllocation(const FailingAllocation &) = delete;
    FailingAllocation &operator=(const FailingAllocation &) = delete;
    ~FailingAllocation();
    /// From here on no allocation fails. True if one did.
    bool stop() noexcept;

private:
    static inline const std::function<void()> nothing;
};
/// Makes every allocation of this thread fail, until this object ends or `end` is called.
class NoMemory {
public:
    NoMemory() noexcept;
    NoMemory(const NoMemory &) = delete;
    NoMemory &operator=(const NoMemory &) = delete;
    ~NoMemory() { end(); }
    void end() noexcept;
};
/// Not with clang's thread sanitizer.
bool allocations_can_fail() noexcept;

/// Allocations of all threads by `operator new` that were not given back yet.
std::size_t live_allocations() noexcept;

/// The same in bytes, as the heap rounds them up.
std::size_t live_bytes() noexcept;

}  // namespace comoq::test
