#pragma once
#include "outcome.hpp"
#include "waiter.hpp"
#include "../error.hpp"

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace comoq::detail {

/// What an operation waits on, told apart from how it waits:
/// `ready()` says whether `poll()` would yield, `poll()` takes the outcome if there is one, `wait(w)` adds a waiter
/// unless it is ready now (then it answers false), `withdraw(w)` takes the waiter back (false: it was claimed).
/// Destroying a source withdraws the request it stands for.
template <class S, class T>
concept SourceOf = requires(S s, const S c, Waiter &w) {
    { c.ready() } noexcept -> std::same_as<bool>;
    { s.poll() } -> std::same_as<std::optional<Outcome<T>>>;
    { s.wait(w) } noexcept -> std::same_as<bool>;
    { s.withdraw(w) } noexcept -> std::same_as<bool>;
    // Last: asked of a type that is itself made from a source, it would lead back here.
} && std::is_nothrow_move_constructible_v<S>;

/// Any source of a T, held in place: an operation costs no allocation for it.
template <class T> class AnySource {
public:
    AnySource() noexcept = default;

    template <class S>
        requires(!std::same_as<S, AnySource>) && SourceOf<S, T>
    AnySource(S source) noexcept : table_(&table_of<S>) {
        static_assert(sizeof(S) <= capacity && alignof(S) <= alignof(std::max_align_t));
        ::new (static_cast<void *>(storage_)) S(std::move(source));
    }

    AnySource(AnySource &&other) noexcept : table_(std::exchange(other.table_, nullptr)) {
        if (table_ != nullptr) table_->relocate(other.storage_, storage_);
    }
    AnySource &operator=(AnySource &&) = delete;
    ~AnySource() {
        if (table_ != nullptr) table_->destroy(storage_);
    }

    bool ready() const noexcept { return table_ == nullptr || table_->ready(storage_); }

    /// Running out of memory while the outcome is made is an outcome, too: whoever waits must be told something.
    std::optional<Outcome<T>> poll() noexcept {
        if (table_ == nullptr) return Outcome<T>(make_error_code(Error::Cancelled));
        try {
            return table_->poll(storage_);
        } catch (const std::bad_alloc &) {
            return Outcome<T>(std::make_error_code(std::errc::not_enough_memory));
        }
    }
    bool wait(Waiter &waiter) noexcept { return table_ != nullptr && table_->wait(storage_, waiter); }
    bool withdraw(Waiter &waiter) noexcept { return table_ != nullptr && table_->withdraw(storage_, waiter); }

private:
    struct Table {
        bool (*ready)(const void *) noexcept;
        std::optional<Outcome<T>> (*poll)(void *);
        bool (*wait)(void *, Waiter &) noexcept;
        bool (*withdraw)(void *, Waiter &) noexcept;
        void (*relocate)(void *, void *) noexcept;
        void (*destroy)(void *) noexcept;
    };

    template <class S> static S &as(void *p) noexcept { return *std::launder(static_cast<S *>(p)); }

    template <class S>
    static constexpr Table table_of = {
        [](const void *p) noexcept { return std::launder(static_cast<const S *>(p))->ready(); },
        [](void *p) { return as<S>(p).poll(); },
        [](void *p, Waiter &w) noexcept { return as<S>(p).wait(w); },
        [](void *p, Waiter &w) noexcept { return as<S>(p).withdraw(w); },
        [](void *from, void *to) noexcept {
            ::new (to) S(std::move(as<S>(from)));
            as<S>(from).~S();
        },
        [](void *p) noexcept { as<S>(p).~S(); },
    };

    // Room for two shared pointers and a little: the largest source. The assertion above watches over it.
    static constexpr std::size_t capacity = 48;

    const Table *table_ = nullptr;
    alignas(std::max_align_t) std::byte storage_[capacity];
};

/// A source that has its outcome from the start.
template <class T> class ReadySource {
public:
    explicit ReadySource(Outcome<T> outcome) noexcept : outcome_(std::move(outcome)) {}
    bool ready() const noexcept { return true; }
    std::optional<Outcome<T>> poll() { return std::move(outcome_); }
    bool wait(Waiter &) noexcept { return false; }
    bool withdraw(Waiter &) noexcept { return false; }

private:
    Outcome<T> outcome_;
};

}  // namespace comoq::detail
