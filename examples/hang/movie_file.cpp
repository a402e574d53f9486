#include "hang/movie_file.hpp"

#include "shared/fmp4.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

MovieFile::MovieFile(const std::filesystem::path &path) : file_(fmp4::open_file(path)) {}

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
            throw fmp4::BadFile("cannot be read completely");
        }
        has_ended_ = piece.empty();
        if (has_ended_) {
            reader_.finish();
        } else {
            reader_.push(comoq::Bytes(std::move(piece)));
        }
    }
}

Survey survey(const std::filesystem::path &path, std::chrono::microseconds longest) {
    MovieFile file(path);
    Survey found;
    bool is_first = true;
    while (const auto sample = file.next()) {
        found.tracks.resize(file.tracks().size());
        auto &track = found.tracks[sample->track];
        const auto shown = sample->timestamp.floor<std::chrono::microseconds>();
        ++track.frames;
        track.bytes += sample->payload.size();
        track.duration += sample->duration;
        track.longest_wait = std::max(track.longest_wait, shown - sample->decode_time + sample->duration);
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
