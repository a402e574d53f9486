#include "hang/movie_file.hpp"

#include "shared/movie_on_disk.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

MovieFile::MovieFile(const std::filesystem::path &path) : file_(open_movie(path)) {}

std::optional<comoq::hang::Mp4Sample> MovieFile::next() {
    constexpr std::size_t piece_size = 256 * 1024;
    while (true) {
        if (auto sample = reader_.next()) {
            return sample;
        }
        if (has_ended_) {
            return std::nullopt;
        }
        std::vector<std::byte> piece(piece_size);
        file_.read(reinterpret_cast<char *>(piece.data()), static_cast<std::streamsize>(piece.size()));
        piece.resize(static_cast<std::size_t>(file_.gcount()));
        if (file_.bad()) {
            throw comoq::hang::Mp4Error("cannot be read completely");
        }
        has_ended_ = piece.empty();
        if (has_ended_) {
            reader_.finish();
        } else {
            reader_.push(comoq::Bytes(std::move(piece)));
        }
    }
}

std::deque<comoq::hang::Mp4Sample> *TimedMovie::earliest() {
    std::deque<comoq::hang::Mp4Sample> *found = nullptr;
    for (auto &track : tracks_) {
        if (!track.empty() && (found == nullptr || track.front().decode_time < found->front().decode_time)) {
            found = &track;
        }
    }
    return found;
}

// Until each track has a sample.
void TimedMovie::look_ahead() {
    constexpr std::chrono::seconds farthest(10);
    while (!has_ended_) {
        const bool is_complete = !tracks_.empty() && std::ranges::none_of(tracks_, [](const auto &track) { return track.empty(); });
        const auto *first = earliest();
        if (is_complete || (first != nullptr && latest_ - first->front().decode_time > farthest)) {
            return;
        }
        auto sample = file_.next();
        if (!sample) {
            has_ended_ = true;
            return;
        }
        tracks_.resize(std::max(tracks_.size(), file_.tracks().size()));
        latest_ = std::max(latest_, sample->decode_time);
        tracks_[sample->track].push_back(std::move(*sample));
    }
}

std::optional<comoq::hang::Mp4Sample> TimedMovie::next() {
    try {
        look_ahead();
    } catch (...) {
        has_ended_ = true;
        fault_ = std::current_exception();
    }
    auto *track = earliest();
    if (track == nullptr) {
        if (fault_ != nullptr) {
            std::rethrow_exception(std::exchange(fault_, nullptr));
        }
        return std::nullopt;
    }
    auto sample = std::move(track->front());
    track->pop_front();
    return sample;
}

std::chrono::microseconds wait_of(const comoq::hang::Mp4Sample &sample) {
    return sample.timestamp.floor<std::chrono::microseconds>() - sample.decode_time + sample.duration;
}

Survey survey(const std::filesystem::path &path, std::chrono::microseconds longest) {
    MovieFile file(path);
    Survey found;
    bool is_first = true;
    while (const auto sample = file.next()) {
        found.tracks.resize(file.tracks().size());
        auto &track = found.tracks[sample->track];
        ++track.frames;
        track.bytes += sample->payload.size();
        track.duration += sample->duration;
        track.longest_wait = std::max(track.longest_wait, wait_of(*sample));
        found.begin = is_first ? sample->decode_time : std::min(found.begin, sample->decode_time);
        found.end = std::max(found.end, sample->decode_time + sample->duration);
        is_first = false;
        if (found.end - found.begin > longest) {
            break;
        }
    }
    found.tracks.resize(file.tracks().size());
    for (std::size_t i = 0; i != found.tracks.size(); ++i) {
        found.tracks[i].config = file.tracks()[i].config;
    }
    if (is_first) {
        throw comoq::hang::Mp4Error("has no samples of video or audio");
    }
    return found;
}
