// SPDX-License-Identifier: MIT
// Handles: whatever number a caller gives, it gets a code.
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <comoq/c.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

namespace c_handles_tests {

/// Calls of every kind on a handle: each gives a code, and changes nothing where the handle is not what it should be.
std::int32_t call(unsigned which, comoq_handle handle) {
    comoq_event now{};
    comoq_handle out = 0;
    comoq_string text{};
    std::uint64_t number = 0;
    std::uint32_t word = 0;
    comoq_frame frame{};
    int descriptor = 0;
    switch (which % 20) {
    case 0: return comoq_origin_request(handle, comoq_text("a"), 0, 0, &now, nullptr);
    case 1: return comoq_origin_id(handle, &number);
    case 2: return comoq_watch_next(handle, 0, 0, &now, nullptr);
    case 3: return comoq_record_view(handle, &word, &text);
    case 4: return comoq_handler_next(handle, 0, 0, &now, nullptr);
    case 5: return comoq_request_reject(handle, COMOQ_NOT_FOUND);
    case 6: return comoq_broadcast_remove(handle, comoq_text("a"));
    case 7: return comoq_consumer_is_closed(handle);
    case 8: return comoq_track_request_name(handle, &text);
    case 9: return comoq_track_latest(handle, &number);
    case 10: return comoq_subscriber_next(handle, 0, 0, &now, nullptr);
    case 11: return comoq_group_request_view(handle, &number, nullptr);
    case 12: return comoq_group_sequence(handle, &number);
    case 13: return comoq_frame_writer_write(handle, nullptr, 0);
    case 14: return comoq_reader_sequence(handle, &number);
    case 15: return static_cast<std::int32_t>(comoq_frames_view(handle, &frame, 0));
    case 16: return comoq_bytes_data(handle, nullptr, nullptr);
    case 17: return comoq_queue_fd(handle, &descriptor);
    case 18: return comoq_session_protocol(handle, &text);
    default: return comoq_retain(handle, &out) == COMOQ_OK ? comoq_close(out) : COMOQ_ERROR_HANDLE;
    }
}

TEST_CASE("c: a million stale, doubled, foreign and random handles give a code each, on eight threads") {
    const auto seed = comoq::test::seed("c handles");
    const std::uint64_t before = comoq_live_handles();
    comoq_origin origin = 0;
    comoq_queue queue = 0;
    comoq_broadcast broadcast = 0;
    comoq_track track = 0;
    REQUIRE(comoq_origin_create(nullptr, &origin) == 0);
    REQUIRE(comoq_queue_create(&queue) == 0);
    REQUIRE(comoq_origin_publish(origin, comoq_text("b"), nullptr, &broadcast) == 0);
    REQUIRE(comoq_broadcast_track(broadcast, comoq_text("t"), nullptr, &track) == 0);
    std::atomic<std::uint64_t> wrong{0};
    const auto work = [&](std::uint64_t own_seed) {
        std::mt19937_64 random(own_seed);
        const std::array<comoq_handle, 4> live{origin, queue, broadcast, track};
        const std::array<unsigned, 4> kinds{1, 17, 6, 9};
        std::vector<comoq_handle> stale;
        for (int i = 0; i < 125'000; ++i) {
            const auto which = static_cast<unsigned>(random() % 20);
            const auto kind = random() % 4;
            switch (random() % 4) {
            case 0: {  // stale, and closed twice
                comoq_bytes bytes = 0;
                std::uint8_t *data = nullptr;
                if (comoq_bytes_create(8, &bytes, &data) != 0 || comoq_close(bytes) != 0) ++wrong;
                if (comoq_close(bytes) != COMOQ_ERROR_HANDLE) ++wrong;
                stale.push_back(bytes);
                break;
            }
            case 1:  // stale for long: its place has other handles by now
                if (!stale.empty() && call(which, stale[random() % stale.size()]) != COMOQ_ERROR_HANDLE) ++wrong;
                break;
            case 2:  // alive, and of another kind
                if (which != kinds[kind] && which != 0 && which != 19 && call(which, live[kind]) != COMOQ_ERROR_KIND) ++wrong;
                break;
            default:  // anything, most often close to something that is alive
                const comoq_handle some = random() % 2 == 0 ? random() : live[kind] ^ std::uint64_t{1} << (random() % 56);
                const std::uint32_t is = comoq_kind_of(some);
                if (is == COMOQ_KIND_NONE && call(which, some) >= 0) ++wrong;
                if (is != COMOQ_KIND_NONE && is != COMOQ_KIND_BYTES && some != live[0] && some != live[1] && some != live[2] && some != live[3])
                    ++wrong;
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 8; ++i) threads.emplace_back(work, seed + i);
    for (auto &thread : threads) thread.join();
    CHECK(wrong == 0);
    for (const comoq_handle handle : {track, broadcast, queue, origin}) CHECK(comoq_close(handle) == 0);
    CHECK(comoq_live_handles() == before);
}

TEST_CASE("c: bytes of any size are made, or are a code") {
    comoq_bytes bytes = 0;
    std::uint8_t *data = nullptr;
    for (const std::size_t less : {0, 1, 15, 16, 17, 64, 4096})
        CHECK(comoq_bytes_create(SIZE_MAX - less, &bytes, &data) == COMOQ_ERROR_MEMORY);
    for (const std::size_t less : {0, 1, 64, 4095})
        CHECK(comoq_bytes_create(SIZE_MAX / 2 - less, &bytes, &data) == COMOQ_ERROR_MEMORY);
    CHECK(bytes == 0);
    REQUIRE(comoq_bytes_create(0, &bytes, &data) == 0);
    comoq_close(bytes);
}

TEST_CASE("c: a list that is missing is refused, unless it is said to be empty") {
    comoq_origin origin = 0;
    comoq_broadcast broadcast = 0;
    comoq_broadcast_info info;
    COMOQ_INIT(&info);
    REQUIRE(comoq_origin_create(nullptr, &origin) == 0);
    info.hop_count = 1;
    CHECK(comoq_origin_publish(origin, comoq_text("a"), &info, &broadcast) == COMOQ_ERROR_ARGUMENT);
    info.hop_count = 0;
    CHECK(comoq_origin_publish(origin, comoq_text("a"), &info, &broadcast) == 0);
    comoq_close(broadcast);
    comoq_close(origin);
}

TEST_CASE("c: an object ends with the last of its handles, and calls that use it go on") {
    comoq_origin origin = 0;
    comoq_broadcast broadcast = 0, other = 0;
    comoq_event now{};
    REQUIRE(comoq_origin_create(nullptr, &origin) == 0);
    REQUIRE(comoq_origin_publish(origin, comoq_text("x"), nullptr, &broadcast) == 0);
    REQUIRE(comoq_retain(broadcast, &other) == 0);
    CHECK(comoq_close(broadcast) == 0);
    REQUIRE(comoq_origin_request(origin, comoq_text("x"), 0, 0, &now, nullptr) == COMOQ_READY);
    CHECK(now.code == 0);
    CHECK(comoq_consumer_is_closed(now.value) == 0);
    CHECK(comoq_close(other) == 0);
    CHECK(comoq_consumer_is_closed(now.value) == COMOQ_READY);
    comoq_close(now.value);
    comoq_queue queue = 0;
    REQUIRE(comoq_queue_create(&queue) == 0);
    CHECK(comoq_retain(queue, &other) == COMOQ_ERROR_KIND);
    comoq_close(queue);
    comoq_close(origin);
}

}  // namespace c_handles_tests
