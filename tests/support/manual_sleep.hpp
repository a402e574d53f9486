/// \file A sleep that ends when the test says so.
#pragma once

#include <chrono>
#include <list>
#include <memory>

#include <asio/awaitable.hpp>

#include <comoq/detail/wait/event.hpp>

namespace comoq::test {

/// Time that stands still except for `advance`. For one thread.
class ManualSleep {
public:
    using Time = std::chrono::milliseconds;

    asio::awaitable<void> operator()(Time time) const { return sleep(state_, time); }

    void advance(Time time) {
        state_->now += time;
        for (auto &sleeper : state_->sleepers) {
            if (sleeper.due <= state_->now) {
                sleeper.over.set();
            }
        }
    }
    std::size_t sleepers() const { return state_->sleepers.size(); }

private:
    struct Sleeper {
        explicit Sleeper(Time until) : due(until) {}
        Time due;
        detail::Event over;
    };
    struct State {
        Time now{0};
        std::list<Sleeper> sleepers;
    };
    struct Place {
        Place(std::shared_ptr<State> of, Time until)
            : state(std::move(of)), at(state->sleepers.emplace(state->sleepers.end(), until)) {}
        Place(const Place &) = delete;
        Place &operator=(const Place &) = delete;
        ~Place() { state->sleepers.erase(at); }
        std::shared_ptr<State> state;
        std::list<Sleeper>::iterator at;
    };

    static asio::awaitable<void> sleep(std::shared_ptr<State> state, Time time) {
        const auto until = state->now + time;
        const Place place(std::move(state), until);
        co_await place.at->over.wait();
    }

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace comoq::test
