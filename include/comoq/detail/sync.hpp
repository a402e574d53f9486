#pragma once
#include <atomic>
#include <mutex>

namespace comoq::detail {

// Every lock and every atomic of the library goes through these two names, so that a test can run the real code
// under a scheduler of its own by putting another header in this one's place.
using Mutex = std::mutex;
template <class T> using Atomic = std::atomic<T>;

using Lock = std::unique_lock<Mutex>;

}  // namespace comoq::detail
