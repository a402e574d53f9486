// Sessions of moq-lite over QUIC, with either side as the publisher, on a good and on a bad network.
#include <comoq/lite/session.hpp>
#include <comoq/quic/connection.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "quic/scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"
#include "support/settle.hpp"

namespace quic_session_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Broadcasts published `there` are seen `here`.
struct Sessions : QuicScene {
    Sessions(bool client_publishes, LinkFaults network, std::uint64_t seed, std::string protocol)
        : QuicScene(network, seed, speaking(protocol), speaking(protocol)) {
        // A server that was made for a spoiled greeting gives way to another one.
        passes_until([&] { return server != nullptr && !server->protocol().empty(); });
        lite::SessionConfig of_there, of_here;
        of_there.publish = there.consumer();
        of_here.subscribe = here.producer();
        auto &publisher = client_publishes ? client : server;
        auto &viewer = client_publishes ? server : client;
        of_publisher.emplace(publisher, std::move(of_there));
        of_viewer.emplace(viewer, std::move(of_here));
    }
    ~Sessions() {
        of_publisher->close();
        of_viewer->close();
        pass(5s);
    }
    static quic::ConnectionConfig speaking(const std::string &protocol) {
        quic::ConnectionConfig config;
        config.protocols = {protocol};
        return config;
    }
    /// What the operation gives when time has passed.
    template <class T> auto get(Operation<T> operation) {
        auto waiting = wait(std::move(operation));
        REQUIRE(passes_until([&] { return waiting.done(); }, 30s));
        return std::move(waiting.value());
    }
    template <class T> std::error_code code(Operation<T> operation) {
        auto waiting = wait(std::move(operation));
        REQUIRE(passes_until([&] { return waiting.done(); }, 30s));
        return waiting.code();
    }
    std::string next_frame(GroupConsumer &group) {
        const auto frame = get(group.read_frame());
        return frame ? std::string(frame->payload.view()) : "the end";
    }

    Origin there{with_id(1)}, here{with_id(2)};
    std::optional<lite::Session> of_publisher, of_viewer;

    static OriginConfig with_id(std::uint64_t id) {
        OriginConfig config;
        config.id = id;
        return config;
    }
};

}  // namespace

TEST_CASE("a session over QUIC: announced, subscribed, fetched and asked for on demand, in both roles", "[quic][session]") {
    const bool client_publishes = GENERATE(false, true);
    const std::string protocol = GENERATE("moq-lite-05", "moq-lite-06");
    LinkFaults network;
    if (GENERATE(false, true)) network.lost = network.late = network.spoiled = 50;
    Sessions scene(client_publishes, network, seed("a session over QUIC"), protocol);

    auto broadcast = scene.there.producer().create_broadcast("room/a");
    auto video = broadcast.producer().create_track("video");
    auto found = scene.get(scene.here.consumer().announced_broadcast("room/a"));
    auto subscriber = scene.get(found.track("video").subscribe());
    for (int i = 0; i < 20; ++i) {
        auto group = video.append_group();
        for (int j = 0; j < 3; ++j) group.write_frame(payload(std::to_string(i) + "." + std::to_string(j)));
        group.write_frame(payload(std::size_t{5'000}));
        group.finish();
        auto read = scene.get(subscriber.next_group());
        REQUIRE(read);
        for (int j = 0; j < 3; ++j) CHECK(scene.next_frame(*read) == std::to_string(i) + "." + std::to_string(j));
        CHECK(scene.next_frame(*read).size() == 5'000);
        CHECK(scene.next_frame(*read) == "the end");
    }

    auto handler = video.dynamic();
    auto fetching = wait(found.track("video").fetch_group(7'000));
    auto request = scene.get(handler.requested_group());
    REQUIRE(request);
    CHECK(request->sequence() == 7'000);
    auto group = request->accept();
    group.write_frame(payload("fetched"));
    group.finish();
    REQUIRE(scene.passes_until([&] { return fetching.done(); }));
    CHECK(scene.next_frame(fetching.value()) == "fetched");
    auto refused = wait(found.track("video").fetch_group(7'001));
    request = scene.get(handler.requested_group());
    CHECK(request->reject(app_error(8)));
    REQUIRE(scene.passes_until([&] { return refused.done(); }));
    CHECK(refused.code() == app_error(8));

    auto demanded = scene.there.producer().dynamic();
    auto asking = wait(scene.of_viewer->broadcast("on/demand").track("video").subscribe());
    auto asked = scene.get(demanded.requested_broadcast());
    REQUIRE(asked);
    CHECK(asked->path() == Path("on/demand"));
    BroadcastProducer made;
    auto made_track = made.create_track("video");
    made_track.write_frame(payload("made"));
    CHECK(asked->accept(made.consume()));
    REQUIRE(scene.passes_until([&] { return asking.done(); }));
    auto first = scene.get(asking.value().next_group());
    REQUIRE(first);
    CHECK(scene.next_frame(*first) == "made");
}

}
