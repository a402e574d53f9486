// A fuzzer for hang: the first byte selects a parser, the rest is a peer's input, or a file. What can be read is within its bounds, and
// can be written and read again as the same.
#include <comoq/hang/hang.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace comoq;
using namespace comoq::hang;

namespace {

void check(bool right) {
    if (!right) std::abort();
}

std::string_view text_of(std::span<const std::byte> input) { return {reinterpret_cast<const char *>(input.data()), input.size()}; }

void catalog(std::span<const std::byte> input) {
    try {
        const auto read = parse_catalog(text_of(input));
        check(parse_catalog(to_json(read)) == read);
    } catch (const std::system_error &) {
    }
}

void patch(std::span<const std::byte> input) {
    const auto half = input.size() / 2;
    try {
        parse_catalog(merge_patched(text_of(input.first(half)), text_of(input.subspan(half))));
    } catch (const std::system_error &) {
    }
}

const std::string &start() {
    static const std::string bytes = [] {
        DecoderConfig video, audio;
        video.kind = MediaKind::Video;
        video.codec = "vp8";
        audio.kind = MediaKind::Audio;
        audio.codec = "opus";
        audio.sample_rate = 48000;
        audio.channels = 2;
        return std::string(Mp4Writer({video, audio}).init().view());
    }();
    return bytes;
}

struct Seen {
    std::vector<std::string> samples;
    std::string complaint;
};

Seen read(std::string_view file, std::size_t piece) {
    Seen seen;
    Mp4Reader reader(std::size_t{1} << 16);
    try {
        for (std::size_t at = 0; at < file.size(); at += piece) reader.push(Bytes::copy(file.substr(at, piece)));
        reader.finish();
    } catch (const Mp4Error &error) {
        seen.complaint = error.what();
        check(seen.complaint.find('\n') == std::string::npos);
    }
    std::size_t bytes = 0;
    while (const auto sample = reader.next()) {
        check(sample->track < reader.tracks().size() && !sample->payload.empty());
        bytes += sample->payload.size();
        seen.samples.emplace_back(sample->payload.view());
    }
    check(bytes <= file.size());
    return seen;
}

std::string joined(const Mp4Pieces &movie) {
    std::string all(movie.init.view());
    for (const auto &piece : movie.pieces) {
        for (const auto &box : piece.boxes) all += box.view();
    }
    return all += movie.rest.view();
}

// Nothing is lost, the times do not go back, and what was cut can be cut again in the same places. Only an mdat that says that it goes
// on to the end becomes another one, of the same length.
void cut(std::string_view file) {
    try {
        const auto movie = cut_mp4(Bytes::copy(file), {.bytes = std::size_t{1} << 16, .boxes = 64});
        const auto all = joined(movie);
        check(all.size() == file.size() && !movie.pieces.empty());
        auto last = movie.pieces.front().begin;
        for (const auto &piece : movie.pieces) {
            check(!piece.boxes.empty() && piece.boxes.size() <= 64 && piece.begin >= last && piece.end >= piece.begin);
            last = piece.begin;
        }
        const auto again = cut_mp4(Bytes::copy(all), {.bytes = std::size_t{1} << 16, .boxes = 64});
        check(joined(again) == all && again.pieces.size() == movie.pieces.size());
    } catch (const Mp4Error &error) {
        check(std::string_view(error.what()).find('\n') == std::string_view::npos);
    }
}

void movie(std::span<const std::byte> input) {
    const auto whole = read(text_of(input), input.size() + 1);
    check(read(text_of(input), 7).samples == whole.samples);
    cut(text_of(input));
}

void fragments(std::span<const std::byte> input) {
    const auto file = start() + std::string(text_of(input));
    check(read(file, file.size()).samples == read(file, 11).samples);
    cut(file);
}

void frames(std::span<const std::byte> input) {
    for (const auto kind : {ContainerKind::Legacy, ContainerKind::Loc, ContainerKind::Cmaf}) {
        Container container;
        container.kind = kind;
        container.init = Bytes::copy(start());
        try {
            Unpacker unpacker(container);
            for (const auto &frame : unpacker.unpack(Bytes::copy(text_of(input)), true)) check(frame.payload.size() <= input.size());
        } catch (const std::system_error &) {
        }
    }
}

void configurations(std::span<const std::byte> input) {
    avc_codec("avc1", input);
    hevc_codec("hvc1", input);
    aac_config(input);
    opus_config(input);
    if (const auto codec = av1_codec(input)) check(av1_box_of(*codec).has_value());
    if (const auto codec = vp9_codec(input)) check(vp9_codec(vp9_box_of(*codec)->span()).has_value());
    check(avc_from_annex_b(input).payload.size() <= 2 * input.size());
    const auto hevc = hevc_from_annex_b(input);
    check(hevc.payload.size() <= 2 * input.size() && hevc.hvcc.size() <= 2 * input.size() + 64);
    if (!hevc.hvcc.empty()) check(hevc_codec("hvc1", hevc.hvcc.span()).has_value());
    check(from_hex(to_hex(input))->view() == text_of(input) && from_base64(to_base64(input))->view() == text_of(input));
    from_base64(text_of(input));
    from_hex(text_of(input));
}

void compressed(std::span<const std::byte> input) {
    check(Inflater().next(Deflater().next(input).span(), input.size()).view() == text_of(input));
    try {
        check(Inflater().next(input, 1000).size() <= 1000);
    } catch (const std::system_error &) {
    }
}

constexpr void (*readers[])(std::span<const std::byte>) = {catalog, patch, movie, fragments, frames, configurations, compressed};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) return 0;
    const auto input = std::as_bytes(std::span(data, size));
    readers[data[0] % std::size(readers)](input.subspan(1));
    return 0;
}
