// Reads a test track and compares every object with what the track's name says.
#pragma once

#include "test_track.hpp"

#include <comoq/track.hpp>

#include <asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <vector>

struct TestCheck {
    // False for a protocol that has no object ids, subgroups and properties, as moq-lite: then payloads alone are compared.
    bool has_objects = true;
    // Ask for each group by its number, instead of subscribing.
    bool fetches = false;
    // Stop after that many groups; 0: at the track's end.
    std::uint64_t groups = 0;
};

struct TestVerdict {
    std::uint64_t groups = 0, objects = 0, lanes = 0;
    // Datagrams that were lost on the way, as they may be.
    std::uint64_t lost = 0;
    // What is wrong, at most `most_faults` of them.
    std::vector<std::string> faults;
    static constexpr std::size_t most_faults = 20;

    bool is_well() const noexcept { return faults.empty(); }
};

// Throws what subscribing throws: a refusal is not a verdict. Without objects, a track of subgroups or datagrams cannot be checked:
// Unsupported.
asio::awaitable<TestVerdict> check_track(comoq::TrackConsumer track, TestTrack expected, TestCheck how);
