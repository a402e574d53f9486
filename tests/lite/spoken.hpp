/// \file The version of moq-lite that the sessions of the tests speak: -05, or the one that COMOQ_TEST_LITE names.
#pragma once

#include <cstdlib>
#include <string>

#include <comoq/detail/lite/version.hpp>

namespace comoq::test {

inline const std::string &spoken_protocol() {
    static const std::string protocol = [] {
        const char *const named = std::getenv("COMOQ_TEST_LITE");
        return std::string(named != nullptr ? named : "moq-lite-05");
    }();
    return protocol;
}
inline lite::Version spoken() { return lite::version_of(spoken_protocol()); }

}  // namespace comoq::test
