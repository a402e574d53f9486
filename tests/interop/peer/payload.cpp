#include "payload.hpp"

#include <array>
#include <cstring>
#include <fmt/format.h>

std::vector<std::byte> payload(std::string_view seed, std::string_view track, std::uint64_t group, std::uint64_t frame,
                               std::size_t size) {
    std::uint32_t state = 0x811c9dc5;
    for (const char c : fmt::format("{}/{}/{}/{}", seed, track, group, frame)) {
        state = (state ^ static_cast<unsigned char>(c)) * 0x01000193;
    }
    if (state == 0) {
        state = 1;
    }
    std::vector<std::byte> bytes((size + 3) / 4 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        const std::array<unsigned char, 4> word = {
            static_cast<unsigned char>(state), static_cast<unsigned char>(state >> 8),
            static_cast<unsigned char>(state >> 16), static_cast<unsigned char>(state >> 24)};
        std::memcpy(&bytes[i], word.data(), word.size());
    }
    bytes.resize(size);
    return bytes;
}

bool is_payload(std::span<const std::byte> bytes, std::string_view seed, std::string_view track, std::uint64_t group,
                std::uint64_t frame) {
    const auto wanted = payload(seed, track, group, frame, bytes.size());
    return bytes.empty() || std::memcmp(bytes.data(), wanted.data(), wanted.size()) == 0;
}
