// Tracks that are defined by their name alone: draft-afrind-moq-test.
#pragma once

#include <comoq/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// The part of a path at which such a name begins. Fifteen numbers follow, and nothing behind them.
inline constexpr std::string_view moq_test_field = "moq-test-00";

struct TestObject {
    std::uint64_t group = 0;
    std::uint64_t object = 0;
    std::uint64_t subgroup = 0;
    std::size_t size = 0;
    // It has no payload, and says that its group ends.
    bool is_marker = false;

    friend bool operator==(const TestObject &, const TestObject &) = default;
};

struct TestTrack {
    enum class Form : std::uint8_t { OneSubgroup, SubgroupEach, TwoSubgroups, Datagrams };

    Form form = Form::OneSubgroup;
    std::uint64_t first_group = 0, first_object = 0, last_group = 0, last_object = 0;
    std::uint64_t objects_per_group = 10;
    std::uint64_t first_size = 1024, other_size = 100;  // bytes
    std::uint64_t interval = 1000;                      // milliseconds from one object to the next
    std::uint64_t group_step = 1, object_step = 1;
    bool has_markers = false;
    // What the types of the properties of each object are made from.
    std::optional<std::uint64_t> integer_property, bytes_property;
    std::uint64_t delivery_timeout = 0;  // milliseconds; 0: none

    // How many groups it has, and how many objects each of them has, a marker included.
    std::uint64_t groups() const noexcept { return (last_group - first_group) / group_step + 1; }
    std::uint64_t objects() const noexcept { return (last_object - first_object) / object_step + 1; }
    std::uint64_t group(std::uint64_t index) const noexcept { return first_group + index * group_step; }
    bool has_group(std::uint64_t number) const noexcept {
        return number >= first_group && number <= last_group && (number - first_group) % group_step == 0;
    }
    // That of an index among the objects of a group.
    TestObject object(std::uint64_t group, std::uint64_t index) const noexcept;
    // The properties of an object, as a block of MoQ Transport.
    comoq::Bytes properties(const TestObject &object) const;
    // Those of the track.
    comoq::Bytes properties() const;
    // Whether a block has the properties that an object has here. Their values are anything.
    bool has_properties(const comoq::Bytes &block) const;

    friend bool operator==(const TestTrack &, const TestTrack &) = default;
};

// The track that a path names, whatever stands before the name; nothing if it names none, or one that this program does not make:
// objects above 1 MiB, datagrams above 1,200 bytes, more than 10,000 objects without a pause between them, more than 1,024
// subgroups in a group, properties that mean something to a relay. A property of -1 is none: a name has a way to say so only there.
std::optional<TestTrack> test_track(std::string_view path);
