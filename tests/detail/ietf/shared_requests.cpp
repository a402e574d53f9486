// What the peer says of its requests on a stream that all share.
#include "detail/ietf/shared_sorter.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "support/catch.hpp"

namespace shared_requests_tests {

using namespace comoq;
using namespace comoq::ietf;
using namespace comoq::ietf::shared_sorter;

TEST_CASE("ietf 16: SETUP of the right side comes first, and once", "[ietf]") {
    for (const bool is_client : {false, true}) {
        SharedRequests requests(is_client, draft, most);
        SharedActions actions;
        const auto take = [&](const auto &message) {
            const auto bytes = octets(message);
            return requests.take(*next_message(bytes, draft), actions);
        };
        CHECK(take(with_id(subscribe(), is_client ? 1 : 0)) == violation);
        CHECK(take(Goaway()) == violation);
        Setup setup;
        setup.of_server = !is_client;
        CHECK(take(setup) == violation);
        setup.of_server = is_client;
        CHECK_FALSE(take(setup));
        CHECK(take(setup) == violation);
    }
}

TEST_CASE("ietf 16: SETUP says how many requests are possible, and nothing else that the session does not know", "[ietf]") {
    SharedRequests requests(false, draft, most);
    SharedActions actions;
    Setup setup;
    setup.options.add(1, std::as_bytes(std::span(std::string_view("/x"))));
    setup.options.add(2, 12);
    setup.options.add(0x40b54, 5);
    const auto bytes = octets(setup);
    CHECK_FALSE(requests.take(*next_message(bytes, draft), actions));
    REQUIRE(actions.size() == 2);
    CHECK(actions[0].kind == Do::Session);
    CHECK(actions[1].kind == Do::Allow);
    const auto shown = std::get<Setup>(read(actions[0].bytes));
    CHECK(shown.options.find(1));
    CHECK_FALSE(shown.options.find(2));
    CHECK_FALSE(shown.options.find(0x40b54));
    CHECK_FALSE(shown.of_server);
    CHECK(requests.allowed() == 12);
    actions.clear();
    // What the session says has the type of its side, and the bound.
    Setup own;
    own.options.add(7, std::as_bytes(std::span(std::string_view("me"))));
    own.options.add(0x40b54, 5);
    const auto said = octets(own);
    requests.say(*next_message(said, draft), actions);
    REQUIRE(actions.size() == 1);
    const auto sent = std::get<Setup>(read(actions[0].bytes));
    CHECK(sent.of_server);
    CHECK(sent.options.find(2)->number == 2 * most);
    CHECK(sent.options.find(7));
    CHECK_FALSE(sent.options.find(0x40b54));
}

TEST_CASE("ietf 16: a subscription of the peer's, from its beginning to its end", "[ietf]") {
    Sorter sorter;
    const auto id = sorter.begin(subscribe());
    SubscribeOk ok;
    ok.alias = 3;
    sorter.write(id, ok);
    CHECK(std::get<SubscribeOk>(sorter.sent()) == with_id(ok, id));
    PublishDone done;
    done.status = 2;
    done.streams = 4;
    sorter.write(id, done);
    CHECK(std::get<PublishDone>(sorter.sent()) == with_id(done, id));
    sorter.finish(id);
    CHECK(sorter.actions.empty());
    // It may cross the end, and nothing is kept for the peer any more.
    CHECK_FALSE(sorter.take(Unsubscribe{id}));
    CHECK(sorter.kinds() == std::vector{Do::Cancel});
    sorter.stop(id);
    CHECK(sorter.requests.size() == 0);
    CHECK_FALSE(sorter.take(Unsubscribe{id}));
}

TEST_CASE("ietf 16: a subscription of the peer's that is refused, taken back, or given up", "[ietf]") {
    Sorter sorter;
    const auto refused = sorter.begin(subscribe());
    sorter.write(refused, refusal(0, 0x10));
    CHECK(std::get<RequestError>(sorter.sent()) == refusal(refused, 0x10));
    sorter.finish(refused);
    CHECK(sorter.actions.empty());
    const auto left = sorter.begin(subscribe());
    CHECK_FALSE(sorter.take(Unsubscribe{left}));
    CHECK(sorter.kinds() == std::vector{Do::Cancel});
    CHECK(sorter.actions.front().request == left);
    sorter.reset(left);
    CHECK(sorter.actions.empty());
    // Without an answer of its own, it gets one.
    const auto dropped = sorter.begin(subscribe());
    sorter.reset(dropped, 0x9);
    CHECK(std::get<RequestError>(sorter.sent()) == refusal(dropped, 0x9));
    const auto failed = sorter.begin(subscribe());
    sorter.write(failed, SubscribeOk());
    sorter.reset(failed, 0x12);
    const auto done = std::get<PublishDone>(sorter.sent());
    CHECK(done.request_id == failed);
    CHECK(done.status == 0x12);
    CHECK_FALSE(done.streams);
    for (const auto id : {refused, left, dropped, failed}) sorter.stop(id);
    CHECK(sorter.requests.size() == 0);
}

TEST_CASE("ietf 16: answers to updates come in their order, with the numbers of the updates", "[ietf]") {
    Sorter sorter;
    const auto id = sorter.begin(subscribe());
    CHECK_FALSE(sorter.take_update(2, id));
    CHECK(sorter.is_given(id, false));
    CHECK_FALSE(sorter.take_update(4, id));
    sorter.write(id, SubscribeOk());
    CHECK(std::get<SubscribeOk>(sorter.sent()).request_id == id);
    sorter.write(id, RequestOk());
    CHECK(std::get<RequestOk>(sorter.sent()).request_id == 2);
    sorter.write(id, refusal(0, 3));
    CHECK(std::get<RequestError>(sorter.sent()) == refusal(4, 3));
    // Nothing is left to answer.
    sorter.write(id, RequestOk());
    CHECK(sorter.actions.empty());
    // The end crosses an update, which has an answer nevertheless.
    sorter.write(id, PublishDone());
    CHECK_FALSE(sorter.take_update(6, id));
    CHECK(std::get<RequestError>(sorter.sent()).request_id == 6);
    CHECK(sorter.take_update(8, 40) == violation);
}

TEST_CASE("ietf 16: a fetch of the peer's, and a question for a track's state", "[ietf]") {
    Sorter sorter;
    const auto one = sorter.begin(fetch());
    sorter.write(one, FetchOk());
    CHECK(std::get<FetchOk>(sorter.sent()).request_id == one);
    CHECK_FALSE(sorter.take(FetchCancel{one}));
    CHECK(sorter.kinds() == std::vector{Do::Cancel});
    const auto other = sorter.begin(fetch());
    sorter.write(other, FetchOk());
    sorter.finish(other);
    CHECK(sorter.actions.empty());
    const auto state = sorter.begin(track_status());
    sorter.write(state, RequestOk());
    CHECK(std::get<RequestOk>(sorter.sent()).request_id == state);
    sorter.finish(state);
    CHECK(sorter.actions.empty());
    CHECK(sorter.take(FetchCancel{state}) == violation);
    CHECK(sorter.take(Unsubscribe{other}) == violation);
}

TEST_CASE("ietf 16: a namespace of the peer's ends by either side", "[ietf]") {
    Sorter sorter;
    const auto one = sorter.begin(publish_namespace());
    sorter.write(one, RequestOk());
    CHECK(std::get<RequestOk>(sorter.sent()).request_id == one);
    CHECK_FALSE(sorter.take(PublishNamespaceDone{one}));
    CHECK(sorter.kinds() == std::vector{Do::End});
    sorter.finish(one);
    CHECK(sorter.actions.empty());
    const auto other = sorter.begin(publish_namespace());
    sorter.write(other, RequestOk());
    sorter.reset(other, 0x0);
    CHECK(std::get<PublishNamespaceCancel>(sorter.sent()).request_id == other);
    CHECK_FALSE(sorter.take(PublishNamespaceDone{other}));
}

TEST_CASE("ietf 16: a track that the peer pushes, of which this side pauses the objects", "[ietf]") {
    Sorter sorter;
    const auto id = sorter.begin(publish());
    sorter.write(id, publish_ok());
    CHECK(std::get<RequestOk>(sorter.sent()) == publish_ok(id));
    RequestUpdate pause;
    pause.request_id = 1;
    pause.parameters.forward = false;
    sorter.write(id, pause);
    pause.existing = id;
    CHECK(std::get<RequestUpdate>(sorter.sent()) == pause);
    RequestOk ok;
    ok.request_id = 1;
    CHECK_FALSE(sorter.take(ok));
    CHECK(sorter.is_given(id, false));
    // Once.
    CHECK_FALSE(sorter.take(ok));
    CHECK(sorter.actions.empty());
    PublishDone done;
    done.request_id = id;
    CHECK_FALSE(sorter.take(done));
    CHECK(sorter.is_given(id, true));
    sorter.finish(id);
    CHECK(sorter.actions.empty());
    const auto unwanted = sorter.begin(publish());
    sorter.write(unwanted, publish_ok());
    sorter.reset(unwanted);
    CHECK(std::get<Unsubscribe>(sorter.sent()).value == unwanted);
}

}  // namespace shared_requests_tests
