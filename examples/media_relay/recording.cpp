#include "recording.hpp"

#include "options.hpp"

#include <ios>
#include <stdexcept>

Recording::Recording(const std::optional<std::filesystem::path> &out) : path_(out) {
    if (path_) {
        out_.open(*path_, std::ios::binary | std::ios::trunc);
        if (!out_) {
            throw std::runtime_error(in_quotes(path_->string()) + " cannot be created");
        }
    }
}

void Recording::add_frames(std::size_t count) {
    if (frames_ == 0 && count != 0) {
        time_to_first_frame_ = Clock::now() - started_;
    }
    frames_ += count;
}

void Recording::write(std::span<const std::byte> bytes) {
    bytes_ += bytes.size();
    if (path_) {
        out_.write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
}

void Recording::finish(bool is_identical) {
    is_identical_ = is_identical;
    if (path_) {
        out_.close();
        if (!out_) {
            throw std::runtime_error(in_quotes(path_->string()) + " cannot be written completely");
        }
    }
}
