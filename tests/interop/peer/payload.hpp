// Payloads that the other side can compute for itself: those of lib/payload.mjs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

std::vector<std::byte> payload(std::string_view seed, std::string_view track, std::uint64_t group, std::uint64_t frame,
                               std::size_t size);
bool is_payload(std::span<const std::byte> bytes, std::string_view seed, std::string_view track, std::uint64_t group,
                std::uint64_t frame);
