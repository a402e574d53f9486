/// \file
/// Somebody who waits, and counts how often he is woken.
#pragma once

#include <cstddef>

#include <comoq/detail/waiter.hpp>

namespace comoq::test {

struct Recorder final : detail::Waiter {
    void claimed() noexcept override {}
    detail::Waiter *wake(std::size_t) noexcept override {
        detail::Waiter *rest = following();
        ++woken;
        return rest;
    }
    int woken = 0;
};

}  // namespace comoq::test
