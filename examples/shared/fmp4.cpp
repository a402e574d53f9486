#include "fmp4.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <string_view>
#include <system_error>
#include <utility>

namespace fmp4 {
namespace {

// The whole file is kept in memory to compare with; this is an example, not an archive.
constexpr std::uintmax_t max_file_size = std::uintmax_t{1} << 30;

// The capacity of a group: beyond it, the group would drop its oldest frames.
constexpr std::size_t max_group_bytes = std::size_t{32} << 20;
constexpr std::size_t max_group_frames = 32768;

struct Box {
    std::string type;
    std::size_t offset;
    Block bytes;
};

std::uint64_t big_endian(Block bytes) {
    std::uint64_t value = 0;
    for (std::byte byte : bytes) {
        value = value << 8 | std::to_integer<std::uint64_t>(byte);
    }
    return value;
}

// Four characters; a dot stands for each unprintable one, because the file may contain anything.
std::string type_name(Block bytes) {
    std::string name;
    for (std::byte byte : bytes) {
        const char c = std::to_integer<char>(byte);
        name += c >= ' ' && c <= '~' ? c : '.';
    }
    return name;
}

// The box at `offset`, which is before the end. Its size field counts the header, and has two special values:
// 0 means up to the end of the file, 1 means that the size is in the 64 bits after the type.
Box box_at(Block file, std::size_t offset) {
    const Block rest = file.subspan(offset);
    if (rest.size() < 8) {
        throw BadFile(fmt::format("is truncated: the last {} bytes are too few for a box", rest.size()));
    }
    Box box{type_name(rest.subspan(4, 4)), offset, {}};
    std::uint64_t size = big_endian(rest.first(4));
    std::uint64_t header = 8;
    if (size == 0) {
        size = rest.size();
    } else if (size == 1) {
        header = 16;
        if (rest.size() < header) {
            throw BadFile(fmt::format("is truncated: it ends in the header of box '{}' at {}", box.type, offset));
        }
        size = big_endian(rest.subspan(8, 8));
    }
    if (size < header) {
        throw BadFile(fmt::format("is damaged: box '{}' at {} says it is {} bytes long", box.type, offset, size));
    }
    if (size > rest.size()) {
        throw BadFile(fmt::format("is truncated: box '{}' at {} should have {} bytes and has {}", box.type, offset,
                                  size, rest.size()));
    }
    box.bytes = rest.first(static_cast<std::size_t>(size));
    return box;
}

// Collects boxes into fragments.
class Cutter {
public:
    void add(const Box &box) {
        const bool is_moof = box.type == "moof";
        const bool is_mdat = box.type == "mdat";
        if ((has_mdat_ && !is_mdat) || (has_moof_ && is_moof)) {
            close();
        }
        has_moof_ = has_moof_ || is_moof;
        has_mdat_ = has_mdat_ || is_mdat;
        bytes_ += box.bytes.size();
        boxes_.push_back(box.bytes);
        if (bytes_ > max_group_bytes || boxes_.size() > max_group_frames) {
            throw BadFile(fmt::format("has a fragment that is too large for one group: more than {} MiB or {} boxes",
                                      max_group_bytes >> 20, max_group_frames));
        }
    }

    std::vector<std::vector<Block>> finish() {
        if (has_moof_ && !has_mdat_) {
            throw BadFile("is truncated: it ends after a moof box, whose mdat box is missing");
        }
        if (!boxes_.empty()) {
            close();
        }
        return std::move(fragments_);
    }

private:
    void close() {
        fragments_.push_back(std::move(boxes_));
        boxes_.clear();
        bytes_ = 0;
        has_moof_ = has_mdat_ = false;
    }

    std::vector<std::vector<Block>> fragments_;
    std::vector<Block> boxes_;
    std::size_t bytes_ = 0;
    bool has_moof_ = false;
    bool has_mdat_ = false;
};

}  // namespace

std::ifstream open_file(const std::filesystem::path &path) {
    std::error_code ec;
    const auto status = std::filesystem::status(path, ec);
    if (status.type() == std::filesystem::file_type::not_found) {
        throw BadFile("is not there");
    }
    if (ec) {
        throw BadFile("cannot be read: " + ec.message());
    }
    if (!std::filesystem::is_regular_file(status)) {
        throw BadFile(std::filesystem::is_directory(status) ? "is a directory" : "is not a regular file");
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw BadFile("cannot be opened");
    }
    return in;
}

std::vector<std::byte> read_file(const std::filesystem::path &path) {
    auto in = open_file(path);
    std::error_code ec;
    const auto size = std::filesystem::file_size(path, ec);
    if (ec) {
        throw BadFile("cannot be read: " + ec.message());
    }
    if (size > max_file_size) {
        throw BadFile(fmt::format("is larger than {} MiB, the limit of this example", max_file_size >> 20));
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    in.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (static_cast<std::size_t>(in.gcount()) != bytes.size()) {
        throw BadFile("cannot be read completely");
    }
    return bytes;
}

Movie parse(Block file) {
    if (file.empty()) {
        throw BadFile("is empty");
    }
    // Checked first, so that a text file is reported as not an MP4, and not as a truncated one.
    if (file.size() < 8 || type_name(file.subspan(4, 4)) != "ftyp") {
        throw BadFile("is not an MP4 file: it does not begin with an ftyp box");
    }
    Movie movie;
    Cutter fragments;
    bool has_moof = false;
    for (std::size_t offset = 0; offset < file.size();) {
        const Box box = box_at(file, offset);
        offset += box.bytes.size();
        if (!movie.init.empty()) {
            fragments.add(box);
            has_moof = has_moof || box.type == "moof";
        } else if (box.type == "moov") {
            movie.init = file.first(offset);
        } else if (box.type == "moof") {
            throw BadFile("is damaged: a moof box comes before the moov box");
        }
    }
    if (movie.init.empty()) {
        throw BadFile("has no moov box, so it is truncated or not a movie");
    }
    if (!has_moof) {
        throw BadFile("is not fragmented: no moof box (ffmpeg -movflags frag_keyframe+empty_moov makes one)");
    }
    if (movie.init.size() > max_group_bytes) {
        throw BadFile(fmt::format("has more than {} MiB before its first fragment", max_group_bytes >> 20));
    }
    movie.fragments = fragments.finish();
    return movie;
}

}  // namespace fmp4
