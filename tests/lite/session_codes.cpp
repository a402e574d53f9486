// The numbers for errors on the wire: what a session sends, what it hears, and what it passes on from another session.
#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/messages.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "lite/asked_scene.hpp"
#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_codes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr const char *draft_05 = "moq-lite-05";
constexpr const char *draft_06 = "moq-lite-06";

MemoryLinkConfig speaking(const char *protocol) {
    MemoryLinkConfig config;
    config.protocol = protocol;
    return config;
}

asio::awaitable<void> serve_from(const lite::Session &upstream, OriginDynamic handler) {
    while (auto request = co_await handler.requested_broadcast()) {
        request->accept(upstream.broadcast(request->path().view()));
    }
}

/// How each unidirectional stream ended.
using Ends = std::vector<std::optional<std::uint64_t>>;

asio::awaitable<void> note_end(std::unique_ptr<ReceiveStream> stream, std::shared_ptr<Ends> ends) {
    std::optional<std::uint64_t> number;
    try {
        while (true) {
            const Bytes more = co_await stream->read();
            if (more.empty()) break;
        }
    } catch (const std::system_error &error) {
        number = stream_end_number(error.code());
    }
    ends->push_back(number);
}
asio::awaitable<void> note_ends(std::shared_ptr<Transport> transport, std::shared_ptr<Ends> ends) {
    while (true) {
        auto stream = co_await transport->accept_uni();
        asio::co_spawn(transport->executor(), note_end(std::move(stream), ends), asio::detached);
    }
}

/// A session to a publisher, which this test plays, and one to a viewer, which it plays as well.
struct Relay : private Speaking, AskedScene {
    explicit Relay(const char *protocol)
        : Speaking(protocol), AskedScene(speaking(protocol)), link_to_viewer(context.get_executor(), context.get_executor(), speaking(protocol)),
          viewer(context, link_to_viewer.client()) {
        lite::SessionConfig config;
        config.publish = origin.consumer();
        config.sleep = time;
        serving.emplace(link_to_viewer.server(), std::move(config));
        asio::co_spawn(context, serve_from(*session, origin.producer().dynamic()), asio::detached);
        asio::co_spawn(context, note_ends(link_to_viewer.client(), ends), asio::detached);
        viewer.say_setup();
        run();
        ends->clear();
    }

    /// A path that nobody has asked for.
    std::string new_path() { return "path/" + std::to_string(paths++); }

    /// The publisher refuses a TRACK.
    std::uint64_t refuse(std::uint64_t number) {
        const auto answer = info(viewer, new_path());
        auto track = asked();
        track.stream.send->reset(number);
        run();
        return answer->number.value();
    }
    /// The publisher has a subscription.
    struct Subscribed {
        std::shared_ptr<Answer> answer;
        Asked stream;
        std::uint64_t id;
    };
    Subscribed subscribed() {
        Subscribed made;
        made.answer = subscribe(viewer, static_cast<std::uint64_t>(paths), new_path());
        auto track = asked();
        answer_info(track);
        track.stream.send->finish();
        made.stream = asked();
        made.id = subscriptions++;
        return made;
    }
    /// The publisher ends one.
    std::uint64_t end_subscription(std::uint64_t number) {
        auto made = subscribed();
        made.stream.stream.send->reset(number);
        run();
        return made.answer->number.value();
    }
    std::unique_ptr<SendStream> begin_group(std::uint64_t subscription) {
        auto octets = opening(lite::UniStreamType::Group, lite::Group{subscription, 0});
        // A frame of one byte, and the beginning of another.
        for (const auto octet : octets_of({0, 1, 'x', 0, 2, 'y'})) octets.push_back(octet);
        auto stream = run_to_end(context, peer->open_uni());
        run_to_end(context, stream->write(Bytes(std::move(octets))));
        run();
        return stream;
    }
    /// The publisher cuts a group.
    std::optional<std::uint64_t> cut_group(std::uint64_t number) {
        auto made = subscribed();
        ends->clear();
        const auto stream = begin_group(made.id);
        stream->reset(number);
        run();
        return ends->size() == 1 ? ends->front() : std::nullopt;
    }

    MemoryLink link_to_viewer;
    RawPeer viewer;
    std::optional<lite::Session> serving;
    std::shared_ptr<Ends> ends = std::make_shared<Ends>();
    std::uint64_t subscriptions = 0;
    int paths = 0;
};

using Passed = std::map<std::uint64_t, std::uint64_t>;

/// The registry, application's numbers, and numbers without a meaning.
const std::vector<std::uint64_t> unchanged = {0x01, 0x03, 0x04, 0x05, 0x12, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37,        0x38,        0x39,
                                              7,    0x20, 0x30, 0x3f, 64,   468,  4096, 0x1'0003, 0x8001'0003, 0xffff'ffff};
// What older peers say.
const Passed old_numbers = {{6, 0x03}, {11, 0x12}, {13, 0x33}, {14, 0x37}, {24, 0x00}, {25, 0x01}, {26, 0x05}, {27, 0x38}, {29, 0x39}, {30, 0x36}, {31, 0x35}};

}  // namespace

TEST_CASE("session codes: a number with which a request is refused is passed on to the requester", "[lite][session][codes]") {
    const auto *const protocol = GENERATE(draft_05, draft_06);
    const bool is_05 = protocol == std::string(draft_05);
    Relay relay(protocol);
    for (const auto number : unchanged) {
        CAPTURE(number);
        CHECK(relay.refuse(number) == number);
    }
    for (const auto &[number, passed] : old_numbers) {
        CAPTURE(number);
        CHECK(relay.refuse(number) == (is_05 ? passed : number));
    }
    // Older peers say 0 when they leave.
    CHECK(relay.refuse(0x00) == (is_05 ? 0x01u : 0x00u));
    CHECK(relay.refuse(0x31) == 0x31u);
    CHECK(relay.refuse(0x02) == 0x31u);
}

TEST_CASE("session codes: a number with which a track ends is passed on to its subscriber", "[lite][session][codes]") {
    Relay relay(draft_05);
    for (const auto number : unchanged) {
        CAPTURE(number);
        CHECK(relay.end_subscription(number) == number);
    }
    for (const auto &[number, passed] : old_numbers) {
        CAPTURE(number);
        CHECK(relay.end_subscription(number) == passed);
    }
    CHECK(relay.end_subscription(0x00) == 0x00u);
    CHECK(relay.end_subscription(0x31) == 0x31u);
}

TEST_CASE("session codes: a number with which a group is cut is passed on to its readers", "[lite][session][codes]") {
    Relay relay(draft_05);
    for (const auto number : unchanged) {
        CAPTURE(number);
        CHECK(relay.cut_group(number) == number);
    }
    for (const auto &[number, passed] : old_numbers) {
        CAPTURE(number);
        CHECK(relay.cut_group(number) == passed);
    }
    CHECK(relay.cut_group(0x00) == 0x01u);
    // For older peers it was too old.
    CHECK(relay.cut_group(0x02) == 0x34u);
    CHECK(relay.cut_group(0x31) == 0x02u);
}

TEST_CASE("session codes: a track that ends with 0 was dropped, and its groups are still there for its readers",
          "[lite][session][codes]") {
    Relay relay(draft_05);
    auto subscribing = wait(relay.session->broadcast("a").track("video").subscribe());
    relay.run();
    auto track = relay.asked();
    relay.answer_info(track);
    auto stream = relay.asked();
    auto octets = opening(lite::UniStreamType::Group, lite::Group{0, 0});
    for (const auto octet : octets_of({0, 1, 'x'})) octets.push_back(octet);
    auto group = run_to_end(relay.context, relay.peer->open_uni());
    run_to_end(relay.context, group->write(Bytes(std::move(octets))));
    group->finish();
    relay.run();
    stream.stream.send->reset(0);
    relay.run();
    auto &subscriber = subscribing.value();
    auto received = wait(subscriber.next_group());
    CHECK(texts(*received.value()) == Words{"x"});
    CHECK(code_now(subscriber.next_group()) == Error::Dropped);
}

TEST_CASE("session codes: a side that leaves says that this cancels the request, and the groups", "[lite][session][codes]") {
    AskedScene scene;
    auto broadcast = scene.session->broadcast("a");
    SECTION("a requester") {
        auto asking = std::make_optional(wait(broadcast.track("video").info()));
        auto track = scene.asked();
        asking.reset();
        scene.run();
        CHECK(run_to_end(scene.context, track.stream.send->stopped()) == stream_ended(0x01));
    }
    SECTION("a subscriber") {
        auto subscribing = std::make_optional(wait(broadcast.track("video").subscribe()));
        auto track = scene.asked();
        scene.answer_info(track);
        auto stream = scene.asked();
        auto group = run_to_end(scene.context, scene.peer->open_uni());
        run_to_end(scene.context, group->write(Bytes(opening(lite::UniStreamType::Group, lite::Group{0, 0}))));
        scene.run();
        subscribing.reset();
        broadcast = BroadcastConsumer();
        scene.time.advance(std::chrono::seconds(5));
        scene.run();
        CHECK(*stream.ended);
        CHECK(run_to_end(scene.context, stream.stream.send->stopped()) == stream_ended(0x01));
        // A group that comes later belongs to nobody.
        auto late = run_to_end(scene.context, scene.peer->open_uni());
        run_to_end(scene.context, late->write(Bytes(opening(lite::UniStreamType::Group, lite::Group{0, 1}))));
        scene.run();
        CHECK(run_to_end(scene.context, late->stopped()) == stream_ended(0x01));
    }
}

TEST_CASE("session codes: a viewer that leaves gets its groups reset as cancelled", "[lite][session][codes]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    const auto ends = std::make_shared<Ends>();
    asio::co_spawn(scene.context, note_ends(scene.link.client(), ends), asio::detached);
    peer.say_setup();
    const auto answer = subscribe(peer, 1, "a");
    auto group = track.append_group();
    group.write_frame(payload("1"));
    scene.run();
    ends->clear();
    peer.let_go();
    CHECK(*ends == Ends{0x01});
    CHECK(answer->over());
}

TEST_CASE("session codes: groups that will not come are dropped as not found", "[lite][session][codes]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    const Begun<void> reading(scene.context, read_groups(scene.link.client()));
    peer.say_setup();
    Subscription wishes;
    wishes.start = 0;
    const auto answer = subscribe(peer, 1, "a", wishes);
    track.create_group(0).finish();
    track.create_group(2).finish();
    track.finish();
    // When all producers are gone, nothing can come any more.
    scene.broadcasts.front().producer().remove_track("video");
    { const auto last = std::move(track); }
    scene.run();
    CHECK(replies(*answer) == std::vector<std::string>{"ok 0", "end 3", "drop 1-1"});
    // The error is the last byte.
    REQUIRE_FALSE(answer->octets.empty());
    CHECK(answer->octets.back() == std::byte{0x33});
}

TEST_CASE("session codes: a session that is closed here tells its peer the number of the code, and keeps the code",
          "[lite][session][codes]") {
    const std::vector<std::pair<std::error_code, std::uint64_t>> codes = {
        {{}, 0x00},
        {make_error_code(Error::Cancelled), 0x00},
        {make_error_code(Error::Unauthorized), 0x02},
        {make_error_code(Error::LimitReached), 0x02},
        {make_error_code(Error::ProtocolViolation), 0x03},
        {make_error_code(Error::Decode), 0x03},
        {make_error_code(Error::GoawayTimeout), 0x10},
        {make_error_code(Error::Timeout), 0x11},
        {make_error_code(Error::Version), 0x15},
        {make_error_code(Error::NotFound), 0x01},
        {std::make_error_code(std::errc::not_enough_memory), 0x01},
        {app_error(404), 468},
    };
    for (const auto &[code, number] : codes) {
        CAPTURE(code.message());
        LiteScene scene;
        scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
        auto closed = wait(scene.server->closed());
        scene.server->close(code);
        scene.run();
        CHECK(closed.value() == code);
        CHECK(run_to_end(scene.context, scene.link.client()->closed()) == connection_ended(number));
    }
}

TEST_CASE("session codes: a peer's number for the end of the session is read as it means", "[lite][session][codes]") {
    const auto *const protocol = GENERATE(draft_05, draft_06);
    const bool is_05 = protocol == std::string(draft_05);
    const std::map<std::uint64_t, Error> both = {{0x01, Error::Internal},      {0x02, Error::Unauthorized}, {0x03, Error::ProtocolViolation},
                                                 {0x10, Error::GoawayTimeout}, {0x11, Error::Timeout},      {0x15, Error::Version}};
    const auto closed_with = [&](std::uint64_t number) {
        LiteScene scene(speaking(protocol));
        scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
        auto closed = wait(scene.client->closed());
        auto asked = wait(scene.client->broadcast("a").track("video").info());
        scene.run();
        scene.link.server()->close(number, "");
        scene.run();
        CHECK(asked.code() == (closed.value() ? closed.value() : make_error_code(Error::Closed)));
        return closed.value();
    };
    CHECK(closed_with(0) == std::error_code());
    for (const auto &[number, error] : both) {
        CAPTURE(number);
        CHECK(closed_with(number) == error);
    }
    CHECK(closed_with(468) == app_error(404));
    CHECK(closed_with(0x30).message() == "moq-lite session code 48");
    CHECK((closed_with(15) == Error::ProtocolViolation) == is_05);
    CHECK((closed_with(6) == Error::Unauthorized) == is_05);
}

TEST_CASE("session codes: a number without a meaning that ends a session is an internal error for the tracks of others",
          "[lite][session][codes]") {
    for (const auto &[number, passed] : Passed{{0x30, 0x00}, {0x01, 0x00}, {0x03, 0x03}, {0x02, 0x03}, {468, 468}}) {
        CAPTURE(number);
        Relay relay(draft_05);
        const auto made = relay.subscribed();
        relay.peer->close(number, "");
        relay.run();
        CHECK(made.answer->number == passed);
    }
}

}
