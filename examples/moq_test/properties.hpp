// Blocks of properties, as objects and tracks of MoQ Transport have them. The library passes them on and does not look into them.
#pragma once

#include <comoq/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// Writes a block. The types ascend; an even one has a number, and an odd one has bytes.
class PropertyBlock {
public:
    void add(std::uint64_t type, std::uint64_t number);
    void add(std::uint64_t type, std::span<const std::byte> bytes);
    // The block, or nothing without properties.
    comoq::Bytes bytes() &&;

private:
    void write(std::uint64_t number);

    std::vector<std::byte> block_;
    std::uint64_t last_ = 0;
};

// The types in a block, in its order. Nothing if it is not a block.
std::optional<std::vector<std::uint64_t>> property_types(const comoq::Bytes &block);
