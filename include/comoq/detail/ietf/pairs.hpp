// SPDX-License-Identifier: MIT
#pragma once
#include "field_reader.hpp"
#include "field_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace comoq::ietf {

/// One of `Pairs`: an even type has a number, an odd one has bytes.
struct Pair {
    std::uint64_t type = 0;
    std::uint64_t number = 0;
    std::span<const std::byte> bytes{};

    bool has_bytes() const noexcept { return type % 2 != 0; }
};

/// The longest value of bytes.
inline constexpr std::size_t longest_pair = 65'535;

namespace detail {

/// The next pair of a block that is read to its end. Wrong pairs are told apart: a sum beyond 64 bits and a value that is
/// too long violate the protocol, a pair that is not there as a whole is a matter of its form.
inline Pair read_pair(FieldReader &from, std::uint64_t before) noexcept {
    Pair pair;
    pair.type = from.sum(before);
    if (!from.ok()) return pair;
    if (pair.has_bytes())
        pair.bytes = from.sized(longest_pair);
    else
        pair.number = from.number();
    return pair;
}
inline void write_pair(FieldWriter &to, const Pair &pair, std::uint64_t before) {
    FieldWriter::need(pair.bytes.size() <= longest_pair);
    to.difference(pair.type, before);
    if (!pair.has_bytes()) return to.number(pair.number);
    to.sized(pair.bytes);
}

/// The form in which pairs are kept: that of the newer drafts.
inline constexpr const Dialect &kept_dialect = dialect_of(Draft::Draft18);

}  // namespace detail

/// Pairs of types and values in the order of their types: the options of a session, the properties of a track or of an
/// object. Those that nobody here knows are kept and passed on as they are. They stay in one buffer, in the form in which
/// newer drafts write them: a peer that sends a thousand small ones has a few kilobytes of this side and no more.
class Pairs {
public:
    class Iterator {
    public:
        using value_type = Pair;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(std::span<const std::byte> rest) noexcept : rest_(rest) { read(); }
        const Pair &operator*() const noexcept { return pair_; }
        const Pair *operator->() const noexcept { return &pair_; }
        Iterator &operator++() noexcept {
            rest_ = rest_.subspan(size_);
            read();
            return *this;
        }
        Iterator operator++(int) noexcept {
            auto before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Iterator &a, const Iterator &b) noexcept { return a.rest_.size() == b.rest_.size(); }

    private:
        void read() noexcept {
            if (rest_.empty()) return;
            FieldReader reader(rest_, detail::kept_dialect);
            pair_ = detail::read_pair(reader, pair_.type);
            size_ = reader.taken();
        }

        std::span<const std::byte> rest_;
        Pair pair_;
        std::size_t size_ = 0;
    };

    Iterator begin() const noexcept { return Iterator(kept_); }
    Iterator end() const noexcept { return Iterator(); }
    bool empty() const noexcept { return kept_.empty(); }
    /// As they are kept.
    std::span<const std::byte> bytes() const noexcept { return kept_; }
    std::optional<Pair> find(std::uint64_t type) const noexcept {
        for (const Pair &pair : *this)
            if (pair.type == type) return pair;
        return std::nullopt;
    }
    /// The type must not be below the one before. Throws Encode if it is, or if the value is too long.
    void add(const Pair &pair) {
        FieldWriter to(kept_, detail::kept_dialect);
        detail::write_pair(to, pair, last_);
        last_ = pair.type;
    }
    void add(std::uint64_t type, std::uint64_t number) { add(Pair{type, number, {}}); }
    void add(std::uint64_t type, std::span<const std::byte> bytes) { add(Pair{type, 0, bytes}); }

    /// From the whole of a block.
    static Pairs read(std::span<const std::byte> block, FieldReader &from) {
        Pairs pairs;
        FieldReader reader(block, from.dialect());
        while (reader.ok() && !reader.empty()) {
            const Pair pair = detail::read_pair(reader, pairs.last_);
            if (!reader.ok()) break;
            if (from.dialect().quic_integers) pairs.add(pair);
            pairs.last_ = pair.type;
        }
        if (!reader.ok()) return from.fail(reader.cut() ? CloseCode::KeyValueFormatting : reader.code()), Pairs();
        // The bytes as they came: integers may be longer than they need to be.
        if (!from.dialect().quic_integers) pairs.kept_.assign(block.begin(), block.end());
        return pairs;
    }
    /// To the end of the message.
    static Pairs read_rest(FieldReader &from) { return read(from.rest_bytes(), from); }
    void write(FieldWriter &to) const {
        if (!to.dialect().quic_integers) return to.bytes(kept_);
        std::uint64_t before = 0;
        for (const Pair &pair : *this) {
            detail::write_pair(to, pair, before);
            before = pair.type;
        }
    }
    /// With their length in bytes before them. Throws Encode if that is above `most`.
    void write_sized(FieldWriter &to, std::size_t most) const {
        std::vector<std::byte> block;
        FieldWriter inner(block, to.dialect());
        if (to.dialect().quic_integers) write(inner);
        const auto bytes = to.dialect().quic_integers ? std::span<const std::byte>(block) : std::span<const std::byte>(kept_);
        FieldWriter::need(bytes.size() <= most);
        to.sized(bytes);
    }

    friend bool operator==(const Pairs &a, const Pairs &b) noexcept { return a.kept_ == b.kept_; }

private:
    std::vector<std::byte> kept_;
    std::uint64_t last_ = 0;
};

}  // namespace comoq::ietf
