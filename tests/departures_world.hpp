// An origin and the coroutines that use it, which the tests of departures disturb.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>

#include <comoq/comoq.hpp>

#include "support/media.hpp"
#include "support/turns.hpp"

namespace departures_tests {

using namespace comoq;
using namespace comoq::test;
using namespace asio::experimental::awaitable_operators;

struct Thrown : std::runtime_error {
    Thrown() : std::runtime_error("thrown on purpose") {}
};

/// A handler that makes a broadcast with a track and its groups on request, two viewers of it, of which one fetches, a
/// publisher, and a watcher.
class World {
public:
    static constexpr std::size_t people = 5;
    /// This many turns are enough for everything that comes at all.
    static constexpr std::uint64_t enough = 60;

    /// `executor` runs one thing at a time.
    template <class Executor> explicit World(const Executor &executor) {
        spawn(executor, 0, serve());
        spawn(executor, 1, view(1));
        spawn(executor, 2, fetch());
        spawn(executor, 3, publish());
        spawn(executor, 4, watch());
    }

    /// Makes that coroutine throw at its step of that number.
    void throw_at(std::size_t who, std::size_t step) { throws_ = {who, step}; }
    void cancel(std::size_t who) { signals_[who].emit(asio::cancellation_type::terminal); }

    bool over(std::size_t who) const { return over_[who]; }
    bool threw() const { return threw_; }
    /// What the coroutines that reached their end have seen.
    const std::string &seen(std::size_t who) const { return seen_[who]; }

    std::optional<Origin> origin{std::in_place, OriginConfig{.id = 1}};
    const OriginConsumer consumer = origin->consumer();

private:
    template <class Executor> void spawn(const Executor &executor, std::size_t who, asio::awaitable<void> coroutine) {
        asio::co_spawn(executor, std::move(coroutine),
                       asio::bind_cancellation_slot(signals_[who].slot(), [this, who](std::exception_ptr failure) {
                           over_[who] = true;
                           if (failure) {
                               note(who, "failed");
                           }
                       }));
    }
    void step(std::size_t who) {
        if (throws_ && *throws_ == std::pair(who, ++steps_[who])) {
            threw_ = true;
            throw Thrown();
        }
    }
    void note(std::size_t who, const std::string &what) { seen_[who] += what + " "; }

    asio::awaitable<void> serve() {
        auto handler = origin->producer().dynamic();
        step(0);
        for (int served = 0; served < 2; ++served) {
            auto request = co_await handler.requested_broadcast();
            if (!request) {
                co_return;
            }
            step(0);
            auto broadcast = origin->producer().make_broadcast();
            auto tracks = broadcast.dynamic();
            request->accept(broadcast.consume());
            step(0);
            auto asked = co_await try_for<std::optional<TrackRequest>>(enough, tracks.requested_track());
            if (!asked || !std::get<1>(*asked)) {
                continue;
            }
            step(0);
            auto groups = std::get<1>(*asked)->dynamic();
            auto track = std::get<1>(*asked)->accept();
            step(0);
            const auto used = co_await (track.used() || pause(enough));
            static_cast<void>(used);
            auto group = track.append_group();
            group.write_frame(payload("one"));
            auto frame = group.create_frame(4);
            frame.write(payload("tw"));
            co_await pause(3);
            step(0);
            frame.write(payload("o!"));
            frame.finish();
            group.finish();
            step(0);
            auto wanted = co_await try_for<std::optional<GroupRequest>>(enough, groups.requested_group());
            if (wanted && std::get<1>(*wanted)) {
                step(0);
                auto fetched = std::get<1>(*wanted)->accept();
                co_await pause(2);
                step(0);
                fetched.write_frame(payload("old"));
                fetched.finish();
            }
            track.finish();
            step(0);
            const auto unused = co_await (track.unused() || pause(enough));
            static_cast<void>(unused);
            note(0, "served");
        }
    }

    asio::awaitable<void> view(std::size_t who) {
        auto broadcast = co_await consumer.request_broadcast("made/one");
        step(who);
        auto subscriber = co_await broadcast.track("video").subscribe();
        step(who);
        while (auto group = co_await subscriber.next_group()) {
            step(who);
            while (auto frame = co_await group->next_frame()) {
                step(who);
                while (auto chunk = co_await frame->read_chunk()) {
                    note(who, std::string(chunk->view()));
                }
            }
        }
        step(who);
        const auto cause = co_await subscriber.closed();
        note(who, cause ? cause.message() : "end");
    }

    asio::awaitable<void> fetch() {
        auto broadcast = co_await consumer.request_broadcast("made/one");
        step(2);
        auto group = co_await broadcast.track("video").fetch_group(70);
        step(2);
        auto frames = co_await group.read_frames(9);
        note(2, std::string(frames.value().front().payload.view()));
        const auto over = co_await broadcast.closed();
        note(2, over.message());
    }

    asio::awaitable<void> publish() {
        for (int times = 0; times < 2; ++times) {
            auto published = origin->producer().create_broadcast("live");
            step(3);
            co_await pause(5);
            step(3);
            auto second = origin->producer().create_broadcast("live");
            published.unannounce();
            co_await pause(5);
            step(3);
        }
        note(3, "published");
    }

    asio::awaitable<void> watch() {
        auto found = co_await consumer.announced_broadcast("live");
        step(4);
        auto watcher = consumer.announced();
        while (auto change = co_await watcher.next()) {
            step(4);
        }
        note(4, "end");
    }

    std::optional<std::pair<std::size_t, std::size_t>> throws_;
    std::array<std::size_t, people> steps_{};
    std::array<bool, people> over_{};
    std::array<std::string, people> seen_;
    std::array<asio::cancellation_signal, people> signals_;
    bool threw_ = false;
};

/// All counts are zero.
inline bool nothing_left(const Origin &origin) {
    const auto stats = origin.stats();
    return stats.announced == 0 && stats.nodes == 0 && stats.watchers == 0 && stats.handlers == 0 && stats.pending == 0 &&
           stats.served == 0 && stats.cached_groups == 0 && stats.cached_bytes == 0;
}

}  // namespace departures_tests
