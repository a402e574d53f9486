// What a session knew of its peer's broadcasts goes a few places at a time.
#include <comoq/detail/session/requested_broadcasts.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <comoq/origin.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/settle.hpp"

namespace requested_broadcasts_tests {

using namespace comoq;
using namespace comoq::test;
using detail::RequestedBroadcasts;

namespace {

constexpr std::size_t announced = 300, asked = 100, most_in_a_turn = 64;

RequestedBroadcasts::Made make(const OriginProducer &in) { return RequestedBroadcasts::Made(in.make_broadcast()); }

/// A table that knows of many broadcasts. Those that were asked for are kept by it alone.
struct Scene {
    Scene() {
        table.emplace();
        table->admit(origin.producer());
        for (std::size_t i = 0; i < announced; ++i) {
            auto &made = peers.emplace_back(origin.producer().make_broadcast());
            table->announced("announced/" + std::to_string(i), made.consume());
        }
        for (std::size_t i = 0; i < asked; ++i)
            kept.push_back(table->find_or_make("asked/" + std::to_string(i), asked, make));
    }

    Origin origin;
    std::optional<RequestedBroadcasts> table;
    std::vector<BroadcastProducer> peers;
    std::vector<BroadcastConsumer> kept;
};

}  // namespace

TEST_CASE("requested broadcasts: after the end 64 places are freed in a turn, without memory, until there are none",
          "[lite][session]") {
    Scene scene;
    REQUIRE_FALSE(scene.table->free_some());
    scene.table->abort_all(make_error_code(Error::Closed));
    for (auto &one : scene.kept) CHECK(now(one.closed()) == Error::Closed);
    const auto live = live_allocations();
    std::size_t turns = 1, before = live, most = 0;
    for (bool more = true; more; ++turns) {
        if (allocations_can_fail()) {
            NoMemory none;
            more = scene.table->free_some();
        } else {
            more = scene.table->free_some();
        }
        const auto now_live = live_allocations();
        most = std::max(most, before - now_live);
        before = now_live;
    }
    CHECK(turns - 1 == (announced + asked + most_in_a_turn - 1) / most_in_a_turn);
    CHECK_FALSE(scene.table->free_some());
    if (!allocations_can_fail()) return;
    CHECK(live - before >= 2 * (announced + asked));
    // A place by path and one by address, each with its key.
    CHECK(most <= 4 * most_in_a_turn);
}

TEST_CASE("requested broadcasts: the table may go at any time after the end, and nothing of it is left", "[lite][session]") {
    const auto live = live_allocations();
    const std::size_t turns = GENERATE(0u, 1u, 3u, 100u);
    {
        Scene scene;
        scene.table->abort_all(make_error_code(Error::Closed));
        for (std::size_t i = 0; i < turns; ++i) scene.table->free_some();
        scene.table.reset();
        CHECK(scene.origin.stats().handlers == 0);
    }
    if (allocations_can_fail()) CHECK(live_allocations() <= live + 16);
}

TEST_CASE("requested broadcasts: while its places are freed the table answers as one whose session is over", "[lite][session]") {
    Scene scene;
    scene.table->abort_all(make_error_code(Error::Cancelled));
    CHECK(scene.table->free_some());
    CHECK_FALSE(scene.table->has(scene.kept.back()));
    CHECK_FALSE(scene.table->has(scene.peers.front().consume()));
    // One that was there, and one that was not.
    for (const char *path : {"asked/99", "later"}) {
        const auto found = scene.table->find_or_make(path, asked, make);
        CHECK(now(found.closed()) == Error::Cancelled);
    }
    // What had been announced ends by its own task.
    CHECK_FALSE(scene.peers.front().consume().closed().ready());
    scene.table->forget("announced/0", scene.peers.front());
    while (scene.table->free_some()) {
    }
    CHECK_FALSE(scene.table->free_some());
}

}
