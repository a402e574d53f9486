// SPDX-License-Identifier: MIT
/// \file
/// Everything of hang: catalogs, containers, media tracks and MP4. It needs nlohmann-json and zlib.
#pragma once
#include "catalog.hpp"
#include "catalog_track.hpp"
#include "codec.hpp"
#include "container.hpp"
#include "deflate.hpp"
#include "hevc.hpp"
#include "media_track.hpp"
#include "mp4_error.hpp"
#include "mp4_pieces.hpp"
#include "mp4_reader.hpp"
#include "mp4_writer.hpp"
