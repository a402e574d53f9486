// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// As `comoq/src.hpp`, for the headers in `comoq/hang/`.

#include "../config.hpp"

#if !defined(COMOQ_SEPARATE_COMPILATION)
#error "comoq/hang/src.hpp: define COMOQ_SEPARATE_COMPILATION for the whole program, or include none of this"
#endif

#include "../impl/detail/hang/box_writer.ipp"
#include "../impl/detail/hang/boxes.ipp"
#include "../impl/detail/hang/fragment_box.ipp"
#include "../impl/detail/hang/movie_box.ipp"
#include "../impl/detail/hang/sample_entry.ipp"
#include "../impl/hang/catalog.ipp"
#include "../impl/hang/catalog_text.ipp"
#include "../impl/hang/catalog_track.ipp"
#include "../impl/hang/codec.ipp"
#include "../impl/hang/container.ipp"
#include "../impl/hang/deflate.ipp"
#include "../impl/hang/hevc.ipp"
#include "../impl/hang/media_track.ipp"
#include "../impl/hang/mp4_pieces.ipp"
#include "../impl/hang/mp4_reader.ipp"
#include "../impl/hang/mp4_writer.ipp"
#include "../impl/hang/text_of_bytes.ipp"
