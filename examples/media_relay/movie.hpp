// What media_relay sends, and how its viewers check it.
#pragma once

#include "report.hpp"

#include <comoq/broadcast.hpp>

#include <asio/awaitable.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>

class Recording;

class Movie {
public:
    virtual ~Movie() = default;

    // Of the track that counts.
    virtual std::size_t groups() const = 0;
    // What a viewer gets.
    virtual std::size_t bytes() const = 0;

    // Makes the tracks. They keep their groups for a minute: a viewer that is slow for a while still finds every one.
    virtual void create_tracks(comoq::BroadcastProducer &live) = 0;
    // Writes them, when somebody reads, with a pause between groups as in live media.
    virtual asio::awaitable<void> publish(RelayProgress &progress) = 0;
    // Reads all of a broadcast.
    virtual asio::awaitable<void> view(comoq::BroadcastConsumer broadcast, Recording &recording, RelayProgress &progress) const = 0;
};

// A file's boxes as they are, in the tracks init and video: every byte of it. Throws comoq::hang::Mp4Error.
std::unique_ptr<Movie> movie_of_boxes(const std::filesystem::path &file);
// A file as a hang broadcast: every frame of its best video and audio. Throws comoq::hang::Mp4Error.
std::unique_ptr<Movie> movie_of_frames(const std::filesystem::path &file);
