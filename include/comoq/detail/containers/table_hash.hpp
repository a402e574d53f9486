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

/// The secret of a table hash.
struct TableHashKey {
    /// Of a secret of its own: `keyed_hash` of a chosen key must not be a part of it.
    explicit constexpr TableHashKey(const HashKey &secret) noexcept
        : TableHashKey(secret, HashKey{~secret.first, ~secret.second}) {}
    std::uint64_t point, mask, multiplier;

private:
    constexpr TableHashKey(const HashKey &secret, const HashKey &other) noexcept
        : point((SipHash13(other)(SipHash13(secret)(std::uint64_t{3})) >> 4) | 1),
          mask(SipHash13(other)(SipHash13(secret)(std::uint64_t{4}))),
          multiplier(SipHash13(other)(SipHash13(secret)(std::uint64_t{5})) | 1) {}
};

/// The hash of a key in a table: where a peer chooses the keys, and sees no hash. It takes two fifths of SipHash-1-3.
///
/// The key's bytes, seven to a coefficient, are a polynomial, whose value modulo the prime 2^61-1 is taken at a secret
/// point, one of 2^59. Different keys are different polynomials, so two keys of at most n coefficients collide at n of
/// these points at most, whatever keys they are: no keys collide under every secret, and a peer that knows none of it
/// finds two that collide with a probability of n/2^59. A second secret step mixes the value into all bits, of which a
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
        std::uint64_t last = 0;
        if (left >= 8) {
            for (; left >= 8; left -= 7, at += 7) value = next(value, number_of<8>(at) & 0x00ff'ffff'ffff'ffff);
            // One load, together with the bytes before.
            last = number_of<8>(at + left - 8) >> (64 - 8 * left);
        } else {
            last = number_of_rest(at, left);
        }
        // The last coefficient has a bit above its bytes, which tells how many they are.
        return finish(next(value, last | std::uint64_t{1} << (8 * left)));
    }
    constexpr std::uint64_t operator()(std::uint64_t number) const noexcept {
        return finish(next(next(1, number & 0xffffffff), number >> 32));
    }

private:
    /// The value, to which a coefficient of at most 57 bits is added, times the point, modulo 2^61-1. It is not reduced
    /// further than to 63 bits: the point has 60.
    constexpr std::uint64_t next(std::uint64_t value, std::uint64_t coefficient) const noexcept {
        const WideProduct product = wide_product(value + coefficient, key_.point);
        return (product.low & ((std::uint64_t{1} << 61) - 1)) + (product.high << 3 | product.low >> 61);
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
