// SPDX-License-Identifier: MIT
#pragma once
#include <cerrno>
#include <cstdint>
#include <system_error>

#if defined(__linux__)
#include <sys/eventfd.h>
#include <unistd.h>
#elif !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace comoq::detail::c {

/// A descriptor that is readable while it is raised. On Linux an eventfd, elsewhere a pipe. It is raised and lowered by turns.
class WakeDescriptor {
public:
    WakeDescriptor() noexcept = default;
    WakeDescriptor(const WakeDescriptor &) = delete;
    WakeDescriptor &operator=(const WakeDescriptor &) = delete;
#if defined(_WIN32)
    static constexpr bool supported = false;
    void open() {}
    void raise() noexcept {}
    void lower() noexcept {}
#else
    static constexpr bool supported = true;
    ~WakeDescriptor() {
        if (to_ != from_) ::close(to_);
        if (from_ >= 0) ::close(from_);
    }
    /// Throws std::system_error.
    void open() {
#if defined(__linux__)
        from_ = to_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (from_ < 0) throw std::system_error(errno, std::system_category());
#else
        int ends[2];
        if (::pipe(ends) != 0) throw std::system_error(errno, std::system_category());
        for (const int end : ends) {
            ::fcntl(end, F_SETFL, O_NONBLOCK);
            ::fcntl(end, F_SETFD, FD_CLOEXEC);
        }
        from_ = ends[0];
        to_ = ends[1];
#endif
    }
    void raise() noexcept {
        const std::uint64_t one = 1;
        while (::write(to_, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }
    void lower() noexcept {
        std::uint64_t any = 0;
        while (::read(from_, &any, sizeof any) < 0 && errno == EINTR) {
        }
    }
#endif
    bool is_open() const noexcept { return from_ >= 0; }
    int get() const noexcept { return from_; }

private:
    int from_ = -1;
    int to_ = -1;
};

}  // namespace comoq::detail::c
