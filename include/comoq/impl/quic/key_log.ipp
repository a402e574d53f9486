// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/key_log.hpp"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <mutex>
#include <system_error>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace comoq::quic {

namespace detail {

struct KeyLogFile {
    struct Close {
        void operator()(std::FILE *open) const noexcept { std::fclose(open); }
    };
    void write(std::string_view line) noexcept {
        const std::lock_guard lock(mutex);
        std::fwrite(line.data(), 1, line.size(), file.get());
        std::fputc('\n', file.get());
        // A reader wants the secrets before the packets.
        std::fflush(file.get());
    }
    std::mutex mutex;
    std::unique_ptr<std::FILE, Close> file;
};

inline std::FILE *open_secret(const std::string &name) noexcept {
#if defined(_WIN32)
    return std::fopen(name.c_str(), "a");
#else
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0) return nullptr;
    std::FILE *const opened = ::fdopen(descriptor, "a");
    if (opened == nullptr) {
        const int why = errno;
        ::close(descriptor);
        errno = why;
    }
    return opened;
#endif
}

}  // namespace detail

COMOQ_DECL KeyLog key_log_to(const std::string &file) {
    const auto log = std::make_shared<detail::KeyLogFile>();
    log->file.reset(detail::open_secret(file));
    if (log->file == nullptr) throw std::system_error(errno, std::generic_category(), "the key log " + file);
    return [log](std::string_view line) { log->write(line); };
}

}  // namespace comoq::quic
