// SPDX-License-Identifier: MIT
/// \file
/// The names of broadcasts.
#pragma once

#include "config.hpp"
#include "detail/text/printed.hpp"

#include <compare>
#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <comoq/detail/wait/failure.hpp>
#include <comoq/detail/text/path_text.hpp>

namespace comoq {

namespace detail {

struct PathAccess;

[[noreturn]] inline void throw_invalid_path(std::string_view text) {
    throw std::system_error(make_error_code(Error::InvalidPath), "path " + quoted(text));
}

}  // namespace detail

/// A path such as `room/42/alice`: parts joined by single slashes, with none at either end.
///
/// The text that a path is made from is normalised: slashes at the ends go, runs of them collapse. The result has at
/// most `max_parts` parts and `max_bytes` bytes, slashes included, and is valid UTF-8 without control characters (C0,
/// DEL, C1); anything else is refused with `Error::InvalidPath`. Nothing else is interpreted: `..` is a part like any
/// other, and letters are not folded. The empty path is the root, and a prefix of every path.
///
/// A path is a value like `std::string`: its views and iterators are valid until it is changed or destroyed.
class Path {
public:
    /// The most parts.
    static constexpr std::size_t max_parts = detail::max_path_parts;
    /// The most bytes, slashes included.
    static constexpr std::size_t max_bytes = detail::max_path_bytes;

    /// The root.
    Path() noexcept = default;

    /// Throws `std::system_error` with `Error::InvalidPath`.
    Path(std::string_view text) : Path(detail::AbsolutePath({}, text), text) {}
    Path(const char *text) : Path(std::string_view(text)) {}
    Path(const std::string &text) : Path(std::string_view(text)) {}
    /// The same without exceptions: `ec` gets the code, a false one after success, and the path is the root after a failure.
    Path(std::string_view text, std::error_code &ec) noexcept
        : Path(detail::with_code(ec, [&] { return Path(text); })) {}

    /// `other` below this path. Throws `std::system_error` with `Error::InvalidPath` if the result is too long or too
    /// deep.
    Path join(const Path &other) const { return Path(detail::AbsolutePath(text_, other.text_), other.text_); }

    /// Whether this path is `prefix` or below it, by whole parts: `foo/bar` has the prefix `foo`, and `foobar` does
    /// not.
    bool has_prefix(const Path &prefix) const noexcept { return detail::has_prefix(text_, prefix.text_); }

    /// The rest of this path below `prefix` (the root, if they are equal), nothing if it does not have that prefix.
    std::optional<Path> strip_prefix(const Path &prefix) const {
        const auto rest = detail::strip_prefix(text_, prefix.text_);
        return rest ? std::optional<Path>(Path(Normalised(), std::string(*rest))) : std::nullopt;
    }

    /// Iterates over the parts, first to last.
    class iterator {
    public:
        // As the standard asks of an iterator.
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;
        using reference = std::string_view;
        using pointer = void;
        using iterator_category = std::input_iterator_tag;  // it yields values, which older code takes for single-pass
        using iterator_concept = std::forward_iterator_tag;

        /// Equal to no iterator of a path.
        iterator() noexcept = default;

        /// The part, without slashes. Points into the path.
        std::string_view operator*() const { return rest_.substr(0, rest_.find('/')); }

        /// Goes on to the next part.
        iterator &operator++() {
            const auto slash = rest_.find('/');
            rest_.remove_prefix(slash == std::string_view::npos ? rest_.size() : slash + 1);
            return *this;
        }

        /// The same; gives the iterator as it was.
        iterator operator++(int) {
            auto before = *this;
            ++*this;
            return before;
        }

        friend bool operator==(const iterator &left, const iterator &right) {
            return left.rest_.data() == right.rest_.data();
        }

    private:
        friend class Path;
        explicit iterator(std::string_view rest) noexcept : rest_(rest) {}

        std::string_view rest_;  // from the current part to the end of the path
    };

    /// The first part. The root has none.
    iterator begin() const COMOQ_LIFETIMEBOUND { return iterator(text_); }
    /// Behind the last part.
    iterator end() const COMOQ_LIFETIMEBOUND { return iterator(view().substr(text_.size())); }

    /// True for the root.
    bool empty() const noexcept { return text_.empty(); }

    /// The normalised text.
    std::string_view view() const noexcept COMOQ_LIFETIMEBOUND { return text_; }

    friend bool operator==(const Path &left, const Path &right) noexcept { return left.text_ == right.text_; }

    /// By the bytes of `view()`. Two paths with a common prefix are therefore not always next to each other:
    /// `a` < `a-b` < `a/b`.
    friend std::strong_ordering operator<=>(const Path &left, const Path &right) noexcept {
        return left.text_ <=> right.text_;
    }

private:
    friend struct detail::PathAccess;
    struct Normalised {};

    Path(Normalised, std::string text) noexcept : text_(std::move(text)) {}

    /// `text` is the text that the path was made from.
    explicit Path(const detail::AbsolutePath &path, std::string_view text) : text_(path.view()) {
        if (!path.valid()) {
            detail::throw_invalid_path(text);
        }
    }

    std::string text_;
};

/// The text. It is what fmt and streams print.
inline std::string to_string(const Path &path) { return std::string(path.view()); }

namespace detail {

/// Makes a path from text that is known to be normalised, without checking it again.
struct PathAccess {
    static Path make(std::string_view normalised) { return Path(Path::Normalised(), std::string(normalised)); }
};

/// Hash and equality that also take text, to search a table with paths as keys without making a `Path`. The text must
/// be normalised.
struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const noexcept { return std::hash<std::string_view>()(path); }
    std::size_t operator()(const Path &path) const noexcept { return (*this)(path.view()); }
};

struct PathEqual {
    using is_transparent = void;
    bool operator()(const Path &left, const Path &right) const noexcept { return left == right; }
    bool operator()(std::string_view left, const Path &right) const noexcept { return left == right.view(); }
    bool operator()(const Path &left, std::string_view right) const noexcept { return left.view() == right; }
};

}  // namespace detail

}  // namespace comoq

/// The hash of the text, that is, of `view()`.
template <> struct std::hash<comoq::Path> {
    std::size_t operator()(const comoq::Path &path) const noexcept { return comoq::detail::PathHash()(path); }
};

COMOQ_PRINTED(comoq::Path);
