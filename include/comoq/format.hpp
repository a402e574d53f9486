// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"

/// \file
/// For `std::format`, where the standard library has it: everything of the library that fmt prints, with the format
/// specification of strings. The formatters of fmt and `operator<<` need no header of their own.

#include <version>

#if defined(__cpp_lib_format)

#include "announce.hpp"
#include "bytes.hpp"
#include "error.hpp"
#include "origin.hpp"
#include "path.hpp"
#include "session_stats.hpp"
#include "time.hpp"
#include "transport.hpp"

#include <format>
#include <string_view>

namespace comoq::detail {

template <class T> struct StdFormatter : std::formatter<std::string_view> {
    template <class Context> auto format(const T &value, Context &context) const {
        return std::formatter<std::string_view>::format(to_string(value), context);
    }
};

}  // namespace comoq::detail

template <> struct std::formatter<comoq::Announcement::Event> : comoq::detail::StdFormatter<comoq::Announcement::Event> {};
template <> struct std::formatter<comoq::BroadcastStats> : comoq::detail::StdFormatter<comoq::BroadcastStats> {};
template <> struct std::formatter<comoq::Bytes> : comoq::detail::StdFormatter<comoq::Bytes> {};
template <> struct std::formatter<comoq::Error> : comoq::detail::StdFormatter<comoq::Error> {};
template <> struct std::formatter<comoq::OriginStats> : comoq::detail::StdFormatter<comoq::OriginStats> {};
template <> struct std::formatter<comoq::Path> : comoq::detail::StdFormatter<comoq::Path> {};
template <> struct std::formatter<comoq::SubscriberStats> : comoq::detail::StdFormatter<comoq::SubscriberStats> {};
template <> struct std::formatter<comoq::Timestamp> : comoq::detail::StdFormatter<comoq::Timestamp> {};
template <> struct std::formatter<comoq::TrackStats> : comoq::detail::StdFormatter<comoq::TrackStats> {};
template <> struct std::formatter<comoq::TransportStats> : comoq::detail::StdFormatter<comoq::TransportStats> {};

#endif
