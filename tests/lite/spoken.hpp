/// \file The version of moq-lite that the sessions of the tests speak: -05, or the one that COMOQ_TEST_LITE names, or the
/// one that a test chooses for itself.
#pragma once

#include <cstdlib>
#include <string>
#include <utility>

#include <comoq/detail/lite/version.hpp>
#include <comoq/memory_transport.hpp>

namespace comoq::test {

inline std::string &spoken_protocol() {
    static std::string protocol = [] {
        const char *const named = std::getenv("COMOQ_TEST_LITE");
        return std::string(named != nullptr ? named : "moq-lite-05");
    }();
    return protocol;
}
inline lite::Version spoken() { return lite::version_of(spoken_protocol()); }
/// A link that speaks it.
inline MemoryLinkConfig spoken_link(MemoryLinkConfig config = {}) {
    config.protocol = spoken_protocol();
    return config;
}

/// The sessions and raw peers of a test speak this version while it exists.
class Speaking {
public:
    explicit Speaking(std::string protocol) : before_(std::exchange(spoken_protocol(), std::move(protocol))) {}
    Speaking(const Speaking &) = delete;
    Speaking &operator=(const Speaking &) = delete;
    ~Speaking() { spoken_protocol() = before_; }

private:
    std::string before_;
};

}  // namespace comoq::test
