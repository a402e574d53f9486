/// \file
/// An executor whose functions are run by threads of a run; to post to it, and to take from it, are switch points.
#pragma once

#include "schedules/scheduler.hpp"

#include <comoq/operation.hpp>

#include <asio/execution.hpp>
#include <asio/execution_context.hpp>

#include <deque>
#include <memory>
#include <utility>

namespace comoq::schedule {

class Loop : public asio::execution_context {
    struct Function {
        virtual ~Function() = default;
        virtual void run() = 0;
    };

public:
    Loop() = default;
    ~Loop() {
        shutdown();
        while (!queue_.empty()) std::exchange(queue_, {}).clear();
        destroy();
    }

    class Executor {
    public:
        explicit Executor(Loop &loop) noexcept : loop_(&loop) {}
        template <class F> void execute(F function) const {
            struct Held final : Function {
                explicit Held(F &&f) : held(std::move(f)) {}
                void run() override { std::move(held)(); }
                F held;
            };
            loop_->add(std::make_unique<Held>(std::move(function)));
        }
        asio::execution_context &query(asio::execution::context_t) const noexcept { return *loop_; }
        static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
            return asio::execution::blocking.never;
        }
        Executor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
        friend bool operator==(const Executor &, const Executor &) noexcept = default;

    private:
        Loop *loop_;
    };
    Executor executor() noexcept { return Executor(*this); }

    /// Runs what is there, in order. Outside of a run.
    void poll() {
        begin();
        while (!queue_.empty()) run_first();
    }
    /// In a thread of a run that serves this: until there is nobody left to serve.
    void serve() {
        Run &run = *Run::current();
        begin();
        for (;;) {
            run.point();
            if (!queue_.empty())
                run_first();
            else if (run.over())
                return;
            else
                run.wait_for(this);
        }
    }

private:
    /// Threads are used for one run after the other, and each run must go the same way: how many ready operations one has
    /// taken in a row must not depend on the runs before.
    static void begin() noexcept { detail::ReadyBudget::renew(); }

    void add(std::unique_ptr<Function> function) {
        if (Run *run = Run::current()) run->point();
        queue_.push_back(std::move(function));
        if (Run *run = Run::current()) run->wake(this);
    }
    void run_first() {
        const auto first = std::move(queue_.front());
        queue_.pop_front();
        first->run();
    }

    std::deque<std::unique_ptr<Function>> queue_;
};

}  // namespace comoq::schedule
