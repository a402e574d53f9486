// SPDX-License-Identifier: MIT
// A proxy that changes what passes leaves the object ids of MoQ Transport as they are.
#include <comoq/proxy.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace proxy_transform_ids_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Leaves out "-", makes new frames in the place of those that begin with "n", and passes the rest on.
asio::awaitable<std::optional<Frame>> change(const ProxiedFrame &, Frame frame) {
    const auto text = frame.payload.view();
    if (text == "-") co_return std::nullopt;
    if (text.starts_with("n")) co_return Frame(frame.timestamp, payload("new"));
    co_return frame;
}

struct Scene {
    Scene() {
        config.transform = change;
        served.start(context, proxy(from.consume(), to, config));
        run();
    }
    ~Scene() {
        served.cancel();
        run();
    }
    void run() { settle_down(context); }

    asio::io_context context;
    ProxyConfig config;
    BroadcastProducer from, to;
    TrackProducer video = from.create_track("video");
    Disturbed served;
};

Words objects(GroupConsumer group) {
    Words all;
    while (const auto frame = group.try_read_frame())
        all.push_back(std::to_string(group.object_id().value()) + " " + std::string(frame->payload.view()) + " " +
                      std::string(frame->extras.properties().view()));
    return all;
}

}  // namespace

TEST_CASE("proxy transform: frames keep their ids, whatever is left out or made anew before them", "[proxy][object_extras]") {
    Scene scene;
    auto waiting = wait(scene.to.consume().track("video").subscribe());
    scene.run();
    auto subscriber = std::move(waiting.value());
    auto group = scene.video.create_group(3, GroupInfo{.first_object = 10});
    group.write_frame(payload("-"));
    group.write_frame(payload("a"), {}, ObjectExtras(payload("p"), 2));
    group.write_frame(payload("-"), {}, ObjectExtras(Bytes(), 5));
    group.write_frame(payload("-"));
    group.write_frame(payload("n"), {}, ObjectExtras(payload("q"), 1));
    group.write_frame(payload("b"));
    group.write_frame(payload("-"));
    group.finish(EndMarker{ObjectStatus::EndOfGroup, 30});
    scene.video.insert_datagram(Datagram(9, {}, payload("n"), 4, ObjectExtras(payload("r"))));
    scene.run();
    auto got = now(subscriber.recv_group()).value();
    CHECK(got.info().first_object == 10);
    CHECK(objects(got) == Words{"13 a p", "22 new ", "23 b "});
    CHECK(got.end_marker() == EndMarker{ObjectStatus::EndOfGroup, 30});
    const auto datagram = now(subscriber.recv_datagram()).value();
    CHECK(datagram.object == 4);
    CHECK(datagram.payload.view() == "new");
    CHECK(datagram.extras.empty());
}

TEST_CASE("proxy transform: a group that upstream has only the rest of keeps its ids, too", "[proxy][object_extras]") {
    Scene scene;
    auto group = scene.video.append_group();
    constexpr std::uint64_t dropped = 7;
    for (std::uint64_t i = 0; i < dropped; ++i) group.write_frame(payload("-"), {}, ObjectExtras(Bytes(), i % 2));
    for (std::uint64_t i = 0; i < detail::MediaBounds::max_group_frames; ++i) group.write_frame(payload("-"));
    group.write_frame(payload("a"));
    auto first = wait(scene.to.consume().track("video").subscribe());
    scene.run();
    auto subscriber = std::move(first.value());
    scene.run();
    auto got = now(subscriber.recv_group()).value();
    CHECK(got.info().is_partial);
    auto reader = group.consume();
    while (reader.try_read_frame()) {
    }
    CHECK(objects(got) == Words{std::to_string(reader.object_id().value()) + " a "});
}

}
