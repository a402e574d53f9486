// Records tracks of a broadcast up to a limit, and counts what is missing.
#pragma once

#include <comoq/broadcast.hpp>
#include <comoq/error.hpp>
#include <comoq/first_of.hpp>
#include <comoq/frame.hpp>
#include <comoq/task_group.hpp>
#include <comoq/track.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

// A recorded track, and what is missing in it.
class Recorded {
public:
    // Without a start, a track begins anywhere.
    Recorded(std::string name, std::optional<std::uint64_t> start) : name_(std::move(name)), next_(start) {}

    const std::string &name() const { return name_; }
    std::size_t groups() const { return groups_; }
    std::size_t bytes() const { return bytes_; }
    // Groups that did not come, or not whole, and the media time from the last frame before a gap to the first one after it.
    std::uint64_t missing_groups() const { return missing_; }
    double missing_seconds() const { return missing_seconds_; }
    bool is_whole() const { return missing_ == 0; }

    void begins(std::uint64_t sequence) {
        if (next_ && sequence > *next_) misses(sequence - *next_);
        next_ = sequence + 1;
    }
    void wrote(const comoq::Frame &frame) {
        const auto at = seconds(frame.timestamp);
        if (has_gap_ && last_) missing_seconds_ += at > *last_ ? at - *last_ : 0;
        has_gap_ = false;
        last_ = at;
        bytes_ += frame.payload.size();
    }
    void ends_whole() { ++groups_; }
    void breaks_off() { misses(1); }
    // The track has no group from `end` on.
    void ended_at(std::uint64_t end) {
        if (next_ && end > *next_) misses(end - *next_);
    }

private:
    static double seconds(comoq::Timestamp time) {
        return static_cast<double>(time.value()) / static_cast<double>(time.scale().units_per_second());
    }
    void misses(std::uint64_t groups) {
        missing_ += groups;
        has_gap_ = true;
    }

    std::string name_;
    std::optional<std::uint64_t> next_;
    std::optional<double> last_;
    bool has_gap_ = false;
    std::size_t groups_ = 0, bytes_ = 0;
    std::uint64_t missing_ = 0;
    double missing_seconds_ = 0;
};

struct RecordingLimits {
    static constexpr auto none = std::numeric_limits<std::size_t>::max();

    // Of each track; of all together.
    std::size_t groups = none, bytes = none;
    std::optional<std::chrono::milliseconds> time;
};

// Writes frames of the track with that number, and completes when they are written. It runs to its end even when it is
// cancelled.
using WriteFrames = std::function<asio::awaitable<void>(std::size_t track, std::vector<comoq::Frame> frames)>;

class Recording {
public:
    Recording(std::vector<Recorded> &tracks, RecordingLimits limits, comoq::Subscription wishes, WriteFrames write,
              comoq::Sleep sleep = {})
        : tracks_(tracks), limits_(limits), wishes_(wishes), write_(std::move(write)), sleep_(std::move(sleep)) {}

    // Returns at the end of all tracks, or at a limit. When it returns or throws, no task is left, and no subscription.
    asio::awaitable<void> record(comoq::BroadcastConsumer broadcast) {
        auto all = record_all(std::move(broadcast));
        if (!limits_.time) {
            co_await std::move(all);
            co_return;
        }
        // Not `with_timeout`: a track may fail with Timeout, too.
        co_await comoq::first_of(std::move(all), comoq::sleep_for(*limits_.time, sleep_));
    }

private:
    asio::awaitable<void> record_all(comoq::BroadcastConsumer broadcast) {
        const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
            for (std::size_t i = 0; i < tracks_.size(); ++i) tasks.spawn(record_track(tasks, broadcast, i));
            co_return;
        };
        co_await comoq::with_task_group(body);
    }

    asio::awaitable<void> record_track(comoq::TaskGroup &tasks, comoq::BroadcastConsumer broadcast, std::size_t number) {
        auto &recorded = tracks_[number];
        auto track = co_await broadcast.track(recorded.name()).subscribe(wishes_);
        while (recorded.groups() < limits_.groups && !tasks.is_cancelled()) {
            auto [failure, group] = co_await track.next_group().as_tuple();
            // The last groups have expired. The end of the track tells below that they are missing.
            const bool is_past = failure == comoq::Error::Old || failure == comoq::Error::Evicted;
            if (failure && !is_past) throw std::system_error(failure);
            if (!group) {
                auto [unknown, end] = co_await track.finished().as_tuple();
                if (!unknown) recorded.ended_at(end);
                co_return;
            }
            recorded.begins(group->sequence());
            co_await record_group(tasks, std::move(*group), number);
        }
    }

    // While frames are written, the track waits: groups that expire meanwhile are missing.
    asio::awaitable<void> record_group(comoq::TaskGroup &tasks, comoq::GroupConsumer group, std::size_t number) {
        auto &recorded = tracks_[number];
        std::uint64_t count = 0;
        for (bool is_over = false; !is_over;) {
            auto [failure, frames] = co_await group.read_frames(frames_at_once).as_tuple();
            // At a limit nothing is missing.
            if (failure == asio::error::operation_aborted) throw std::system_error(failure);
            if (failure) {
                recorded.breaks_off();
                co_return;
            }
            if (!frames) break;
            // Asked before the disk is: a group may expire after its last frame was read.
            count += frames->size();
            auto end = group.finished();
            if (end.ready()) {
                const auto [unknown, all] = co_await std::move(end).as_tuple();
                is_over = !unknown && all == count;
            }
            const bool is_full = !keep_within_limit(*frames);
            for (const auto &frame : *frames) recorded.wrote(frame);
            co_await write_(number, std::move(*frames));
            if (is_full) {
                tasks.cancel();
                co_return;
            }
        }
        recorded.ends_whole();
    }

    // Drops the frames that do not fit, and says whether all fitted.
    bool keep_within_limit(std::vector<comoq::Frame> &frames) {
        for (auto frame = frames.begin(); frame != frames.end(); ++frame) {
            if (frame->payload.size() > limits_.bytes - bytes_) {
                frames.erase(frame, frames.end());
                return false;
            }
            bytes_ += frame->payload.size();
        }
        return true;
    }

    static constexpr std::size_t frames_at_once = 256;

    std::vector<Recorded> &tracks_;
    const RecordingLimits limits_;
    const comoq::Subscription wishes_;
    const WriteFrames write_;
    const comoq::Sleep sleep_;
    std::size_t bytes_ = 0;
};
