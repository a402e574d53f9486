// The publisher, which also says when it is measured.
#pragma once

#include "load/options.hpp"
#include "load/processors.hpp"
#include "load/run.hpp"
#include "load/viewer.hpp"

#include <comoq/net/connect.hpp>
#include <comoq/origin.hpp>
#include <comoq/session.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <fmt/format.h>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace relay_load {

using namespace std::chrono_literals;
using asio::awaitable;

// Writes the track and says when it is measured, on the first context.
class Publisher {
public:
    Publisher(Run &run, asio::io_context &context, std::deque<Viewer> &viewers)
        : run_(run), viewers_(viewers), timer_(context), origin_(origin_config(run.options)),
          broadcast_(origin_.producer().create_broadcast(run.options.path)),
          track_(broadcast_.producer().create_track(track_name, info(run.options))), template_(run.options.size) {
        // Bytes that do not compress.
        std::uint32_t noise = 1;
        for (auto &byte : template_) byte = static_cast<std::byte>((noise = noise * 1664525 + 1013904223) >> 24);
    }

    awaitable<void> connect() {
        auto connecting = comoq::connect_transport(*run_.options.publish, connect_config(run_.options));
        auto transport = co_await std::move(connecting);
        comoq::SessionConfig config;
        config.publish = origin_.consumer();
        session_.emplace(std::move(transport), std::move(config));
    }

    awaitable<void> publish() {
        co_await until_all_watch();
        measuring_.emplace(timer_.get_executor());
        asio::co_spawn(timer_.get_executor(), measure(), [this](const std::exception_ptr &thrown) {
            run_.fail(thrown);
            run_.over = true;
        });
        run_.window.begin(*track_.latest() + 1);
        if (run_.options.rate == 0)
            co_await as_fast_as_possible();
        else
            co_await at_the_rate();
        while (!run_.over) co_await sleep(20ms);
        for (auto end = now() + std::chrono::nanoseconds(longest_rest).count(); now() < end && missing() != 0;)
            co_await sleep(20ms);
    }

    std::uint64_t sent() const { return sent_; }
    bool stalled() const { return stalled_; }
    const Sample &before() const { return *before_; }
    const Sample &after() const { return *after_; }
    std::int64_t missing() const {
        auto missing = static_cast<std::int64_t>(sent_ * viewers_.size());
        for (const auto &viewer : viewers_) missing -= static_cast<std::int64_t>(viewer.received());
        return missing;
    }

private:
    static comoq::TrackInfo info(const Options &options) {
        comoq::TrackInfo info;
        info.max_latency = std::chrono::seconds(options.keep);
        info.ordered = true;
        return info;
    }

    awaitable<void> sleep(std::chrono::nanoseconds time) {
        timer_.expires_after(time);
        co_await timer_.async_wait(asio::use_awaitable);
    }

    comoq::Bytes frame() {
        auto payload = template_;
        const Header header{number_++, now()};
        std::memcpy(payload.data(), &header, sizeof header);
        if (header.sent >= run_.measured_from) ++sent_;
        return comoq::Bytes(std::move(payload));
    }

    // Writes a group now and then until each viewer has had one. Viewers see no difference between these and later ones.
    awaitable<void> until_all_watch() {
        const auto end = Clock::now() + longest_start;
        while (run_.viewers_ready != run_.options.viewers) {
            run_.rethrow();
            if (Clock::now() > end)
                throw std::runtime_error(
                    fmt::format("only {} of {} viewers got something", run_.viewers_ready.load(), run_.options.viewers));
            track_.write_frame(frame());
            co_await sleep(200ms);
        }
    }

    awaitable<void> measure() {
        measuring_->expires_after(std::chrono::seconds(run_.options.warmup));
        co_await measuring_->async_wait(asio::use_awaitable);
        before_.emplace(run_.options.pid);
        run_.measured_from = before_->time;
        measuring_->expires_after(std::chrono::seconds(run_.options.seconds));
        co_await measuring_->async_wait(asio::use_awaitable);
        after_.emplace(run_.options.pid);
        run_.measured_to = after_->time;
    }

    awaitable<void> at_the_rate() {
        const auto begin = Clock::now();
        const auto per_second = run_.options.rate * run_.options.frames;
        for (std::size_t due = 0; !run_.over;) {
            auto group = track_.append_group();
            for (std::size_t i = 0; i < run_.options.frames; ++i, ++due) {
                timer_.expires_at(begin + std::chrono::nanoseconds(1'000'000'000 * due / per_second));
                co_await timer_.async_wait(asio::use_awaitable);
                group.write_frame(frame());
            }
            group.finish();
        }
    }

    awaitable<void> as_fast_as_possible() {
        while (!run_.over) {
            const bool has_room = co_await run_.window.room();
            if (!has_room) {
                stalled_ = true;
                co_return;
            }
            auto group = track_.append_group();
            for (std::size_t i = 0; i < run_.options.frames; ++i) group.write_frame(frame());
            group.finish();
        }
    }

    Run &run_;
    std::deque<Viewer> &viewers_;
    asio::steady_timer timer_;
    std::optional<asio::steady_timer> measuring_;
    comoq::Origin origin_;
    comoq::BroadcastPublish broadcast_;
    comoq::TrackProducer track_;
    std::optional<comoq::Session> session_;
    std::vector<std::byte> template_;
    std::uint64_t number_ = 0, sent_ = 0;
    std::optional<Sample> before_, after_;
    bool stalled_ = false;
};

}  // namespace relay_load
