/// \file A waiter that counts how often it is woken.
#pragma once

#include <cstddef>

#include <comoq/detail/wait/waiter.hpp>

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
