#include <comoq/comoq.hpp>
#include <comoq/lite/session_config.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace path_arguments_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Calls with the same path in every form that a program may have it in.
template <class Call> void in_each_form(Call call) {
    call("room/1");
    call(std::string("room/1"));
    call(std::string_view("room/1"));
    call(Path("room/1"));
    const Path path("room/1");
    call(path);
    Path changeable("room/1");
    call(changeable);
}

}  // namespace

TEST_CASE("path arguments: a broadcast is found by a literal, a string, a view and a Path", "[path]") {
    Origin origin;
    const auto guard = origin.producer().create_broadcast("room/1");
    in_each_form([&](auto &&path) {
        CHECK(now(origin.consumer().request_broadcast(path)) == now(origin.consumer().announced_broadcast("room/1")));
        CHECK(now(origin.consumer().announced_broadcast(path)) == now(origin.consumer().request_broadcast("room/1")));
    });
}

TEST_CASE("path arguments: a broadcast is announced by a literal, a string, a view and a Path", "[path]") {
    in_each_form([&](auto &&path) {
        Origin origin;
        auto made = origin.producer().create_broadcast(path);
        CHECK(origin.stats().announced == 1);
        made.unannounce();
        const auto guard = origin.producer().publish_broadcast(path, made.producer().consume());
        CHECK(origin.stats().announced == 1);
        const auto costly = origin.producer().create_broadcast(path, BroadcastInfo({7}));
        CHECK(now(origin.consumer().request_broadcast("room/1")) == made.producer().consume());
    });
}

TEST_CASE("path arguments: a root is given by a literal, a string, a view and a Path", "[path]") {
    Origin origin;
    in_each_form([&](auto &&path) {
        CHECK(origin.consumer().with_root(path)->root() == Path("room/1"));
        CHECK(origin.producer().with_root(path)->root() == Path("room/1"));
        CHECK(lite::SessionViews(origin.consumer(), origin.producer()).below(path).publish->root() == Path("room/1"));
    });
}

TEST_CASE("path arguments: a handler asks elsewhere for the path of its request", "[path]") {
    Origin here, there;
    auto handler = here.producer().dynamic();
    const auto wanted = here.consumer().request_broadcast("cam");
    const auto guard = there.producer().create_broadcast("cam");
    auto request = now(handler.requested_broadcast());
    REQUIRE(request);
    CHECK(request->accept(now(there.consumer().request_broadcast(request->path()))));
    CHECK(wanted.ready());
}

TEST_CASE("path arguments: a scope is a list of literals, a list of paths, or a range of them", "[path]") {
    Origin origin;
    const std::vector<Path> both = {"room/1", "room/2"};
    const Path first("room/1");
    CHECK(origin.consumer().scope({"room/1", "room/2"})->allowed() == both);
    CHECK(origin.producer().scope({"room/1", "room/2"})->allowed() == both);
    CHECK(origin.consumer().scope({first, "room/2"})->allowed() == both);
    CHECK(origin.producer().scope({first})->allowed() == std::vector<Path>{first});
    CHECK(origin.consumer().scope(both)->allowed() == both);
    CHECK(origin.producer().scope(both)->allowed() == both);
    CHECK(!origin.consumer().scope({}));
    CHECK(!origin.producer().scope({}));
}

TEST_CASE("path arguments: a published broadcast makes tracks", "[path]") {
    Origin origin;
    auto guard = origin.producer().create_broadcast("room/1");
    auto track = guard.create_track("video", {.priority = 3});
    CHECK(track.info().priority == 3);
    CHECK(guard.producer().stats().tracks == 1);
}

}  // namespace path_arguments_tests
