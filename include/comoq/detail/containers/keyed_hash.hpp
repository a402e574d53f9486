// SPDX-License-Identifier: MIT
#pragma once
#include "random_bits.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

namespace comoq::detail {

/// The secret of a keyed hash.
struct HashKey {
    std::uint64_t first = 0, second = 0;
};

/// This many bytes as a number, the first one lowest.
template <std::size_t Size> std::uint64_t number_of(const char *bytes) noexcept {
    std::uint64_t number = 0;
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&number, bytes, Size);
    } else {
        for (std::size_t i = 0; i != Size; ++i) number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return number;
}
/// The same of fewer than eight: in pieces of a fixed size, because a copy of any other size is a call.
inline std::uint64_t number_of_rest(const char *bytes, std::size_t size) noexcept {
    std::uint64_t number = 0;
    unsigned shift = 0;
    if ((size & 4) != 0) {
        number = number_of<4>(bytes);
        bytes += 4;
        shift = 32;
    }
    if ((size & 2) != 0) {
        number |= number_of<2>(bytes) << shift;
        bytes += 2;
        shift += 16;
    }
    if ((size & 1) != 0) number |= number_of<1>(bytes) << shift;
    return number;
}

/// SipHash-1-3 in 64 bits: a peer that does not know the key cannot find texts whose hashes collide, even after it has
/// seen the effects of many other hashes.
class SipHash13 {
public:
    explicit constexpr SipHash13(const HashKey &key) noexcept
        : a_(key.first ^ 0x736f6d6570736575), b_(key.second ^ 0x646f72616e646f6d), c_(key.first ^ 0x6c7967656e657261),
          d_(key.second ^ 0x7465646279746573) {}

    std::uint64_t operator()(std::string_view text) noexcept {
        const char *at = text.data();
        std::size_t left = text.size();
        for (; left >= 8; left -= 8, at += 8) add(number_of<8>(at));
        return finish(number_of_rest(at, left), text.size());
    }
    /// The hash of the number's eight bytes, lowest first.
    constexpr std::uint64_t operator()(std::uint64_t number) noexcept {
        add(number);
        return finish(0, 8);
    }

private:
    constexpr void add(std::uint64_t word) noexcept {
        d_ ^= word;
        round();
        a_ ^= word;
    }
    constexpr std::uint64_t finish(std::uint64_t rest, std::size_t size) noexcept {
        add(rest | std::uint64_t{size} << 56);
        c_ ^= 0xff;
        for (int i = 0; i != 3; ++i) round();
        return a_ ^ b_ ^ c_ ^ d_;
    }
    constexpr void round() noexcept {
        a_ += b_;
        c_ += d_;
        b_ = std::rotl(b_, 13) ^ a_;
        d_ = std::rotl(d_, 16) ^ c_;
        a_ = std::rotl(a_, 32);
        c_ += b_;
        a_ += d_;
        b_ = std::rotl(b_, 17) ^ c_;
        d_ = std::rotl(d_, 21) ^ a_;
        c_ = std::rotl(c_, 32);
    }

    std::uint64_t a_, b_, c_, d_;
};

/// The key of all tables of the process. Modules that hide their symbols have a copy of this function each, and pass
/// tables to one another: on Linux they derive the same key from the random bytes that the kernel gives each process.
inline const HashKey &process_hash_key() noexcept {
    static const HashKey key = [] {
        HashKey secret;
#if defined(__linux__)
        if (const auto *random = reinterpret_cast<const char *>(::getauxval(AT_RANDOM))) {
            std::memcpy(&secret, random, sizeof secret);
            // Not the bytes themselves, which also guard the stack.
            return HashKey{SipHash13(secret)(std::uint64_t{1}), SipHash13(secret)(std::uint64_t{2})};
        }
#endif
        secret.first = random_bits();
        secret.second = random_bits();
        return secret;
    }();
    return key;
}

/// The hash of a key that a peer may have chosen, a text or a number, where the hash stands for the key, or is seen
/// outside. Tables, which compare the keys as well, use a cheaper one (table_hash.hpp).
template <class Key> std::size_t keyed_hash(const Key &key) noexcept {
    return static_cast<std::size_t>(SipHash13(process_hash_key())(key));
}

}  // namespace comoq::detail
