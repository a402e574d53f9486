// One viewer, with a connection of its own.
#pragma once

#include "load/options.hpp"
#include "load/run.hpp"

#include <comoq/net/connect.hpp>
#include <comoq/origin.hpp>
#include <comoq/session.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace relay_load {

using asio::awaitable;

// Reads the track on a context of one thread.
class Viewer {
public:
    Viewer(Run &run, asio::io_context &context) : run_(run), context_(context), origin_(origin_config(run.options)) {
        // A few more than can come, so that no time is lost with reallocation.
        late_.reserve((run.options.seconds + 1) * std::max<std::size_t>(run.options.rate * run.options.frames, 1000));
    }

    awaitable<void> watch() {
        auto connecting = comoq::connect_transport(*run_.options.subscribe, connect_config(run_.options));
        auto transport = co_await std::move(connecting);
        comoq::SessionConfig config;
        config.subscribe = origin_.producer();
        session_.emplace(std::move(transport), std::move(config));
        auto finding = origin_.consumer().announced_broadcast(run_.options.path);
        auto broadcast = co_await std::move(finding);
        comoq::Subscription wishes;
        wishes.max_latency = max_latency;
        wishes.ordered = true;
        auto subscribing = broadcast.track(track_name).subscribe(wishes);
        auto track = co_await std::move(subscribing);
        while (true) {
            auto next = track.recv_group();
            auto group = co_await std::move(next);
            if (!group) throw std::runtime_error("the track ended");
            auto reading = read(std::move(*group));
            asio::co_spawn(context_, std::move(reading), [this](const std::exception_ptr &thrown) { run_.fail(thrown); });
        }
    }

    // Frames that were sent since the measurement began.
    std::uint64_t received() const { return received_.load(std::memory_order_relaxed); }
    // The frames that came while it lasted: their number, and the delay of each in microseconds.
    const std::vector<std::uint32_t> &late() const { return late_; }
    std::uint64_t failed_groups() const { return failed_groups_; }

private:
    awaitable<void> read(comoq::GroupConsumer group) {
        const bool counts = run_.window.counts(group.sequence());
        std::optional<std::uint64_t> last;
        while (true) {
            auto next = group.read_frames(64);
            auto [failure, frames] = co_await std::move(next).as_tuple();
            if (failure && counts) ++failed_groups_;
            if (failure || !frames) break;
            const auto time = now();
            for (const auto &frame : *frames) {
                Header header{};
                if (frame.payload.size() != run_.options.size) throw std::runtime_error("a frame has another size");
                std::memcpy(&header, frame.payload.span().data(), sizeof header);
                if (last && header.number != *last + 1) throw std::runtime_error("a frame is not the next one of its group");
                last = header.number;
                take(header, time);
            }
        }
        if (counts)
            run_.window.got(group.sequence());
        else if (!std::exchange(is_ready_, true))
            ++run_.viewers_ready;
    }

    void take(const Header &header, std::int64_t time) {
        const auto from = run_.measured_from.load(std::memory_order_relaxed);
        if (header.sent >= from) received_.store(received() + 1, std::memory_order_relaxed);
        if (time >= from && time < run_.measured_to.load(std::memory_order_relaxed))
            late_.push_back(static_cast<std::uint32_t>((time - header.sent) / 1000));
    }

    Run &run_;
    asio::io_context &context_;
    comoq::Origin origin_;
    std::optional<comoq::Session> session_;
    bool is_ready_ = false;
    std::atomic<std::uint64_t> received_{0};
    std::vector<std::uint32_t> late_;
    std::uint64_t failed_groups_ = 0;
};

}  // namespace relay_load
