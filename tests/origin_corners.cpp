// Section 8 of the contract, "Origin": the corners that it settles.
#include <comoq/comoq.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/origin_fixture.hpp"
#include "support/settle.hpp"

namespace origin_corners_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

std::string deep(int parts) {
    std::string text = "p";
    for (int i = 1; i < parts; ++i) {
        text += "/p";
    }
    return text;
}

}  // namespace

TEST_CASE("section 8: a scope prefix that is too deep below the root gives nothing", "[corners]") {
    Origin origin;
    const auto root = *origin.consumer().with_root(deep(20));
    const std::vector<Path> fits = {deep(12)}, too_deep = {deep(13)}, both = {deep(13), "q"};
    CHECK(root.scope(fits).has_value());
    CHECK_FALSE(root.scope(too_deep).has_value());
    CHECK(texts_of(root.scope(both)->allowed()) == Texts{"q"});
    const std::vector<Path> too_long = {std::string(4090, 'x')};
    CHECK_FALSE(root.scope(too_long).has_value());
    CHECK_FALSE(origin.producer().with_root(deep(20))->scope(too_deep).has_value());
}

TEST_CASE("section 8: limits on pending requests hold for an origin, a broadcast and a track each", "[corners]") {
    OriginConfig config;
    config.max_pending_requests = 2;
    Origin origin(std::move(config));
    const auto producer = origin.producer();
    const auto handler = producer.dynamic();
    std::vector<Pending<BroadcastConsumer>> broadcasts;
    for (const auto *path : {"a", "b"}) {
        broadcasts.push_back(origin.consumer().request_broadcast(path));
        CHECK_FALSE(broadcasts.back().ready());
    }
    CHECK(code_now(origin.consumer().request_broadcast("c")) == Error::LimitReached);
    for (int i = 0; i < 2; ++i) {
        auto broadcast = producer.make_broadcast();
        const auto track_handler = broadcast.dynamic();
        const auto one = broadcast.consume().track("one").info(), two = broadcast.consume().track("two").info();
        CHECK_FALSE(one.ready());
        CHECK(code_now(broadcast.consume().track("three").info()) == Error::LimitReached);
        for (const auto *name : {"video", "audio"}) {
            auto track = broadcast.create_track(name);
            const auto group_handler = track.dynamic();
            const auto first = track.consume().fetch_group(1), second = track.consume().fetch_group(2);
            CHECK_FALSE(first.ready());
            CHECK(code_now(track.consume().fetch_group(3)) == Error::LimitReached);
        }
    }
}

TEST_CASE("section 8: without_hop also applies to the broadcast that settles a pending request", "[corners]") {
    Origin origin;
    const auto producer = origin.producer();
    auto handler = producer.dynamic();
    const auto view = origin.consumer().without_hop(7);
    auto left_out = wait(view.request_broadcast("a"));
    auto whole = wait(origin.consumer().request_broadcast("a"));
    auto request = take_request(handler);
    const auto through = broadcast_with_hops({1, 7}), past = broadcast_with_hops({1, 2});
    SECTION("by its handler") {
        CHECK(request->accept(through.consume()));
        CHECK(left_out.code() == Error::NotFound);
        CHECK(whole.value() == through.consume());
    }
    SECTION("by an announcement") {
        const auto guard = producer.publish_broadcast("a", through.consume());
        CHECK(left_out.code() == Error::NotFound);
        CHECK(whole.value() == through.consume());
    }
    SECTION("which may be shown to it") {
        CHECK(request->accept(past.consume()));
        CHECK(left_out.value() == past.consume());
        CHECK(whole.value() == past.consume());
    }
    SECTION("with a code") {
        CHECK(request->reject(Error::Unroutable));
        CHECK(left_out.code() == Error::Unroutable);
    }
}

TEST_CASE("section 8: hop 0 names nobody, and a view without it leaves nothing out", "[corners]") {
    Origin origin;
    const auto unknown = origin.producer().create_broadcast("a", BroadcastInfo({0}));
    CHECK_FALSE(code_now(origin.consumer().without_hop(0).request_broadcast("a")));
}

TEST_CASE("section 8: accept of a broadcast whose chain holds this origin's id settles with RoutingLoop", "[corners]") {
    OriginConfig config;
    config.id = 77;
    Origin origin(std::move(config));
    auto handler = origin.producer().dynamic();
    for (const auto &hops : {std::vector<std::uint64_t>{5, 77}, std::vector<std::uint64_t>{5, 6, 5}}) {
        auto asked = wait(origin.consumer().request_broadcast("a"));
        auto request = take_request(handler);
        CHECK(request->accept(broadcast_with_hops(hops).consume()));
        CHECK(asked.code() == Error::RoutingLoop);
        CHECK_FALSE(request->reject(Error::NotFound));
        CHECK(origin.stats().served == 0);
        CHECK(origin.stats().pending == 0);
    }
}

TEST_CASE("section 2: settling with a false code settles with Cancelled, at every level", "[corners]") {
    const std::error_code none;
    Origin origin;
    auto handler = origin.producer().dynamic();
    auto asked = wait(origin.consumer().request_broadcast("a"));
    CHECK(take_request(handler)->reject(none));
    CHECK(asked.code() == Error::Cancelled);

    BroadcastProducer broadcast;
    auto tracks = broadcast.dynamic();
    auto info = wait(broadcast.consume().track("video").info());
    CHECK(now(tracks.requested_track())->reject(none));
    CHECK(info.code() == Error::Cancelled);

    auto track = broadcast.create_track("audio");
    auto groups = track.dynamic();
    auto fetch = wait(track.consume().fetch_group(3));
    CHECK(now(groups.requested_group())->reject(none));
    CHECK(fetch.code() == Error::Cancelled);

    auto group = track.append_group();
    const auto reader = group.consume();
    group.abort(none);
    CHECK(code_now(GroupConsumer(reader).read_frame()) == Error::Cancelled);
    auto subscriber = now(track.consume().subscribe());
    track.abort(none);
    CHECK(now(subscriber.closed()) == Error::Cancelled);
    const auto consumer = broadcast.consume();
    broadcast.abort(none);
    CHECK(now(consumer.closed()) == Error::Cancelled);
}

TEST_CASE("D16: an origin's id has at most 62 bits", "[corners]") {
    const auto with_id = [](std::uint64_t id) {
        OriginConfig config;
        config.id = id;
        return Origin(std::move(config)).id();
    };
    constexpr std::uint64_t most = (std::uint64_t{1} << 62) - 1;
    CHECK(with_id(most) == most);
    for (const std::uint64_t id : {most + 1, ~std::uint64_t{0}, (std::uint64_t{1} << 63) | 5}) {
        CHECK(error_of([&] { return with_id(id); }) == Error::BoundsExceeded);
    }
    CHECK(Origin().id() != 0);
}

TEST_CASE("D12: a share bounds one view's pending requests, and leaves the other places to other views", "[corners]") {
    OriginConfig config;
    config.max_pending_requests = 10;
    Origin origin(std::move(config));
    auto handler = origin.producer().dynamic();
    const auto greedy = origin.consumer().with_request_share(3), other = origin.consumer().with_request_share(3);
    const auto below = *greedy.with_root("p");
    std::vector<Pending<BroadcastConsumer>> asked;
    for (const auto *path : {"a", "b"}) {
        asked.push_back(greedy.request_broadcast(path));
    }
    asked.push_back(below.request_broadcast("c"));
    CHECK(code_now(greedy.request_broadcast("d")) == Error::LimitReached);
    CHECK(code_now(below.without_hop(5).request_broadcast("a")) == Error::LimitReached);
    // Joining takes a place as well: the view has to remember the same for it.
    CHECK(code_now(greedy.request_broadcast("a")) == Error::LimitReached);
    CHECK_FALSE(other.request_broadcast("d").ready());
    CHECK_FALSE(origin.consumer().request_broadcast("d").ready());
    SECTION("a requester that leaves gives its place back") {
        asked.pop_back();
        CHECK_FALSE(greedy.request_broadcast("d").ready());
    }
    SECTION("a request that is answered gives its place back") {
        CHECK(take_request(handler)->reject(Error::Unroutable));
        CHECK(code_now(std::move(asked.front())) == Error::Unroutable);
        asked.erase(asked.begin());
        CHECK_FALSE(greedy.request_broadcast("d").ready());
    }
    SECTION("a request for a present broadcast takes no place") {
        const auto guard = origin.producer().create_broadcast("x");
        CHECK_FALSE(code_now(greedy.request_broadcast("x")));
    }
    SECTION("and the origin's own limit holds beside it") {
        std::vector<Pending<BroadcastConsumer>> more;
        for (int i = 0; i < 7; ++i) {
            more.push_back(origin.consumer().request_broadcast("m" + std::to_string(i)));
        }
        CHECK(code_now(other.request_broadcast("y")) == Error::LimitReached);
    }
}

}
