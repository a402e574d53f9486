#include "hang/publish_movie.hpp"

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <utility>

using asio::awaitable;
using asio::use_awaitable;

awaitable<void> play_file(MediaBroadcast &broadcast, std::filesystem::path file, Survey survey, bool loops, Progress &progress) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    const auto began = std::chrono::steady_clock::now();
    // Each round goes on where the one before has ended, in the times of the media as well.
    std::chrono::microseconds played{0};
    do {
        TimedMovie movie(file);
        while (const auto sample = movie.next()) {
            timer.expires_at(began + (sample->decode_time - survey.begin) + played);
            co_await timer.async_wait(use_awaitable);
            broadcast.write(*sample, played, progress);
        }
        played += survey.end - survey.begin;
    } while (loops);
    broadcast.finish();
}

// False at the end.
awaitable<bool> LiveMovie::read_piece() {
    auto piece = co_await read_();
    const bool has_more = !piece.empty();
    if (has_more) {
        reader_.push(std::move(piece));
    } else {
        reader_.finish();
    }
    co_return has_more;
}

awaitable<std::vector<SurveyedTrack>> LiveMovie::read_tracks() {
    while (!reader_.has_movie()) {
        const bool has_more = co_await read_piece();
        if (!has_more) break;
    }
    std::vector<SurveyedTrack> tracks;
    for (const auto &track : reader_.tracks()) {
        tracks.push_back({track.config});
    }
    co_return tracks;
}

awaitable<void> LiveMovie::play(MediaBroadcast &broadcast, Progress &progress) {
    for (bool has_more = true; has_more && !fault_;) {
        try {
            has_more = co_await read_piece();
        } catch (const comoq::hang::Mp4Error &error) {
            fault_ = error.what();
        }
        while (const auto sample = reader_.next()) {
            broadcast.write(*sample, std::chrono::microseconds(0), progress);
        }
    }
    broadcast.finish();
}
