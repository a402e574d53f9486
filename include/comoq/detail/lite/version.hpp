#pragma once
#include <cstdint>
#include <string_view>

namespace comoq::lite {

/// The versions of moq-lite, the older ones first.
enum class Version : std::uint8_t { Draft05, Draft06 };

/// The version of a session by the name that its transport agreed on. A transport without a name has the oldest one.
constexpr Version version_of(std::string_view protocol) noexcept {
    return protocol == "moq-lite-06" ? Version::Draft06 : Version::Draft05;
}

}  // namespace comoq::lite
