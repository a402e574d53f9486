// The path that a client asks for, in SETUP or in a URL, is the root of its session: it reaches nothing outside, by no
// message.
#include <comoq/lite/request_target.hpp>
#include <comoq/lite/session.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "lite/outside_root.hpp"
#include "lite/raw_peer.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace session_setup_path_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

lite::Setup asking_for(std::string path) {
    lite::Setup setup;
    setup.path = std::move(path);
    return setup;
}

/// A server whose peer says a SETUP by hand, and announces and asks by hand.
struct Scene : HostileScene {
    void begin_with(lite::SessionConfig config, const lite::Setup &setup) {
        begin(std::move(config));
        asio::co_spawn(context, hold_what_comes(link.client(), asked), asio::detached);
        peer->say_setup(setup);
    }
    /// The peer announces these, where it was asked to.
    void announce_all(const Texts &paths) {
        REQUIRE(asked->size() == 1);
        announce_by(asked->front(), announcing, paths, context);
    }
    /// Everything that is announced on the server's side, in order.
    Texts all_announced() const { return announced_at(there); }
    std::error_code end() {
        auto over = closed();
        run();
        return over.value();
    }

    std::shared_ptr<std::vector<BidiStream>> asked = std::make_shared<std::vector<BidiStream>>();
    Announcing announcing;
};

}  // namespace

TEST_CASE("the target of a request: the path is normalised and not decoded, and the query is by itself", "[lite][session]") {
    const auto check = [](std::string_view text, std::string_view root, std::string_view query) {
        INFO(text);
        const auto target = lite::read_target(text);
        CHECK(target.root.view() == root);
        CHECK(target.query == query);
    };
    check("", "", "");
    check("/", "", "");
    check("/anon", "anon", "");
    check("anon", "anon", "");
    check("//room//42/?jwt=a/b?c", "room/42", "jwt=a/b?c");
    check("?jwt=a", "", "jwt=a");
    check("/anon?", "anon", "");
    check("/anon?a#b?c", "anon", "a");
    check("/anon#?a", "anon", "");
    check("/a%2Fb/../%2e%2e", "a%2Fb/../%2e%2e", "");
    CHECK(error_of([] { return lite::read_target("/a\tb"); }) == Error::InvalidPath);
    CHECK(error_of([] { return lite::read_target("/\xff"); }) == Error::InvalidPath);
    std::string deep;
    for (int i = 0; i < 33; ++i) deep += "/a";
    CHECK(error_of([&] { return lite::read_target(deep); }) == Error::InvalidPath);
}

TEST_CASE("a session: the path in SETUP is its root, where nobody else decides", "[lite][session]") {
    Scene scene;
    const auto inside = scene.publish("tenant/cam"), outside = scene.publish("cam");
    scene.begin_with(scene.config_of(scene.there), asking_for("/tenant/?jwt=secret"));
    CHECK(told(*announce(*scene.peer, "")) == Texts{"cam"});
    CHECK(info(*scene.peer, "cam")->ended);
    CHECK(info(*scene.peer, "tenant/cam")->code == Error::NotFound);
    scene.announce_all({"own"});
    CHECK(scene.all_announced() == Texts{"cam", "tenant/cam", "tenant/own"});
}

TEST_CASE("a session: a client that asks for no path has the root of everything", "[lite][session]") {
    Scene scene;
    const auto track = scene.publish("cam");
    lite::Setup setup;
    SECTION("nothing is said") {}
    SECTION("an empty path") { setup.path = ""; }
    SECTION("a slash") { setup.path = "/"; }
    SECTION("a query alone") { setup.path = "?jwt=secret"; }
    scene.begin_with(scene.config_of(scene.there), setup);
    CHECK(told(*announce(*scene.peer, "")) == Texts{"cam"});
}

TEST_CASE("a session: a client that asks for what it may not have, or for no path, is refused", "[lite][session]") {
    Scene scene;
    auto config = scene.config_of(scene.there);
    const std::vector<Path> allowed{Path("tenant")};
    config.publish = scene.there.consumer().scope(allowed);
    config.subscribe = scene.there.producer().scope(allowed);
    std::string path;
    SECTION("outside") { path = "/tenants"; }
    SECTION("no path") { path = "/tenant/a\nb"; }
    scene.begin_with(std::move(config), asking_for(path));
    CHECK(scene.end() == Error::Unauthorized);
    CHECK(scene.asked->empty());
}

TEST_CASE("a session: a server asks a client for announcements when it knows what the client asks for, and not before",
          "[lite][session]") {
    Scene scene;
    auto config = scene.config_of(scene.there);
    const std::vector<Path> allowed{Path("tenant/a")};
    config.subscribe = scene.there.producer().scope(allowed);
    scene.begin(std::move(config));
    std::shared_ptr<std::vector<BidiStream>> asked = scene.asked;
    asio::co_spawn(scene.context, [](std::shared_ptr<Transport> transport, auto to) -> asio::awaitable<void> {
        auto stream = co_await transport->accept_bidi();
        to->push_back(std::move(stream));
    }(scene.link.client(), asked), asio::detached);
    scene.run();
    CHECK(asked->empty());
    scene.peer->say_setup(asking_for("/tenant"));
    REQUIRE(asked->size() == 1);
    scene.announce_all({"cam"});
    CHECK(scene.all_announced() == Texts{"tenant/a/cam"});
}

TEST_CASE("a session: where the URL has said the path, SETUP says no other one", "[lite][session]") {
    Scene scene;
    const auto track = scene.publish("tenant/cam");
    auto config = scene.config_of(scene.there);
    config.url_target = "/tenant?jwt=secret";
    lite::Setup setup;
    bool is_fine = true;
    SECTION("none") {}
    SECTION("an empty one") { setup.path = ""; }
    SECTION("the same one, untidy, and without a query") { setup.path = "//tenant/"; }
    SECTION("the same one with the same query") { setup.path = "/tenant?jwt=secret"; }
    SECTION("the root") { setup.path = "/", is_fine = false; }
    SECTION("one below") { setup.path = "/tenant/a", is_fine = false; }
    SECTION("another one") { setup.path = "/elsewhere", is_fine = false; }
    SECTION("the same one with another query") { setup.path = "/tenant?jwt=other", is_fine = false; }
    SECTION("no path") { setup.path = "/tenant\n", is_fine = false; }
    scene.begin_with(std::move(config), setup);
    if (is_fine) {
        CHECK(told(*announce(*scene.peer, "")) == Texts{"cam"});
        CHECK(scene.open());
    } else {
        CHECK(scene.end() == Error::ProtocolViolation);
        CHECK(scene.asked->empty());
    }
}

TEST_CASE("a session: the program that decides about a client gets what it asks for, query included, from SETUP or from the URL",
          "[lite][session]") {
    Scene scene;
    std::optional<std::string> got;
    auto config = scene.config_of(scene.there);
    config.authorize = [&got](const lite::Setup &setup, const Transport &) -> asio::awaitable<lite::SessionViews> {
        got = setup.path;
        co_return lite::SessionViews();
    };
    lite::Setup setup;
    std::optional<std::string> expected = "/room?jwt=secret";
    SECTION("SETUP") { setup.path = expected; }
    SECTION("the URL") { config.url_target = expected; }
    SECTION("both") {
        config.url_target = expected;
        setup.path = "/room";
    }
    SECTION("nowhere") { expected = std::nullopt; }
    scene.begin_with(std::move(config), setup);
    CHECK(got == expected);
    // What the client itself has said.
    CHECK(scene.get(scene.server->peer())->path == setup.path);
}

TEST_CASE("a session: a client at a path reaches nothing outside, by any message", "[lite][session]") {
    Scene scene;
    OutsideRoot outside(scene.context, scene.there);
    auto config = scene.config_of(scene.there);
    lite::Setup setup;
    SECTION("the path is in SETUP") { setup.path = "/a"; }
    SECTION("the path is in the URL") { config.url_target = "/a"; }
    SECTION("somebody else has decided") {
        config.authorize = [seen = scene.there.consumer(), published = scene.there.producer()](const lite::Setup &said, const Transport &) -> asio::awaitable<lite::SessionViews> {
            const lite::SessionViews all(seen, published);
            co_return all.below(lite::read_target(*said.path).root.view());
        };
        setup.path = "/a";
    }
    scene.begin(std::move(config)).say_setup(setup);
    outside.is_out_of_reach(scene.link.client(), *scene.peer, [&](auto over) {
        scene.run();
        // What it does itself has its turn, too.
        if (!over()) scene.run();
        REQUIRE(over());
    });
    CHECK(scene.open());
}

TEST_CASE("a session: a client that may only watch is asked for no announcements, and one that may only publish sees nothing",
          "[lite][session]") {
    Scene scene;
    const auto track = scene.publish("a/x");
    auto config = scene.config_of(scene.there);
    SECTION("only watch") {
        config.subscribe = std::nullopt;
        scene.begin_with(std::move(config), asking_for("/a"));
        CHECK(scene.asked->empty());
        CHECK(told(*announce(*scene.peer, "")) == Texts{"x"});
        CHECK(info(*scene.peer, "x")->ended);
    }
    SECTION("only publish") {
        config.publish = std::nullopt;
        scene.begin_with(std::move(config), asking_for("/a"));
        CHECK(told(*announce(*scene.peer, "")).empty());
        CHECK(info(*scene.peer, "x")->code == Error::NotFound);
        CHECK(comoq::test::subscribe(*scene.peer, 1, "x")->code == Error::NotFound);
        CHECK(scene.peer->ask(opening(lite::BidiStreamType::Fetch, lite::Fetch{"x", "video", 0, 0}))->code == Error::NotFound);
        scene.announce_all({"own"});
        CHECK(scene.all_announced() == Texts{"a/own", "a/x"});
    }
}

TEST_CASE("a session: the text of the URL is not kept once the peer is admitted", "[lite][session]") {
    constexpr std::size_t size = 16 * 1024;
    const auto held_with = [](std::size_t query) {
        HostileScene scene;
        const auto track = scene.publish("tenant/cam");
        const auto before = live_bytes();
        auto config = scene.config_of(scene.there);
        config.url_target = "/tenant?" + std::string(query, 'x');
        scene.begin(std::move(config)).say_setup();
        CHECK(scene.open());
        return static_cast<std::ptrdiff_t>(live_bytes() - before);
    };
    CHECK(held_with(size) - held_with(0) < static_cast<std::ptrdiff_t>(size / 4));
}

}
