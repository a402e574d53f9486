// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/hang/late_rule.hpp"
#include "../../detail/hang/read_outcome.hpp"
#include "../../error.hpp"
#include "../../first_of.hpp"
#include "../../hang/media_track.hpp"

#include <system_error>
#include <utility>
#include <vector>

namespace comoq::hang {

namespace detail {

inline MediaTime media_time(Timestamp time) { return time.floor<MediaTime>(); }

inline constexpr std::size_t most_ahead = 64;
inline constexpr std::chrono::milliseconds length_of_audio_group{100};

}  // namespace detail

COMOQ_DECL TrackInfo media_track_info(MediaKind kind) {
    TrackInfo info;
    info.priority = kind == MediaKind::Audio ? 80 : 60;
    info.max_latency = std::chrono::seconds(30);
    info.timescale = Timescale(1'000'000);
    return info;
}

COMOQ_DECL MediaProducer::MediaProducer(TrackProducer track, ContainerKind container, const DecoderConfig &config)
    : track_(std::move(track)), packer_(container, config), kind_(config.kind) {}

COMOQ_DECL void MediaProducer::write(const MediaFrame &frame) {
    if (!group_begin_ && !frame.is_key) return;
    const bool is_long_enough =
        group_begin_ && (frame.timestamp < *group_begin_ ||
                         detail::media_time(frame.timestamp) - detail::media_time(*group_begin_) >= detail::length_of_audio_group);
    if (!group_begin_ || (frame.is_key && (kind_ != MediaKind::Audio || is_long_enough))) {
        auto next = track_.append_group();
        if (group_begin_) group_.finish();
        group_ = std::move(next);
        group_begin_ = frame.timestamp;
    }
    const auto head = packer_.head_of(frame);
    auto out = group_.create_frame(head.size() + frame.payload.size(), frame.timestamp);
    out.write(head);
    out.write(frame.payload);
    out.finish();
}

COMOQ_DECL void MediaProducer::finish() {
    if (group_begin_) group_.finish();
    group_begin_.reset();
    track_.finish();
}

COMOQ_DECL MediaConsumer::MediaConsumer(TrackSubscriber track, const Container &container, std::optional<std::chrono::microseconds> latency)
    : track_(std::move(track)), unpacker_(container), latency_(latency) {}

COMOQ_DECL void MediaConsumer::begin(GroupConsumer group) {
    const auto sequence = group.sequence();
    if (next_sequence_ && sequence > *next_sequence_) stats_.lost_groups += sequence - *next_sequence_;
    next_sequence_ = sequence + 1;
    group_ = std::move(group);
    frames_of_group_ = 0;
}

// Groups that are there already, and when they begin.
COMOQ_DECL void MediaConsumer::look_ahead() {
    while (waiting_.size() < detail::most_ahead) {
        auto next = track_.try_next_group();
        if (!next) break;
        waiting_.emplace_back(*std::move(next));
    }
    for (auto &waiting : waiting_) {
        if (waiting.is_known) continue;
        // A copy reads: the group itself stays at its first frame.
        GroupConsumer copy = waiting.group;
        const auto first = copy.try_read_frame();
        if (first) waiting.begin = detail::media_time(first->timestamp);
        waiting.is_known = !first.is_nothing_yet();
    }
}

COMOQ_DECL void MediaConsumer::skip_if_late() {
    if (!latency_ || !now_ || waiting_.empty()) return;
    std::vector<std::optional<detail::MediaTime>> begins;
    for (const auto &waiting : waiting_) begins.push_back(waiting.begin);
    const auto skipped = detail::groups_to_skip(*now_, begins, *latency_);
    if (!skipped) return;
    // Those that are passed over did come.
    stats_.late_groups += *skipped + (group_ ? 1 : 0);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(*skipped));
    next_sequence_ = waiting_.front().group.sequence();
    now_ = waiting_.front().begin;
    begin(std::move(waiting_.front().group));
    waiting_.pop_front();
}

COMOQ_DECL void MediaConsumer::take(const Frame &frame) {
    const bool is_first = frames_of_group_++ == 0;
    now_ = detail::media_time(frame.timestamp);
    std::vector<MediaFrame> unpacked;
    try {
        unpacked = unpacker_.unpack(frame.payload, is_first);
    } catch (const std::system_error &) {
        ++stats_.bad_frames;
        group_.reset();
        return;
    }
    bool begins_group = is_first;
    for (auto &media : unpacked) {
        ReceivedFrame received;
        static_cast<MediaFrame &>(received) = std::move(media);
        received.group = group_->sequence();
        received.begins_group = std::exchange(begins_group, false);
        ready_.push_back(std::move(received));
    }
}

COMOQ_DECL void MediaConsumer::end_of_group(const std::error_code &failure) {
    if (failure) ++stats_.lost_groups;
    group_.reset();
}

// Until a frame of the present group, another group, or the beginning of one has come.
COMOQ_DECL asio::awaitable<void> MediaConsumer::wait() {
    auto reading = detail::read_outcome(group_->read_frame());
    detail::ReadOutcome outcome;
    if (has_ended_ || waiting_.size() >= detail::most_ahead) {
        outcome = co_await std::move(reading);
    } else {
        auto coming = track_.next_group();
        FirstOf<std::optional<GroupConsumer>, detail::ReadOutcome> first;
        if (latency_ && !waiting_.empty() && !waiting_.back().is_known) {
            auto begun = detail::read_outcome(waiting_.back().group.get_frame(0));
            auto one = co_await first_of(std::move(coming), std::move(reading), std::move(begun));
            if (one.index() == 2) co_return;
            if (one.index() == 0) first.emplace<0>(std::move(std::get<0>(one)));
            if (one.index() == 1) first.emplace<1>(std::move(std::get<1>(one)));
        } else {
            first = co_await first_of(std::move(coming), std::move(reading));
        }
        if (first.index() == 0) {
            auto &next = std::get<0>(first);
            has_ended_ = !next.has_value();
            if (next) waiting_.emplace_back(std::move(*next));
            co_return;
        }
        outcome = std::move(std::get<1>(first));
    }
    if (std::get<1>(outcome)) {
        take(*std::get<1>(outcome));
    } else {
        end_of_group(std::get<0>(outcome));
    }
}

COMOQ_DECL asio::awaitable<std::optional<ReceivedFrame>> MediaConsumer::read() {
    while (ready_.empty()) {
        look_ahead();
        skip_if_late();
        if (!group_) {
            if (!waiting_.empty()) {
                begin(std::move(waiting_.front().group));
                waiting_.pop_front();
                continue;
            }
            if (has_ended_) co_return std::nullopt;
            auto coming = track_.next_group();
            auto next = co_await std::move(coming);
            has_ended_ = !next.has_value();
            if (next) begin(std::move(*next));
            continue;
        }
        auto frame = group_->try_read_frame();
        if (frame) {
            take(*frame);
        } else if (frame.is_end()) {
            end_of_group(frame.code());
        } else {
            co_await wait();
        }
    }
    auto frame = std::move(ready_.front());
    ready_.pop_front();
    ++stats_.frames;
    stats_.bytes += frame.payload.size();
    co_return frame;
}

}  // namespace comoq::hang
