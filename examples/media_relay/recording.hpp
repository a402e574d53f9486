// What one viewer receives: counted, and optionally written to a file.
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

    // Throws std::runtime_error if `out` cannot be opened.
    explicit Recording(const std::optional<std::filesystem::path> &out);

    // The moment from which the time to the first frame counts.
    void start() { started_ = Clock::now(); }

    void add_group() { ++groups_; }
    void add_frames(std::size_t count);
    void write(std::span<const std::byte> bytes);

    // The stream has ended. Throws std::runtime_error unless everything could be written.
    void finish(bool is_identical);

    std::size_t groups() const { return groups_; }  // 0 if they were not counted
    std::size_t frames() const { return frames_; }
    std::size_t bytes() const { return bytes_; }
    Clock::duration time_to_first_frame() const { return time_to_first_frame_; }

    // Everything was as expected, and nothing was missing.
    bool is_identical() const { return is_identical_; }

private:
    std::optional<std::filesystem::path> path_;
    std::ofstream out_;
    Clock::time_point started_;
    Clock::duration time_to_first_frame_{};
    std::size_t groups_ = 0, frames_ = 0, bytes_ = 0;
    bool is_identical_ = false;
};
