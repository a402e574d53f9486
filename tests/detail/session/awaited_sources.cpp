// The broadcasts that stay between a peer's question for a track and its subscription.
#include <comoq/detail/session/awaited_sources.hpp>

#include <cstddef>
#include <vector>

#include "support/catch.hpp"

namespace awaited_sources_tests {

using namespace comoq;

using comoq::detail::AwaitedSources;

TEST_CASE("awaited sources: a question keeps its broadcast for one to two turns", "[session]") {
    AwaitedSources sources;
    BroadcastProducer one, other;
    CHECK(sources.add(one.consume()));
    CHECK_FALSE(sources.add(other.consume()));
    CHECK(sources.turn());
    CHECK_FALSE(sources.add(one.consume()));
    CHECK(sources.size() == 3);
    CHECK(sources.turn());
    CHECK(sources.size() == 1);
    CHECK(other.unused().ready());
    CHECK_FALSE(one.unused().ready());
    CHECK_FALSE(sources.turn());
    CHECK(one.unused().ready());
    CHECK(sources.add(one.consume()));
}

TEST_CASE("awaited sources: a subscription lets go of one question, and turns go on to the end of the others", "[session]") {
    AwaitedSources sources;
    BroadcastProducer one, other;
    for (auto *asked : {&one, &other, &one}) sources.add(asked->consume());
    sources.subscribed(one.consume());
    CHECK_FALSE(one.unused().ready());
    sources.subscribed(one.consume());
    CHECK(one.unused().ready());
    sources.subscribed(one.consume());
    CHECK(sources.size() == 1);
    sources.subscribed(other.consume());
    CHECK(sources.size() == 0);
    CHECK_FALSE(sources.add(one.consume()));
    sources.clear();
    CHECK(one.unused().ready());
    CHECK(sources.add(one.consume()));
}

TEST_CASE("awaited sources: beyond the most, the question that came first is let go", "[session]") {
    AwaitedSources sources;
    std::vector<BroadcastProducer> many(AwaitedSources::most + 1);
    for (auto &broadcast : many) sources.add(broadcast.consume());
    CHECK(sources.size() == AwaitedSources::most);
    CHECK(many.front().unused().ready());
    CHECK_FALSE(many[1].unused().ready());
}

}  // namespace awaited_sources_tests
