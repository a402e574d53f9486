/// \file
/// Short ways to write MP4 by hand in tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <comoq/hang/mp4_reader.hpp>
#include <comoq/hang/mp4_writer.hpp>

namespace comoq::test {

inline std::string big_endian(std::uint64_t value, int width) {
    std::string bytes;
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
    return bytes;
}

inline std::string box(std::string_view type, std::string_view contents = {}) {
    return big_endian(8 + contents.size(), 4).append(type).append(contents);
}
/// Its size has 64 bits.
inline std::string large_box(std::string_view type, std::string_view contents = {}) {
    return big_endian(1, 4).append(type) + big_endian(16 + contents.size(), 8).append(contents);
}
/// It goes on to the end of the file.
inline std::string endless_box(std::string_view type, std::string_view contents = {}) {
    return big_endian(0, 4).append(type).append(contents);
}

/// An H.264 and an AAC configuration.
inline hang::DecoderConfig avc() {
    hang::DecoderConfig config;
    config.kind = hang::MediaKind::Video;
    config.codec = "avc1.640015";
    config.description = *hang::from_hex("01640015ffe1001a67640015acd981e08feb011000000300100000030300f162d9a001000668e97864b22cfdf8f800");
    config.width = 480;
    config.height = 270;
    return config;
}
inline hang::DecoderConfig aac() {
    hang::DecoderConfig config;
    config.kind = hang::MediaKind::Audio;
    config.codec = "mp4a.40.2";
    config.description = *hang::from_hex("120856e500");
    config.sample_rate = 44100;
    config.channels = 1;
    return config;
}

/// The samples of a movie that comes in pieces of that size, and why it ended.
struct ReadMovie {
    std::vector<hang::Mp4Track> tracks;
    std::vector<hang::Mp4Sample> samples;
    std::string complaint;
};
inline ReadMovie read_movie(std::string_view file, std::size_t piece = 1 << 20) {
    ReadMovie movie;
    hang::Mp4Reader reader;
    try {
        for (std::size_t at = 0; at < file.size(); at += piece) reader.push(Bytes::copy(file.substr(at, piece)));
        reader.finish();
    } catch (const hang::Mp4Error &error) {
        movie.complaint = error.what();
    }
    movie.tracks = reader.tracks();
    while (auto sample = reader.next()) movie.samples.push_back(std::move(*sample));
    return movie;
}

/// A fragment of a track whose samples have those texts, 40 ms each; the first one is a key frame.
inline std::string fragment(hang::Mp4Writer &writer, std::size_t track, std::uint64_t time, const std::vector<std::string> &texts) {
    std::vector<hang::Mp4OutputSample> samples;
    std::string bytes;
    for (const auto &text : texts) {
        samples.push_back({static_cast<std::uint32_t>(text.size()), 40'000, 0, samples.empty()});
        bytes += text;
    }
    return std::string(writer.fragment(track, time, samples).view()) + bytes;
}

}  // namespace comoq::test
