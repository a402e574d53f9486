/// \file An executor that only puts its functions into a queue of its context.
#pragma once

#include <memory>
#include <utility>

#include <asio/execution.hpp>
#include <asio/execution_context.hpp>

namespace comoq::test {

struct QueuedFunction {
    virtual ~QueuedFunction() = default;
    virtual void run() = 0;
};

/// The Context is an execution context with `add(std::unique_ptr<QueuedFunction>)`.
template <class Context> class QueueingExecutor {
public:
    explicit QueueingExecutor(Context &context) noexcept : context_(&context) {}
    template <class F> void execute(F function) const {
        struct Held final : QueuedFunction {
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
    QueueingExecutor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
    friend bool operator==(const QueueingExecutor &, const QueueingExecutor &) noexcept = default;

private:
    Context *context_;
};

}  // namespace comoq::test
