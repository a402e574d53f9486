// publish, of a movie: from a file at the speed of playback, or from an encoder's pipe as it comes.
#pragma once

#include "hang/media_broadcast.hpp"
#include "shared/progress.hpp"

#include <comoq/hang/mp4_reader.hpp>

#include <asio/awaitable.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// Plays a file that was surveyed, again and again if `loops`, and then finishes the broadcast's tracks.
asio::awaitable<void> play_file(MediaBroadcast &broadcast, std::filesystem::path file, Survey survey, bool loops, Progress &progress);

// A movie that comes in pieces. Throws comoq::hang::Mp4Error.
class LiveMovie {
public:
    // `read` gives the next piece, and an empty one at the end.
    explicit LiveMovie(std::function<asio::awaitable<comoq::Bytes>()> read) : read_(std::move(read)) {}

    // Until the tracks are known. They are without figures: nobody knows what comes.
    asio::awaitable<std::vector<SurveyedTrack>> read_tracks();
    // Writes what comes, until the end. What was complete is published, whatever the end is.
    asio::awaitable<void> play(MediaBroadcast &broadcast, Progress &progress);
    // What was wrong with the movie, where `play` has returned because of that.
    const std::optional<std::string> &fault() const { return fault_; }

private:
    asio::awaitable<bool> read_piece();

    const std::function<asio::awaitable<comoq::Bytes>()> read_;
    comoq::hang::Mp4Reader reader_;
    std::optional<std::string> fault_;
};
