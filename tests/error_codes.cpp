#include <comoq/comoq.hpp>

#include <string>
#include <system_error>
#include <utility>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace error_codes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A code from before, which a call that succeeds must clear.
std::error_code stale() { return make_error_code(Error::Internal); }

/// The call with a code reports what the call without one throws.
template <class Throws, class Reports> std::error_code both(Throws throws, Reports reports) {
    const auto thrown = error_of(throws);
    auto ec = stale();
    reports(ec);
    CHECK(ec == thrown);
    return ec;
}

struct Scene {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
};

}  // namespace

TEST_CASE("error codes: calls that succeed clear the code and do their work", "[error]") {
    Origin origin;
    auto ec = stale();
    auto guard = origin.producer().create_broadcast("room", ec);
    CHECK(!ec);
    CHECK(origin.stats().announced == 1);
    ec = stale();
    auto track = guard.producer().create_track("video", ec);
    CHECK(!ec);
    auto subscriber = now(track.consume().subscribe());

    ec = stale();
    auto group = track.append_group(ec);
    CHECK(!ec);
    ec = stale();
    group.write_frame(payload("a"), ec);
    CHECK(!ec);
    ec = stale();
    auto frame = group.create_frame(2, ec);
    CHECK(!ec);
    ec = stale();
    frame.write(payload("bc"), ec);
    CHECK(!ec);
    ec = stale();
    frame.finish(ec);
    CHECK(!ec);
    ec = stale();
    group.finish(ec);
    CHECK(!ec);
    ec = stale();
    CHECK(track.write_frame(payload("d"), Timestamp(40, Timescale(1000)), ec) == 1);
    CHECK(!ec);
    ec = stale();
    CHECK(track.append_datagram(payload("e"), ec) == 2);
    CHECK(!ec);
    ec = stale();
    track.insert_datagram(Datagram(7, Timestamp(), payload("f")), ec);
    CHECK(!ec);
    ec = stale();
    CHECK(track.create_group(8, ec).sequence() == 8);
    CHECK(!ec);
    ec = stale();
    track.finish_at(9, ec);
    CHECK(!ec);
    CHECK(now(subscriber.read_frame())->payload == payload("a"));
    CHECK(now(subscriber.read_frame())->payload == payload("bc"));
    CHECK(now(subscriber.read_frame())->timestamp == Timestamp(40, Timescale(1000)));

    ec = stale();
    CHECK(origin.consumer().with_root("room", ec)->root() == Path("room"));
    CHECK(!ec);
    ec = stale();
    CHECK(Path("a//b", ec) == Path("a/b"));
    CHECK(!ec);
    ec = stale();
    CHECK(Timestamp(1, Timescale(1)).convert(Timescale(90'000), ec).value() == 90'000);
    CHECK(!ec);
    ec = stale();
    CHECK(payload("abc").slice(1, 1, ec) == payload("b"));
    CHECK(!ec);
}

TEST_CASE("error codes: a track's calls report what they would throw, and return nothing", "[error]") {
    Scene scene;
    auto &track = scene.track;
    const auto wrong = Timestamp(Timestamp::max_value, Timescale(1));
    const Bytes huge(std::string(1201, 'x'));
    auto first = track.create_group(3);
    CHECK(both([&] { return track.create_group(3); }, [&](auto &ec) { CHECK(track.create_group(3, ec).sequence() == 0); }) ==
          Error::Duplicate);
    CHECK(both([&] { return track.write_frame(payload("a"), wrong); },
               [&](auto &ec) { CHECK(track.write_frame(payload("a"), wrong, ec) == 0); }) == Error::TimestampMismatch);
    CHECK(both([&] { return track.append_datagram(huge); }, [&](auto &ec) { CHECK(track.append_datagram(huge, ec) == 0); }) ==
          Error::FrameTooLarge);
    CHECK(both([&] { track.insert_datagram(Datagram(3, Timestamp(), payload("a"))); return 0; },
               [&](auto &ec) { track.insert_datagram(Datagram(3, Timestamp(), payload("a")), ec); }) == Error::Duplicate);
    CHECK(both([&] { track.finish_at(2); return 0; }, [&](auto &ec) { track.finish_at(2, ec); }) == Error::ProtocolViolation);
    track.finish();
    CHECK(both([&] { track.finish(); return 0; }, [&](auto &ec) { track.finish(ec); }) == Error::Closed);
    CHECK(both([&] { return track.append_group(); }, [&](auto &ec) { static_cast<void>(track.append_group(ec)); }) == Error::Closed);
    track.abort(app_error(7));
    CHECK(both([&] { return track.write_frame(payload("a")); }, [&](auto &ec) { track.write_frame(payload("a"), ec); }) ==
          app_error(7));
}

TEST_CASE("error codes: calls of groups and frames report what they would throw", "[error]") {
    Scene scene;
    auto group = scene.track.append_group();
    auto frame = group.create_frame(2);
    CHECK(both([&] { group.write_frame(payload("a")); return 0; }, [&](auto &ec) { group.write_frame(payload("a"), ec); }) ==
          Error::ProtocolViolation);
    CHECK(both([&] { return group.create_frame(1); }, [&](auto &ec) { static_cast<void>(group.create_frame(1, ec)); }) ==
          Error::ProtocolViolation);
    CHECK(both([&] { frame.write(payload("abc")); return 0; }, [&](auto &ec) { frame.write(payload("abc"), ec); }) ==
          Error::WrongSize);
    std::error_code ec;
    frame.finish(ec);
    CHECK(ec == Error::WrongSize);
    group.finish(ec);
    CHECK(ec == Error::WrongSize);
}

TEST_CASE("error codes: calls that announce and make tracks report what they would throw", "[error]") {
    Origin origin;
    const auto producer = origin.producer();
    const std::string bad = "a\nb";
    CHECK(both([&] { return producer.create_broadcast(bad); },
               [&](auto &ec) { static_cast<void>(producer.create_broadcast(bad, ec)); }) == Error::InvalidPath);
    CHECK(both([&] { return producer.publish_broadcast("a", {}); },
               [&](auto &ec) { static_cast<void>(producer.publish_broadcast("a", {}, ec)); }) == Error::NotFound);
    CHECK(both([&] { return producer.with_root(bad); }, [&](auto &ec) { CHECK(!producer.with_root(bad, ec)); }) ==
          Error::InvalidPath);
    CHECK(both([&] { return Path(bad); }, [&](auto &ec) { CHECK(Path(bad, ec).empty()); }) == Error::InvalidPath);

    auto guard = producer.create_broadcast("a");
    auto track = guard.create_track("x");
    CHECK(both([&] { return guard.create_track("x"); },
               [&](auto &ec) { CHECK(guard.producer().create_track("x", ec).name().empty()); }) == Error::Duplicate);
    CHECK(both([&] { guard.producer().insert_track({}); return 0; },
               [&](auto &ec) { guard.producer().insert_track({}, ec); }) == Error::NotFound);
    CHECK(both([&] { guard.update(BroadcastInfo({origin.id()})); return 0; },
               [&](auto &ec) { guard.update(BroadcastInfo({origin.id()}), ec); }) == Error::RoutingLoop);
    guard.producer().abort(app_error(1));
    CHECK(both([&] { return guard.producer().unique_track(".mp4"); },
               [&](auto &ec) { static_cast<void>(guard.producer().unique_track(".mp4", ec)); }) == app_error(1));
}

TEST_CASE("error codes: answers to requests report what they would throw", "[error]") {
    Scene scene;
    std::error_code ec;
    CHECK(TrackRequest().accept(ec).name().empty());
    CHECK(ec == Error::Closed);
    CHECK(GroupRequest().accept(ec).sequence() == 0);
    CHECK(ec == Error::Closed);

    auto handler = scene.broadcast.dynamic();
    const auto wanted = scene.broadcast.consume().track("sound").subscribe();
    auto request = handler.try_requested_track();
    REQUIRE(request);
    auto sound = request->accept({.priority = 9}, ec);
    CHECK(!ec);
    CHECK(sound.info().priority == 9);
    CHECK(wanted.ready());
    static_cast<void>(request->accept(ec));
    CHECK(ec);
}

TEST_CASE("error codes: values report what they would throw", "[error]") {
    const Timestamp late(Timestamp::max_value, Timescale(1));
    CHECK(both([&] { return late.convert(Timescale(2)); },
               [&](auto &ec) { CHECK(late.convert(Timescale(2), ec) == Timestamp()); }) == Error::TimestampMismatch);
    CHECK(both([&] { return late.convert(Timescale(0)); }, [&](auto &ec) { static_cast<void>(late.convert(Timescale(0), ec)); }) ==
          Error::TimestampMismatch);
    const auto bytes = payload("abc");
    CHECK(both([&] { return bytes.slice(4); }, [&](auto &ec) { CHECK(bytes.slice(4, 1, ec).empty()); }) ==
          Error::BoundsExceeded);
}

TEST_CASE("error codes: calls of an empty handle report Closed", "[error]") {
    std::error_code ec;
    TrackProducer().write_frame(payload("a"), ec);
    CHECK(ec == Error::Closed);
    GroupProducer().finish(ec);
    CHECK(ec == Error::Closed);
    FrameProducer().write(payload("a"), ec);
    CHECK(ec == Error::Closed);
    static_cast<void>(OriginProducer().create_broadcast("a", ec));
    CHECK(ec == Error::Closed);
}

TEST_CASE("error codes: want of memory is a code, and nothing has changed", "[error]") {
    if (!allocations_can_fail()) return;
    Scene scene;
    std::error_code ec;
    auto bytes = payload("a");
    {
        NoMemory none;
        scene.track.write_frame(std::move(bytes), ec);
    }
    CHECK(ec == std::errc::not_enough_memory);
    CHECK(scene.track.stats().groups == 0);
    CHECK(scene.track.write_frame(payload("b"), ec) == 0);
    CHECK(!ec);
}

}  // namespace error_codes_tests
