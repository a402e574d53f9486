#include "support/allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>

#include "support/catch.hpp"

using comoq::test::AllocationCount;

namespace {

struct alignas(64) Overaligned {
    char bytes[64];
};

void *volatile kept = nullptr;

// A compiler may leave out an allocation whose release it sees.
template <class T> T *seen(T *block) {
    kept = block;
    return static_cast<T *>(kept);
}

}  // namespace

TEST_CASE("support: every kind of allocation is counted, and so is every release", "[support]") {
    const auto live = comoq::test::live_allocations();
    const auto bytes = comoq::test::live_bytes();
    AllocationCount count;

    auto *one = seen(new int(1));
    const auto after_one = count.made();
    auto *many = seen(new int[100]);
    const auto after_many = count.made();
    auto *aligned = seen(new Overaligned);
    const auto after_aligned = count.made();
    auto *quiet = seen(new (std::nothrow) int(1));
    const auto after_quiet = count.made();
    std::free(seen(std::aligned_alloc(16, 64)));
    const auto after_asio = count.made();
    const auto live_then = comoq::test::live_allocations() - live;
    const auto bytes_then = comoq::test::live_bytes() - bytes;
    delete one;
    delete[] many;
    delete aligned;
    delete quiet;
    const auto live_after = comoq::test::live_allocations();
    const auto bytes_after = comoq::test::live_bytes();
    const auto after_all = count.made();

    CHECK(after_one == 1);
    CHECK(after_many == 2);
    CHECK(after_aligned == 3);
    CHECK(after_quiet == 4);
    CHECK(after_asio == 5);
    CHECK(after_all == 5);
    CHECK(live_then == 4);
    CHECK(bytes_then >= 100 * sizeof(int) + sizeof(Overaligned));
    CHECK(live_after == live);
    CHECK(bytes_after == bytes);
}

TEST_CASE("support: allocations are counted for the thread that makes them", "[support]") {
    std::size_t made_there = 0;
    std::size_t made_here = 0;
    {
        std::thread thread([&made_there] {
            AllocationCount count;
            for (int i = 0; i < 10; ++i) {
                delete seen(new int(i));
            }
            made_there = count.made();
        });
        AllocationCount count;
        thread.join();
        made_here = count.made();
    }
    CHECK(made_there == 10);
    CHECK(made_here == 0);
}
