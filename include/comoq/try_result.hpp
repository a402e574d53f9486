// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/wait/outcome.hpp"
#include "detail/wait/passkey.hpp"
#include "detail/wait/resumption.hpp"
#include "error.hpp"

#include <new>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

namespace comoq {

/// What a step of a stream gives that is tried instead of awaited: an item, the end of the stream, or nothing yet.
///
/// Every step of a stream has such a form: `try_read_frame()` beside `read_frame()`, and so on. It neither waits nor throws,
/// needs no coroutine, and takes what an awaited step would be given at this moment:
/// \code
/// while (auto frame = subscriber.try_read_frame()) use(*frame);
/// \endcode
/// Threads: as the step itself.
template <class T> class [[nodiscard]] TryResult {
public:
    /// Nothing yet.
    TryResult() = default;
    TryResult(detail::Passkey, T &&item) : item_(std::move(item)) {}
    /// The end.
    TryResult(detail::Passkey, std::error_code code) noexcept : is_end_(true), code_(code) {}

    /// True if there is an item.
    explicit operator bool() const noexcept { return item_.has_value(); }
    /// True if there is an item.
    bool has_item() const noexcept { return item_.has_value(); }
    /// The item. There must be one.
    T &operator*() & noexcept { return *item_; }
    const T &operator*() const & noexcept { return *item_; }
    T &&operator*() && noexcept { return *std::move(item_); }
    /// A member of the item. There must be one.
    T *operator->() noexcept { return &*item_; }
    const T *operator->() const noexcept { return &*item_; }

    /// True if the stream has ended, well or with a failure. No item will come (except after
    /// `std::errc::not_enough_memory`: nothing was taken then, and the step may be tried again).
    bool is_end() const noexcept { return is_end_; }
    /// The failure that an awaited step would throw. A false code if there is an item, nothing yet, or an end without a failure.
    std::error_code code() const noexcept { return code_; }

    /// True if there is neither an item nor the end: the step may be tried later, or awaited.
    bool is_nothing_yet() const noexcept { return !item_ && !is_end_; }

private:
    std::optional<T> item_;
    bool is_end_ = false;
    std::error_code code_;
};

namespace detail {

template <class T> TryResult<T> try_result(Outcome<std::optional<T>> &&outcome) {
    if (outcome.ec || !outcome.value) return TryResult<T>(Passkey(), outcome.ec);
    return TryResult<T>(Passkey(), *std::move(outcome.value));
}

/// Takes the next item of a step's source, whose outcome is an optional of a T.
template <class T, class Source> TryResult<T> try_take(Source source) noexcept {
    ResumeScope scope;
    try {
        auto taken = source.take(nullptr);
        if (!taken) return TryResult<T>();
        return try_result<T>(source.finish(*std::move(taken)));
    } catch (const std::bad_alloc &) {
        return TryResult<T>(Passkey(), std::make_error_code(std::errc::not_enough_memory));
    }
}

/// What an empty handle gives.
template <class T> TryResult<T> try_closed() noexcept { return TryResult<T>(Passkey(), make_error_code(Error::Closed)); }

}  // namespace detail

}  // namespace comoq
