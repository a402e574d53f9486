// A fact for LeakSanitizer about a library that is not ours.
#include <comoq/detail/quic/ngtcp2.hpp>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && NGTCP2_VERSION_NUM < 0x010a00

// ngtcp2 below 1.10 loses the memory of a frame, some hundred bytes, when it sends the data of a stream once more, of which one
// frame had more than a few pieces and less than all of them fits (its commit af11b29c ended that). This is read in its source: what
// is lost has that size, and no stack was seen. A connection that this side forgets would show as memory of its own, which owns the
// library's.
extern "C" const char *__lsan_default_suppressions();
extern "C" const char *__lsan_default_suppressions() { return "leak:libngtcp2.so\n"; }

#endif
#endif
