#include <comoq/detail/media/frame_log.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace frame_log_tests {

using comoq::Bytes;
using comoq::Timescale;
using comoq::Timestamp;
using comoq::detail::FrameLog;
using comoq::detail::FrameSlot;
using comoq::detail::FrameState;

namespace {

FrameSlot slot(std::size_t number) { return FrameSlot{{}, Bytes::copy(std::to_string(number)), nullptr}; }

}  // namespace

TEST_CASE("section 6 frame log: it behaves like a plain queue in any history, and indices count on", "[frame_log]") {
    std::mt19937_64 random(comoq::test::seed("frame_log"));
    bool same = true;
    for (int history = 0; history < 200; ++history) {
        FrameLog log(Timescale(1000));
        std::deque<std::string> plain;
        std::size_t first = 0;
        const auto bias = random() % 4;
        for (std::size_t step = 0; step < 200; ++step) {
            if (random() % 4 <= bias || plain.empty()) {
                log.push(slot(step));
                plain.push_back(std::to_string(step));
            } else {
                same = same && log.pop_front().payload.view() == plain.front();
                plain.pop_front();
                ++first;
            }
            same = same && log.first() == first && log.end() == first + plain.size();
            if (!plain.empty()) {
                const auto at = random() % plain.size();
                same = same && log[first + at].payload.view() == plain[at];
            }
        }
        const auto end = log.end();
        const auto released = log.release();
        same = same && log.first() == end && log.end() == end;
    }
    CHECK(same);
}

TEST_CASE("section 6 frame log: whole and chunked frames come out as they went in, at any timestamp", "[frame_log]") {
    const Timescale scale(90000);
    FrameLog log(scale);
    const Timestamp latest(Timestamp::max_value, scale), early(7, scale);
    const auto chunked = std::make_shared<FrameState>(std::make_shared<comoq::detail::TrackShared>(comoq::detail::MediaBounds::without_pool()), 4, latest);
    const std::weak_ptr<FrameState> alive = chunked;
    const Bytes text = Bytes::copy("whole");
    log.push(FrameSlot{latest, text, nullptr});
    log.push(FrameSlot{latest, Bytes(), chunked});
    log.push(FrameSlot{early, Bytes(), nullptr});
    CHECK(chunked.use_count() == 2);
    const auto check = [&](const FrameSlot &whole, const FrameSlot &parts, const FrameSlot &empty) {
        CHECK(whole.timestamp == latest);
        CHECK(whole.timestamp.scale() == scale);
        CHECK(whole.payload.data() == text.data());
        CHECK(whole.chunked == nullptr);
        CHECK(whole.bytes() == 5);
        CHECK(parts.timestamp == latest);
        CHECK(parts.payload.empty());
        CHECK(parts.chunked == chunked);
        CHECK(parts.bytes() == 4);
        CHECK(empty.timestamp == early);
        CHECK(empty.payload.empty());
        CHECK(empty.chunked == nullptr);
    };
    check(log[0], log[1], log[2]);
    const auto first = log.pop_front(), second = log.pop_front();
    check(first, second, log[2]);
    CHECK(log.release().size() <= 3);
    CHECK(chunked.use_count() == 2);
}

}
