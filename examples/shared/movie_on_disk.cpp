#include "movie_on_disk.hpp"

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <ios>
#include <system_error>
#include <utility>
#include <vector>

using comoq::hang::Mp4Error;

// It is kept in memory: this is an example, not an archive.
constexpr std::uintmax_t max_file_size = std::uintmax_t{1} << 30;

std::ifstream open_movie(const std::filesystem::path &path) {
    std::error_code ec;
    const auto status = std::filesystem::status(path, ec);
    if (status.type() == std::filesystem::file_type::not_found) {
        throw Mp4Error("is not there");
    }
    if (ec) {
        throw Mp4Error("cannot be read: " + ec.message());
    }
    if (!std::filesystem::is_regular_file(status)) {
        throw Mp4Error(std::filesystem::is_directory(status) ? "is a directory" : "is not a regular file");
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw Mp4Error("cannot be opened");
    }
    return in;
}

comoq::Bytes read_whole_movie(const std::filesystem::path &path) {
    auto in = open_movie(path);
    std::error_code ec;
    const auto size = std::filesystem::file_size(path, ec);
    if (ec) {
        throw Mp4Error("cannot be read: " + ec.message());
    }
    if (size > max_file_size) {
        throw Mp4Error(fmt::format("is larger than {} MiB, the limit of this example", max_file_size >> 20));
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    in.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (static_cast<std::size_t>(in.gcount()) != bytes.size()) {
        throw Mp4Error("cannot be read completely");
    }
    return comoq::Bytes(std::move(bytes));
}
