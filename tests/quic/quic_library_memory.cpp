// The memory that ngtcp2 takes for a connection.
#include <comoq/detail/quic/library_memory.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "support/catch.hpp"

namespace quic_library_memory_tests {

using namespace comoq;
using namespace comoq::test;
using quic::detail::LibraryMemory;

namespace {

constexpr std::size_t too_large = std::numeric_limits<std::size_t>::max();

bool is_aligned(const void *memory) { return reinterpret_cast<std::uintptr_t>(memory) % alignof(std::max_align_t) == 0; }

}  // namespace

TEST_CASE("the memory of ngtcp2: blocks are aligned, keep their bytes when they grow, and are given back in any order", "[quic]") {
    LibraryMemory memory;
    const ngtcp2_mem &by = *memory.functions();
    auto *first = static_cast<char *>(by.malloc(20, by.user_data));
    auto *second = static_cast<unsigned char *>(by.calloc(3, 7, by.user_data));
    auto *third = static_cast<char *>(by.realloc(nullptr, 5, by.user_data));
    REQUIRE(memory.blocks() == 3);
    CHECK(is_aligned(first));
    CHECK(is_aligned(second));
    CHECK(is_aligned(third));
    for (int i = 0; i < 21; ++i) CHECK(second[i] == 0);
    std::memcpy(first, "twenty bytes are it.", 20);
    std::memcpy(third, "five.", 5);
    first = static_cast<char *>(by.realloc(first, 100'000, by.user_data));
    REQUIRE(first != nullptr);
    CHECK(memory.blocks() == 3);
    CHECK(std::memcmp(first, "twenty bytes are it.", 20) == 0);
    by.free(second, by.user_data);
    CHECK(std::memcmp(third, "five.", 5) == 0);
    by.free(third, by.user_data);
    by.free(first, by.user_data);
    by.free(nullptr, by.user_data);
    CHECK(memory.blocks() == 0);
}

TEST_CASE("the memory of ngtcp2: a size that no number can say is refused, and a block that cannot grow stays", "[quic]") {
    LibraryMemory memory;
    const ngtcp2_mem &by = *memory.functions();
    CHECK(by.malloc(too_large, by.user_data) == nullptr);
    CHECK(by.calloc(too_large / 2, 3, by.user_data) == nullptr);
    CHECK(by.calloc(1, too_large - 3, by.user_data) == nullptr);
    auto *block = static_cast<char *>(by.malloc(4, by.user_data));
    REQUIRE(block != nullptr);
    std::memcpy(block, "four", 4);
    CHECK(by.realloc(block, too_large, by.user_data) == nullptr);
    CHECK(memory.blocks() == 1);
    CHECK(std::memcmp(block, "four", 4) == 0);
    by.free(block, by.user_data);
    CHECK(memory.blocks() == 0);
}

TEST_CASE("the memory of ngtcp2: what is not given back is freed with the connection", "[quic]") {
    // AddressSanitizer sees it.
    LibraryMemory memory;
    const ngtcp2_mem &by = *memory.functions();
    for (std::size_t size = 1; size < 100; ++size) REQUIRE(by.malloc(size, by.user_data) != nullptr);
    CHECK(memory.blocks() == 99);
}

}
