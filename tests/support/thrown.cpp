#include "support/thrown.hpp"

#if defined(__linux__) && defined(__GLIBCXX__)
#define COMOQ_COUNTS_THROWN 1
#include <cstdlib>

#include <dlfcn.h>
#endif

namespace {

constinit thread_local std::size_t thrown = 0;

}  // namespace

#if defined(COMOQ_COUNTS_THROWN)
#if defined(__SANITIZE_ADDRESS__)
#define COMOQ_WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COMOQ_WITH_ASAN 1
#endif
#endif
#if defined(COMOQ_WITH_ASAN)
// The frames that an exception leaves are not in use any more. The sanitizer's own version of the function below does this, too.
extern "C" void __asan_handle_no_return();
#define COMOQ_LEAVES_FRAMES() __asan_handle_no_return()
#else
#define COMOQ_LEAVES_FRAMES() static_cast<void>(0)
#endif

// Stands before the one of the runtime, which it goes on to. GCC knows its type with pointers to void.
extern "C" [[noreturn]] __attribute__((visibility("default"))) void __cxa_throw(void *object, void *type,
                                                                                void (*destroy)(void *)) {
    using Throw = void (*)(void *, void *, void (*)(void *));
    static const auto next = reinterpret_cast<Throw>(dlsym(RTLD_NEXT, "__cxa_throw"));
    ++thrown;
    COMOQ_LEAVES_FRAMES();
    next(object, type, destroy);
    std::abort();
}
#endif

namespace comoq::test {

bool counts_thrown() noexcept {
#if defined(COMOQ_COUNTS_THROWN)
    return true;
#else
    return false;
#endif
}

std::size_t thrown_by_thread() noexcept { return thrown; }

}  // namespace comoq::test
