// SPDX-License-Identifier: MIT
#pragma once
#include "../text/utf8.hpp"
#include "../wire/vi64.hpp"
#include "close_code.hpp"
#include "dialect.hpp"
#include "names.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace comoq::ietf {

/// Reads the fields of a message. After the first missing or wrong one all later ones fail as well, so that a caller needs
/// only one check, at the end. A field that is only cut is told from a wrong one: on a stream the rest may still come.
/// What it hands out was there in the input: a length alone makes it allocate nothing.
class FieldReader {
public:
    FieldReader(std::span<const std::byte> input, const Dialect &dialect) noexcept
        : whole_(input.size()), rest_(input), dialect_(dialect) {}

    const Dialect &dialect() const noexcept { return dialect_; }
    bool ok() const noexcept { return code_ == CloseCode::None && !cut_; }
    /// The input ends within a field, and there is nothing wrong with what came of it.
    bool cut() const noexcept { return cut_; }
    /// Nothing is left.
    bool empty() const noexcept { return rest_.empty(); }
    std::size_t left() const noexcept { return rest_.size(); }
    std::size_t taken() const noexcept { return whole_ - rest_.size(); }
    /// What to close the session with; None if nothing is wrong so far.
    CloseCode code() const noexcept { return code_; }
    /// The first reason stays.
    void fail(CloseCode code = CloseCode::ProtocolViolation) noexcept {
        if (ok()) code_ = code;
        rest_ = {};
    }
    void fail_unless(bool right) noexcept {
        if (!right) fail();
    }

    std::uint8_t byte() noexcept {
        const auto one = bytes(1);
        return one.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(one.front());
    }
    std::uint64_t number() noexcept {
        const auto number = dialect_.quic_integers ? comoq::detail::read_varint(rest_) : comoq::detail::read_vi64(rest_);
        if (!number) return miss(), 0;
        rest_ = rest_.subspan(number->size);
        return number->value;
    }
    /// Added to `before`; wrong beyond 64 bits.
    std::uint64_t sum(std::uint64_t before) noexcept {
        const std::uint64_t delta = number();
        if (delta <= std::numeric_limits<std::uint64_t>::max() - before) return before + delta;
        fail();
        return 0;
    }
    std::span<const std::byte> bytes(std::uint64_t count) noexcept {
        if (count > rest_.size()) return miss(), std::span<const std::byte>();
        const auto taken = rest_.first(static_cast<std::size_t>(count));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    /// With its length before it.
    std::span<const std::byte> sized(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) noexcept {
        const std::uint64_t size = number();
        fail_unless(size <= most);
        return ok() ? bytes(size) : std::span<const std::byte>();
    }
    std::string text(std::uint64_t most) { return std::string(view(sized(most))); }
    std::string rest() { return std::string(view(bytes(rest_.size()))); }
    std::span<const std::byte> rest_bytes() noexcept { return bytes(rest_.size()); }

    Location location() noexcept {
        const std::uint64_t group = number();
        return Location{group, number()};
    }
    /// For people to read: a question mark stands for each byte that is not UTF-8.
    std::string reason() {
        const auto text = view(sized(longest_reason));
        return comoq::detail::repaired_utf8(text);
    }
    Namespace space() {
        std::size_t size = 0;
        return space(size);
    }
    /// Not a prefix.
    Namespace whole_space() {
        std::size_t size = 0;
        return whole_space(size);
    }
    FullName full_name() {
        FullName full;
        std::size_t size = 0;
        full.space = whole_space(size);
        full.name = text(longest_full_name - size);
        return full;
    }

private:
    static std::string_view view(std::span<const std::byte> bytes) noexcept {
        return std::string_view(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    }
    void miss() noexcept {
        if (ok()) cut_ = true;
        rest_ = {};
    }
    Namespace whole_space(std::size_t &size) {
        Namespace whole = space(size);
        if (ok()) fail_unless(dialect_.empty_namespace || !whole.empty());
        return whole;
    }
    Namespace space(std::size_t &size) {
        Namespace space;
        const std::uint64_t count = number();
        fail_unless(count <= most_fields);
        for (std::uint64_t i = 0; i < count && ok(); ++i) {
            std::string field = text(longest_full_name - size);
            if (!ok()) break;
            fail_unless(!field.empty());
            size += field.size();
            space.push_back(std::move(field));
        }
        return space;
    }

    std::size_t whole_;
    std::span<const std::byte> rest_;
    const Dialect &dialect_;
    CloseCode code_ = CloseCode::None;
    bool cut_ = false;
};

}  // namespace comoq::ietf
