// W8: the time until a reader on another thread has a frame that was written.
#include "workload.hpp"

#include <comoq/comoq.hpp>

#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

namespace comoq::bench {

namespace {

using Time = std::chrono::steady_clock::time_point;

std::size_t samples() { return unless_quick(6000); }
constexpr std::size_t busy_tasks = 16;
constexpr auto pause = std::chrono::microseconds(100);

/// A thread that runs a context, and its record: the time that each message took to it.
class Reader {
public:
    explicit Reader(bool loaded) : work_(context_.get_executor()) {
        taken_.reserve(samples());
        if (loaded)
            for (std::size_t i = 0; i < busy_tasks; ++i) asio::post(context_, [this] { repeat(); });
        thread_ = std::thread([this] { context_.run(); });
    }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;
    ~Reader() {
        stopping_ = true;
        work_.reset();
        thread_.join();
    }

    asio::io_context &context() noexcept { return context_; }

    /// On the writer's thread: right before the message.
    void sent() noexcept { sent_ = std::chrono::steady_clock::now(); }
    /// On the reader's: the message is there.
    void received() {
        taken_.push_back(std::chrono::steady_clock::now() - sent_);
        count_.store(taken_.size(), std::memory_order_release);
    }
    void wait_for(std::size_t count) const {
        while (count_.load(std::memory_order_acquire) < count) std::this_thread::yield();
    }

    /// In nanoseconds; after the last message.
    double percentile(double part) {
        std::sort(taken_.begin(), taken_.end());
        return static_cast<double>(taken_[static_cast<std::size_t>(part * static_cast<double>(taken_.size() - 1))].count());
    }

private:
    void repeat() {
        if (!stopping_) asio::post(context_, [this] { repeat(); });
    }

    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::vector<std::chrono::nanoseconds> taken_;
    Time sent_;
    std::atomic<std::size_t> count_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

asio::awaitable<void> receive(GroupConsumer group, Reader &reader) {
    while (auto frame = co_await group.read_frame()) reader.received();
}

template <class Send> void send_all(Reader &reader, bool loaded, Send send) {
    for (std::size_t i = 0; i < samples(); ++i) {
        if (!loaded) std::this_thread::sleep_for(pause);
        reader.sent();
        send();
        reader.wait_for(i + 1);
    }
}

std::vector<Figure> latencies() {
    std::vector<Figure> figures;
    for (const bool loaded : {false, true}) {
        Reader frames(loaded), posts(loaded);
        {
            BroadcastProducer broadcast;
            auto track = broadcast.create_track("video");
            auto group = track.append_group();
            asio::co_spawn(frames.context(), receive(group.consume(), frames), asio::detached);
            const Bytes payload(std::vector<std::byte>(64));
            send_all(frames, loaded, [&] { group.write_frame(payload); });
            group.finish();
        }
        send_all(posts, loaded, [&] { asio::post(posts.context(), [&posts] { posts.received(); }); });
        for (const auto &[name, part] : {std::pair("p50", 0.5), std::pair("p99", 0.99), std::pair("p99.9", 0.999)}) {
            Figure figure{"W8", (loaded ? "loaded " : "idle ") + std::string(name), "ns", frames.percentile(part),
                          posts.percentile(part), {}, {}};
            if (part == 0.5) figure.target = 2.0;
            figure.yardstick_name = "asio::post";
            figures.push_back(std::move(figure));
        }
    }
    return figures;
}

}  // namespace

Workload latency() { return {"W8", "from write_frame to the reader running", {}, latencies}; }

}  // namespace comoq::bench
