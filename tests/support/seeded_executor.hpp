/// \file
/// An executor that picks what to run next at random, from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/execution.hpp>
#include <asio/execution_context.hpp>

namespace comoq::test {

/// Functions run when the test says so, in an order that the seed decides. Functions may be added by any thread; one
/// thread runs them.
class SeededContext : public asio::execution_context {
    struct Function {
        virtual ~Function() = default;
        virtual void run() = 0;
    };

public:
    explicit SeededContext(std::uint64_t seed) : random_(seed) {}
    ~SeededContext() {
        shutdown();
        drop();
        destroy();
    }

    class Executor {
    public:
        explicit Executor(SeededContext &context) noexcept : context_(&context) {}
        template <class F> void execute(F function) const {
            struct Held final : Function {
                explicit Held(F &&f) : held(std::move(f)) {}
                void run() override { std::move(held)(); }
                F held;
            };
            context_->add(std::make_unique<Held>(std::move(function)));
        }
        asio::execution_context &query(asio::execution::context_t) const noexcept { return *context_; }
        static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
            return asio::execution::blocking.never;
        }
        Executor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
        friend bool operator==(const Executor &, const Executor &) noexcept = default;

    private:
        SeededContext *context_;
    };

    Executor executor() noexcept { return Executor(*this); }

    /// Functions added so far.
    std::size_t added() const {
        std::lock_guard lock(mutex_);
        return added_;
    }

    /// Runs one function. False if there was none.
    bool run_one() {
        std::unique_ptr<Function> next;
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

    /// Destroys what is queued without running it.
    void drop() {
        for (;;) {
            std::vector<std::unique_ptr<Function>> dropped;
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
    void add(std::unique_ptr<Function> function) {
        std::lock_guard lock(mutex_);
        queue_.push_back(std::move(function));
        ++added_;
    }

    mutable std::mutex mutex_;
    std::mt19937_64 random_;
    std::vector<std::unique_ptr<Function>> queue_;
    std::size_t added_ = 0;
};

}  // namespace comoq::test
