// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace comoq::detail {

/// The life of one proxied track, without I/O: each event decides the next state. The driver, ProxyTrack, carries out
/// the state and reports how that ended.
class TrackLife {
public:
    enum class State : std::uint8_t {
        Asking,       // upstream is asked for the track; it is not live here yet
        Choosing,     // upstream refused it: another upstream is looked for
        Unused,       // live, without a subscriber here: no interest upstream
        Subscribing,  // somebody subscribes here: so does the proxy upstream
        Passing,      // incoming groups are passed on
        Recovering,   // the track failed upstream: another upstream to go on with is looked for
        Refused,      // over: the request for it is refused
        Left,         // over: nobody waits for it or can ask for it any more
        Ended,        // over: it ended upstream
        Failed,       // over: it failed upstream, and nothing can replace it
    };
    static constexpr std::size_t states = 10;

    enum class Event : std::uint8_t {
        Answered,      // upstream knows the track
        Moved,         // another track has moved the broadcast to another upstream
        Denied,        // upstream does not know the track, or is lost
        Found,         // there is another upstream
        NothingFound,  // there is none
        Wanted,        // somebody subscribes here
        Unwanted,      // nobody subscribes any more
        Subscribed,    // upstream took the subscription
        Finished,      // the track ended well upstream
        Lost,          // it failed there
        Abandoned,     // nobody waits for the request, or the broadcast here is closed and nobody subscribes
    };
    static constexpr std::size_t events = 11;

    State state() const noexcept { return state_; }
    bool is_over() const noexcept { return state_ >= State::Refused; }
    /// Whether the track is live here.
    bool is_live() const noexcept { return state_ >= State::Unused && state_ <= State::Recovering; }

    /// The state after `event`. An event that cannot occur in this state changes nothing.
    State on(Event event) noexcept { return state_ = next(state_, event); }

    static constexpr State next(State state, Event event) noexcept {
        return table[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
    }

private:
    using Row = std::array<State, events>;

    static constexpr std::array<Row, states> make_table() noexcept {
        std::array<Row, states> made{};
        for (std::size_t state = 0; state < states; ++state) made[state].fill(static_cast<State>(state));
        const auto when = [&made](State state, Event event, State then) {
            made[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)] = then;
        };
        when(State::Asking, Event::Answered, State::Unused);
        when(State::Asking, Event::Moved, State::Asking);
        when(State::Asking, Event::Denied, State::Choosing);
        when(State::Asking, Event::Abandoned, State::Left);
        when(State::Choosing, Event::Found, State::Asking);
        when(State::Choosing, Event::NothingFound, State::Refused);
        when(State::Choosing, Event::Abandoned, State::Left);
        when(State::Unused, Event::Wanted, State::Subscribing);
        when(State::Unused, Event::Finished, State::Ended);
        when(State::Unused, Event::Lost, State::Recovering);
        when(State::Unused, Event::Abandoned, State::Left);
        when(State::Subscribing, Event::Subscribed, State::Passing);
        when(State::Subscribing, Event::Unwanted, State::Unused);
        when(State::Subscribing, Event::Lost, State::Recovering);
        when(State::Passing, Event::Unwanted, State::Unused);
        when(State::Passing, Event::Finished, State::Ended);
        when(State::Passing, Event::Lost, State::Recovering);
        when(State::Recovering, Event::Found, State::Unused);
        when(State::Recovering, Event::NothingFound, State::Failed);
        when(State::Recovering, Event::Abandoned, State::Left);
        return made;
    }
    static const std::array<Row, states> table;

    State state_ = State::Asking;
};

inline constexpr std::array<TrackLife::Row, TrackLife::states> TrackLife::table = TrackLife::make_table();

}  // namespace comoq::detail
