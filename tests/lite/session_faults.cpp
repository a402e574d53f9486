// A session that is disturbed at every point, on either side.
#include <comoq/lite/session.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <comoq/memory_transport.hpp>
#include <comoq/origin.hpp>

#include "lite/spoken.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/disturbed_session.hpp"
#include "support/every_point.hpp"

namespace session_faults_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("session faults: when the holder of a session is cancelled at any step, nothing of the session is left",
          "[lite][session][faults]") {
    CHECK(cancel_at_every_step<DisturbedSession>(false, spoken_protocol(), false) > 50);
    CHECK(cancel_at_every_step<DisturbedSession>(false, spoken_protocol(), true) > 50);
}

TEST_CASE("session faults: if any one allocation fails, nothing of a session is left in the end, and nobody waits",
          "[lite][session][faults]") {
    if (!allocations_can_fail()) return;
    // Those of the other side are included.
    CHECK(fail_every_allocation<DisturbedSession>(spoken_protocol(), true) > 200);
}

TEST_CASE("session faults: its context may be destroyed at any point", "[lite][session][faults]") {
    CHECK(destroy_at_every_point<DisturbedSession>(spoken_protocol(), false) > 50);
    CHECK(destroy_at_every_point<DisturbedSession>(spoken_protocol(), true) > 50);
}

TEST_CASE("session faults: a session that finds no memory to begin does not exist, or is over and says so",
          "[lite][session][faults]") {
    if (!allocations_can_fail()) return;
    bool failed = true;
    for (std::size_t after = 0; failed; ++after) {
        INFO("after " << after << " allocations");
        asio::io_context context;
        MemoryLink link(context.get_executor(), context.get_executor(), spoken_link());
        std::optional<lite::Session> session;
        // On the executor: elsewhere asio ends the program if it cannot begin a coroutine.
        asio::post(context, [&] {
            try {
                session.emplace(link.client());
            } catch (const std::bad_alloc &) {
            }
        });
        {
            FailingAllocation failing(after);
            run_handlers(context);
            failed = failing.stop();
        }
        link.cut();
        run_handlers(context);
        if (session) {
            CHECK(session->closed().ready());
            CHECK(session->done().ready());
        }
    }
}

TEST_CASE("a session is done when all of its work is over, and then keeps neither transport nor origin", "[lite][session]") {
    asio::io_context context;
    MemoryLink link(context.get_executor(), context.get_executor(), spoken_link());
    const auto owners = link.client().use_count();
    std::optional<Origin> origin(std::in_place);
    auto watch = origin->consumer().announced();
    lite::SessionConfig config;
    config.publish = origin->consumer();
    config.subscribe = origin->producer();
    std::optional<lite::Session> session(std::in_place, link.client(), std::move(config));
    const lite::Session peer(link.server());
    auto done = session->done();
    run_handlers(context);
    CHECK_FALSE(done.ready());
    origin.reset();
    session.reset();
    while (!done.ready()) {
        REQUIRE(run_handlers(context, 1) == 1);
    }
    CHECK(link.client().use_count() == owners);
    CHECK(watch.next().ready());
}

}
