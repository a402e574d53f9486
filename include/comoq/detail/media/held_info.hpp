// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "held.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// A share in the info that a broadcast has had since its route changed, or nothing, as nearly always. It is one word:
/// readers' handles contain one, and are moved often.
class HeldInfo {
public:
    HeldInfo() noexcept = default;
    /// Throws std::bad_alloc.
    explicit HeldInfo(std::shared_ptr<const BroadcastInfo> info) : held_(std::in_place, std::move(info)) {}

    explicit operator bool() const noexcept { return static_cast<bool>(held_); }
    const BroadcastInfo &operator*() const noexcept { return **held_; }
    /// Null if there is nothing.
    std::shared_ptr<const BroadcastInfo> info() const noexcept { return held_ ? *held_ : nullptr; }

    friend bool operator==(const HeldInfo &, const HeldInfo &) = default;

private:
    Held<std::shared_ptr<const BroadcastInfo>> held_;
};

}  // namespace comoq::detail
