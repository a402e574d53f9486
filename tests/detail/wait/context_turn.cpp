// A turn of the context, and not of the strand alone.
#include <comoq/detail/wait/context_turn.hpp>

#include <comoq/detail/wait/frame_turn.hpp>

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

using comoq::detail::ContextTurn;
using comoq::detail::FrameTurn;
using fair_strand_tests::note_two_rounds;
using fair_strand_tests::strand_of;

namespace {

template <class Turn> asio::awaitable<void> note_after(std::string &log) {
    Turn turn;
    co_await turn.take();
    log += 't';
}

}  // namespace

TEST_CASE("a turn of the context lets work of others go first that is ready, where one of the strand does not", "[wait]") {
    asio::io_context context(1);
    const auto strand = strand_of(context), other = strand_of(context);
    std::string log;
    const auto begin = [&](asio::awaitable<void> noting) {
        asio::co_spawn(strand, std::move(noting), asio::detached);
        asio::post(strand, [&log] { log += 's'; });
        asio::post(other, [&log] { log += 'o'; });
        asio::post(context, [&log] { log += 'c'; });
        context.run();
    };
    SECTION("of the context") {
        begin(note_after<ContextTurn>(log));
        // The strand's turn ends, and its other functions go on in their order.
        CHECK(log == "ocst");
    }
    SECTION("of the strand") {
        begin(note_after<FrameTurn>(log));
        CHECK(log == "stoc");
    }
}

TEST_CASE("a turn of the context ends no later turn of the strand, and is a trip where nothing is a strand", "[wait]") {
    asio::io_context context(1);
    const auto strand = strand_of(context);
    std::string log;
    SECTION("the next turn is a whole one") {
        asio::co_spawn(strand, note_after<ContextTurn>(log), asio::detached);
        for (int i = 0; i != 10; ++i) asio::post(strand, [&log] { log += 's'; });
        note_two_rounds(context, log);
        context.run();
        CHECK(log == "cssssssssdsst");
    }
    SECTION("a context alone") {
        asio::co_spawn(context, note_after<ContextTurn>(log), asio::detached);
        asio::post(context, [&log] { log += 'c'; });
        context.run();
        CHECK(log == "ct");
    }
}

}  // namespace context_turn_tests
