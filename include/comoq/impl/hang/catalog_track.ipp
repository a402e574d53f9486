// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/hang/read_outcome.hpp"
#include "../../error.hpp"
#include "../../first_of.hpp"
#include "../../hang/catalog_track.hpp"

#include <chrono>
#include <system_error>
#include <utility>

namespace comoq::hang {

namespace detail {

inline TrackInfo catalog_info() {
    TrackInfo info;
    // Before all media.
    info.priority = 100;
    info.max_latency = std::chrono::seconds(30);
    return info;
}

inline constexpr std::size_t most_patches = 256;

}  // namespace detail

COMOQ_DECL CatalogProducer::CatalogProducer(BroadcastProducer broadcast)
    : plain_(broadcast.create_track(catalog_track, detail::catalog_info())),
      compressed_(broadcast.create_track(compressed_catalog_track, detail::catalog_info())) {}

COMOQ_DECL void CatalogProducer::publish(const Catalog &catalog) {
    auto json = to_json(catalog);
    if (published_ == json) return;
    const auto bytes = Bytes::copy(json);
    const auto compressed = Deflater().next(bytes.span());
    auto plain_group = plain_.append_group();
    plain_group.write_frame(bytes);
    auto compressed_group = compressed_.append_group();
    compressed_group.write_frame(compressed);
    if (published_) {
        plain_group_.finish();
        compressed_group_.finish();
    }
    plain_group_ = std::move(plain_group);
    compressed_group_ = std::move(compressed_group);
    published_ = std::move(json);
}

COMOQ_DECL void CatalogProducer::finish() {
    if (published_) {
        plain_group_.finish();
        compressed_group_.finish();
    }
    plain_.finish();
    compressed_.finish();
}

// The next frame of the newest group, in which it may be the first one. False at the end of the track.
COMOQ_DECL asio::awaitable<bool> CatalogConsumer::next_frame(Frame &frame) {
    while (true) {
        // A newer group has all of what an older one says.
        while (auto newer = track_.try_next_group()) {
            group_ = std::move(*newer);
            frames_ = 0;
        }
        if (!group_) {
            if (has_ended_) co_return false;
            auto coming = track_.next_group();
            group_ = co_await std::move(coming);
            frames_ = 0;
            has_ended_ = !group_.has_value();
            continue;
        }
        auto read = group_->try_read_frame();
        if (read) {
            frame = *std::move(read);
            co_return true;
        }
        if (read.is_end()) {
            group_.reset();
            continue;
        }
        auto reading = detail::read_outcome(group_->read_frame());
        detail::ReadOutcome outcome;
        if (has_ended_) {
            outcome = co_await std::move(reading);
        } else {
            auto next = track_.next_group();
            auto first = co_await first_of(std::move(next), std::move(reading));
            if (first.index() == 0) {
                auto &newer = std::get<0>(first);
                has_ended_ = !newer.has_value();
                if (newer) {
                    group_ = std::move(newer);
                    frames_ = 0;
                }
                continue;
            }
            outcome = std::move(std::get<1>(first));
        }
        if (std::get<1>(outcome)) {
            frame = std::move(*std::get<1>(outcome));
            co_return true;
        }
        group_.reset();
    }
}

COMOQ_DECL void CatalogConsumer::take(const Frame &frame) {
    const bool is_first = frames_++ == 0;
    if (frames_ > detail::most_patches) throw std::system_error(make_error_code(Error::BoundsExceeded), "catalog: too many patches");
    Bytes text = frame.payload;
    if (is_compressed_) {
        if (is_first) inflater_.emplace();
        text = inflater_->next(text.span(), max_catalog_size);
    }
    document_ = is_first ? std::string(text.view()) : merge_patched(document_, text.view());
}

COMOQ_DECL asio::awaitable<std::optional<Catalog>> CatalogConsumer::next() {
    while (true) {
        Frame frame;
        const bool has_more = co_await next_frame(frame);
        if (!has_more) co_return std::nullopt;
        Catalog catalog;
        try {
            take(frame);
            catalog = parse_catalog(document_);
        } catch (const std::system_error &) {
            // The rest of this group is not to be understood without what failed.
            group_.reset();
            throw;
        }
        if (given_ == catalog) continue;
        given_ = catalog;
        co_return catalog;
    }
}

}  // namespace comoq::hang
