/// \file Control messages of MoQ Transport that are written and read again.
#pragma once

#include <comoq/detail/ietf/control_codec.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/error.hpp>

#include "support/catch.hpp"
#include "support/hex.hpp"

namespace comoq::ietf::control_case {

inline constexpr Draft all_drafts[] = {Draft::Draft16, Draft::Draft18, Draft::Draft20, Draft::Draft22};
inline constexpr std::uint64_t largest = ~std::uint64_t{0};

inline DecodedMessage read(std::uint64_t type, std::string_view hex, Draft draft = Draft::Draft18) {
    const auto body = test::of_hex(hex);
    return decode(FramedMessage{type, body, 0}, draft, StreamKind::Request);
}
inline std::vector<std::byte> written(const ControlMessage &message, Draft draft, StreamKind stream = StreamKind::Request) {
    std::vector<std::byte> octets;
    encode(message, draft, stream, octets);
    return octets;
}
inline std::optional<ControlMessage> again(const ControlMessage &message, Draft draft, StreamKind stream = StreamKind::Request) {
    const auto octets = written(message, draft, stream);
    const auto framed = next_message(octets, draft);
    REQUIRE(framed);
    return decode(*framed, draft, stream).message;
}
inline bool can_write(const ControlMessage &message, Draft draft) {
    std::vector<std::byte> octets;
    try {
        encode(message, draft, StreamKind::Request, octets);
    } catch (const std::system_error &error) {
        CHECK(error.code() == Error::Encode);
        CHECK(octets.empty());
        return false;
    }
    return true;
}
inline Subscribe subscribe(Namespace space, std::string name) {
    Subscribe message;
    message.track = FullName{std::move(space), std::move(name)};
    return message;
}

}  // namespace comoq::ietf::control_case
