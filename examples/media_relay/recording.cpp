#include "recording.hpp"

#include "options.hpp"

#include <algorithm>
#include <ios>
#include <stdexcept>

Recording::Recording(std::span<const std::byte> expected, const std::optional<std::filesystem::path> &out)
    : expected_(expected), path_(out) {
    if (path_) {
        out_.open(*path_, std::ios::binary | std::ios::trunc);
        if (!out_) {
            throw std::runtime_error(in_quotes(path_->string()) + " cannot be created");
        }
    }
}

void Recording::add_frame(std::span<const std::byte> payload) {
    if (frames_++ == 0) {
        time_to_first_frame_ = Clock::now() - started_;
    }
    const auto expected = expected_.subspan(std::min(bytes_, expected_.size()));
    equal_ =
        equal_ && payload.size() <= expected.size() && std::equal(payload.begin(), payload.end(), expected.begin());
    bytes_ += payload.size();
    if (path_) {
        out_.write(reinterpret_cast<const char *>(payload.data()), static_cast<std::streamsize>(payload.size()));
    }
}

void Recording::finish() {
    if (path_) {
        out_.close();
        if (!out_) {
            throw std::runtime_error(in_quotes(path_->string()) + " cannot be written completely");
        }
    }
}
