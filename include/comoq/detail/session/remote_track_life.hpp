// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"

#include <cstdint>
#include <system_error>

namespace comoq::detail {

/// The life of one track of a peer, from the first request for it until nobody can want it any more. It decides what
/// this side says to the peer, and when, in any protocol that has these verbs: info, subscribe, update, unsubscribe.
/// (Fetches have a life of their own, see `FetchPlaces`.)
///
/// It does not wait, and it does not know the time. Its driver reports each event, carries out the answer at once, and
/// reports the time limit of a state when that has passed.
class RemoteTrackLife {
public:
    enum class State : std::uint8_t {
        Asking,       // the peer was asked for the info; requesters wait here
        Unused,       // live here, without a subscriber; kept for a while
        Subscribing,  // the peer does not have the subscription yet
        Following,    // the peer has it
        Completing,   // ended well, but its last groups may be in flight
        Over,
    };
    static constexpr std::uint8_t states = 6;

    enum class Event : std::uint8_t {
        Answered,   // the info has come
        Refused,    // in place of the info
        Abandoned,  // no requester waits for the info
        Wanted,     // there are subscribers; their combined wishes are new, or have changed
        Unwanted,   // no subscribers, and no group in progress
        CutOff,     // no subscribers, and a group is in progress that a newcomer could not get again under its number
        Taken,      // the subscription has reached the peer
        Ended,      // the peer has closed the subscription well
        Failed,     // or with a code, or asking for it failed
        Complete,   // every group has come, or never will
        Late,       // the time limit of the state has passed
        Closed,     // the broadcast is over: the track cannot be requested there any more
        Gone,       // the answer to Withdraw and Retire: nobody came in between, and nobody can come now
        Kept,       // the other answer: a subscriber came, or still needs the track
    };
    static constexpr std::uint8_t events = 14;

    enum class Act : std::uint8_t {
        None,
        Accept,       // the track goes live; the driver then reports what its subscribers want
        Refuse,       // the requesters are refused with `code()`
        Withdraw,     // the request is given up unless a requester waits again; the driver reports Gone or Kept
        Subscribe,
        Update,       // the peer is told the current wishes
        Unsubscribe,  // the subscription is taken back, whatever its state
        Retire,       // the track leaves its broadcast unless it has a subscriber; the driver reports Gone or Kept
        Fail,         // the track fails with `code()`
    };

    /// How long a state may last.
    enum class Limit : std::uint8_t { None, Patience, Linger };

    State state() const noexcept { return state_; }
    /// The code with which the track was refused or failed; false if it ended otherwise.
    std::error_code code() const noexcept { return code_; }
    Limit limit() const noexcept {
        switch (state_) {
        case State::Asking:
        case State::Subscribing: return Limit::Patience;
        case State::Unused:
        case State::Completing: return Limit::Linger;
        default: return Limit::None;
        }
    }
    /// Increases whenever the time limit begins anew: a timer that the driver set before is out of date.
    std::uint64_t turn() const noexcept { return turn_; }

    /// Returns what the driver has to do now. `code` is that of Refused and Failed.
    Act on(Event event, std::error_code code = {}) noexcept {
        if (event == Event::Closed) is_closed_ = true;
        const Transition *const found = find(state_, event);
        if (found == nullptr) return Act::None;
        if (found->act == Act::Refuse || found->act == Act::Fail)
            code_ = event == Event::Late ? make_error_code(Error::Timeout) : code ? code : make_error_code(Error::Cancelled);
        enter(found->to, found->renews);
        return found->act;
    }

private:
    struct Transition {
        State from;
        Event on;
        State to;
        Act act = Act::None;
        bool renews = false;  // the time limit begins anew although the state stays
    };

    static const Transition *find(State from, Event event) noexcept {
        // An event that is not listed changes nothing.
        static constexpr Transition table[] = {
            {State::Asking, Event::Answered, State::Unused, Act::Accept},
            {State::Asking, Event::Refused, State::Over, Act::Refuse},
            {State::Asking, Event::Late, State::Over, Act::Refuse},
            {State::Asking, Event::Abandoned, State::Asking, Act::Withdraw},
            {State::Asking, Event::Gone, State::Over},
            {State::Asking, Event::Closed, State::Over},

            {State::Unused, Event::Wanted, State::Subscribing, Act::Subscribe},
            {State::Unused, Event::Late, State::Unused, Act::Retire},
            {State::Unused, Event::Kept, State::Unused, Act::None, true},
            {State::Unused, Event::Gone, State::Over},
            {State::Unused, Event::Closed, State::Over},

            {State::Subscribing, Event::Taken, State::Following},
            {State::Subscribing, Event::Wanted, State::Subscribing, Act::Update},
            {State::Subscribing, Event::Unwanted, State::Unused, Act::Unsubscribe},
            {State::Subscribing, Event::CutOff, State::Subscribing, Act::Retire},
            {State::Subscribing, Event::Gone, State::Over, Act::Unsubscribe},
            {State::Subscribing, Event::Ended, State::Completing},
            {State::Subscribing, Event::Failed, State::Over, Act::Fail},
            {State::Subscribing, Event::Late, State::Over, Act::Fail},

            {State::Following, Event::Wanted, State::Following, Act::Update},
            {State::Following, Event::Unwanted, State::Unused, Act::Unsubscribe},
            {State::Following, Event::CutOff, State::Following, Act::Retire},
            {State::Following, Event::Gone, State::Over, Act::Unsubscribe},
            {State::Following, Event::Ended, State::Completing},
            {State::Following, Event::Failed, State::Over, Act::Fail},

            {State::Completing, Event::Complete, State::Over},
            {State::Completing, Event::Late, State::Over},
        };
        for (const Transition &one : table)
            if (one.from == from && one.on == event) return &one;
        return nullptr;
    }

    void enter(State to, bool renews) noexcept {
        // In a broadcast that is over, no subscriber can come back to an unused track.
        if (to == State::Unused && is_closed_) to = State::Over;
        if (to != state_ || renews) ++turn_;
        state_ = to;
    }

    State state_ = State::Asking;
    bool is_closed_ = false;
    std::error_code code_;
    std::uint64_t turn_ = 0;
};

}  // namespace comoq::detail
