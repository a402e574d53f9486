/// \file The program's memory on the heap, including the parts that bypass `operator new` (asio's coroutines and
/// handlers).
#pragma once

#include <cstddef>

namespace comoq::test {

/// In bytes, as the heap rounds them up; of all threads. A block that a thread has given back and keeps for its next
/// request may still count, so that only differences from some kilobytes on are meaningful. With AddressSanitizer it
/// excludes the heap's own overhead. Always 0 if it is not known.
std::size_t heap_in_use() noexcept;

}  // namespace comoq::test
