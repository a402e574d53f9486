#include <comoq/detail/relay/track_life.hpp>

#include <cstddef>
#include <set>
#include <vector>

#include "support/catch.hpp"

namespace track_life_tests {

using comoq::detail::TrackLife;
using State = TrackLife::State;
using Event = TrackLife::Event;

namespace {

std::vector<Event> all_events() {
    std::vector<Event> all;
    for (std::size_t event = 0; event < TrackLife::events; ++event) {
        all.push_back(static_cast<Event>(event));
    }
    return all;
}

State after(const std::vector<Event> &events) {
    TrackLife life;
    for (const Event event : events) {
        life.on(event);
    }
    return life.state();
}

}  // namespace

TEST_CASE("track life: asked, read, left, read again, and ended", "[proxy]") {
    CHECK(after({}) == State::Asking);
    CHECK(after({Event::Answered}) == State::Unused);
    CHECK(after({Event::Answered, Event::Wanted, Event::Subscribed}) == State::Passing);
    CHECK(after({Event::Answered, Event::Wanted, Event::Unwanted}) == State::Unused);
    CHECK(after({Event::Answered, Event::Wanted, Event::Subscribed, Event::Unwanted, Event::Wanted, Event::Subscribed,
                 Event::Finished}) == State::Ended);
}

TEST_CASE("track life: after a refusal the next upstream is asked, or the refusal is the answer", "[proxy]") {
    CHECK(after({Event::Denied}) == State::Choosing);
    CHECK(after({Event::Denied, Event::Found}) == State::Asking);
    CHECK(after({Event::Denied, Event::NothingFound}) == State::Refused);
    CHECK(after({Event::Denied, Event::Abandoned}) == State::Left);
    CHECK(after({Event::Moved, Event::Answered}) == State::Unused);
}

TEST_CASE("track life: a live track recovers from a loss in any state, or fails", "[proxy]") {
    const std::vector<std::vector<Event>> live = {
        {Event::Answered}, {Event::Answered, Event::Wanted}, {Event::Answered, Event::Wanted, Event::Subscribed}};
    for (auto events : live) {
        events.push_back(Event::Lost);
        CHECK(after(events) == State::Recovering);
        events.push_back(Event::Found);
        CHECK(after(events) == State::Unused);
        events.back() = Event::NothingFound;
        CHECK(after(events) == State::Failed);
    }
}

TEST_CASE("track life: an end is final, and every other state can reach one", "[proxy]") {
    for (std::size_t i = 0; i < TrackLife::states; ++i) {
        std::set<State> reached{static_cast<State>(i)};
        for (std::size_t size = 0; size != reached.size();) {
            size = reached.size();
            for (const State state : std::set<State>(reached)) {
                for (const Event event : all_events()) {
                    reached.insert(TrackLife::next(state, event));
                }
            }
        }
        if (static_cast<State>(i) >= State::Refused) {
            CHECK(reached.size() == 1);
        } else {
            CHECK(reached.count(State::Left) == 1);
        }
    }
}

TEST_CASE("track life: a live track is not requested again", "[proxy]") {
    for (const Event event : all_events()) {
        for (const State state : {State::Unused, State::Subscribing, State::Passing, State::Recovering}) {
            const State then = TrackLife::next(state, event);
            CHECK(then != State::Asking);
            CHECK(then != State::Choosing);
            CHECK(then != State::Refused);
        }
    }
}

}
