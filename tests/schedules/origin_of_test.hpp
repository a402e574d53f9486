/// \file
/// An origin that is the same in every run.
#pragma once

#include <comoq/origin.hpp>

#include <chrono>

namespace comoq::schedule {

inline OriginConfig same_in_every_run() {
    OriginConfig config;
    config.id = 1;
    config.clock = [] { return std::chrono::steady_clock::time_point(std::chrono::hours(12)); };
    return config;
}

}  // namespace comoq::schedule
