// What a program has done so far, on one line of a terminal.
#pragma once

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

class Progress {
public:
    void add(std::size_t bytes, std::chrono::microseconds at) {
        bytes_ += bytes;
        ++frames_;
        if (at > at_) at_ = at;
    }
    void set_missing(std::uint64_t late, std::uint64_t lost) {
        late_ = late;
        lost_ = lost;
    }

    std::uint64_t frames() const { return frames_; }
    std::string line() const;
    // Shows it twice a second if standard error is a terminal, until it is cancelled. Returns at once if it is none.
    asio::awaitable<void> show() const;

private:
    std::uint64_t bytes_ = 0, frames_ = 0, late_ = 0, lost_ = 0;
    std::chrono::microseconds at_{0};
};
