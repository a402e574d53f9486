// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::detail {

/// A few pointers in an order, nearly always one, which is kept here: it takes no memory of its own, and is found in a
/// step. None of them is null.
template <class Pointer> class OneOrMore {
public:
    OneOrMore() = default;
    OneOrMore(OneOrMore &&other) noexcept : one_(std::move(other.one_)), more_(std::move(other.more_)) {}
    OneOrMore &operator=(OneOrMore &&other) noexcept {
        one_ = std::move(other.one_);
        more_ = std::move(other.more_);
        return *this;
    }

    bool empty() const noexcept { return size() == 0; }
    std::size_t size() const noexcept { return more_ != nullptr ? more_->size() : one_ != nullptr ? 1 : 0; }
    Pointer *begin() noexcept { return more_ != nullptr ? more_->data() : &one_; }
    Pointer *end() noexcept { return begin() + size(); }
    const Pointer *begin() const noexcept { return more_ != nullptr ? more_->data() : &one_; }
    const Pointer *end() const noexcept { return begin() + size(); }
    const Pointer &operator[](std::size_t index) const noexcept { return begin()[index]; }
    const Pointer &front() const noexcept { return *begin(); }

    /// Before `place`; returns its own place. If memory runs out nothing has changed, and the pointer stays with the caller.
    Pointer *insert(const Pointer *place, Pointer &&added) {
        const auto at = place - begin();
        if (empty()) {
            one_ = std::move(added);
            return &one_;
        }
        if (more_ == nullptr) {
            auto more = std::make_unique<std::vector<Pointer>>();
            more->reserve(2);
            more->push_back(std::move(one_));
            more_ = std::move(more);
        }
        return &*more_->insert(more_->begin() + at, std::move(added));
    }
    void erase(const Pointer *place) noexcept {
        if (more_ == nullptr) {
            one_ = nullptr;
            return;
        }
        more_->erase(more_->begin() + (place - begin()));
        if (more_->size() > 1) return;
        if (!more_->empty()) one_ = std::move(more_->front());
        more_ = nullptr;
    }

private:
    Pointer one_ = nullptr;  // not used once there are more
    std::unique_ptr<std::vector<Pointer>> more_;
};

}  // namespace comoq::detail
