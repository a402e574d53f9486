// A file that should be a movie. What is wrong with it is a comoq::hang::Mp4Error, which goes on after its name.
#pragma once

#include <comoq/bytes.hpp>
#include <comoq/hang/mp4_error.hpp>

#include <filesystem>
#include <fstream>

// Throws Mp4Error unless it is a regular file that can be opened.
std::ifstream open_movie(const std::filesystem::path &path);

// The whole of it. Throws Mp4Error, also if it has more than 1 GiB.
comoq::Bytes read_whole_movie(const std::filesystem::path &path);
