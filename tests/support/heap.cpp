#include "support/heap.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define COMOQ_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COMOQ_TEST_ASAN 1
#endif
#endif

#if defined(COMOQ_TEST_ASAN)
#include <sanitizer/allocator_interface.h>
#elif defined(__GLIBC__) || __has_include(<features.h>)
#include <malloc.h>
#endif

namespace comoq::test {

#if defined(COMOQ_TEST_ASAN)
std::size_t heap_in_use() noexcept { return __sanitizer_get_current_allocated_bytes(); }
#elif defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
std::size_t heap_in_use() noexcept {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
#else
std::size_t heap_in_use() noexcept { return 0; }
#endif

}  // namespace comoq::test
