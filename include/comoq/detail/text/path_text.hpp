// SPDX-License-Identifier: MIT
/// \file
/// The text of paths: normalising it without the heap, and comparing it by whole parts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

#include <comoq/detail/text/plain_path.hpp>
#include <comoq/detail/text/utf8.hpp>

namespace comoq::detail {

inline constexpr std::size_t max_path_parts = 32;
inline constexpr std::size_t max_path_bytes = 4096;

// All `path`, `prefix` and `root` below are normalised text. Only `text` is raw.

constexpr std::size_t part_count(std::string_view path) noexcept {
    return path.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

constexpr bool has_prefix(std::string_view path, std::string_view prefix) noexcept {
    return prefix.empty() || (path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/'));
}

/// The rest of `path` below `prefix`; nothing if it is not below it.
constexpr std::optional<std::string_view> strip_prefix(std::string_view path, std::string_view prefix) noexcept {
    if (!has_prefix(path, prefix)) {
        return std::nullopt;
    }
    if (prefix.empty() || path.size() == prefix.size()) {
        return path.substr(prefix.size());
    }
    return path.substr(prefix.size() + 1);
}

/// True if a part of it begins with a dot: a name that is not for everybody to see.
constexpr bool is_hidden(std::string_view path) noexcept {
    return path.starts_with('.') || path.find("/.") != std::string_view::npos;
}

/// `path` without its last part. The root is its own parent.
constexpr std::string_view parent(std::string_view path) noexcept {
    const auto slash = path.rfind('/');
    return path.substr(0, slash == std::string_view::npos ? 0 : slash);
}

/// Splits the next part off `rest`, skipping slashes before it. Empty when there is none.
constexpr std::string_view take_part(std::string_view &rest) noexcept {
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(part.size());
    return part;
}

/// The normalised absolute path of a user's text, below a root.
///
/// Nothing is allocated. `view()` points into the text or the root if one of them is already the answer, otherwise into
/// this object: it is valid while all three are. The object is a little over 4 KiB and meant for the stack of a plain
/// function, not for the frame of a coroutine.
class AbsolutePath {
public:
    // A user-provided constructor leaves the buffer uninitialised, however the object is made.
    AbsolutePath(std::string_view root, std::string_view text) noexcept {
        while (text.starts_with('/')) {
            text.remove_prefix(1);
        }
        while (text.ends_with('/')) {
            text.remove_suffix(1);
        }
        if (text.empty()) {
            view_ = root;
        } else if (const auto parts = parts_of_plain_path(text); parts == 0) {
            normalise(root, text);
        } else if (part_count(root) + parts > max_path_parts) {
            valid_ = false;
        } else if (root.empty()) {
            view_ = text;
            valid_ = text.size() <= max_path_bytes;
        } else {
            valid_ = append(root) && append(text);
        }
    }

    AbsolutePath(const AbsolutePath &) = delete;
    AbsolutePath &operator=(const AbsolutePath &) = delete;

    /// False for an invalid path: `Error::InvalidPath`. `view()` is then empty.
    bool valid() const noexcept { return valid_; }
    std::string_view view() const noexcept { return valid_ ? view_ : std::string_view(); }

private:
    void normalise(std::string_view root, std::string_view text) noexcept {
        auto parts = part_count(root);
        valid_ = root.empty() || append(root);
        for (auto part = take_part(text); valid_ && !part.empty(); part = take_part(text)) {
            valid_ = ++parts <= max_path_parts && is_printable_utf8(part) && append(part);
        }
    }

    bool append(std::string_view piece) noexcept {
        const std::size_t slash = view_.empty() ? 0 : 1;
        if (view_.size() + slash + piece.size() > max_path_bytes) {
            return false;
        }
        if (slash != 0) {
            buffer_[view_.size()] = '/';
        }
        std::memcpy(buffer_ + view_.size() + slash, piece.data(), piece.size());
        view_ = {buffer_, view_.size() + slash + piece.size()};
        return true;
    }

    std::string_view view_;
    bool valid_ = true;
    char buffer_[max_path_bytes];
};

}  // namespace comoq::detail
