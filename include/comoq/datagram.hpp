// SPDX-License-Identifier: MIT
#pragma once
#include "bytes.hpp"
#include "object_extras.hpp"
#include "time.hpp"

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace comoq {

/// A payload of at most 1,200 bytes that may get lost. Its number is one of the track's sequence numbers, as a group's
/// is. A session drops one that its protocol or its transport cannot carry: with moq-lite a datagram has 1,200 bytes at
/// most, 3 to 24 of which are its header.
struct Datagram {
    Datagram() noexcept = default;
    Datagram(std::uint64_t number, Timestamp at, Bytes bytes, std::uint64_t id = 0, ObjectExtras beside = {}) noexcept
        : sequence(number), timestamp(at), payload(std::move(bytes)), object(id), extras(std::move(beside)) {}

    /// The datagram's number, from the numbers of the track's groups.
    std::uint64_t sequence = 0;
    /// In the track's timescale.
    Timestamp timestamp;
    /// At most 1,200 bytes.
    Bytes payload;
    /// Its object id in MoQ Transport. Datagrams of one number differ in it. moq-lite sends those with 0 only.
    std::uint64_t object = 0;
    /// What it has beside its payload. Nothing, nearly always; moq-lite drops it.
    ObjectExtras extras;
};

/// For `auto &[sequence, timestamp, payload] = datagram`.
template <std::size_t I, class D>
    requires std::is_same_v<std::remove_cvref_t<D>, Datagram>
auto &&get(D &&datagram) noexcept {
    if constexpr (I == 0) return std::forward<D>(datagram).sequence;
    else if constexpr (I == 1) return std::forward<D>(datagram).timestamp;
    else return std::forward<D>(datagram).payload;
}

}  // namespace comoq

template <> struct std::tuple_size<comoq::Datagram> : std::integral_constant<std::size_t, 3> {};
template <std::size_t I> struct std::tuple_element<I, comoq::Datagram> {
    using type = std::conditional_t<I == 0, std::uint64_t, std::conditional_t<I == 1, comoq::Timestamp, comoq::Bytes>>;
};
