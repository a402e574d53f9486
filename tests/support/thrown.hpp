/// \file Counts exceptions.
#pragma once

#include <cstddef>

namespace comoq::test {

/// False where this program cannot count them.
bool counts_thrown() noexcept;

/// How many exceptions this thread has thrown; rethrown ones do not count.
std::size_t thrown_by_thread() noexcept;

}  // namespace comoq::test
