// SPDX-License-Identifier: MIT
#pragma once
#include "../text/utf8.hpp"
#include "../wait/failure.hpp"
#include "../wire/vi64.hpp"
#include "dialect.hpp"
#include "names.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace comoq::ietf {

/// Appends the fields of a message to a buffer. Throws Encode for what the draft cannot say, or forbids.
class FieldWriter {
public:
    FieldWriter(std::vector<std::byte> &to, const Dialect &dialect) noexcept : to_(to), dialect_(dialect) {}

    const Dialect &dialect() const noexcept { return dialect_; }
    [[noreturn]] static void refuse() { comoq::detail::throw_error(make_error_code(Error::Encode)); }
    static void need(bool right) {
        if (!right) refuse();
    }

    void byte(std::uint8_t value) { to_.push_back(std::byte{value}); }
    void number(std::uint64_t value) {
        if (!dialect_.quic_integers) return bytes(comoq::detail::write_vi64(value).span());
        need(value <= comoq::detail::max_varint);
        bytes(comoq::detail::write_varint(value).span());
    }
    /// A number that is counted from another one, which is not above it.
    void difference(std::uint64_t value, std::uint64_t before) {
        need(value >= before);
        number(value - before);
    }
    void bytes(std::span<const std::byte> value) { to_.insert(to_.end(), value.begin(), value.end()); }
    void bytes(std::string_view value) { bytes(std::as_bytes(std::span(value))); }
    /// With its length before it.
    void sized(std::span<const std::byte> value) {
        number(value.size());
        bytes(value);
    }
    void text(std::string_view value, std::size_t most) {
        need(value.size() <= most);
        sized(std::as_bytes(std::span(value)));
    }

    void location(const Location &location) {
        number(location.group);
        number(location.object);
    }
    void reason(std::string_view reason) {
        need(comoq::detail::is_utf8(reason));
        text(reason, longest_reason);
    }
    void space(const Namespace &space) { write_space(space); }
    /// Not a prefix.
    void whole_space(const Namespace &space) { write_whole_space(space); }
    void full_name(const FullName &full) { text(full.name, longest_full_name - write_whole_space(full.space)); }

private:
    std::size_t write_whole_space(const Namespace &space) {
        need(dialect_.empty_namespace || !space.empty());
        return write_space(space);
    }
    std::size_t write_space(const Namespace &space) {
        need(space.size() <= most_fields);
        number(space.size());
        std::size_t size = 0;
        for (const auto &field : space) {
            need(!field.empty());
            text(field, longest_full_name - size);
            size += field.size();
        }
        return size;
    }

    std::vector<std::byte> &to_;
    const Dialect &dialect_;
};

namespace detail {

/// Appends what `write` writes, or nothing if it throws.
template <class Write> void append_whole(std::vector<std::byte> &to, const Dialect &dialect, const Write &write) {
    const std::size_t before = to.size();
    try {
        FieldWriter writer(to, dialect);
        write(writer);
    } catch (...) {
        to.resize(before);
        throw;
    }
}

}  // namespace detail

}  // namespace comoq::ietf
