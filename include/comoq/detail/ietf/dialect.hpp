// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace comoq::ietf {

/// The drafts of MoQ Transport that are spoken, the older ones first. Draft 21 is draft 20 on the wire.
enum class Draft : std::uint8_t { Draft16, Draft18, Draft20, Draft22 };

/// How the part of a track that is wanted is written.
enum class FilterForm : std::uint8_t {
    AbsoluteEnd,  ///< a length, a type of 1 to 4, the last group as it is
    DeltaEnd,     ///< the same, but the last group counts from the first one
    Counted,      ///< a length, and as many integers as there are
    Typed,        ///< a type of 0 to 5 without a length
};

/// What the messages of a draft contain. Only the codec reads this table: what it hands out means the same in every draft.
struct Dialect {
    /// Integers are those of QUIC; else they are vi64.
    bool quic_integers;
    /// Message parameters are pairs whose type tells their length, and may be anywhere; else each has a form of its own.
    bool pair_parameters;
    /// Requests share a stream: answers name the request, and there are messages that end a request. SETUP has two types.
    bool shared_stream;
    FilterForm filter;
    /// FETCH says by the filter what it wants, and cannot join a subscription.
    bool fetch_by_filter;
    /// The end of a FETCH_OK is the last object itself, not the one after it.
    bool inclusive_end;
    /// Numbers of groups and objects on the stream of a fetch are counted from those before.
    bool fetch_deltas;
    /// GOAWAY has a timeout.
    bool goaway_timeout;
    /// GOAWAY on the control stream names the first request that was not served.
    bool goaway_request;
    /// The stream of a subgroup says whether it begins with the first object.
    bool first_object_bit;
    /// Streams and datagrams may be padding.
    bool padding;
    /// REQUEST_ERROR can send the peer elsewhere, and REQUEST_OK can carry a track's properties.
    bool redirects;
    /// A marker for a range of objects that came too late exists, as do range filters and the other parameters of draft 20.
    bool ranges;
    /// A namespace may be without fields. A prefix always may.
    bool empty_namespace;
    /// A delivery timeout of 0 is none; else it is wrong.
    bool zero_timeout;
    /// The ends of a subscription that has expired, and of one that is too far behind, have each other's numbers; and a stream that
    /// ends because the state of an object is unknown has that of one whose peer goes away in later drafts.
    bool old_ends;
    /// The count of streams that says that it is unknown.
    std::uint64_t unknown_streams;
};

namespace detail {

constexpr Dialect make_dialect(Draft draft) noexcept {
    const bool old = draft == Draft::Draft16;
    const bool newer = draft >= Draft::Draft20;
    Dialect dialect{};
    dialect.quic_integers = dialect.pair_parameters = dialect.shared_stream = dialect.old_ends = old;
    dialect.filter = old                       ? FilterForm::AbsoluteEnd
                     : draft == Draft::Draft18 ? FilterForm::DeltaEnd
                     : draft == Draft::Draft20 ? FilterForm::Counted
                                               : FilterForm::Typed;
    dialect.fetch_by_filter = dialect.inclusive_end = dialect.ranges = newer;
    dialect.fetch_deltas = dialect.goaway_timeout = dialect.first_object_bit = dialect.redirects = dialect.padding = !old;
    dialect.empty_namespace = dialect.zero_timeout = !old;
    dialect.goaway_request = draft == Draft::Draft18;
    dialect.unknown_streams = newer ? ~std::uint64_t{0} : (std::uint64_t{1} << 62) - 1;
    return dialect;
}
inline constexpr Dialect dialects[] = {make_dialect(Draft::Draft16), make_dialect(Draft::Draft18),
                                       make_dialect(Draft::Draft20), make_dialect(Draft::Draft22)};

}  // namespace detail

constexpr const Dialect &dialect_of(Draft draft) noexcept { return detail::dialects[static_cast<std::size_t>(draft)]; }

}  // namespace comoq::ietf
