// W6 and W7: the cost of writing and reading a group, and of a track with many readers.
#include "workload.hpp"

#include <comoq/comoq.hpp>

#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

namespace comoq::bench {

namespace {

Bytes payload_of(std::size_t size) { return Bytes(std::vector<std::byte>(size)); }

constexpr std::size_t small = 64;
constexpr std::size_t batch = 64;
enum class Part { Write, Read, ReadBatches, Both };

struct Written {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    Bytes payload = payload_of(small);
    asio::io_context context;

    GroupProducer write(std::size_t frames) {
        auto producer = track.append_group();
        for (std::size_t i = 0; i < frames; ++i) producer.write_frame(payload);
        producer.finish();
        return producer;
    }
};

asio::awaitable<std::size_t> read_all(GroupConsumer group) {
    std::size_t bytes = 0;
    while (auto frame = co_await group.read_frame()) bytes += frame->payload.size();
    co_return bytes;
}
asio::awaitable<std::size_t> read_batches(GroupConsumer group) {
    std::size_t bytes = 0;
    while (auto frames = co_await group.read_frames(batch))
        for (const Frame &frame : *frames) bytes += frame.payload.size();
    co_return bytes;
}

asio::awaitable<Sample> use_group(Written &written, std::size_t frames, Part part) {
    Stopwatch stopwatch;
    auto producer = written.write(frames);
    if (part == Part::Read || part == Part::ReadBatches) stopwatch = Stopwatch();
    std::size_t bytes = frames * small;
    if (part == Part::ReadBatches)
        bytes = co_await read_batches(producer.consume());
    else if (part != Part::Write)
        bytes = co_await read_all(producer.consume());
    co_return stopwatch.stop(bytes / small);
}

/// The simplest code that could do the same: shared pointers in a vector under a lock.
Sample use_vector(std::size_t frames, Part part) {
    auto payload = std::make_shared<std::vector<std::byte>>(small);
    std::mutex mutex;
    std::vector<std::shared_ptr<std::vector<std::byte>>> vector;
    Stopwatch stopwatch;
    for (std::size_t i = 0; i < frames; ++i) {
        std::lock_guard lock(mutex);
        vector.push_back(payload);
    }
    if (part == Part::Read || part == Part::ReadBatches) stopwatch = Stopwatch();
    std::size_t bytes = 0;
    if (part == Part::Read || part == Part::Both) {
        for (std::size_t i = 0; i < frames; ++i) {
            std::shared_ptr<std::vector<std::byte>> copy;
            {
                std::lock_guard lock(mutex);
                copy = vector[i];
            }
            bytes += copy->size();
        }
    } else if (part == Part::ReadBatches) {
        for (std::size_t i = 0; i < frames; i += batch) {
            std::vector<std::shared_ptr<std::vector<std::byte>>> copies;
            {
                std::lock_guard lock(mutex);
                copies.assign(vector.begin() + static_cast<std::ptrdiff_t>(i),
                              vector.begin() + static_cast<std::ptrdiff_t>(std::min(i + batch, frames)));
            }
            for (const auto &copy : copies) bytes += copy->size();
        }
    } else {
        bytes = frames * small;
    }
    return stopwatch.stop(bytes / small);
}

Timed group_of(const char *name, std::size_t frames, Part part) {
    return {"W6", fmt::format("{} {}", name, frames),
            [=]() -> Body {
                auto written = std::make_shared<Written>();
                return [=] { return run(written->context, use_group(*written, frames, part)); };
            },
            Yardstick{"locked vector", [=]() -> Body { return [=] { return use_vector(frames, part); }; }}, 3.0};
}

constexpr std::size_t frames_a_group = 512;

/// A track, and its subscribers on a context of their own.
class FanOut {
public:
    FanOut(std::size_t size, std::size_t subscribers, Part reading) : payload_(payload_of(size)), subscribers_(subscribers) {
        // Long enough for every reader, short enough for the heap to stay warm.
        TrackInfo info;
        info.max_latency = std::chrono::milliseconds(300);
        track_ = std::make_unique<TrackProducer>(broadcast_.create_track("video", info));
        for (std::size_t i = 0; i < subscribers; ++i)
            asio::co_spawn(context_, receive(track_->consume().subscribe(), reading), [](std::exception_ptr failure) {
                if (failure) std::rethrow_exception(failure);
            });
        context_.poll();
    }
    FanOut(const FanOut &) = delete;
    FanOut &operator=(const FanOut &) = delete;
    ~FanOut() {
        if (group_) group_->finish();
        group_.reset();
        track_->finish();
        context_.restart();
        context_.run();
    }

    /// Each frame is read by all before the next one is written.
    Sample on_one_thread(std::size_t frames) {
        Sample sample;
        asio::co_spawn(context_, write_in_step(frames, sample), [this](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
            context_.stop();
        });
        context_.restart();
        context_.run();
        return sample;
    }

    /// The writer has a thread of its own, and runs at most 256 frames ahead of the slowest.
    Sample on_two_threads(std::size_t frames) {
        constexpr std::size_t ahead = 256;
        context_.restart();
        auto work = asio::make_work_guard(context_);
        std::thread reader([&] { context_.run(); });
        const auto before = delivered_.load();
        const auto wait_for = [&](std::size_t all_have) {
            while (delivered_.load(std::memory_order_relaxed) - before < all_have * subscribers_) std::this_thread::yield();
        };
        const Stopwatch stopwatch;
        for (std::size_t i = 0; i < frames; ++i) {
            write();
            if (i >= ahead) wait_for(i - ahead);
        }
        wait_for(frames);
        const Sample sample = stopwatch.stop(frames * subscribers_);
        context_.stop();
        reader.join();
        return sample;
    }

private:
    asio::awaitable<void> write_in_step(std::size_t frames, Sample &sample) {
        const auto before = delivered_.load(std::memory_order_relaxed);
        const Stopwatch stopwatch;
        for (std::size_t i = 1; i <= frames; ++i) {
            write();
            while (delivered_.load(std::memory_order_relaxed) - before < i * subscribers_)
                co_await asio::post(context_, asio::use_awaitable);
        }
        sample = stopwatch.stop(frames * subscribers_);
    }

    asio::awaitable<void> receive(Pending<TrackSubscriber> pending, Part reading) {
        auto subscriber = co_await std::move(pending);
        while (auto group = co_await subscriber.next_group()) {
            if (reading == Part::ReadBatches) {
                while (auto frames = co_await group->read_frames(batch))
                    delivered_.fetch_add(frames->size(), std::memory_order_relaxed);
            } else {
                while (auto frame = co_await group->read_frame()) delivered_.fetch_add(1, std::memory_order_relaxed);
            }
        }
    }

    void write() {
        if (written_++ % frames_a_group == 0) {
            if (group_) group_->finish();
            group_ = std::make_unique<GroupProducer>(track_->append_group());
        }
        group_->write_frame(payload_);
    }

    BroadcastProducer broadcast_;
    std::unique_ptr<TrackProducer> track_;
    std::unique_ptr<GroupProducer> group_;
    Bytes payload_;
    std::size_t subscribers_;
    std::size_t written_ = 0;
    std::atomic<std::size_t> delivered_{0};
    asio::io_context context_;
};

/// A copy of the payload, as for a frame that is handed to a socket.
Yardstick copies(std::size_t size) {
    return {"memcpy", [size]() -> Body {
                auto from = std::make_shared<std::vector<std::byte>>(size);
                auto to = std::make_shared<std::vector<std::byte>>(size);
                return [=] {
                    constexpr std::size_t count = 10000;
                    const Stopwatch stopwatch;
                    for (std::size_t i = 0; i < count; ++i) {
                        std::memcpy(to->data(), from->data(), size);
                        asm volatile("" : : "r"(to->data()) : "memory");
                    }
                    return stopwatch.stop(count);
                };
            }};
}

Timed fan_out_of(std::size_t size, std::size_t subscribers, bool two_threads, Part reading = Part::Read) {
    const std::size_t frames = subscribers >= 1000 ? 64 : 2 * frames_a_group;
    return {"W7",
            fmt::format("{}B x{} {}{}", size, subscribers, two_threads ? "2 threads" : "1 thread",
                        reading == Part::ReadBatches ? " read_frames" : ""),
            [=]() -> Body {
                auto fan = std::make_shared<FanOut>(size, subscribers, reading);
                return [=] { return two_threads ? fan->on_two_threads(frames) : fan->on_one_thread(frames); };
            },
            copies(size),
            {}};
}

}  // namespace

Workload group() {
    Workload workload{"W6", "frames of 64 bytes in a group", {}};
    for (const std::size_t frames : {512, 8192, 32768}) {
        workload.timed.push_back(group_of("write", frames, Part::Write));
        workload.timed.push_back(group_of("read", frames, Part::Read));
        workload.timed.push_back(group_of("read_frames", frames, Part::ReadBatches));
        workload.timed.push_back(group_of("both", frames, Part::Both));
    }
    return workload;
}

Workload fan_out() {
    Workload workload{"W7", "one track to many, a delivery", {}};
    for (const bool two_threads : {false, true})
        for (const std::size_t size : {64, 1200})
            for (const std::size_t subscribers : {1, 8, 64, 1000})
                workload.timed.push_back(fan_out_of(size, subscribers, two_threads));
    // If the writer does not wait for the readers, a reader that takes all available frames wakes up less often.
    for (const std::size_t subscribers : {1, 8, 64, 1000})
        workload.timed.push_back(fan_out_of(small, subscribers, true, Part::ReadBatches));
    return workload;
}

}  // namespace comoq::bench
