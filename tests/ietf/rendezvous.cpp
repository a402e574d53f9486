// A subscription of MoQ Transport that comes before its publisher waits for it, wherever that announces.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "ietf/relayed_scene.hpp"
#include "support/catch.hpp"

namespace rendezvous_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

struct Meeting : RelayedScene {
    RawRequest &subscribe(std::uint64_t patience) {
        auto message = viewer.subscribe_to("a");
        message.track.space = {"a", "b", "c"};
        message.parameters.rendezvous_timeout = patience;
        auto &request = viewer.ask(message);
        run();
        return request;
    }
};

}  // namespace

TEST_CASE("MoQ Transport: a subscription waits for a namespace above its own, whose publisher is asked then", "[ietf][session]") {
    Meeting meeting;
    // It has no paths below it.
    const auto other = meeting.publisher.origin.producer().create_broadcast("a");
    auto &request = meeting.subscribe(1'000);
    CHECK(meeting.viewer.messages(*request.answer).empty());
    const auto another = meeting.publisher.origin.producer().create_broadcast("a/b");
    meeting.run();
    CHECK(meeting.viewer.messages(*request.answer).empty());
    {
        // The namespace is the peer's alone now.
        Meeting alone;
        auto &waiting = alone.subscribe(1'000);
        alone.publisher.announce({"a", "b"});
        alone.run();
        auto &asked = alone.publisher.asked.back();
        const auto subscribe = std::get<ietf::Subscribe>(alone.publisher.messages(*asked.answer).front());
        CHECK(subscribe.track.space == ietf::Namespace{"a", "b", "c"});
        ietf::SubscribeOk ok;
        ok.alias = 3;
        alone.publisher.reply(asked, ok);
        alone.run();
        CHECK_FALSE(alone.viewer.messages(*waiting.answer).empty());
        CHECK(std::holds_alternative<ietf::SubscribeOk>(alone.viewer.messages(*waiting.answer).front()));
    }
    meeting.viewer.pass(1'001ms);
    CHECK(meeting.viewer.refusal(request) == 0x2);
    CHECK(meeting.viewer.is_alive());
}

}  // namespace rendezvous_tests
