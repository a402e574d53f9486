/// \file
/// Counts what the heap is asked for, through `operator new` and through `aligned_alloc`, which asio uses. A program
/// that links allocations.cpp has those functions replaced.
///
/// Clang's thread sanitizer counts malloc as well (and so a thrown exception), and the release of some memory that it
/// did not see being allocated: with it, rely on the live counts only around code that does nothing of the kind.
///
/// COMOQ_COUNT_ONLY_MADE leaves the live counts out, for who times what is counted.
#pragma once

#include <cstddef>
#include <functional>

namespace comoq::test {

/// The allocations made by this thread since the object was.
class AllocationCount {
public:
    AllocationCount() noexcept;
    std::size_t made() const noexcept;

private:
    std::size_t before_;
};

/// Makes one allocation of this thread fail, once so many others have been made: until it does, or this object ends. Right
/// before it does, `meanwhile` is called, which outlives this object.
class FailingAllocation {
public:
    explicit FailingAllocation(std::size_t after, const std::function<void()> &meanwhile = nothing) noexcept;
    FailingAllocation(const FailingAllocation &) = delete;
    FailingAllocation &operator=(const FailingAllocation &) = delete;
    ~FailingAllocation();
    /// From here on none fails. True if one did.
    bool stop() noexcept;

private:
    static inline const std::function<void()> nothing;
};
/// Not with clang's thread sanitizer.
bool allocations_can_fail() noexcept;

/// What all threads together have allocated with `operator new` and not yet given back.
std::size_t live_allocations() noexcept;

/// The same in bytes, as the heap rounds them up.
std::size_t live_bytes() noexcept;

}  // namespace comoq::test
