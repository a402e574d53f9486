// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The library's version, for the preprocessor and as constants. The build takes it from here. It includes nothing.

/// What it promises: .github/CHANGELOG.md.
#define COMOQ_VERSION_MAJOR 0
/// Before 1.0 a new one may need changes in programs.
#define COMOQ_VERSION_MINOR 2
/// A new one needs none.
#define COMOQ_VERSION_PATCH 0

/// One number that grows with the version: 1.2.3 is 10203.
#define COMOQ_VERSION (COMOQ_VERSION_MAJOR * 10000 + COMOQ_VERSION_MINOR * 100 + COMOQ_VERSION_PATCH)

/// For COMOQ_VERSION_STRING.
#define COMOQ_VERSION_TEXT_OF(major, minor, patch) #major "." #minor "." #patch
/// For COMOQ_VERSION_STRING.
#define COMOQ_VERSION_TEXT(major, minor, patch) COMOQ_VERSION_TEXT_OF(major, minor, patch)
/// The same as text, such as "1.2.3".
#define COMOQ_VERSION_STRING COMOQ_VERSION_TEXT(COMOQ_VERSION_MAJOR, COMOQ_VERSION_MINOR, COMOQ_VERSION_PATCH)

namespace comoq {

inline constexpr int version_major = COMOQ_VERSION_MAJOR;  ///< COMOQ_VERSION_MAJOR
inline constexpr int version_minor = COMOQ_VERSION_MINOR;  ///< COMOQ_VERSION_MINOR
inline constexpr int version_patch = COMOQ_VERSION_PATCH;  ///< COMOQ_VERSION_PATCH
inline constexpr const char *version_string = COMOQ_VERSION_STRING;  ///< COMOQ_VERSION_STRING

}  // namespace comoq
