// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/raw_room.hpp"
#include "../wait/waiter.hpp"
#include "../../bytes.hpp"

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The work that a change of a connection leaves for after its lock: waking waiters, and releasing payloads that are
/// not needed any more. A payload's deleter is the application's and may do anything, even use the connection. Made
/// before the lock is taken.
class Aftermath {
public:
    /// Payloads that are dropped together. The chain runs through the objects themselves: dropping must not need
    /// memory.
    class Item {
    public:
        Item() = default;
        Item(const Item &) = delete;
        Item &operator=(const Item &) = delete;
        virtual ~Item() = default;

    private:
        friend class Aftermath;
        std::unique_ptr<Item> next_;
    };

    Aftermath() = default;
    Aftermath(const Aftermath &) = delete;
    Aftermath &operator=(const Aftermath &) = delete;
    ~Aftermath() {
        while (count_ != 0) few_.destroy(--count_);
        while (items_ != nullptr) items_ = std::exchange(items_->next_, nullptr);
    }

    /// Null does nothing.
    void drop(std::unique_ptr<Item> item) noexcept {
        if (item == nullptr) return;
        item->next_ = std::move(items_);
        items_ = std::move(item);
    }
    /// Throws std::bad_alloc, and has then left the payload in place. A few need no memory.
    void drop(Bytes &&payload) {
        if (payload.empty()) return;
        if (count_ == few_.size())
            more_.push_back(std::move(payload));
        else
            few_.make(count_++, std::move(payload));
    }

    // First, so that it is destroyed last: a coroutine without an executor resumes after everything else.
    WakeList wake;

private:
    std::unique_ptr<Item> items_;
    // As many as the acknowledgement of some packets releases.
    std::size_t count_ = 0;
    RawRoom<Bytes, 16> few_;
    std::vector<Bytes> more_;
};

}  // namespace comoq::detail
