// Handles that are empty: default-constructed, and moved from.
#include <comoq/comoq.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/origin_fixture.hpp"
#include "support/settle.hpp"

namespace handles_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

template <class... Handles> constexpr bool all_can_be_empty = (std::is_nothrow_default_constructible_v<Handles> && ...);
static_assert(all_can_be_empty<OriginConsumer, OriginProducer, OriginPublish, BroadcastPublish, AnnounceConsumer,
                               BroadcastRequest, OriginDynamic, BroadcastConsumer, BroadcastDynamic, TrackRequest,
                               TrackConsumer, TrackProducer, TrackSubscriber, TrackDynamic, GroupRequest, GroupConsumer,
                               GroupProducer, FrameConsumer, FrameProducer>);

// Calls every function of a handle, which must be empty.

template <class Call> void throws_closed(Call &&call) { CHECK(error_of(call) == Error::Closed); }
template <class T> void ready_with_closed(Operation<T> &&operation) {
    CHECK(operation.ready());
    CHECK(code_now(std::move(operation)) == Error::Closed);
}

void check(OriginConsumer &empty) {
    throws_closed([&] { return empty.announced(); });
    throws_closed([&] { return empty.scope(std::vector<Path>{"a"}); });
    throws_closed([&] { return empty.with_root("a"); });
    throws_closed([&] { return empty.without_hop(7); });
    throws_closed([&] { return empty.with_request_share(7); });
    throws_closed([&] { return empty.root(); });
    throws_closed([&] { return empty.allowed(); });
    ready_with_closed(empty.announced_broadcast("a"));
    ready_with_closed(empty.request_broadcast("a"));
    CHECK(empty.id() == 0);
}
void check(OriginProducer &empty) {
    const BroadcastProducer broadcast;
    throws_closed([&] { return empty.consume(); });
    throws_closed([&] { return empty.dynamic(); });
    throws_closed([&] { return empty.publish_broadcast("a", broadcast.consume()); });
    throws_closed([&] { return empty.create_broadcast("a"); });
    throws_closed([&] { return empty.make_broadcast(); });
    throws_closed([&] { return empty.scope(std::vector<Path>{"a"}); });
    throws_closed([&] { return empty.with_root("a"); });
    throws_closed([&] { return empty.root(); });
    throws_closed([&] { return empty.allowed(); });
    CHECK(empty.id() == 0);
}
void check(OriginPublish &empty) { CHECK_NOTHROW(empty.unannounce()); }
void check(AnnounceConsumer &empty) { ready_with_closed(empty.next()); }
void check(BroadcastRequest &empty) {
    CHECK(empty.path().empty());
    CHECK(empty.absolute_path().empty());
    CHECK_FALSE(empty.accept(BroadcastProducer().consume()));
    CHECK_FALSE(empty.reject(Error::Timeout));
    ready_with_closed(empty.abandoned());
}
void check(OriginDynamic &empty) { ready_with_closed(empty.requested_broadcast()); }
void check(BroadcastConsumer &empty) {
    CHECK(empty.is_closed());
    CHECK_FALSE(empty);
    CHECK(empty.info().hops.empty());
    ready_with_closed(empty.closed());
    ready_with_closed(empty.track("video").info());
}
void check(BroadcastProducer &empty) {
    throws_closed([&] { return empty.create_track("a"); });
    throws_closed([&] { return empty.insert_track(TrackConsumer()); });
    throws_closed([&] { return empty.remove_track("a"); });
    throws_closed([&] { return empty.unique_track("a"); });
    throws_closed([&] { return empty.dynamic(); });
    throws_closed([&] { return empty.consume(); });
    throws_closed([&] { return empty.finish(); });
    throws_closed([&] { return empty.abort(Error::Timeout); });
    throws_closed([&] { return empty.stats(); });
}
void check(BroadcastPublish &empty) {
    CHECK_NOTHROW(empty.unannounce());
    check(empty.producer());
}
void check(BroadcastDynamic &empty) { ready_with_closed(empty.requested_track()); }
void check(TrackRequest &empty) {
    CHECK(empty.name().empty());
    CHECK_FALSE(empty.reject(Error::Timeout));
    throws_closed([&] { return empty.subscription(); });
    throws_closed([&] { return empty.accept(); });
    throws_closed([&] { return empty.dynamic(); });
    ready_with_closed(empty.abandoned());
}
void check(TrackConsumer &empty) {
    CHECK(empty.name().empty());
    CHECK_FALSE(empty.get_group(0));
    ready_with_closed(empty.info());
    ready_with_closed(empty.subscribe());
    ready_with_closed(empty.fetch_group(0));
}
void check(TrackProducer &empty) {
    CHECK(empty.name().empty());
    CHECK(empty.info().priority == TrackInfo().priority);
    throws_closed([&] { return empty.append_group(); });
    throws_closed([&] { return empty.create_group(1); });
    throws_closed([&] { return empty.write_frame(payload("x")); });
    throws_closed([&] { return empty.append_datagram(payload("x")); });
    throws_closed([&] { return empty.insert_datagram(Datagram(1, Timestamp(), payload("x"))); });
    throws_closed([&] { return empty.finish(); });
    throws_closed([&] { return empty.finish_at(1); });
    throws_closed([&] { return empty.abort(Error::Timeout); });
    throws_closed([&] { return empty.dynamic(); });
    throws_closed([&] { return empty.latest(); });
    throws_closed([&] { return empty.subscription(); });
    throws_closed([&] { return empty.consume(); });
    throws_closed([&] { return empty.stats(); });
    ready_with_closed(empty.subscription_changed());
    ready_with_closed(empty.used());
    ready_with_closed(empty.unused());
}
void check(TrackSubscriber &empty) {
    CHECK_FALSE(empty.get_group(0));
    ready_with_closed(empty.recv_group());
    ready_with_closed(empty.next_group());
    ready_with_closed(empty.read_frame());
    ready_with_closed(empty.recv_datagram());
    ready_with_closed(empty.finished());
    ready_with_closed(empty.closed());
}
void check(TrackDynamic &empty) { ready_with_closed(empty.requested_group()); }
void check(GroupRequest &empty) {
    CHECK(empty.sequence() == 0);
    CHECK(empty.priority() == 0);
    CHECK_FALSE(empty.reject(Error::Timeout));
    throws_closed([&] { return empty.accept(); });
    ready_with_closed(empty.abandoned());
}
void check(GroupConsumer &empty) {
    CHECK(empty.sequence() == 0);
    ready_with_closed(empty.read_frame());
    ready_with_closed(empty.read_frames(1));
    ready_with_closed(empty.next_frame());
    ready_with_closed(empty.get_frame(0));
    ready_with_closed(empty.finished());
}
void check(GroupProducer &empty) {
    CHECK(empty.sequence() == 0);
    throws_closed([&] { return empty.write_frame(payload("x")); });
    throws_closed([&] { return empty.create_frame(1); });
    throws_closed([&] { return empty.finish(); });
    throws_closed([&] { return empty.abort(Error::Timeout); });
    throws_closed([&] { return empty.consume(); });
}
void check(FrameConsumer &empty) {
    CHECK(empty.size() == 0);
    CHECK(empty.timestamp() == Timestamp());
    ready_with_closed(empty.read_chunk());
    ready_with_closed(empty.read_all());
}
void check(FrameProducer &empty) {
    throws_closed([&] { return empty.write(payload("x")); });
    throws_closed([&] { return empty.finish(); });
    throws_closed([&] { return empty.abort(Error::Timeout); });
}
void check(Origin &empty) {
    CHECK(empty.id() == 0);
    throws_closed([&] { return empty.producer(); });
    throws_closed([&] { return empty.consumer(); });
    throws_closed([&] { return empty.stats(); });
}

/// The handle is moved from, and goes on at its new place.
template <class Handle> void check_moved(Handle &&full) {
    const Handle other(std::move(full));
    check(full);
}
template <class Handle> void check_one_default() {
    Handle empty;
    check(empty);
}
template <class... Handles> void check_default() { (check_one_default<Handles>(), ...); }

}  // namespace

TEST_CASE("section 2 handles: a handle that was made empty is safe", "[handles]") {
    check_default<OriginConsumer, OriginProducer, OriginPublish, BroadcastPublish, AnnounceConsumer, BroadcastRequest,
                  OriginDynamic, BroadcastConsumer, BroadcastDynamic, TrackRequest, TrackConsumer, TrackProducer,
                  TrackSubscriber, TrackDynamic, GroupRequest, GroupConsumer, GroupProducer, FrameConsumer, FrameProducer>();
}

TEST_CASE("section 2 handles: a handle that was moved from is empty, and safe", "[handles]") {
    Origin origin;
    auto handler = origin.producer().dynamic();
    auto published = origin.producer().create_broadcast("a");
    auto &broadcast = published.producer();
    auto tracks = broadcast.dynamic();
    auto track = broadcast.create_track("video");
    auto groups = track.dynamic();
    auto group = track.append_group();
    const auto asked = origin.consumer().request_broadcast("b");
    const auto asked_track = broadcast.consume().track("audio").info();
    const auto asked_group = track.consume().fetch_group(7);
    auto frame = group.create_frame(3);
    auto reader = group.consume();

    check_moved(origin.consumer());
    check_moved(origin.producer());
    check_moved(origin.consumer().announced());
    check_moved(origin.producer().publish_broadcast("c", broadcast.consume()));
    check_moved(*now(handler.requested_broadcast()));
    check_moved(*now(tracks.requested_track()));
    check_moved(*now(groups.requested_group()));
    check_moved(std::move(handler));
    check_moved(std::move(tracks));
    check_moved(std::move(groups));
    check_moved(*now(reader.next_frame()));
    check_moved(std::move(frame));
    check_moved(std::move(reader));
    check_moved(std::move(group));
    check_moved(now(track.consume().subscribe()));
    check_moved(track.consume());
    check_moved(std::move(track));
    check_moved(broadcast.consume());
    check_moved(BroadcastProducer(broadcast));
    check_moved(std::move(published));
    check_moved(std::move(origin));
}

TEST_CASE("section 2 handles: an operation that was moved from can be awaited, and fails", "[handles]") {
    asio::io_context context;
    Origin origin;
    std::vector<std::error_code> codes;
    const auto program = [&]() -> asio::awaitable<void> {
        auto operation = origin.consumer().announced_broadcast("a");
        const auto other = std::move(operation);
        auto [code, none] = co_await std::move(operation).as_tuple();
        codes.push_back(code);
        auto again = origin.consumer().announced_broadcast("a");
        auto assigned = origin.consumer().announced_broadcast("b");
        assigned = std::move(again);
        try {
            co_await std::move(again);
        } catch (const std::system_error &error) {
            codes.push_back(error.code());
        }
    };
    asio::co_spawn(context, program, asio::detached);
    context.poll();
    CHECK(codes == std::vector<std::error_code>(2, make_error_code(Error::Cancelled)));
}

TEST_CASE("section 2 handles: info, name and path of a temporary handle outlive it", "[handles]") {
    BroadcastProducer broadcast;
    const auto &info = broadcast.create_track("video", TrackInfo{.priority = 9}).info();
    const auto &name = broadcast.create_track("audio").name();
    CHECK(info.priority == 9);
    CHECK(name == "audio");
    Origin origin;
    auto handler = origin.producer().dynamic();
    const auto asked = origin.consumer().request_broadcast("a/b");
    const auto &path = now(handler.requested_broadcast()).value().path();
    CHECK(path == Path("a/b"));
    static_assert(std::is_same_v<decltype(std::declval<BroadcastPublish>().producer()), BroadcastProducer>);
}

TEST_CASE("section 2 handles: a frame is written from any object that holds bytes", "[handles]") {
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    auto group = track.append_group();
    auto frame = group.create_frame(12);
    std::vector<std::byte> bytes(2, std::byte{'b'});
    std::string text = "tt";
    frame.write(bytes);
    frame.write(text);
    frame.write(std::move(bytes));
    frame.write(std::move(text));
    frame.write("ll");
    frame.write(std::vector<std::uint8_t>(2, 'o'));
    frame.finish();
    CHECK(now(group.consume().read_frame())->payload.view() == "bbttbbttlloo");
    const std::vector<std::uint8_t> octets = {'x', 'y'};
    CHECK(Bytes::copy(octets).view() == "xy");
}

TEST_CASE("section 2 errors: what() names the path, the track or the group", "[handles]") {
    const auto what = [](auto &&call) {
        try {
            static_cast<void>(call());
        } catch (const std::system_error &error) {
            return std::string(error.what());
        }
        return std::string();
    };
    Origin origin;
    const auto producer = origin.producer();
    CHECK(what([] { return Path("a\nb"); }) == "path 'a?b': invalid path");
    CHECK(what([&] { return producer.with_root("a")->publish_broadcast("b", BroadcastConsumer()); }) ==
          "broadcast 'b': not found");
    CHECK(what([&] { return producer.create_broadcast("c", BroadcastInfo({5, 5})); }) == "broadcast 'c': routing loop");
    auto broadcast = producer.make_broadcast();
    auto track = broadcast.create_track("video");
    CHECK(what([&] { return broadcast.create_track("video"); }) == "track 'video': exists already");
    auto group = track.create_group(7);
    CHECK(what([&] { return track.create_group(7); }) == "group 7 of track 'video': exists already");
    group.finish();
    CHECK(what([&] { return group.write_frame(payload("x")); }).starts_with("group 7: "));
    track.finish();
    CHECK(what([&] { return track.append_group(); }) == "track 'video': closed");
    CHECK(what([&] { return track.write_frame(payload("x")); }) == "track 'video': closed");
    CHECK(what([] { return Path(std::string(5000, 'x')); }).size() < 300);
}

}
