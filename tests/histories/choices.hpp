/// \file The source of a history: numbers that decide the next steps, from a seed or from bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace comoq::test {

class Choices {
public:
    /// 20 to 99 steps.
    explicit Choices(std::mt19937_64 &random) : random_(&random), steps_(20 + random() % 80) {}
    /// As many steps as the bytes suffice for, up to 500: a fuzzer's time is better spent on many histories.
    explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes), steps_(500) {}

    bool another_step() {
        if (steps_ == 0 || (random_ == nullptr && bytes_.empty())) {
            return false;
        }
        --steps_;
        return true;
    }

    /// A number below `count`.
    std::size_t roll(std::size_t count) {
        if (random_ != nullptr) {
            return static_cast<std::size_t>((*random_)() % count);
        }
        // A byte for a choice, so that a fuzzer that changes one changes one choice.
        if (bytes_.empty()) {
            return 0;
        }
        const std::size_t byte = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return byte % count;
    }

private:
    std::mt19937_64 *random_ = nullptr;
    std::span<const std::uint8_t> bytes_;
    std::size_t steps_;
};

}  // namespace comoq::test
