// Requests below a path that a peer has announced.
#include <comoq/lite/session.hpp>
#include <comoq/origin_dynamic.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lite/route_scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/origin_fixture.hpp"

namespace session_prefix_routes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Whether the last question that the peer got names the path.
bool was_asked_for(RoutePeer &peer, std::string_view path) {
    settle_down(peer.context());
    if (peer.asked->size() < 2) return false;
    const auto first = run_to_end(peer.context(), peer.asked->back().receive->read());
    const auto octets = first.span();
    const std::string_view text(reinterpret_cast<const char *>(octets.data()), octets.size());
    return text.find(std::string(1, static_cast<char>(path.size())) + std::string(path)) != text.npos;
}

struct Scene : RouteScene {
    auto request(std::string_view path) { return relay.consumer().request_broadcast(path); }
    /// Asks for a track there.
    void ask(std::string_view path) {
        questions.push_back(wait(now(request(path)).track("video").info()));
        run();
    }
    std::vector<Waiting<TrackInfo>> questions;
};

}  // namespace

TEST_CASE("prefix routes: a request below an announced path goes to its announcer, and the longest path wins", "[lite][session][routes]") {
    Scene scene;
    auto &one = scene.peer(50), &other = scene.peer(51);
    one.announce("dyn");
    other.announce("dyn/some");
    REQUIRE(scene.request("dyn/some/one").ready());
    scene.ask("dyn/some/one");
    CHECK(was_asked_for(other, "dyn/some/one"));
    scene.ask("dyn/any");
    CHECK(was_asked_for(one, "dyn/any"));
    CHECK(one.questions() == 1);
    CHECK(other.questions() == 1);
    // By whole parts, and not itself.
    CHECK(code_now(scene.request("dynamo/x")) == Error::NotFound);
    CHECK(now(scene.request("dyn")) == now(scene.relay.consumer().announced_broadcast("dyn")));
    // One broadcast for all who ask at a time, never announced, and gone with the last of them.
    {
        const auto first = now(scene.request("dyn/both"));
        CHECK(now(scene.request("dyn/both")) == first);
        CHECK(scene.relay.stats().announced == 2);
        CHECK(scene.relay.stats().pending == 0);
        CHECK(first.info().hops == Hops{50});
    }
    // When the longer one has ended, the shorter one is asked; then nobody.
    other.unannounce("dyn/some");
    scene.ask("dyn/some/two");
    CHECK(was_asked_for(one, "dyn/some/two"));
    one.unannounce("dyn");
    CHECK(code_now(scene.request("dyn/some/two/x")) == Error::NotFound);
}

TEST_CASE("prefix routes: a handler with as long a prefix comes first, and the order of resolution stays", "[lite][session][routes]") {
    Scene scene;
    auto &peer = scene.peer(50);
    peer.announce("dyn");
    auto everywhere = scene.relay.producer().dynamic();
    // The announced path is longer.
    CHECK(scene.request("dyn/x").ready());
    CHECK(take_paths(everywhere).empty());
    CHECK_FALSE(scene.request("other/x").ready());
    {
        auto same = scene.relay.producer().with_root("dyn")->dynamic();
        auto asking = scene.request("dyn/x");
        CHECK_FALSE(asking.ready());
        CHECK(take_paths(same) == Texts{"dyn/x"});
        // A pending request is joined, whatever is announced in the meantime.
        auto pending = scene.request("dyn/y");
        auto joining = scene.request("dyn/y");
        auto request = take_request(same);
        peer.announce("dyn/y");
        REQUIRE(joining.ready());
        CHECK(now(std::move(joining)).info().hops == Hops{50});
        // What a handler has served is found before any announcer is asked.
        auto again = scene.request("dyn/z");
        const auto served = scene.relay.producer().make_broadcast();
        CHECK(take_request(same)->accept(served.consume()));
        peer.announce("dyn/z/a");
        CHECK(now(scene.request("dyn/z")) == served.consume());
    }
    // What this side itself announces claims nothing below it.
    const auto own = scene.relay.producer().create_broadcast("own");
    auto asking = scene.request("own/x");
    CHECK_FALSE(asking.ready());
    CHECK(take_paths(everywhere).back() == "own/x");
}

TEST_CASE("prefix routes: a peer that announces a path is not asked by itself, and nobody is asked in a circle", "[lite][session][routes]") {
    Scene scene;
    auto &one = scene.peer(), &other = scene.peer(), &third = scene.peer(60);
    one.announce("dyn");
    CHECK(info(one.raw, "dyn/x")->code == Error::NotFound);
    CHECK(one.questions() == 0);
    CHECK_FALSE(info(other.raw, "dyn/x")->over());
    CHECK(one.questions() == 1);
    // By the hops of the route, too.
    third.announce("far", {70});
    auto &named = scene.peer(70);
    CHECK(info(named.raw, "far/x")->code == Error::NotFound);
    CHECK(third.questions() == 0);
    // Another route to the same prefix is taken.
    one.announce("far", {80, 81, 82});
    CHECK_FALSE(info(named.raw, "far/x")->over());
    CHECK(third.questions() == 0);
    CHECK(one.questions() == 2);
}

TEST_CASE("prefix routes: roots and scopes hold, and so do the bounds of the session", "[lite][session][routes]") {
    Scene scene;
    auto config = scene.config_of(scene.relay);
    config.subscribe = scene.relay.producer().with_root("a");
    config.max_requested = 3;
    RoutePeer peer(scene, config, 50);
    peer.announce("dyn");
    CHECK(code_now(scene.request("dyn/x")) == Error::NotFound);
    scene.ask("a/dyn/x");
    CHECK(was_asked_for(peer, "dyn/x"));
    const std::vector<Path> elsewhere{Path("b")};
    CHECK(code_now(scene.relay.consumer().scope(elsewhere)->request_broadcast("a/dyn/x")) == Error::Unauthorized);
    std::vector<BroadcastConsumer> held;
    for (int i = 0; i < 2; ++i) held.push_back(now(scene.request("a/dyn/" + std::to_string(i))));
    CHECK(code_now(scene.request("a/dyn/more")) == Error::LimitReached);
    CHECK(code_now(scene.request("a/dyn/" + std::string(5'000, 'x'))) == Error::InvalidPath);
    // After the session nothing is left of it.
    peer.link.cut();
    scene.run();
    CHECK(held[0].is_closed());
    CHECK(code_now(scene.request("a/dyn/x")) == Error::NotFound);
}

TEST_CASE("prefix routes: a peer that is about to go is asked nothing new below its paths", "[lite][session][routes][goaway]") {
    Scene scene;
    auto &peer = scene.peer(50);
    peer.announce("dyn");
    REQUIRE(scene.request("dyn/x").ready());
    peer.raw.ask(opening(lite::BidiStreamType::Goaway, lite::Goaway{""}));
    CHECK(code_now(scene.request("dyn/x")) == Error::NotFound);
    auto handler = scene.relay.producer().dynamic();
    auto asking = scene.request("dyn/x");
    CHECK_FALSE(asking.ready());
    peer.announce("dyn/late");
    CHECK_FALSE(scene.request("dyn/late/x").ready());
}

TEST_CASE("prefix routes: through a relay of relays, to the announcer and back", "[lite][session][routes]") {
    RelayScene scene;
    const auto far = origin_with_id(1), middle = origin_with_id(2), near = origin_with_id(3);
    Connection first(scene.context, scene.config_of(middle), scene.config_of(far)), second(scene.context, scene.config_of(near), scene.config_of(middle));
    const auto published = far.producer().create_broadcast("dyn");
    auto handler = far.producer().with_root("dyn")->dynamic();
    scene.run();
    const auto asked = now(near.consumer().request_broadcast("dyn/some/one"));
    auto subscribing = wait(asked.track("video").subscribe());
    scene.run();
    auto request = take_request(handler);
    REQUIRE(request);
    CHECK(request->absolute_path().view() == "dyn/some/one");
    auto made = far.producer().make_broadcast();
    auto video = made.create_track("video");
    CHECK(request->accept(made.consume()));
    scene.run();
    video.write_frame(payload("0"));
    scene.run();
    CHECK(nexts(subscribing.value()) == Numbers{0});
    // What it does not have is NotFound here, too.
    auto missing = wait(now(near.consumer().request_broadcast("dyn/none")).track("video").info());
    scene.run();
    auto refused = take_request(handler);
    REQUIRE(refused);
    refused->reject(make_error_code(Error::NotFound));
    scene.run();
    CHECK(missing.code() == Error::NotFound);
}

}
