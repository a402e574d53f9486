#include "test_track.hpp"

#include "properties.hpp"

#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

namespace {

constexpr std::uint64_t largest_number = (std::uint64_t{1} << 62) - 1;
constexpr std::uint64_t largest_object = std::uint64_t{1} << 20;
constexpr std::uint64_t largest_datagram = 1200;
// What a block of properties takes at most: two types and a number of nine bytes each, a length, and twenty bytes.
constexpr std::uint64_t largest_properties = 48;
constexpr std::uint64_t most_at_once = 10'000;
constexpr std::uint64_t most_subgroups = 1024;
constexpr std::size_t most_bytes = 20;

constexpr std::uint64_t object_delivery_timeout = 0x02;

bool read_number(std::string_view text, std::uint64_t &number) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && end == text.data() + text.size() && number <= largest_number;
}

// What relays and this library read: a list of immutable properties, times, and gaps.
bool means_something(std::uint64_t type) {
    for (const unsigned known : {0x06U, 0x0bU, 0x10U, 0x3cU, 0x3eU})
        if (type == known) return true;
    return false;
}

bool is_served(const TestTrack &track) {
    if (track.group_step == 0 || track.object_step == 0 || track.first_group > track.last_group) return false;
    if (track.first_object > track.last_object || track.objects_per_group > largest_number / 2) return false;
    const std::uint64_t slots = track.objects_per_group + (track.has_markers ? 1 : 0);
    // Less than the product, which might not be a number.
    if (track.last_object / track.object_step > slots || (track.last_object / track.object_step == slots && track.last_object % track.object_step != 0))
        return false;
    if (track.first_size > largest_object || track.other_size > largest_object) return false;
    const bool has_pauses = track.interval != 0;
    if (!has_pauses && (track.groups() > most_at_once || track.objects() > most_at_once / track.groups())) return false;
    if (track.form == TestTrack::Form::SubgroupEach && track.objects() > most_subgroups) return false;
    if (track.form == TestTrack::Form::Datagrams &&
        (track.first_size + largest_properties > largest_datagram || track.other_size + largest_properties > largest_datagram))
        return false;
    const auto &integer = track.integer_property, &bytes = track.bytes_property;
    return !(integer && (*integer > largest_number / 2 || means_something(2 * *integer))) &&
           !(bytes && (*bytes > largest_number / 2 || means_something(2 * *bytes + 1)));
}

// A number that anybody can make again: what the draft calls random is the same from every publisher here.
std::uint64_t mixed(std::uint64_t group, std::uint64_t object) {
    std::uint64_t value = group * 0x9e3779b97f4a7c15 + object + 1;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    return value ^ (value >> 31);
}

}  // namespace

TestObject TestTrack::object(std::uint64_t group, std::uint64_t index) const noexcept {
    TestObject object;
    object.group = group;
    object.object = first_object + index * object_step;
    if (form == Form::SubgroupEach) object.subgroup = object.object;
    if (form == Form::TwoSubgroups) object.subgroup = object.object % 2;
    object.is_marker = has_markers && index + 1 == objects();
    if (!object.is_marker) object.size = static_cast<std::size_t>(index == 0 ? first_size : other_size);
    return object;
}

comoq::Bytes TestTrack::properties(const TestObject &object) const {
    PropertyBlock block;
    const auto random = mixed(object.group, object.object);
    const std::vector<std::byte> some(1 + random % most_bytes, static_cast<std::byte>(random >> 8));
    const auto integer = [&] {
        if (integer_property) block.add(2 * *integer_property, random);
    };
    const bool bytes_first = bytes_property && integer_property && *bytes_property < *integer_property;
    if (!bytes_first) integer();
    if (bytes_property) block.add(2 * *bytes_property + 1, std::span<const std::byte>(some));
    if (bytes_first) integer();
    return std::move(block).bytes();
}

comoq::Bytes TestTrack::properties() const {
    PropertyBlock block;
    if (delivery_timeout != 0) block.add(object_delivery_timeout, delivery_timeout);
    return std::move(block).bytes();
}

bool TestTrack::has_properties(const comoq::Bytes &block) const {
    const auto types = property_types(block);
    if (!types) return false;
    std::size_t wanted = 0, found = 0;
    for (const std::uint64_t type : *types) {
        if (integer_property && type == 2 * *integer_property) ++found;
        if (bytes_property && type == 2 * *bytes_property + 1) ++found;
    }
    wanted += integer_property ? 1 : 0;
    wanted += bytes_property ? 1 : 0;
    return found == wanted && types->size() == wanted;
}

std::optional<TestTrack> test_track(std::string_view path) {
    constexpr std::size_t numbers = 15;
    std::array<std::string_view, numbers> fields;
    for (std::size_t i = numbers; i != 0; --i) {
        const auto slash = path.rfind('/');
        if (slash == std::string_view::npos) return std::nullopt;
        fields[i - 1] = path.substr(slash + 1);
        path.remove_suffix(path.size() - slash);
    }
    const auto before = path.rfind('/');
    if ((before == std::string_view::npos ? path : path.substr(before + 1)) != moq_test_field) return std::nullopt;
    std::array<std::uint64_t, numbers> values{};
    std::array<bool, numbers> is_none{};
    for (std::size_t i = 0; i < numbers; ++i) {
        is_none[i] = (i == 12 || i == 13) && fields[i] == "-1";
        if (!is_none[i] && !read_number(fields[i], values[i])) return std::nullopt;
    }
    if (values[0] > 3 || values[11] > 1) return std::nullopt;
    TestTrack track;
    track.form = static_cast<TestTrack::Form>(values[0]);
    track.first_group = values[1];
    track.first_object = values[2];
    track.last_group = values[3];
    track.last_object = values[4];
    track.objects_per_group = values[5];
    track.first_size = values[6];
    track.other_size = values[7];
    track.interval = values[8];
    track.group_step = values[9];
    track.object_step = values[10];
    track.has_markers = values[11] == 1;
    if (!is_none[12]) track.integer_property = values[12];
    if (!is_none[13]) track.bytes_property = values[13];
    track.delivery_timeout = values[14];
    return is_served(track) ? std::optional(track) : std::nullopt;
}
