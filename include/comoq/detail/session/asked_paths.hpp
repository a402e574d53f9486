// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/keyed_hash.hpp"

#include <bitset>
#include <cstddef>
#include <string_view>

namespace comoq::detail {

/// The paths for which a peer has asked at any time. It holds a fixed sum, whatever the peer asks for: it forgets nothing, and
/// it may contain a path for which nobody has asked.
class AskedPaths {
public:
    void add(std::string_view path) noexcept { places_.set(place_of(path)); }
    bool may_contain(std::string_view path) const noexcept { return places_.test(place_of(path)); }

private:
    static constexpr std::size_t places = 4096;
    static std::size_t place_of(std::string_view path) noexcept { return keyed_hash(path) % places; }

    std::bitset<places> places_;
};

}  // namespace comoq::detail
