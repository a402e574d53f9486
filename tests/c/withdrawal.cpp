// SPDX-License-Identifier: MIT
// Waits that are closed: at random moments, from other threads, with their queue, and late.
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <comoq/c.h>

#include <poll.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace c_withdrawal_tests {

/// An origin, a handler and a queue.
struct Scene {
    Scene() {
        REQUIRE(comoq_origin_create(nullptr, &origin) == 0);
        REQUIRE(comoq_origin_dynamic(origin, &handler) == 0);
        REQUIRE(comoq_queue_create(&queue) == 0);
    }
    ~Scene() {
        for (const comoq_handle handle : {handler, queue, origin}) comoq_close(handle);
    }
    comoq_op ask(const std::string &path, std::uint64_t user) {
        comoq_op op = 0;
        REQUIRE(comoq_origin_request(origin, comoq_text(path.c_str()), queue, user, nullptr, &op) == 0);
        return op;
    }
    comoq_request taken() {
        comoq_event event{};
        REQUIRE(comoq_handler_next(handler, 0, 0, &event, nullptr) == COMOQ_READY);
        return event.value;
    }
    const std::uint64_t before = comoq_live_handles();
    comoq_origin origin = 0;
    comoq_handler handler = 0;
    comoq_queue queue = 0;
};

bool is_readable(int descriptor) {
    pollfd one{descriptor, POLLIN, 0};
    return poll(&one, 1, 0) == 1;
}

TEST_CASE("c: an outcome that lies in the queue is withdrawn with its wait, and so is the handle that it would have been") {
    Scene scene;
    const comoq_op op = scene.ask("a", 1);
    const comoq_request request = scene.taken();
    comoq_broadcast broadcast = 0;
    REQUIRE(comoq_origin_make(scene.origin, nullptr, &broadcast) == 0);
    int descriptor = -1;
    REQUIRE(comoq_queue_fd(scene.queue, &descriptor) == 0);
    CHECK(!is_readable(descriptor));
    CHECK(comoq_request_accept(request, broadcast) == COMOQ_READY);
    CHECK(is_readable(descriptor));
    CHECK(comoq_close(op) == 0);
    CHECK(!is_readable(descriptor));
    comoq_event event{};
    CHECK(comoq_queue_next(scene.queue, &event, 1, 0) == 0);
    comoq_queue_wake(scene.queue);
    CHECK(is_readable(descriptor));
    CHECK(comoq_queue_next(scene.queue, &event, 1, 0) == 0);
    CHECK(!is_readable(descriptor));
    comoq_close(request);
    comoq_close(broadcast);
    CHECK(comoq_live_handles() == scene.before + 3);
}

TEST_CASE("c: a withdrawn step takes nothing: the next one gets the item") {
    Scene scene;
    comoq_op op = 0;
    REQUIRE(comoq_handler_next(scene.handler, scene.queue, 1, nullptr, &op) == 0);
    const comoq_op asking = scene.ask("a", 2);
    CHECK(comoq_close(op) == 0);
    const comoq_request request = scene.taken();
    comoq_string path{};
    CHECK(comoq_request_path(request, &path, nullptr) == 0);
    CHECK(std::string(path.data, path.size) == "a");
    CHECK(comoq_close(asking) == 0);
    comoq_close(request);
}

TEST_CASE("c: the end of a queue lets go of its waits, and of what would still come") {
    Scene scene;
    scene.ask("a", 1);
    scene.ask("b", 2);
    const comoq_request request = scene.taken();
    CHECK(comoq_request_reject(request, COMOQ_NOT_FOUND) == COMOQ_READY);  // lies in the queue
    CHECK(comoq_close(scene.queue) == 0);
    comoq_close(request);
    comoq_event event{};
    // The other request went with its only wait.
    CHECK(comoq_handler_next(scene.handler, 0, 0, &event, nullptr) == COMOQ_WOULD_WAIT);
    CHECK(comoq_queue_next(scene.queue, &event, 1, -1) == COMOQ_ERROR_HANDLE);
    CHECK(comoq_origin_request(scene.origin, comoq_text("c"), scene.queue, 3, nullptr, nullptr) == COMOQ_ERROR_HANDLE);
    CHECK(comoq_live_handles() == scene.before + 2);
}

TEST_CASE("c: a program that gives up late learns that the event has come, and has a value to close") {
    Scene scene;
    const comoq_op op = scene.ask("a", 1);
    const comoq_request request = scene.taken();
    comoq_broadcast broadcast = 0;
    REQUIRE(comoq_origin_make(scene.origin, nullptr, &broadcast) == 0);
    CHECK(comoq_request_accept(request, broadcast) == COMOQ_READY);
    comoq_event event{};
    REQUIRE(comoq_queue_next(scene.queue, &event, 1, 0) == 1);
    CHECK(comoq_close(op) == COMOQ_ERROR_HANDLE);
    CHECK(comoq_close(event.value) == 0);
    comoq_close(request);
    comoq_close(broadcast);
}

TEST_CASE("c: a wait in another thread ends with a wake-up, and with the queue") {
    Scene scene;
    comoq_event event{};
    REQUIRE(comoq_queue_wake(scene.queue) == 0);
    CHECK(comoq_queue_next(scene.queue, &event, 1, -1) == 0);
    std::int32_t woken = 1, closed = 1;
    std::thread waiting([&] {
        woken = comoq_queue_next(scene.queue, &event, 1, -1);
        do closed = comoq_queue_next(scene.queue, &event, 1, -1);
        while (closed == 0);
    });
    comoq_queue_wake(scene.queue);
    comoq_close(scene.queue);
    waiting.join();
    CHECK((woken == 0 || woken == COMOQ_CLOSED || woken == COMOQ_ERROR_HANDLE));
    CHECK((closed == COMOQ_CLOSED || closed == COMOQ_ERROR_HANDLE));
}

TEST_CASE("c: each wake-up ends one wait, and the descriptor is readable until the last has") {
    Scene scene;
    comoq_event event{};
    int descriptor = -1;
    REQUIRE(comoq_queue_fd(scene.queue, &descriptor) == 0);
    for (int i = 0; i < 3; ++i) REQUIRE(comoq_queue_wake(scene.queue) == 0);
    for (int i = 0; i < 3; ++i) {
        CHECK(is_readable(descriptor));
        CHECK(comoq_queue_next(scene.queue, &event, 1, 20'000) == 0);
    }
    CHECK(!is_readable(descriptor));

    std::vector<std::thread> waiting;
    for (int i = 0; i < 3; ++i) waiting.emplace_back([&] {
        comoq_event none{};
        comoq_queue_next(scene.queue, &none, 1, -1);
    });
    for (int i = 0; i < 3; ++i) comoq_queue_wake(scene.queue);
    for (std::thread &each : waiting) each.join();
    CHECK(!is_readable(descriptor));
}

TEST_CASE("c: no event comes after its wait was closed at a random moment by another thread, and every handle comes back") {
    constexpr std::uint32_t each = 25'000, requesters = 4;
    const auto seed = comoq::test::seed("c withdrawal");
    Scene scene;
    const auto events = std::make_unique<std::atomic<int>[]>(each * requesters);
    const auto withdrawn = std::make_unique<std::atomic<int>[]>(each * requesters);
    std::atomic<std::uint32_t> asking{requesters}, left{each * requesters}, wrong{0};
    std::atomic<bool> served{false};
    std::mutex mutex;
    std::vector<std::pair<comoq_op, std::uint32_t>> ops;

    const auto close_one = [&](comoq_op op, std::uint32_t user) {
        const std::int32_t code = comoq_close(op);
        if (code == 0) {
            ++withdrawn[user];
            if (events[user] != 0) ++wrong;
            --left;
        } else if (code != COMOQ_ERROR_HANDLE) {
            ++wrong;
        }
    };
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < requesters; ++i)
        threads.emplace_back([&, i] {
            std::mt19937_64 random(seed + i);
            for (std::uint32_t at = 0; at < each; ++at) {
                const std::uint32_t user = i * each + at;
                const std::string path = "p/" + std::to_string(random() % 64);
                comoq_op op = 0;
                if (comoq_origin_request(scene.origin, comoq_text(path.c_str()), scene.queue, user, nullptr, &op) != 0) ++wrong;
                const auto what = random() % 4;
                if (what == 0) close_one(op, user);
                if (what == 1) {
                    const std::lock_guard lock(mutex);
                    ops.emplace_back(op, user);
                }
            }
            --asking;
        });
    threads.emplace_back([&] {  // closes those of others
        std::mt19937_64 random(seed + 10);
        while (left != 0) {
            std::pair<comoq_op, std::uint32_t> one{0, 0};
            {
                const std::lock_guard lock(mutex);
                if (!ops.empty()) {
                    std::swap(ops[random() % ops.size()], ops.back());
                    one = ops.back();
                    ops.pop_back();
                }
            }
            if (one.first != 0)
                close_one(one.first, one.second);
            else
                std::this_thread::yield();
        }
        served = true;
        comoq_queue_wake(scene.queue);
        comoq_queue_wake(scene.queue);
    });
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {  // takes events
            comoq_event taken[16];
            while (left != 0) {
                const std::int32_t count = comoq_queue_next(scene.queue, taken, 16, 5);
                for (std::int32_t at = 0; at < count; ++at) {
                    if (++events[taken[at].user] != 1) ++wrong;
                    if (taken[at].value != 0 && comoq_close(taken[at].value) != 0) ++wrong;
                    --left;
                }
            }
        });
    threads.emplace_back([&] {  // serves
        std::mt19937_64 random(seed + 20);
        comoq_queue own = 0;
        if (comoq_queue_create(&own) != 0) ++wrong;
        while (!served) {
            comoq_event event{};
            comoq_op op = 0;
            std::int32_t code = comoq_handler_next(scene.handler, own, 0, random() % 2 == 0 ? &event : nullptr, &op);
            if (code == 0) {
                code = comoq_queue_next(own, &event, 1, 5);
                if (code == 0 && comoq_close(op) == 0) continue;
                if (code == 0) code = comoq_queue_next(own, &event, 1, 0);
                // Its event was on the way out to this very thread, or it is not there.
                if (code != 1) {
                    ++wrong;
                    continue;
                }
            }
            comoq_broadcast broadcast = 0;
            if (random() % 2 == 0 && comoq_origin_make(scene.origin, nullptr, &broadcast) == 0) {
                comoq_request_accept(event.value, broadcast);
                comoq_close(broadcast);
            } else {
                comoq_request_reject(event.value, COMOQ_APP(1));
            }
            comoq_close(event.value);
        }
        comoq_close(own);
    });
    for (auto &thread : threads) thread.join();
    std::uint32_t came = 0;
    for (std::uint32_t user = 0; user < each * requesters; ++user) {
        if (events[user] + withdrawn[user] != 1) ++wrong;
        came += static_cast<std::uint32_t>(events[user].load());
    }
    CHECK(wrong == 0);
    CHECK(came > each * requesters / 4);
    CHECK(came < each * requesters);
    CHECK(comoq_live_handles() == scene.before + 3);
}

}  // namespace c_withdrawal_tests
