/// \file An executor that picks the next function at random, from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include <asio/execution_context.hpp>

#include "support/queueing_executor.hpp"

namespace comoq::test {

/// Functions run when the test says so, in an order that the seed decides. Any thread may add functions; one thread
/// runs them.
class SeededContext : public asio::execution_context {
public:
    explicit SeededContext(std::uint64_t seed) : random_(seed) {}
    ~SeededContext() {
        shutdown();
        drop();
        destroy();
    }

    using Executor = QueueingExecutor<SeededContext>;
    Executor executor() noexcept { return Executor(*this); }

    /// Functions added so far.
    std::size_t added() const {
        std::lock_guard lock(mutex_);
        return added_;
    }

    /// Runs one function. False if there was none.
    bool run_one() {
        std::unique_ptr<QueuedFunction> next;
        {
            std::lock_guard lock(mutex_);
            if (queue_.empty()) {
                return false;
            }
            std::swap(queue_[static_cast<std::size_t>(random_() % queue_.size())], queue_.back());
            next = std::move(queue_.back());
            queue_.pop_back();
        }
        next->run();
        return true;
    }
    void run() {
        while (run_one()) {
        }
    }

    /// Destroys the queued functions without running them.
    void drop() {
        for (;;) {
            std::vector<std::unique_ptr<QueuedFunction>> dropped;
            {
                std::lock_guard lock(mutex_);
                dropped.swap(queue_);
            }
            if (dropped.empty()) {
                return;
            }
        }
    }

private:
    friend Executor;
    void add(std::unique_ptr<QueuedFunction> function) {
        std::lock_guard lock(mutex_);
        queue_.push_back(std::move(function));
        ++added_;
    }

    mutable std::mutex mutex_;
    std::mt19937_64 random_;
    std::vector<std::unique_ptr<QueuedFunction>> queue_;
    std::size_t added_ = 0;
};

}  // namespace comoq::test
