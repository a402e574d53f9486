// SPDX-License-Identifier: MIT
// Want of memory at every point of a call is a code, and leaves nothing behind.
#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <comoq/c.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace c_out_of_memory_tests {

/// Every handle that it was given is closed at the end.
class World {
public:
    ~World() {
        for (auto each = handles_.rbegin(); each != handles_.rend(); ++each) comoq_close(*each);
    }
    explicit World(std::size_t room) { handles_.reserve(room); }
    comoq_handle *out() {
        handles_.push_back(0);
        return &handles_.back();
    }
    /// Takes what an event has. A failure must be one for which the test has a reason.
    comoq_handle keep(const comoq_event &event) {
        seen(event.code);
        return *out() = event.value;
    }
    void seen(std::int32_t code) {
        // A call on what could not be made gets COMOQ_ERROR_HANDLE; a queue that could not be made is argument 0. A group whose
        // handle could not be made has gone without its end.
        if (code < 0 && code != COMOQ_ERROR_MEMORY && code != COMOQ_ERROR_HANDLE && code != COMOQ_ERROR_ARGUMENT &&
            code != COMOQ_WOULD_WAIT && code != COMOQ_NOT_FOUND && code != COMOQ_DROPPED)
            wrong = code;
    }
    std::int32_t wrong = 0;

private:
    std::vector<comoq_handle> handles_;
};

void live(World &world) {
    comoq_handle *origin = world.out(), *queue = world.out(), *handler = world.out(), *broadcast = world.out();
    comoq_handle *track = world.out(), *group = world.out(), *bytes = world.out(), *watch = world.out();
    comoq_event now{}, event{};
    std::uint8_t *data = nullptr;
    world.seen(comoq_origin_create(nullptr, origin));
    world.seen(comoq_queue_create(queue));
    world.seen(comoq_origin_announced(*origin, comoq_text(""), watch));
    world.seen(comoq_origin_publish(*origin, comoq_text("announced"), nullptr, broadcast));
    if (comoq_watch_next(*watch, *queue, 0, &now, nullptr) == COMOQ_READY) world.keep(now);
    world.seen(comoq_broadcast_track(*broadcast, comoq_text("t"), nullptr, track));
    world.seen(comoq_track_group(*track, group));
    world.seen(comoq_bytes_create(100, bytes, &data));
    world.seen(comoq_group_write_bytes(*group, *bytes, 1));
    world.seen(comoq_group_write(*group, data, data != nullptr ? 100 : 0, 2));
    world.seen(comoq_group_finish(*group));

    world.seen(comoq_origin_dynamic(*origin, handler));
    const std::int32_t asked = comoq_origin_request(*origin, comoq_text("asked/for"), *queue, 1, nullptr, nullptr);
    world.seen(asked);
    if (comoq_handler_next(*handler, *queue, 2, &now, nullptr) == COMOQ_READY) {
        const comoq_request request = world.keep(now);
        world.seen(comoq_request_accept(request, *broadcast));
    }
    comoq_handle found = 0;
    while (comoq_queue_next(*queue, &event, 1, 0) == 1) {
        const comoq_handle value = world.keep(event);
        if (event.user == 1) found = value;
    }
    comoq_handle subscriber = 0, reader = 0;
    if (comoq_consumer_subscribe(found, comoq_text("t"), nullptr, *queue, 3, &now, nullptr) == COMOQ_READY) subscriber = world.keep(now);
    if (comoq_subscriber_next(subscriber, *queue, 4, &now, nullptr) == COMOQ_READY) reader = world.keep(now);
    for (int i = 0; i < 3; ++i)
        if (comoq_reader_read(reader, 1, *queue, 5, &now, nullptr) == COMOQ_READY) world.keep(now);
}

TEST_CASE("c: an allocation that fails anywhere is a code, and no handle stays") {
    if (!comoq::test::allocations_can_fail()) return;
    const std::uint64_t before = comoq_live_handles();
    std::size_t after = 0;
    for (bool failed = true; failed; ++after) {
        World world(32);
        {
            comoq::test::FailingAllocation failing(after);
            live(world);
            failed = failing.stop();
        }
        CHECK(world.wrong == 0);
        REQUIRE(after < 1000);
    }
    CHECK(after > 30);
    CHECK(comoq_live_handles() == before);
}

}  // namespace c_out_of_memory_tests
