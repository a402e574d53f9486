#include "properties.hpp"

#include <utility>

namespace {

// Takes an integer from the front: as many bits as its first byte begins with ones are further bytes.
std::optional<std::uint64_t> take(std::span<const std::byte> &from) {
    if (from.empty()) return std::nullopt;
    const auto first = std::to_integer<unsigned>(from.front());
    std::size_t more = 0;
    while (more < 8 && (first & (0x80U >> more)) != 0) ++more;
    if (from.size() <= more) return std::nullopt;
    std::uint64_t number = more >= 7 ? 0 : first & (0x7FU >> more);
    for (std::size_t i = 1; i <= more; ++i) number = number << 8 | std::to_integer<std::uint64_t>(from[i]);
    from = from.subspan(more + 1);
    return number;
}

}  // namespace

void PropertyBlock::write(std::uint64_t number) {
    std::size_t more = 0;
    while (more < 8 && number >> (7 * (more + 1)) != 0) ++more;
    // The leading ones, a zero behind them, and the number's highest bits; with eight ones, or seven, there are none of these.
    const auto ones = static_cast<std::uint8_t>(0xFF00U >> more);
    const auto high = more < 7 ? static_cast<std::uint8_t>(number >> (8 * more)) : std::uint8_t{0};
    block_.push_back(static_cast<std::byte>(ones | high));
    for (std::size_t i = more; i != 0; --i) block_.push_back(static_cast<std::byte>(number >> (8 * (i - 1))));
}

void PropertyBlock::add(std::uint64_t type, std::uint64_t number) {
    write(type - std::exchange(last_, type));
    write(number);
}

void PropertyBlock::add(std::uint64_t type, std::span<const std::byte> bytes) {
    write(type - std::exchange(last_, type));
    write(bytes.size());
    block_.insert(block_.end(), bytes.begin(), bytes.end());
}

comoq::Bytes PropertyBlock::bytes() && { return block_.empty() ? comoq::Bytes() : comoq::Bytes(std::move(block_)); }

std::optional<std::vector<std::uint64_t>> property_types(const comoq::Bytes &block) {
    std::vector<std::uint64_t> types;
    std::uint64_t type = 0;
    for (auto rest = block.span(); !rest.empty();) {
        const auto step = take(rest);
        const auto value = take(rest);
        if (!step || !value) return std::nullopt;
        type += *step;
        types.push_back(type);
        if (type % 2 == 0) continue;
        if (*value > rest.size()) return std::nullopt;
        rest = rest.subspan(static_cast<std::size_t>(*value));
    }
    return types;
}
