// SPDX-License-Identifier: MIT
#pragma once
#include "keyed_hash.hpp"
#include "../../config.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace comoq::detail {

/// A product of two words, which takes two.
struct WideProduct {
    std::uint64_t low = 0, high = 0;
};
constexpr WideProduct product_in_parts(std::uint64_t a, std::uint64_t b) noexcept {
    constexpr std::uint64_t half = 0xffffffff;
    const std::uint64_t low = (a & half) * (b & half);
    const std::uint64_t inner = (a >> 32) * (b & half) + (low >> 32);
    const std::uint64_t outer = (a & half) * (b >> 32) + (inner & half);
    return {outer << 32 | (low & half), (a >> 32) * (b >> 32) + (inner >> 32) + (outer >> 32)};
}
constexpr WideProduct wide_product(std::uint64_t a, std::uint64_t b) noexcept {
#if defined(__SIZEOF_INT128__)
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return {static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64)};
#else
    return product_in_parts(a, b);
#endif
}

constexpr WideProduct sum_of(const WideProduct &one, const WideProduct &other) noexcept {
    const std::uint64_t low = one.low + other.low;
    return {low, one.high + other.high + (low < one.low ? 1 : 0)};
}

/// The secret of a table hash.
struct TableHashKey {
    /// Of a secret of its own: `keyed_hash` of a chosen key must not be a part of it.
    explicit constexpr TableHashKey(const HashKey &secret) noexcept
        : TableHashKey(secret, HashKey{~secret.first, ~secret.second}) {}
    std::uint64_t point, square, mask, multiplier;

    /// The square modulo 2^61-1 of a number of 60 bits.
    static constexpr std::uint64_t square_of(std::uint64_t number) noexcept {
        constexpr std::uint64_t prime = (std::uint64_t{1} << 61) - 1;
        const WideProduct product = wide_product(number, number);
        const std::uint64_t sum = (product.low & prime) + (product.high << 3 | product.low >> 61);
        return sum >= prime ? sum - prime : sum;
    }

private:
    constexpr TableHashKey(const HashKey &secret, const HashKey &other) noexcept
        : point(point_of(secret, other)),
          square(square_of(point)),
          mask(SipHash13(other)(SipHash13(secret)(std::uint64_t{4}))),
          multiplier(SipHash13(other)(SipHash13(secret)(std::uint64_t{5})) | 1) {}

    /// Its square has 60 bits, too, so that neither takes a sum beyond 64: half of the numbers are of that kind.
    static constexpr std::uint64_t point_of(const HashKey &secret, const HashKey &other) noexcept {
        for (std::uint64_t attempt = 6;; ++attempt) {
            const std::uint64_t point = (SipHash13(other)(SipHash13(secret)(attempt)) >> 4) | 1;
            if (square_of(point) >> 60 == 0) return point;
        }
    }
};

/// The hash of a key in a table: where a peer chooses the keys, and sees no hash. It takes two fifths of SipHash-1-3.
///
/// The key's bytes, seven to a coefficient, are a polynomial, whose value modulo the prime 2^61-1 is taken at a secret
/// point, one of some 2^58. Different keys are different polynomials, so two keys of at most n coefficients collide at n of
/// these points at most, whatever keys they are: no keys collide under every secret, and a peer that knows none of it
/// finds two that collide with a probability of n/2^58. A second secret step mixes the value into all bits, of which a
/// table uses the lowest, and hides it from a peer that times look-ups. There is a proof for the first step only; for
/// the buckets there are measurements (tests/detail/containers/table_hash.cpp). So the hash must stay inside: it names
/// nothing, and its order is not shown.
class TableHash {
public:
    explicit constexpr TableHash(const TableHashKey &key) noexcept : key_(key) {}

    std::uint64_t operator()(std::string_view text) const noexcept {
        const char *at = text.data();
        std::size_t left = text.size();
        std::uint64_t value = 1;  // the degree tells how many coefficients there are
        constexpr std::uint64_t seven = 0x00ff'ffff'ffff'ffff;
        if (left < 8) return finish(next(value, last_of(number_of_rest(at, left), left)));
        for (; left >= 15; left -= 14, at += 14) value = next(value, number_of<8>(at) & seven, number_of<8>(at + 7) & seven);
        if (left >= 8) {
            const std::size_t rest = left - 7;
            return finish(next(value, number_of<8>(at) & seven, last_of(end_of(at + left, rest), rest)));
        }
        return finish(next(value, last_of(end_of(at + left, left), left)));
    }
    constexpr std::uint64_t operator()(std::uint64_t number) const noexcept {
        return finish(next(1, number & 0xffffffff, number >> 32));
    }

private:
    /// The value, to which a coefficient of at most 57 bits is added, times the point, modulo 2^61-1. It is not reduced
    /// further than to 63 bits: the point has 60, and its square, too.
    constexpr std::uint64_t next(std::uint64_t value, std::uint64_t coefficient) const noexcept {
        return reduced(wide_product(value + coefficient, key_.point));
    }
    /// The same for two coefficients: their products do not wait for each other, which is most of the time of a short text.
    constexpr std::uint64_t next(std::uint64_t value, std::uint64_t coefficient, std::uint64_t another) const noexcept {
        return reduced(sum_of(wide_product(value + coefficient, key_.square), wide_product(another, key_.point)));
    }
    static constexpr std::uint64_t reduced(const WideProduct &product) noexcept {
        return (product.low & ((std::uint64_t{1} << 61) - 1)) + (product.high << 3 | product.low >> 61);
    }
    /// The last `count` bytes, one to seven, of a text of at least eight: one load, together with the bytes before.
    static std::uint64_t end_of(const char *end, std::size_t count) noexcept { return number_of<8>(end - 8) >> (64 - 8 * count); }
    /// The last coefficient has a bit above its bytes, which tells how many they are.
    static constexpr std::uint64_t last_of(std::uint64_t bytes, std::size_t count) noexcept {
        return bytes | std::uint64_t{1} << (8 * count);
    }
    constexpr std::uint64_t finish(std::uint64_t value) const noexcept {
        const WideProduct product = wide_product(value ^ key_.mask, key_.multiplier);
        return product.low ^ product.high;
    }

    const TableHashKey &key_;
};

/// The key of all tables of the process, the same in all modules if the process's key is.
inline const TableHashKey &process_table_key() noexcept {
    static const TableHashKey key(process_hash_key());
    return key;
}

// Not one template over references: a text passed in registers stays there.
COMOQ_INLINED inline std::size_t table_hash(std::string_view text) noexcept {
    return static_cast<std::size_t>(TableHash(process_table_key())(text));
}
inline std::size_t table_hash(std::uint64_t number) noexcept {
    return static_cast<std::size_t>(TableHash(process_table_key())(number));
}

}  // namespace comoq::detail
