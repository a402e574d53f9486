// A turn of the context, and not of the strand alone.
#include <comoq/detail/wait/context_turn.hpp>

#include <comoq/detail/wait/turn.hpp>
#include <comoq/operation.hpp>

#include <string>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "fair_strand_scene.hpp"
#include "support/catch.hpp"

namespace context_turn_tests {

using namespace comoq;
using comoq::detail::context_turn;
using comoq::detail::next_turn;
using fair_strand_tests::strand_of;

namespace {

asio::awaitable<void> note_after(Operation<void> (*turn)(), std::string &log) {
    auto passing = turn();
    co_await std::move(passing);
    log += 't';
}

}  // namespace

TEST_CASE("a turn of the context lets work of others go first that is ready, where one of the strand does not", "[wait]") {
    asio::io_context context(1);
    const auto strand = strand_of(context), other = strand_of(context);
    std::string log;
    const auto begin = [&](Operation<void> (*turn)()) {
        asio::co_spawn(strand, note_after(turn, log), asio::detached);
        asio::post(strand, [&log] { log += 's'; });
        asio::post(other, [&log] { log += 'o'; });
        asio::post(context, [&log] { log += 'c'; });
        context.restart();
        context.run();
    };
    SECTION("of the context") {
        begin(&context_turn);
        // The strand's turn ends, and its other functions go on in their order.
        CHECK(log == "ocst");
    }
    SECTION("of the strand") {
        begin(&next_turn);
        CHECK(log == "stoc");
    }
}

TEST_CASE("a turn of the context ends no later turn of the strand, and is a trip where nothing is a strand", "[wait]") {
    asio::io_context context(1);
    const auto strand = strand_of(context);
    std::string log;
    SECTION("the next turn is a whole one") {
        asio::co_spawn(strand, note_after(&context_turn, log), asio::detached);
        context.run();
        context.restart();
        for (int i = 0; i != 3; ++i) asio::post(strand, [&log] { log += 's'; });
        asio::post(context, [&log] { log += 'c'; });
        context.run();
        CHECK(log == "tsssc");
    }
    SECTION("a context alone") {
        asio::co_spawn(context, note_after(&context_turn, log), asio::detached);
        asio::post(context, [&log] { log += 'c'; });
        context.run();
        CHECK(log == "ct");
    }
}

}  // namespace context_turn_tests
