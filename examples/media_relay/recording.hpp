// The bytes that one viewer receives, compared with the file as they arrive, and optionally written to a file.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>

class Recording {
public:
    using Clock = std::chrono::steady_clock;

    // `expected` must stay in place for the recording's lifetime. Throws std::runtime_error if `out` cannot be opened.
    Recording(std::span<const std::byte> expected, const std::optional<std::filesystem::path> &out);

    // The moment from which the time to the first frame counts.
    void start() { started_ = Clock::now(); }

    void add_group() { ++groups_; }
    void add_frame(std::span<const std::byte> payload);

    // The stream has ended. Throws std::runtime_error unless everything could be written.
    void finish();

    std::size_t groups() const { return groups_; }
    std::size_t frames() const { return frames_; }
    std::size_t bytes() const { return bytes_; }
    Clock::duration time_to_first_frame() const { return time_to_first_frame_; }

    // Every byte is as expected and none is missing.
    bool identical() const { return equal_ && bytes_ == expected_.size(); }

private:
    std::span<const std::byte> expected_;
    std::optional<std::filesystem::path> path_;
    std::ofstream out_;
    Clock::time_point started_;
    Clock::duration time_to_first_frame_{};
    std::size_t groups_ = 0;
    std::size_t frames_ = 0;
    std::size_t bytes_ = 0;
    bool equal_ = true;
};
