/// \file
/// Bytes as digits.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::test {

using Octets = std::vector<std::byte>;

/// From digits, with spaces between them.
inline Octets octets(std::string_view digits) {
    Octets all;
    std::string byte;
    for (const char each : digits) {
        if (each == ' ') continue;
        byte += each;
        if (byte.size() < 2) continue;
        all.push_back(static_cast<std::byte>(std::stoi(byte, nullptr, 16)));
        byte.clear();
    }
    return all;
}
inline Octets operator+(Octets one, const Octets &other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

}  // namespace comoq::test
