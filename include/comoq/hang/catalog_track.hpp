// SPDX-License-Identifier: MIT
/// \file
/// The catalog of a broadcast as a track that changes.
#pragma once
#include "../broadcast.hpp"
#include "../config.hpp"
#include "../track_producer.hpp"
#include "../track_subscriber.hpp"
#include "catalog.hpp"
#include "deflate.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace comoq::hang {

/// The name of the track.
inline constexpr const char *catalog_track = "catalog.json";
/// The name of the track that has the same, compressed.
inline constexpr const char *compressed_catalog_track = "catalog.json.z";

/// Publishes the catalog of a broadcast, in both tracks.
///
/// Each change is a new group with the whole catalog. The newest group stays open, as those of the stock packages do: a player takes
/// the end of the track for the end of the broadcast.
class [[nodiscard]] CatalogProducer {
public:
    /// Makes the tracks. Throws as `BroadcastProducer::create_track` does.
    explicit CatalogProducer(BroadcastProducer broadcast);

    /// What readers get from now on. Without a change it does nothing. Throws as `to_json` and `TrackProducer::append_group` do.
    void publish(const Catalog &catalog);
    /// The end: there are no more changes.
    void finish();

private:
    TrackProducer plain_, compressed_;
    GroupProducer plain_group_, compressed_group_;
    std::optional<std::string> published_;
};

/// Follows the catalog of a broadcast.
///
/// Threads: one reader at a time. Memory: a catalog, and what its track holds.
class CatalogConsumer {
public:
    /// Of the track `catalog.json`, or `catalog.json.z` if `is_compressed`.
    explicit CatalogConsumer(TrackSubscriber track, bool is_compressed = false) : track_(std::move(track)), is_compressed_(is_compressed) {}

    /// The newest catalog, once it is another than the last one that this gave; empty when the track has ended. Merge patches are
    /// applied, at most 256 of a group. Throws what the track fails with, and what `parse_catalog` and `merge_patched` throw; the
    /// next call goes on with the next group then.
    ///
    /// Cancellation: it takes nothing, and can be called again.
    asio::awaitable<std::optional<Catalog>> next();

private:
    asio::awaitable<bool> next_frame(Frame &frame);
    void take(const Frame &frame);

    TrackSubscriber track_;
    bool is_compressed_, has_ended_ = false;
    std::optional<GroupConsumer> group_;
    std::optional<Inflater> inflater_;
    std::string document_;
    std::size_t frames_ = 0;
    std::optional<Catalog> given_;
};

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/catalog_track.ipp"
#endif
