#include <comoq/detail/wait/in_any_case.hpp>

#include <optional>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <comoq/detail/wait/event.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"

namespace in_any_case_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::Event;
using comoq::detail::in_any_case;

TEST_CASE("in_any_case: without memory, others have their turn between two attempts to wait", "[wait][faults]") {
    if (!allocations_can_fail()) return;
    asio::io_context context;
    Event event;
    std::optional<NoMemory> none;
    int attempts = 0, turns_of_others = 0;
    const auto begin = [&] {
        // A loop without turns ends here, so that the test does.
        if (++attempts == 1'000) none.reset();
        return event.wait();
    };
    auto work = [&]() -> asio::awaitable<void> {
        auto waiting = in_any_case(begin);
        none.emplace();
        co_await std::move(waiting);
    };
    Disturbed waiting;
    waiting.start(context, work());
    for (int i = 0; i < 10; ++i) {
        asio::post(context, [&] {
            if (++turns_of_others != 10) return;
            none.reset();
            event.set();
        });
    }
    run_handlers(context);
    CHECK(waiting.is_over());
    CHECK(turns_of_others == 10);
    CHECK(attempts >= 2);
    CHECK(attempts <= 12);
}

}
