// SPDX-License-Identifier: MIT
#pragma once
#include "../media/media_bounds.hpp"

#include <chrono>
#include <cstddef>
#include <system_error>

namespace comoq::detail {

/// One peer's share of questions, so that it leaves some for others: questions that wait for an answer at a time, and
/// questions that were passed on within a while, each of which leaves something behind at its destination.
class AskingShare {
public:
    struct Limits {
        Limits() noexcept {}
        std::size_t waiting = 512;
        std::size_t passed_on = 2'048;
        std::chrono::milliseconds within = std::chrono::seconds(5);
    };

    explicit AskingShare(Limits limits) noexcept : limits_(limits) {}

    /// Counts an unanswered question. False if it exceeds the share.
    bool begin(TimePoint now) noexcept {
        if (now - since_ >= limits_.within) {
            since_ = now;
            passed_on_ = 0;
        }
        if (waiting_ >= limits_.waiting || passed_on_ >= limits_.passed_on) return false;
        ++waiting_;
        ++passed_on_;
        return true;
    }
    void end() noexcept { --waiting_; }
    std::size_t waiting() const noexcept { return waiting_; }

private:
    const Limits limits_;
    TimePoint since_{};
    std::size_t waiting_ = 0;
    std::size_t passed_on_ = 0;
};

}  // namespace comoq::detail
