// A client of MoQ Transport whose SETUP asks for a path: whatever it says, it reaches nothing outside of that.
#include <comoq/ietf/session.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ietf/raw_scene.hpp"
#include "support/catch.hpp"

namespace roots_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("MoQ Transport: a client at a path reaches nothing outside, by any message", "[ietf][session]") {
    const std::string name = GENERATE("moqt-18", "moqt-20", "moqt-22");
    CAPTURE(name);
    RawScene scene(name);
    std::vector<BroadcastPublish> published;
    std::vector<TrackProducer> tracks;
    for (const auto *path : {"a/x", "b/x", "x", "ab/x", "b"}) {
        published.push_back(scene.origin.producer().create_broadcast(path));
        tracks.push_back(published.back().producer().create_track("video"));
    }
    auto handler = scene.origin.producer().dynamic();
    scene.connect();
    ietf::Setup setup;
    setup.options.add(static_cast<std::uint64_t>(ietf::SetupOption::Path), as_span("/a"));
    scene.control = scene.now(scene.raw->open_uni());
    scene.say(setup);

    // A handler for everything is asked for nothing that is not below the path.
    const auto refused = [&](const RawRequest &request) {
        for (auto next = handler.requested_broadcast(); next.ready(); next = handler.requested_broadcast()) {
            auto asked = test::now(std::move(next));
            CHECK(Path(asked->path()).has_prefix(Path("a")));
            asked->reject(Error::NotFound);
        }
        scene.run();
        const auto all = scene.messages(*request.answer);
        REQUIRE(all.size() == 1);
        CHECK(std::holds_alternative<ietf::RequestError>(all.front()));
    };
    const std::vector<ietf::Namespace> elsewhere{{"b"}, {"b", "x"}, {".."}, {"..", "b"}, {"..", "b", "x"}, {"../b"}, {"../b/x"},
                                                 {"/b"}, {"/b/x"}, {"b/x"}, {"."}, {"a"}, {"a", "x"}, {"a/x"}, {"%2e%2e", "b"}};
    for (const auto &space : elsewhere) {
        CAPTURE(space);
        ietf::Subscribe subscribe;
        subscribe.request_id = scene.next_id();
        subscribe.track = {space, "video"};
        refused(scene.ask(subscribe));
        ietf::TrackStatus status;
        status.request_id = scene.next_id();
        status.track = {space, "video"};
        refused(scene.ask(status));
        ietf::Fetch fetch;
        fetch.request_id = scene.next_id();
        fetch.track = {space, "video"};
        if (name == "moqt-18") fetch.end = ietf::RangeEnd{1, {}};
        refused(scene.ask(fetch));
    }
    // SUBSCRIBE_NAMESPACE: it is told of nothing there.
    for (const ietf::Namespace &prefix : {ietf::Namespace{"b"}, ietf::Namespace{".."}, ietf::Namespace{"../b"}, ietf::Namespace{"a"}}) {
        CAPTURE(prefix);
        ietf::SubscribeNamespace spaces;
        spaces.request_id = scene.next_id();
        spaces.prefix = prefix;
        const auto &request = scene.ask(spaces);
        CHECK(scene.messages(*request.answer).size() == 1);
    }
    // PUBLISH_NAMESPACE: what it publishes is below the path.
    for (const auto &space : elsewhere) scene.announce(space);
    auto announced = scene.origin.consumer().announced();
    for (auto next = announced.next(); next.ready(); next = announced.next()) {
        const auto event = test::now(std::move(next));
        const std::string path(event->path.view());
        CAPTURE(path);
        const bool was_there = path == "b/x" || path == "x" || path == "ab/x" || path == "b";
        CHECK((was_there || Path(path).has_prefix(Path("a"))));
    }
    // It is served where it may be.
    CHECK(scene.is_alive());
    ietf::Subscribe inside;
    inside.request_id = scene.next_id();
    inside.track = {{"x"}, "video"};
    scene.answer<ietf::SubscribeOk>(scene.ask(inside));
}

}  // namespace roots_tests
