/// \file
/// Seeds of randomised tests.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>

namespace comoq::test {

/// A seed for the randomised test `name`: the number in the environment variable COMOQ_TEST_SEED, or else a new one
/// each time. It is printed, so that a failed test can be run again.
inline std::uint64_t seed(const char *name) {
    std::uint64_t seed = 0;
    if (const char *given = std::getenv("COMOQ_TEST_SEED")) {
        char *end = nullptr;
        seed = std::strtoull(given, &end, 0);
        if (end == given || *end != '\0') {
            throw std::runtime_error("COMOQ_TEST_SEED is not a number: " + std::string(given));
        }
    } else {
        std::random_device device;
        seed = (std::uint64_t{device()} << 32) | device();
    }
    std::fprintf(stderr, "%s: COMOQ_TEST_SEED=%llu\n", name, static_cast<unsigned long long>(seed));
    return seed;
}

}  // namespace comoq::test
