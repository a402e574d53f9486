#include "fmp4_times.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

namespace fmp4 {
namespace {

std::uint64_t number(Block bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = at; i < at + size && i < bytes.size(); ++i) {
        value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    }
    return value;
}

bool has_type(Block box, std::string_view type) {
    return box.size() >= 8 && std::ranges::equal(box.subspan(4, 4), type, {}, [](std::byte byte) {
               return static_cast<char>(byte);
           });
}

// The boxes of one type in a row of boxes, without their headers. A malformed box ends the row.
std::vector<Block> find(Block row, std::string_view type) {
    std::vector<Block> found;
    while (row.size() >= 8) {
        const auto size = static_cast<std::size_t>(number(row, 0, 4));
        if (size < 8 || size > row.size()) {
            break;
        }
        if (has_type(row, type)) {
            found.push_back(row.subspan(8, size - 8));
        }
        row = row.subspan(size);
    }
    return found;
}

Block first(Block row, std::string_view type) {
    const auto all = find(row, type);
    return all.empty() ? Block() : all.front();
}

// Full boxes have a version, which determines the width of their first fields.
bool is_wide(Block box) { return !box.empty() && box[0] == std::byte{1}; }

// Units per second, by the number of the track.
std::map<std::uint64_t, std::uint64_t> timescales(Block init) {
    std::map<std::uint64_t, std::uint64_t> scales;
    for (const Block track : find(first(init, "moov"), "trak")) {
        const Block head = first(track, "tkhd");
        const Block media = first(first(track, "mdia"), "mdhd");
        scales[number(head, is_wide(head) ? 20 : 12, 4)] = number(media, is_wide(media) ? 20 : 12, 4);
    }
    return scales;
}

}  // namespace

std::vector<std::chrono::microseconds> times_of(const Movie &movie) {
    const auto scales = timescales(movie.init);
    std::vector<std::chrono::microseconds> times;
    std::optional<std::int64_t> begin;
    for (const auto &fragment : movie.fragments) {
        auto time = times.empty() ? std::chrono::microseconds(0) : times.back();
        for (const Block box : fragment) {
            if (!has_type(box, "moof")) {
                continue;
            }
            const Block track = first(box.subspan(8), "traf");
            const Block head = first(track, "tfhd");
            const Block decode = first(track, "tfdt");
            const auto scale = scales.find(number(head, 4, 4));
            if (decode.empty() || scale == scales.end() || scale->second == 0) {
                continue;
            }
            const auto units = static_cast<double>(number(decode, 4, is_wide(decode) ? 8 : 4));
            const auto micros = static_cast<std::int64_t>(units / static_cast<double>(scale->second) * 1e6);
            begin = begin.value_or(micros);
            time = std::max(time, std::chrono::microseconds(micros - *begin));
            break;
        }
        times.push_back(time);
    }
    return times;
}

}  // namespace fmp4
