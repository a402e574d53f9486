// A fragmented MP4, cut into parts to send: the start that every player needs first, and the fragments after it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace fmp4 {

// A fault of a file, in one line.
class BadFile : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A top-level box, header included, or several in a row.
using Block = std::span<const std::byte>;

// In order, `init` and each block of each fragment are all the bytes of the file, and no others.
struct Movie {
    // From `ftyp` to the end of `moov`.
    Block init;
    // One block for each box. A fragment is a `moof` and its `mdat`, and the boxes before them since the last fragment
    // (`styp`, `sidx`, `prft`, `emsg`, `free`). Boxes after the last `mdat`, such as `mfra`, are their own fragment.
    std::vector<std::vector<Block>> fragments;
};

// Opens a regular file; throws BadFile.
std::ifstream open_file(const std::filesystem::path &path);
// Reads a whole file; throws BadFile.
std::vector<std::byte> read_file(const std::filesystem::path &path);

// Cuts a file into its parts, which point into `file`; throws BadFile if it is not a complete fragmented MP4.
Movie parse(Block file);

}  // namespace fmp4
