// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <system_error>

#if defined(__linux__) || defined(__APPLE__)
#include <netinet/in.h>
#include <netinet/tcp.h>
#endif

namespace comoq::qmux::detail {

/// Limits the bytes that the system takes of a TCP socket ahead of what it has sent, where the system can do that
/// (TCP_NOTSENT_LOWAT). A small send buffer would do more harm: bytes under way to the peer count in it.
class UnsentLimit {
public:
    /// `bytes` or what the socket had before, whichever is less. Does nothing for streams that are not such sockets.
    template <class Socket> void set(Socket &socket, std::size_t bytes) noexcept {
#ifdef TCP_NOTSENT_LOWAT
        std::error_code failure;
        if constexpr (requires(Option option) { socket.get_option(option, failure); }) {
            if (!usual_) {
                Option before;
                socket.get_option(before, failure);
                if (failure) return;
                usual_ = before.bytes;
            }
            // 0 is the system's default.
            Option limited;
            const auto largest = static_cast<unsigned>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max()));
            limited.bytes = *usual_ == 0 ? largest : std::min(*usual_, largest);
            socket.set_option(limited, failure);
        }
#else
        static_cast<void>(socket);
        static_cast<void>(bytes);
#endif
    }

private:
#ifdef TCP_NOTSENT_LOWAT
    /// As asio wants an option of a socket.
    struct Option {
        unsigned bytes = 0;
        template <class Protocol> int level(const Protocol &) const noexcept { return IPPROTO_TCP; }
        template <class Protocol> int name(const Protocol &) const noexcept { return TCP_NOTSENT_LOWAT; }
        template <class Protocol> void *data(const Protocol &) noexcept { return &bytes; }
        template <class Protocol> const void *data(const Protocol &) const noexcept { return &bytes; }
        template <class Protocol> std::size_t size(const Protocol &) const noexcept { return sizeof bytes; }
        template <class Protocol> void resize(const Protocol &, std::size_t) const noexcept {}
    };
    std::optional<unsigned> usual_;
#endif
};

}  // namespace comoq::qmux::detail
