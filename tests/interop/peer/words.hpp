// SPDX-License-Identifier: MIT
#pragma once

#include "shared/command_line.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Words of a command.
class Words {
public:
    explicit Words(const std::string &line) {
        std::istringstream input(line);
        for (std::string word; input >> word;) {
            words_.push_back(std::move(word));
        }
    }
    const std::string &name() const { return at(0); }
    // A dash is an empty one.
    std::string text(std::size_t index) const { return at(index) == "-" ? std::string() : at(index); }
    std::uint64_t number(std::size_t index) const { return number_from(name(), at(index), 0, std::size_t{1} << 53); }
    std::vector<std::string> from(std::size_t index) const {
        return {words_.begin() + static_cast<std::ptrdiff_t>(std::min(index, words_.size())), words_.end()};
    }

private:
    const std::string &at(std::size_t index) const {
        if (index >= words_.size()) {
            throw std::runtime_error("too few words");
        }
        return words_[index];
    }
    std::vector<std::string> words_;
};
