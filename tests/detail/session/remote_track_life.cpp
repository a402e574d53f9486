// The life of a remote track as a table: every event in every state.
#include <comoq/detail/session/remote_track_life.hpp>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace remote_track_life_tests {

using namespace comoq;
using Life = comoq::detail::RemoteTrackLife;
using State = Life::State;
using Event = Life::Event;
using Act = Life::Act;

namespace {

const std::error_code refusal = make_error_code(Error::Unauthorized);

Life after(std::initializer_list<Event> events) {
    Life life;
    for (const Event event : events) {
        life.on(event, refusal);
    }
    return life;
}

/// A way into each state.
Life in(State state) {
    switch (state) {
    case State::Asking: return after({});
    case State::Unused: return after({Event::Answered});
    case State::Subscribing: return after({Event::Answered, Event::Wanted});
    case State::Following: return after({Event::Answered, Event::Wanted, Event::Taken});
    case State::Completing: return after({Event::Answered, Event::Wanted, Event::Taken, Event::Ended});
    case State::Over: return after({Event::Refused});
    }
    return {};
}

struct Expected {
    State to;
    Act act = Act::None;
};
using Rows = std::map<std::pair<State, Event>, Expected>;

const Rows expected = {
    {{State::Asking, Event::Answered}, {State::Unused, Act::Accept}},
    {{State::Asking, Event::Refused}, {State::Over, Act::Refuse}},
    {{State::Asking, Event::Abandoned}, {State::Asking, Act::Withdraw}},
    {{State::Asking, Event::Gone}, {State::Over}},
    {{State::Asking, Event::Late}, {State::Over, Act::Refuse}},
    {{State::Asking, Event::Closed}, {State::Over}},
    {{State::Unused, Event::Wanted}, {State::Subscribing, Act::Subscribe}},
    {{State::Unused, Event::Late}, {State::Unused, Act::Retire}},
    {{State::Unused, Event::Gone}, {State::Over}},
    {{State::Unused, Event::Closed}, {State::Over}},
    {{State::Subscribing, Event::Wanted}, {State::Subscribing, Act::Update}},
    {{State::Subscribing, Event::Unwanted}, {State::Unused, Act::Unsubscribe}},
    {{State::Subscribing, Event::CutOff}, {State::Subscribing, Act::Retire}},
    {{State::Subscribing, Event::Taken}, {State::Following}},
    {{State::Subscribing, Event::Ended}, {State::Completing}},
    {{State::Subscribing, Event::Failed}, {State::Over, Act::Fail}},
    {{State::Subscribing, Event::Late}, {State::Over, Act::Fail}},
    {{State::Subscribing, Event::Gone}, {State::Over, Act::Unsubscribe}},
    {{State::Following, Event::Wanted}, {State::Following, Act::Update}},
    {{State::Following, Event::Unwanted}, {State::Unused, Act::Unsubscribe}},
    {{State::Following, Event::CutOff}, {State::Following, Act::Retire}},
    {{State::Following, Event::Ended}, {State::Completing}},
    {{State::Following, Event::Failed}, {State::Over, Act::Fail}},
    {{State::Following, Event::Gone}, {State::Over, Act::Unsubscribe}},
    {{State::Completing, Event::Complete}, {State::Over}},
    {{State::Completing, Event::Late}, {State::Over}},
};

}  // namespace

TEST_CASE("the life of a remote track: every event in every state leads where the table says, and nowhere else",
          "[session][track_life]") {
    for (std::uint8_t s = 0; s < Life::states; ++s) {
        const auto state = static_cast<State>(s);
        for (std::uint8_t e = 0; e < Life::events; ++e) {
            const auto event = static_cast<Event>(e);
            INFO("state " << int(s) << ", event " << int(e));
            Life life = in(state);
            REQUIRE(life.state() == state);
            const auto before = life.turn();
            const Act act = life.on(event, refusal);
            const auto row = expected.find({state, event});
            CHECK(life.state() == (row == expected.end() ? state : row->second.to));
            CHECK(act == (row == expected.end() ? Act::None : row->second.act));
            const bool is_renewed = state == State::Unused && event == Event::Kept;
            CHECK((life.turn() != before) == (life.state() != state || is_renewed));
        }
    }
}

TEST_CASE("the life of a remote track: each question has a time limit, and a track without subscribers has another",
          "[session][track_life]") {
    const std::map<State, Life::Limit> limits = {
        {State::Asking, Life::Limit::Patience},      {State::Unused, Life::Limit::Linger},
        {State::Subscribing, Life::Limit::Patience}, {State::Following, Life::Limit::None},
        {State::Completing, Life::Limit::Linger},    {State::Over, Life::Limit::None},
    };
    for (const auto &[state, limit] : limits) {
        CHECK(in(state).limit() == limit);
    }
}

TEST_CASE("the life of a remote track: the code is the peer's, or Timeout, or none", "[session][track_life]") {
    for (const State state : {State::Asking, State::Subscribing}) {
        Life late = in(state);
        late.on(Event::Late);
        CHECK(late.code() == Error::Timeout);
    }
    Life refused;
    refused.on(Event::Refused, refusal);
    CHECK(refused.code() == refusal);
    Life without;
    without.on(Event::Refused);
    CHECK(without.code() == Error::Cancelled);
    for (const State state : {State::Subscribing, State::Following}) {
        Life failed = in(state);
        failed.on(Event::Failed, refusal);
        CHECK(failed.code() == refusal);
    }
    Life complete = in(State::Completing);
    complete.on(Event::Complete);
    CHECK_FALSE(complete.code());
    Life unused = in(State::Unused);
    unused.on(Event::Gone);
    CHECK_FALSE(unused.code());
}

TEST_CASE("the life of a remote track: when its broadcast is over it ends with its last subscriber",
          "[session][track_life]") {
    for (const State state : {State::Subscribing, State::Following}) {
        Life life = in(state);
        CHECK(life.on(Event::Closed) == Act::None);
        CHECK(life.state() == state);
        CHECK(life.on(Event::Wanted) == Act::Update);
        CHECK(life.on(Event::Unwanted) == Act::Unsubscribe);
        CHECK(life.state() == State::Over);
    }
}

TEST_CASE("the life of a remote track: in any history there is one subscription at a time, which ends with the last subscriber",
          "[session][track_life]") {
    std::mt19937_64 random(comoq::test::seed("the life of a remote track"));
    std::set<std::pair<State, Event>> met;
    for (int round = 0; round < 2000; ++round) {
        Life life;
        bool accepted = false;
        bool subscribed = false;
        bool wanted = false;
        for (int step = 0; step < 40 && life.state() != State::Over; ++step) {
            auto event = static_cast<Event>(random() % Life::events);
            // The events that a driver can report at all.
            if ((event == Event::Gone || event == Event::Kept) || (event == Event::Ended && !subscribed)) {
                continue;
            }
            if (event == Event::Wanted || event == Event::Unwanted || event == Event::CutOff) {
                if (!accepted) {
                    continue;
                }
                wanted = event == Event::Wanted;
            }
            met.emplace(life.state(), event);
            Act act = life.on(event, refusal);
            if (act == Act::Retire || act == Act::Withdraw) {
                act = life.on(random() % 2 == 0 ? Event::Gone : Event::Kept);
            }
            switch (act) {
            case Act::Accept:
                CHECK_FALSE(accepted);
                accepted = true;
                break;
            case Act::Refuse:
            case Act::Withdraw: CHECK_FALSE(accepted); break;
            case Act::Subscribe:
                CHECK_FALSE(subscribed);
                CHECK(wanted);
                subscribed = true;
                break;
            case Act::Update:
                CHECK(subscribed);
                CHECK(wanted);
                break;
            case Act::Unsubscribe:
                CHECK(subscribed);
                CHECK_FALSE(wanted);
                subscribed = false;
                break;
            case Act::Fail: subscribed = false; break;
            default: break;
            }
            if (life.state() == State::Completing || life.state() == State::Over) {
                subscribed = false;
            }
            CHECK(subscribed == (life.state() == State::Subscribing || life.state() == State::Following));
        }
    }
    CHECK(met.size() > 30);
}

}
