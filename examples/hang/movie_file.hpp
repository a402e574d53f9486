// A fragmented MP4 on a disk: what it holds, and its samples from the beginning, piece by piece.
#pragma once

#include <comoq/hang/mp4_reader.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

// A track of a file that was read once.
struct SurveyedTrack {
    comoq::hang::DecoderConfig config;
    std::uint64_t frames = 0, bytes = 0;
    std::chrono::microseconds duration{0};      // of all frames
    std::chrono::microseconds longest_wait{0};  // by wait_of
};

// How long a frame may be held back: until those that are decoded after it and shown before it have come, itself included.
std::chrono::microseconds wait_of(const comoq::hang::Mp4Sample &sample);

struct Survey {
    std::vector<SurveyedTrack> tracks;
    std::chrono::microseconds begin{0}, end{0};  // of decoding
};

// The samples of a file. Throws comoq::hang::Mp4Error.
class MovieFile {
public:
    explicit MovieFile(const std::filesystem::path &path);

    // The next sample; nothing at the end. It reads as much as that needs.
    std::optional<comoq::hang::Mp4Sample> next();
    // Those that `next` has come across: all that have samples after the first one.
    const std::vector<comoq::hang::Mp4Track> &tracks() const { return reader_.tracks(); }

private:
    std::ifstream file_;
    comoq::hang::Mp4Reader reader_;
    bool has_ended_ = false;
};

// The samples of a file in the order of their decode times. A file has a second of pictures and then a second of sound, say: played as
// they stand there, the sound is a second late. It looks ahead by 10 s at most, where a track has nothing.
class TimedMovie {
public:
    explicit TimedMovie(const std::filesystem::path &path) : file_(path) {}

    // The next sample; nothing at the end. Throws as MovieFile does, when everything before the fault has been given.
    std::optional<comoq::hang::Mp4Sample> next();

private:
    void look_ahead();
    std::deque<comoq::hang::Mp4Sample> *earliest();

    MovieFile file_;
    std::vector<std::deque<comoq::hang::Mp4Sample>> tracks_;
    std::chrono::microseconds latest_ = std::chrono::microseconds::min();
    bool has_ended_ = false;
    std::exception_ptr fault_;
};

// Reads the whole file, or its first part. Throws as MovieFile does: what this takes whole can be published.
Survey survey(const std::filesystem::path &path, std::chrono::microseconds longest = std::chrono::microseconds::max());
