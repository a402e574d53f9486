// Every wait of a session ends with the session, however that ends.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lite/scene.hpp"
#include "support/catch.hpp"

namespace session_waits_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// Whether a wait that has begun is over.
using IsOver = std::function<bool()>;
template <class T> IsOver begun(Operation<T> operation) {
    auto waiting = std::make_shared<Waiting<T>>(wait(std::move(operation)));
    return [waiting] { return waiting->done(); };
}

struct Wait {
    const char *name;
    std::function<IsOver(LiteScene &, TrackSubscriber &)> begin;
};
/// What a session's user may wait for. The subscriber is of a track that the peer serves; the rest the peer does not have.
std::vector<Wait> all_waits() {
    const auto asked = [](LiteScene &scene) { return scene.client->broadcast("asked"); };
    return {
        {"peer", [](LiteScene &scene, TrackSubscriber &) { return begun(scene.client->peer()); }},
        {"admitted", [](LiteScene &scene, TrackSubscriber &) { return begun(scene.client->admitted()); }},
        {"goaway_received", [](LiteScene &scene, TrackSubscriber &) { return begun(scene.client->goaway_received()); }},
        {"closed", [](LiteScene &scene, TrackSubscriber &) { return begun(scene.client->closed()); }},
        {"done", [](LiteScene &scene, TrackSubscriber &) { return begun(scene.client->done()); }},
        {"the end of a broadcast", [asked](LiteScene &scene, TrackSubscriber &) { return begun(asked(scene).closed()); }},
        {"the info of a track", [asked](LiteScene &scene, TrackSubscriber &) { return begun<TrackInfo>(asked(scene).track("a").info()); }},
        {"a subscription",
         [asked](LiteScene &scene, TrackSubscriber &) { return begun<TrackSubscriber>(asked(scene).track("b").subscribe()); }},
        {"a fetch",
         [asked](LiteScene &scene, TrackSubscriber &) { return begun<GroupConsumer>(asked(scene).track("c").fetch_group(3)); }},
        {"next_group", [](LiteScene &, TrackSubscriber &track) { return begun(track.next_group()); }},
        {"recv_group", [](LiteScene &, TrackSubscriber &track) { return begun(track.recv_group()); }},
        {"read_frame of a track", [](LiteScene &, TrackSubscriber &track) { return begun(track.read_frame()); }},
        {"recv_datagram", [](LiteScene &, TrackSubscriber &track) { return begun(track.recv_datagram()); }},
        {"finished", [](LiteScene &, TrackSubscriber &track) { return begun(track.finished()); }},
        {"the end of a subscription", [](LiteScene &, TrackSubscriber &track) { return begun(track.closed()); }},
    };
}

struct End {
    const char *name;
    std::function<void(LiteScene &)> happen;
};
const std::vector<End> ends = {
    {"the connection is lost", [](LiteScene &scene) { scene.link.cut(); }},
    {"closed here in peace", [](LiteScene &scene) { scene.client->close(); }},
    {"closed here with a code", [](LiteScene &scene) { scene.client->close(Error::Unauthorized, "enough"); }},
    {"closed by the peer in peace", [](LiteScene &scene) { scene.link.server()->close(0, ""); }},
    {"closed by the peer with a number", [](LiteScene &scene) { scene.link.server()->close(2, "no"); }},
    {"the handle is destroyed", [](LiteScene &scene) { scene.client.reset(); }},
    {"sent away here, and too late",
     [](LiteScene &scene) {
         scene.client->drain(1s);
         scene.run();
         scene.pass(1s);
     }},
    {"sent away here without any time", [](LiteScene &scene) { scene.client->drain(0s); }},
};

/// A client whose server has answered everything but what is asked here.
struct Scene : LiteScene {
    Scene() {
        connect();
        handler.emplace(there.producer().dynamic());
        track.emplace(publish("served"));
        subscriber.emplace(subscribe("served"));
        // Groups that are read whole, and none that is open: a reader waits.
        run();
    }
    std::optional<OriginDynamic> handler;
    std::optional<TrackProducer> track;
    std::optional<TrackSubscriber> subscriber;
};

}  // namespace

TEST_CASE("session: every wait of a session ends with it, however it ends", "[lite][session]") {
    for (const End &end : ends) {
        for (const Wait &one : all_waits()) {
            INFO(one.name << ", " << end.name);
            Scene scene;
            const IsOver is_over = one.begin(scene, *scene.subscriber);
            scene.run();
            // The handshake is over, and nothing else is.
            const std::string name = one.name;
            REQUIRE(is_over() == (name == "peer" || name == "admitted"));
            end.happen(scene);
            scene.run();
            CHECK(is_over());
        }
    }
}

TEST_CASE("session: every wait for a peer that says nothing ends with the session", "[lite][session]") {
    for (const End &end : ends) {
        for (const Wait &one : all_waits()) {
            INFO(one.name << ", " << end.name);
            LiteScene scene;
            scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
            TrackSubscriber none;
            const IsOver is_over = one.begin(scene, none);
            scene.run();
            end.happen(scene);
            scene.run();
            CHECK(is_over());
        }
    }
}

TEST_CASE("session: a wait that begins after the end of a session is over", "[lite][session]") {
    for (const End &end : ends) {
        for (const Wait &one : all_waits()) {
            if (std::string(end.name) == "the handle is destroyed") continue;
            INFO(one.name << ", " << end.name);
            Scene scene;
            end.happen(scene);
            scene.run();
            const IsOver is_over = one.begin(scene, *scene.subscriber);
            scene.run();
            CHECK(is_over());
        }
    }
}

}
