// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The old place of a header that is internal now. It stays for programs that include it, and declares only what they call:
/// the codec without a version, which is that of moq-lite-05.
#include "../detail/lite/codec.hpp"
#include "../detail/lite/messages.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace comoq::lite {

/// Appends a message of moq-lite-05 with its length before it. Throws Encode for values that the wire cannot carry.
template <class Message> void encode(const Message &message, std::vector<std::byte> &to) { encode(message, Version::Draft05, to); }

/// Decodes a message of moq-lite-05 from the bytes after its length. Empty if they are malformed, or are more than one message.
template <class Message> std::optional<Message> decode(std::span<const std::byte> body) {
    return decode<Message>(body, Version::Draft05);
}

}  // namespace comoq::lite
