// SPDX-License-Identifier: MIT
#pragma once
#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace comoq::detail::c {

/// Which process has made an object. The child of a fork has a copy of it, without the threads, with locks as they were at that
/// moment, and with descriptors that are the parent's as well.
class MadeHere {
public:
#if defined(_WIN32)
    explicit operator bool() const noexcept { return true; }
#else
    explicit operator bool() const noexcept { return ::getpid() == process_; }

private:
    const pid_t process_ = ::getpid();
#endif
};

}  // namespace comoq::detail::c
