// SPDX-License-Identifier: MIT
#pragma once
#include "failure.hpp"
#include "outcome.hpp"
#include "waiter.hpp"
#include "../../config.hpp"
#include "../../error.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace comoq::detail {

/// Asked under the state's lock, right before an item is taken: false leaves the item where it is.
class Permit {
public:
    virtual bool grant() noexcept = 0;

protected:
    ~Permit() = default;
};

/// The object that an operation waits on, without the way of waiting: `ready()` tells whether there is something to
/// take. `take(permit)` takes it, if the permit allows it (null does), in the form in which the state holds it, an
/// outcome of a `taken_type`; `finish()` makes the outcome of a T of that, without a lock. `wait(w)` adds a waiter
/// unless it is ready now (then it returns false); `withdraw(w)` takes the waiter back (false: it was claimed).
/// Destroying a source withdraws its request. A source that knows what it waits for has `subject()`, too, a
/// std::string: the exception names it.
template <class S, class T>
concept SourceOf = requires(S s, const S c, Waiter &w, Permit *permit, Outcome<typename S::taken_type> taken) {
    { c.ready() } noexcept -> std::same_as<bool>;
    { s.take(permit) } -> std::same_as<std::optional<Outcome<typename S::taken_type>>>;
    { s.finish(std::move(taken)) } -> std::same_as<Outcome<T>>;
    { s.wait(w) } noexcept -> std::same_as<bool>;
    { s.withdraw(w) } noexcept -> std::same_as<bool>;
    // Last: asked of a type that is itself made from a source, it would lead back here.
} && std::is_nothrow_move_constructible_v<S>;

/// Says that a source comes as a function that makes it, to be called for its place: so it is not moved there.
struct MadeInPlace {};

/// Any source of a T, held in place: an operation costs no allocation for it.
template <class T> class AnySource {
    // Room for the largest source, two shared pointers and a few words, and for the largest outcome, a frame's.
    // Assertions below check both.
    static constexpr std::size_t capacity = 64;
    static constexpr std::size_t taken_capacity = 96;
    struct Table;

public:
    AnySource() noexcept = default;

    template <class S>
        requires(!std::same_as<S, AnySource>) && SourceOf<S, T>
    AnySource(S source) noexcept {
        emplace(std::move(source));
    }

    AnySource(AnySource &&other) noexcept { emplace(std::move(other)); }
    AnySource &operator=(AnySource &&) = delete;
    ~AnySource() {
        if (table_ != nullptr) table_->destroy(storage_);
    }

    /// Fills an empty one.
    template <class S>
        requires(!std::same_as<S, AnySource>) && SourceOf<S, T>
    void emplace(S &&source) noexcept {
        static_assert(sizeof(S) <= capacity && alignof(S) <= alignof(std::max_align_t));
        ::new (static_cast<void *>(storage_)) S(std::move(source));
        table_ = &table_of<S>;
    }
    template <class Make> void emplace(MadeInPlace, Make &make) noexcept {
        using Source = std::invoke_result_t<Make &>;
        static_assert(SourceOf<Source, T> && sizeof(Source) <= capacity && alignof(Source) <= alignof(std::max_align_t));
        ::new (static_cast<void *>(storage_)) Source(make());
        table_ = &table_of<Source>;
    }
    void emplace(AnySource &&other) noexcept {
        if (other.table_ != nullptr) other.table_->relocate(other.storage_, storage_);
        table_ = std::exchange(other.table_, nullptr);
    }

    bool ready() const noexcept { return table_ == nullptr || table_->ready(storage_); }

    /// Takes and finishes at once. An empty source is Cancelled. Running out of memory while the outcome is made is an
    /// outcome, too: the waiter must be told something.
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

    /// Throws the code as a std::system_error, whose `what()` begins with the subject of the source, if that has one.
    [[noreturn]] COMOQ_SELDOM void fail(std::error_code code) const {
        std::optional<std::system_error> named;
        try {
            if (table_ != nullptr && table_->subject != nullptr) named.emplace(code, "comoq: " + table_->subject(storage_));
        } catch (const std::bad_alloc &) {
            // The code matters more.
        }
        if (named) throw std::system_error(*named);
        throw std::system_error(code);
    }

    /// A value that was taken and is not finished yet. It must not outlive the source.
    class Taken {
    public:
        Taken() = default;
        Taken(const Taken &) = delete;
        Taken &operator=(const Taken &) = delete;
        ~Taken() {
            if (table_ != nullptr) table_->discard(storage_);
        }

        /// Takes the value into this object. False if there is none, or the permit does not allow it.
        bool fill(AnySource &source, Permit &permit) noexcept {
            try {
                if (!source.table_->take(source.storage_, &permit, storage_)) return false;
                table_ = source.table_;
            } catch (const std::bad_alloc &) {
                failed_ = permit.grant();
                return failed_;
            }
            return true;
        }

        Outcome<T> finish(AnySource &source) noexcept {
            if (!failed_) {
                try {
                    return table_->finish(source.storage_, storage_);
                } catch (const std::bad_alloc &) {
                }
            }
            return Outcome<T>(std::make_error_code(std::errc::not_enough_memory));
        }

    private:
        const Table *table_ = nullptr;
        bool failed_ = false;
        alignas(std::max_align_t) std::byte storage_[taken_capacity];
    };

private:
    struct Table {
        bool (*ready)(const void *) noexcept;
        std::optional<Outcome<T>> (*poll)(void *);
        bool (*take)(void *, Permit *, void *taken);
        Outcome<T> (*finish)(void *, void *taken);
        void (*discard)(void *taken) noexcept;
        bool (*wait)(void *, Waiter &) noexcept;
        bool (*withdraw)(void *, Waiter &) noexcept;
        void (*relocate)(void *, void *) noexcept;
        void (*destroy)(void *) noexcept;
        std::string (*subject)(const void *);
    };
    template <class S> static constexpr auto subject_of() noexcept -> std::string (*)(const void *) {
        if constexpr (requires(const S &source) { source.subject(); })
            return [](const void *p) -> std::string { return std::launder(static_cast<const S *>(p))->subject(); };
        else
            return nullptr;
    }

    template <class S> static S &as(void *p) noexcept { return *std::launder(static_cast<S *>(p)); }
    template <class S> using TakenBy = Outcome<typename S::taken_type>;

    template <class S>
    static constexpr Table table_of = {
        [](const void *p) noexcept { return std::launder(static_cast<const S *>(p))->ready(); },
        [](void *p) -> std::optional<Outcome<T>> {
            if constexpr (requires { as<S>(p).give(); }) return as<S>(p).give();
            auto taken = as<S>(p).take(nullptr);
            if (!taken) return std::nullopt;
            return as<S>(p).finish(std::move(*taken));
        },
        [](void *p, Permit *permit, void *into) {
            static_assert(sizeof(TakenBy<S>) <= taken_capacity && alignof(TakenBy<S>) <= alignof(std::max_align_t));
            auto taken = as<S>(p).take(permit);
            if (taken) ::new (into) TakenBy<S>(std::move(*taken));
            return taken.has_value();
        },
        [](void *p, void *taken) { return as<S>(p).finish(std::move(as<TakenBy<S>>(taken))); },
        [](void *taken) noexcept { std::destroy_at(&as<TakenBy<S>>(taken)); },
        [](void *p, Waiter &w) noexcept { return as<S>(p).wait(w); },
        [](void *p, Waiter &w) noexcept { return as<S>(p).withdraw(w); },
        [](void *from, void *to) noexcept {
            ::new (to) S(std::move(as<S>(from)));
            as<S>(from).~S();
        },
        [](void *p) noexcept { as<S>(p).~S(); },
        subject_of<S>(),
    };

    const Table *table_ = nullptr;
    alignas(std::max_align_t) std::byte storage_[capacity];
};

/// A source that has its outcome from the start.
template <class T> class ReadySource {
public:
    using taken_type = T;
    explicit ReadySource(Outcome<T> outcome) noexcept : outcome_(std::move(outcome)) {}
    bool ready() const noexcept { return true; }
    std::optional<Outcome<T>> take(Permit *permit) {
        if (permit != nullptr && !permit->grant()) return std::nullopt;
        return std::move(outcome_);
    }
    Outcome<T> finish(Outcome<T> &&taken) { return std::move(taken); }
    /// `take` and `finish` in one, which needs no permit.
    Outcome<T> give() noexcept { return std::move(outcome_); }
    bool wait(Waiter &) noexcept { return false; }
    bool withdraw(Waiter &) noexcept { return false; }

private:
    Outcome<T> outcome_;
};

/// A source that fails, whatever its T.
template <class T> class FailedSource {
public:
    using taken_type = T;
    explicit FailedSource(std::error_code code) noexcept : code_(code) {}
    bool ready() const noexcept { return true; }
    std::optional<Outcome<T>> take(Permit *permit) {
        if (permit != nullptr && !permit->grant()) return std::nullopt;
        return Outcome<T>(code_);
    }
    Outcome<T> finish(Outcome<T> &&taken) { return std::move(taken); }
    bool wait(Waiter &) noexcept { return false; }
    bool withdraw(Waiter &) noexcept { return false; }

private:
    std::error_code code_;
};
/// The same for a subject, in the form that `About` has.
template <class T> class RefusedSource : public FailedSource<T> {
public:
    RefusedSource(std::error_code code, const char *kind, std::shared_ptr<const std::string> name,
                  std::uint64_t sequence = About::no_sequence) noexcept
        : FailedSource<T>(code), kind_(kind), name_(std::move(name)), sequence_(sequence) {}
    std::string subject() const {
        return About{kind_, name_ != nullptr ? std::string_view(*name_) : std::string_view(""), sequence_}.text();
    }

private:
    const char *kind_;
    std::shared_ptr<const std::string> name_;
    std::uint64_t sequence_;
};

}  // namespace comoq::detail
