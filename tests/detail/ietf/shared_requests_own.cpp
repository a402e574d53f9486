// What is said of this side's requests on a stream that all share, and of how many there may be.
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

namespace shared_requests_own_tests {

using namespace comoq;
using namespace comoq::ietf;
using namespace comoq::ietf::shared_sorter;

TEST_CASE("ietf 16: a subscription of this side's, from its beginning to its end", "[ietf]") {
    Sorter sorter(true);
    const auto id = sorter.ask(subscribe());
    CHECK(std::get<Subscribe>(sorter.sent()) == with_id(subscribe(), id));
    CHECK_FALSE(sorter.take(with_id(SubscribeOk(), id)));
    CHECK(sorter.is_given(id, false));
    RequestUpdate update;
    update.request_id = 2;
    sorter.write(id, update);
    update.existing = id;
    CHECK(std::get<RequestUpdate>(sorter.sent()) == update);
    CHECK_FALSE(sorter.take(refusal(2, 0x3)));
    CHECK(sorter.is_given(id, false));
    CHECK_FALSE(sorter.take(with_id(PublishDone(), id)));
    CHECK(sorter.is_given(id, true));
    sorter.finish(id);
    CHECK(sorter.actions.empty());
    CHECK(sorter.requests.size() == 0);
}

TEST_CASE("ietf 16: what this side gives up, the peer is told once", "[ietf]") {
    Sorter sorter(true);
    const auto one = sorter.ask(subscribe());
    sorter.reset(one);
    CHECK(std::get<Unsubscribe>(sorter.sent()).value == one);
    sorter.stop(one);
    CHECK(sorter.actions.empty());
    // What was on its way is nobody's.
    CHECK_FALSE(sorter.take(with_id(SubscribeOk(), one)));
    CHECK_FALSE(sorter.take(with_id(PublishDone(), one)));
    CHECK(sorter.actions.empty());
    const auto cancelled = sorter.ask(fetch());
    sorter.stop(cancelled);
    CHECK(std::get<FetchCancel>(sorter.sent()).value == cancelled);
    const auto whole = sorter.ask(fetch());
    CHECK_FALSE(sorter.take(with_id(FetchOk(), whole)));
    CHECK(sorter.is_given(whole, false));
    sorter.finish(whole);
    CHECK(sorter.kinds() == std::vector{Do::End});
    const auto refused = sorter.ask(fetch());
    CHECK_FALSE(sorter.take(refusal(refused, 0x10)));
    CHECK(sorter.is_given(refused, true));
    sorter.reset(refused);
    CHECK(sorter.actions.empty());
    const auto state = sorter.ask(track_status());
    sorter.reset(state);
    CHECK(sorter.actions.empty());
    const auto space = sorter.ask(publish_namespace());
    sorter.finish(space);
    REQUIRE(sorter.kinds() == std::vector{Do::End, Do::Send});
    CHECK(std::get<PublishNamespaceDone>(read(sorter.actions[1].bytes)).value == space);
    const auto unwanted = sorter.ask(publish_namespace());
    PublishNamespaceCancel cancel;
    cancel.request_id = unwanted;
    CHECK_FALSE(sorter.take(cancel));
    CHECK(sorter.kinds() == std::vector{Do::End});
    sorter.finish(unwanted);
    CHECK(sorter.actions.empty());
    CHECK(sorter.requests.size() == 0);
}

TEST_CASE("ietf 16: a request has one answer, of its kind, and only after it was made", "[ietf]") {
    const auto wrong = [](const auto &request, const auto &answer) {
        Sorter sorter(true);
        const auto id = sorter.ask(request);
        return sorter.take(with_id(answer, id));
    };
    CHECK(wrong(subscribe(), FetchOk()) == violation);
    CHECK(wrong(subscribe(), RequestOk()) == violation);
    CHECK(wrong(fetch(), SubscribeOk()) == violation);
    CHECK(wrong(track_status(), SubscribeOk()) == violation);
    CHECK(wrong(publish_namespace(), publish_ok()) == violation);
    Sorter sorter(true);
    const auto id = sorter.ask(fetch());
    CHECK(sorter.take(with_id(FetchOk(), id + 2)) == violation);
    CHECK(sorter.take(with_id(FetchOk(), 1)) == violation);
    CHECK_FALSE(sorter.take(with_id(FetchOk(), id)));
    CHECK(sorter.take(with_id(FetchOk(), id)) == violation);
    CHECK(sorter.take(with_id(PublishDone(), id)) == violation);
    CHECK(sorter.take_update(1, id) == violation);
    CHECK(sorter.take(Unsubscribe{2}) == violation);
    CHECK(sorter.take(PublishNamespaceDone{77}) == violation);
}

TEST_CASE("ietf 16: the peer's numbers go up, are its own, and stay below the bound", "[ietf]") {
    Sorter sorter;
    CHECK(sorter.take(with_id(subscribe(), 1)) == invalid_id);
    CHECK_FALSE(sorter.take(with_id(subscribe(), 4)));
    CHECK(sorter.take(with_id(subscribe(), 4)) == invalid_id);
    CHECK(sorter.take(with_id(subscribe(), 2)) == invalid_id);
    CHECK(sorter.take_update(4, 4) == invalid_id);
    CHECK(sorter.take(with_id(subscribe(), 2 * most)) == too_many);
    CHECK_FALSE(sorter.take(with_id(subscribe(), 2 * most - 2)));
    CHECK(sorter.take_update(2 * most, 4) == too_many);
    // A stream of its own may be late, and no number is used twice.
    CHECK_FALSE(sorter.requests.take_apart(6));
    CHECK(sorter.requests.take_apart(6) == invalid_id);
    CHECK(sorter.requests.take_apart(3) == invalid_id);
    CHECK(sorter.requests.take_apart(2 * most) == too_many);
    // It does not belong on this stream.
    SubscribeNamespace message;
    message.request_id = 8;
    CHECK(sorter.take(message) == violation);
    CHECK(sorter.take(NamespaceFound()) == violation);
}

TEST_CASE("ietf 16: the peer may make as many requests as are over, when everything else is on its way", "[ietf]") {
    Sorter sorter;
    std::vector<std::uint64_t> all;
    for (std::uint64_t i = 0; i < most; ++i) all.push_back(sorter.begin(subscribe()));
    CHECK(sorter.take(with_id(subscribe(), sorter.peers)) == too_many);
    CHECK_FALSE(sorter.requests.has_grant());
    // The peer has left, but the session still holds it.
    CHECK_FALSE(sorter.take(Unsubscribe{all[0]}));
    sorter.reset(all[0]);
    CHECK_FALSE(sorter.requests.has_grant());
    sorter.stop(all[0]);
    CHECK_FALSE(sorter.requests.has_grant());
    CHECK_FALSE(sorter.take(RequestsBlocked{2 * most}));
    REQUIRE(sorter.requests.has_grant());
    sorter.actions.clear();
    sorter.requests.grant(sorter.actions);
    CHECK(std::get<MaxRequestId>(sorter.sent()).value == 2 * most + 2);
    CHECK_FALSE(sorter.requests.has_grant());
    sorter.begin(subscribe());
    CHECK(sorter.take(with_id(subscribe(), sorter.peers)) == too_many);
    // Two of eight are enough to tell it unasked.
    for (const auto id : {all[1], all[2]}) {
        sorter.write(id, refusal(0, 0x10));
        sorter.finish(id);
        sorter.stop(id);
    }
    CHECK(sorter.requests.has_grant());
}

TEST_CASE("ietf 16: this side makes no more requests than the peer allows, and what waits keeps its order", "[ietf]") {
    Sorter sorter(true, 2);
    CHECK(sorter.requests.may_open());
    const auto id = sorter.ask(subscribe());
    CHECK_FALSE(sorter.requests.may_open());
    sorter.actions.clear();
    sorter.requests.wait_for_credit(sorter.actions);
    CHECK(std::get<RequestsBlocked>(sorter.sent()).value == 2);
    sorter.actions.clear();
    sorter.requests.wait_for_credit(sorter.actions);
    CHECK(sorter.actions.empty());
    RequestUpdate update;
    update.request_id = 2;
    sorter.write(id, update);
    CHECK(sorter.actions.empty());
    CHECK(sorter.requests.held() == 1);
    // The end does not overtake it; and nobody has heard of it yet.
    CHECK(sorter.take(with_id(RequestOk(), 2)) == violation);
    sorter.reset(id);
    CHECK(sorter.actions.empty());
    CHECK_FALSE(sorter.take(MaxRequestId{6}));
    REQUIRE(sorter.kinds() == std::vector{Do::Send, Do::Send, Do::Allow});
    CHECK(std::get<RequestUpdate>(read(sorter.actions[0].bytes)).existing == id);
    CHECK(std::get<Unsubscribe>(read(sorter.actions[1].bytes)).value == id);
    CHECK(sorter.requests.may_open());
    sorter.requests.open();
    CHECK_FALSE(sorter.requests.may_open());
    sorter.requests.give_up();
    CHECK(sorter.requests.may_open());
    CHECK(sorter.take(MaxRequestId{6}) == violation);
    CHECK(sorter.take(MaxRequestId{4}) == violation);
}

TEST_CASE("ietf 16: without a word of the peer's, nothing may be asked", "[ietf]") {
    Sorter sorter(true, std::nullopt);
    CHECK_FALSE(sorter.requests.may_open());
    CHECK_FALSE(sorter.take(MaxRequestId{1}));
    CHECK(sorter.requests.may_open());
}

TEST_CASE("ietf 16: GOAWAY goes to the session, and other words about it do not", "[ietf]") {
    Sorter sorter(true);
    Goaway goaway;
    goaway.uri = "https://x";
    CHECK_FALSE(sorter.take(goaway));
    REQUIRE(sorter.kinds() == std::vector{Do::Session});
    CHECK(std::get<Goaway>(read(sorter.actions.front().bytes)) == goaway);
    sorter.actions.clear();
    const auto bytes = octets(goaway);
    sorter.requests.say(*next_message(bytes, draft), sorter.actions);
    CHECK(std::get<Goaway>(sorter.sent()) == goaway);
}

}  // namespace shared_requests_own_tests
