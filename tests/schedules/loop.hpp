/// \file An executor whose functions are run by threads of a run; posting to it, and taking from it, are switch points.
#pragma once

#include "schedules/scheduler.hpp"
#include "support/queueing_executor.hpp"

#include <comoq/operation.hpp>

#include <asio/execution_context.hpp>

#include <deque>
#include <memory>
#include <utility>

namespace comoq::schedule {

class Loop : public asio::execution_context {
public:
    Loop() = default;
    ~Loop() {
        shutdown();
        while (!queue_.empty()) std::exchange(queue_, {}).clear();
        destroy();
    }

    using Executor = test::QueueingExecutor<Loop>;
    Executor executor() noexcept { return Executor(*this); }

    /// Runs the queued functions, in order. Outside of a run.
    void poll() {
        begin();
        while (!queue_.empty()) run_first();
    }
    /// In a thread of a run that serves this: until no thread is left to serve.
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
    friend Executor;

    /// Threads are used for one run after the other, and each run must go the same way: the number of ready operations
    /// that one has taken in a row must not depend on the runs before.
    static void begin() noexcept { detail::ReadyBudget::renew(); }

    void add(std::unique_ptr<test::QueuedFunction> function) {
        if (Run *run = Run::current()) run->point();
        queue_.push_back(std::move(function));
        if (Run *run = Run::current()) run->wake(this);
    }
    void run_first() {
        const auto first = std::move(queue_.front());
        queue_.pop_front();
        first->run();
    }

    std::deque<std::unique_ptr<test::QueuedFunction>> queue_;
};

}  // namespace comoq::schedule
