// The exceptions of operations say what they are about.
#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/origin_dynamic.hpp>
#include <comoq/track_dynamic.hpp>

#include <coroutine>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/plain_task.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace error_places_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

template <class T> asio::awaitable<void> finish(Operation<T> operation) {
    static_cast<void>(co_await std::move(operation));
}

/// The text of the exception of an operation, which waits until `meanwhile` is over.
struct Failure {
    std::string what;
    std::error_code code;
};
template <class T, class Meanwhile> Failure failure_of(Operation<T> operation, Meanwhile meanwhile) {
    asio::io_context context;
    Failure failure;
    asio::co_spawn(context, finish(std::move(operation)), [&failure](const std::exception_ptr &thrown) {
        try {
            if (thrown != nullptr) std::rethrow_exception(thrown);
        } catch (const std::system_error &error) {
            failure = {error.what(), error.code()};
        }
    });
    settle_down(context);
    meanwhile();
    settle_down(context);
    return failure;
}
template <class T> Failure failure_of(Operation<T> operation) {
    return failure_of(std::move(operation), [] {});
}

}  // namespace

TEST_CASE("errors with a place: a broadcast that nobody has", "[errors]") {
    Origin origin;
    const auto failure = failure_of<BroadcastConsumer>(origin.consumer().request_broadcast("room/42"));
    CHECK(failure.what == "comoq: broadcast 'room/42': not found");
    CHECK(failure.code == Error::NotFound);
    CHECK(failure_of<BroadcastConsumer>(origin.consumer().announced_broadcast("a\nb")).what ==
          "comoq: broadcast 'a?b': invalid path");
    CHECK(failure_of<BroadcastConsumer>(OriginConsumer().request_broadcast("x")).what == "comoq: broadcast 'x': closed");
}

TEST_CASE("errors with a place: a broadcast that a handler refuses", "[errors]") {
    Origin origin;
    auto handler = origin.producer().dynamic();
    const auto refuse = [&handler] { now(handler.requested_broadcast())->reject(Error::Unauthorized); };
    const auto failure = failure_of<BroadcastConsumer>(origin.consumer().request_broadcast("room/42"), refuse);
    CHECK(failure.what == "comoq: broadcast 'room/42': not authorized");
    CHECK(failure.code == Error::Unauthorized);
    // Also where the view limits requests.
    const auto limited = origin.consumer().without_hop(7);
    const auto hidden = failure_of<BroadcastConsumer>(limited.request_broadcast("room/42"), refuse);
    CHECK(hidden.what == "comoq: broadcast 'room/42': not authorized");
}

TEST_CASE("errors with a place: a track that its broadcast does not have, or refuses", "[errors]") {
    BroadcastProducer broadcast;
    const auto video = broadcast.consume().track("video");
    const std::string missing = "comoq: track 'video': not found";
    CHECK(failure_of<TrackSubscriber>(video.subscribe()).what == missing);
    CHECK(failure_of<TrackInfo>(video.info()).what == missing);
    CHECK(failure_of<GroupConsumer>(video.fetch_group(7)).what == "comoq: group 7 of track 'video': not found");
    auto handler = broadcast.dynamic();
    const auto refuse = [&handler] { now(handler.requested_track())->reject(app_error(5)); };
    const std::string refused = "comoq: track 'video': application error 5";
    CHECK(failure_of<TrackSubscriber>(video.subscribe(), refuse).what == refused);
    CHECK(failure_of<TrackInfo>(video.info(), refuse).what == refused);
    CHECK(failure_of<TrackSubscriber>(TrackConsumer().subscribe()).what == "comoq: track '': closed");
}

TEST_CASE("errors with a place: a group that its track does not have, or refuses", "[errors]") {
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    const auto video = broadcast.consume().track("video");
    CHECK(failure_of<GroupConsumer>(video.fetch_group(3)).what == "comoq: group 3 of track 'video': not found");
    auto handler = track.dynamic();
    const auto refuse = [&handler] { now(handler.requested_group())->reject(Error::Old); };
    const auto failure = failure_of<GroupConsumer>(video.fetch_group(3), refuse);
    CHECK(failure.what == "comoq: group 3 of track 'video': too old, and no longer kept");
    CHECK(failure.code == Error::Old);
}

TEST_CASE("errors with a place: coroutines without an executor get the same text", "[errors]") {
    Origin origin;
    std::string what;
    const auto ask = [](const Origin &at, std::string &told) -> PlainTask {
        try {
            co_await at.consumer().request_broadcast("room/42");
        } catch (const std::system_error &error) {
            told = error.what();
        }
    };
    SECTION("that is refused at once") {
        const auto task = ask(origin, what);
        CHECK(what == "comoq: broadcast 'room/42': not found");
    }
    SECTION("that waits") {
        auto handler = origin.producer().dynamic();
        const auto task = ask(origin, what);
        now(handler.requested_broadcast())->reject(Error::Unauthorized);
        CHECK(what == "comoq: broadcast 'room/42': not authorized");
    }
}

TEST_CASE("errors with a place: a long path is cut off between two characters", "[errors]") {
    Origin origin;
    const auto text = [&origin](const std::string &path) {
        return failure_of<BroadcastConsumer>(origin.consumer().request_broadcast(path)).what;
    };
    CHECK(text(std::string(46, 'x')) == "comoq: broadcast '" + std::string(46, 'x') + "': not found");
    CHECK(text(std::string(47, 'x')) == "comoq: broadcast '" + std::string(46, 'x') + "...': not found");
    CHECK(text(std::string(45, 'x') + "\u00e9") == "comoq: broadcast '" + std::string(45, 'x') + "...': not found");
}

TEST_CASE("errors with a place: neither a request that succeeds nor one that is refused copies a path", "[errors]") {
    Origin origin;
    const std::string long_path(200, 'x');
    const auto one = origin.producer().create_broadcast("a");
    const auto other = origin.producer().create_broadcast(long_path);
    const auto consumer = origin.consumer();
    const auto cost = [&consumer](const std::string &path) {
        const AllocationCount count;
        CHECK(consumer.request_broadcast(path).ready());
        return count.made();
    };
    CHECK(cost(long_path) <= cost("a") + 1);
    CHECK(cost("b") <= cost("a"));
    CHECK(cost(long_path + "y") <= cost("a"));
    CHECK(wait(origin.consumer().request_broadcast("b")).code() == Error::NotFound);
}

}
