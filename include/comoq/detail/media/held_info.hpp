// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../../config.hpp"
#include "../wait/sync.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace comoq::detail {

/// A share in the info that a broadcast has had since its route changed, or nothing, as nearly always. It is one word, and
/// costs a comparison when it ends: readers' handles contain one, and are moved often.
class HeldInfo {
public:
    HeldInfo() noexcept = default;
    /// Throws std::bad_alloc.
    explicit HeldInfo(std::shared_ptr<const BroadcastInfo> info) : held_(new Held(std::move(info))) {}
    HeldInfo(const HeldInfo &other) noexcept : held_(other.held_) {
        if (held_ != nullptr) held_->holders.fetch_add(1, std::memory_order_relaxed);
    }
    HeldInfo(HeldInfo &&other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    HeldInfo &operator=(HeldInfo other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~HeldInfo() {
        if (held_ != nullptr) let_go();
    }

    explicit operator bool() const noexcept { return held_ != nullptr; }
    const BroadcastInfo &operator*() const noexcept { return *held_->info; }
    /// Null if there is nothing.
    std::shared_ptr<const BroadcastInfo> info() const noexcept { return held_ != nullptr ? held_->info : nullptr; }

    friend bool operator==(const HeldInfo &, const HeldInfo &) = default;

private:
    struct Held {
        explicit Held(std::shared_ptr<const BroadcastInfo> held) noexcept : info(std::move(held)) {}
        const std::shared_ptr<const BroadcastInfo> info;
        Atomic<std::size_t> holders{1};
    };

    COMOQ_SELDOM void let_go() noexcept {
        if (held_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete held_;
    }

    Held *held_ = nullptr;
};

}  // namespace comoq::detail
