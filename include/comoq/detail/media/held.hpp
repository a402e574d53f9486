// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../wait/sync.hpp"

#include <atomic>
#include <cstddef>
#include <utility>

namespace comoq::detail {

/// A share in a constant, or nothing, as nearly always. It is one word, and costs a comparison when it ends.
template <class T> class Held {
public:
    Held() noexcept = default;
    /// Throws std::bad_alloc.
    template <class... Args> explicit Held(std::in_place_t, Args &&...args) : item_(new Item(std::forward<Args>(args)...)) {}
    Held(const Held &other) noexcept : item_(other.item_) {
        if (item_ != nullptr) item_->holders.fetch_add(1, std::memory_order_relaxed);
    }
    Held(Held &&other) noexcept : item_(std::exchange(other.item_, nullptr)) {}
    Held &operator=(Held other) noexcept {
        std::swap(item_, other.item_);
        return *this;
    }
    ~Held() {
        if (item_ != nullptr) let_go();
    }

    explicit operator bool() const noexcept { return item_ != nullptr; }
    const T &operator*() const noexcept { return item_->held; }
    const T *operator->() const noexcept { return &item_->held; }

    /// Whether they share one.
    friend bool operator==(const Held &, const Held &) = default;

    /// What one of them takes on the heap.
    static constexpr std::size_t size() noexcept { return sizeof(Item); }

private:
    struct Item {
        template <class... Args> explicit Item(Args &&...args) : held(std::forward<Args>(args)...) {}
        const T held;
        Atomic<std::size_t> holders{1};
    };

    COMOQ_SELDOM void let_go() noexcept {
        if (item_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete item_;
    }

    Item *item_ = nullptr;
};

}  // namespace comoq::detail
