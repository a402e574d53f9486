/// \file
/// Paths as texts, for comparisons.
#pragma once

#include <string>
#include <vector>

#include <comoq/path.hpp>

namespace comoq::test {

using Texts = std::vector<std::string>;

inline Texts texts_of(const std::vector<Path> &paths) {
    Texts texts;
    for (const auto &path : paths) texts.emplace_back(path.view());
    return texts;
}

}  // namespace comoq::test
