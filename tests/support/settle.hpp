/// \file
/// Drives operations in tests that have no executor of their own: through `async_wait`, on a context of the thread's
/// that runs only what is due now. Nothing here blocks.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>

#include <comoq/operation.hpp>

namespace comoq::test {

/// An operation that is under way. Destroying it cancels the wait.
template <class T> class Waiting {
public:
    using Tuple = std::conditional_t<std::is_void_v<T>, std::tuple<std::error_code>,
                                     std::tuple<std::error_code, std::conditional_t<std::is_void_v<T>, int, T>>>;

    explicit Waiting(Operation<T> &&operation) : shared_(std::make_shared<Shared>()) {
        auto settled = [shared = shared_](std::error_code code, auto &&...value) {
            shared->outcome.emplace(code, std::forward<decltype(value)>(value)...);
        };
        const asio::any_io_executor executor = context().get_executor();
        operation.async_wait(
            asio::bind_cancellation_slot(shared_->signal.slot(), asio::bind_executor(executor, settled)));
        run();
    }
    Waiting(Waiting &&) noexcept = default;
    Waiting &operator=(Waiting &&) = delete;
    ~Waiting() {
        if (shared_ != nullptr) {
            cancel();
        }
    }

    /// Whether it has been settled, when everything that is due has run.
    bool done() {
        run();
        return shared_->outcome.has_value();
    }
    /// What it was settled with. Throws if it was not.
    Tuple &outcome() {
        if (!done()) {
            throw std::logic_error("the operation still waits");
        }
        return *shared_->outcome;
    }
    std::error_code code() { return std::get<0>(outcome()); }
    /// The value. Throws if it failed.
    auto &value() {
        if (code()) {
            throw std::system_error(code());
        }
        return std::get<1>(outcome());
    }
    void cancel() {
        shared_->signal.emit(asio::cancellation_type::terminal);
        run();
    }

private:
    struct Shared {
        asio::cancellation_signal signal;
        std::optional<Tuple> outcome;
    };

    static asio::io_context &context() {
        static thread_local asio::io_context own;
        return own;
    }
    static void run() {
        context().restart();
        context().poll();
    }

    std::shared_ptr<Shared> shared_;
};

template <class T> Waiting<T> wait(Operation<T> &&operation) { return Waiting<T>(std::move(operation)); }

/// What an operation is settled with; nothing, and the operation is withdrawn, if it would have to wait.
template <class T> std::optional<typename Waiting<T>::Tuple> settle(Operation<T> &&operation) {
    Waiting<T> waiting(std::move(operation));
    return waiting.done() ? std::optional(std::move(waiting.outcome())) : std::nullopt;
}

/// The value of an operation that need not wait. Throws if it does, and what it fails with.
template <class T> T now(Operation<T> &&operation) {
    Waiting<T> waiting(std::move(operation));
    return std::move(waiting.value());
}

/// The code of an operation that need not wait, false if it succeeds. Throws if it waits.
template <class T> std::error_code code_now(Operation<T> &&operation) {
    return Waiting<T>(std::move(operation)).code();
}

}  // namespace comoq::test
