/// \file Drives operations in tests that have no executor of their own: through `async_wait`, on a context of the
/// thread that runs only functions that are due now. Nothing here blocks.
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

#if defined(COMOQ_TESTS_SETTLE_ONCE)
#include <comoq/comoq.hpp>
#else
#include <comoq/operation.hpp>
#endif

namespace comoq::test {

/// A pending operation. Destroying it cancels the wait.
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

    /// True if it has been settled, after everything that is due has run.
    bool done() {
        run();
        return shared_->outcome.has_value();
    }
    /// The outcome. Throws if it is not settled.
    Tuple &outcome() {
        if (!done()) {
            throw std::logic_error("the operation still waits");
        }
        return *shared_->outcome;
    }
    std::error_code code() { return std::get<0>(outcome()); }
    /// The value. Throws if it failed.
    auto &value()
        requires(!std::is_void_v<T>)
    {
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

/// The outcome of an operation. If it would have to wait, nothing, and the operation is withdrawn.
template <class T> std::optional<typename Waiting<T>::Tuple> settle(Operation<T> &&operation) {
    Waiting<T> waiting(std::move(operation));
    return waiting.done() ? std::optional(std::move(waiting.outcome())) : std::nullopt;
}

/// The value of an operation that need not wait. Throws if it waits, and throws its failure.
template <class T> T now(Operation<T> &&operation) {
    Waiting<T> waiting(std::move(operation));
    return std::move(waiting.value());
}

/// The code of an operation that need not wait, false if it succeeds. Throws if it waits.
template <class T> std::error_code code_now(Operation<T> &&operation) {
    return Waiting<T>(std::move(operation)).code();
}

// The program of all tests compiles these once for the types that most files wait for (support/settle.cpp).
#if defined(COMOQ_TESTS_SETTLE_ONCE)
#define COMOQ_SETTLE(how, ...)                                                                                         \
    how template class Waiting<__VA_ARGS__>;                                                                           \
    how template Waiting<__VA_ARGS__> wait(Operation<__VA_ARGS__> &&);                                                 \
    how template std::optional<typename Waiting<__VA_ARGS__>::Tuple> settle(Operation<__VA_ARGS__> &&);                \
    how template std::error_code code_now(Operation<__VA_ARGS__> &&)
#define COMOQ_SETTLE_ALL(how)                                                                                          \
    COMOQ_SETTLE(how, void);                                                                                           \
    COMOQ_SETTLE(how, std::uint64_t);                                                                                  \
    COMOQ_SETTLE(how, std::error_code);                                                                                \
    COMOQ_SETTLE(how, TrackInfo);                                                                                      \
    COMOQ_SETTLE(how, TrackSubscriber);                                                                                \
    COMOQ_SETTLE(how, GroupConsumer);                                                                                  \
    COMOQ_SETTLE(how, BroadcastConsumer);                                                                              \
    COMOQ_SETTLE(how, std::optional<Bytes>);                                                                           \
    COMOQ_SETTLE(how, std::optional<Frame>);                                                                           \
    COMOQ_SETTLE(how, std::optional<std::vector<Frame>>);                                                              \
    COMOQ_SETTLE(how, std::optional<FrameConsumer>);                                                                   \
    COMOQ_SETTLE(how, std::optional<GroupConsumer>);                                                                   \
    COMOQ_SETTLE(how, std::optional<Datagram>);                                                                        \
    COMOQ_SETTLE(how, std::optional<Subscription>);                                                                    \
    COMOQ_SETTLE(how, std::optional<TrackRequest>);                                                                    \
    COMOQ_SETTLE(how, std::optional<GroupRequest>);                                                                    \
    COMOQ_SETTLE(how, std::optional<BroadcastRequest>);                                                                \
    COMOQ_SETTLE(how, std::optional<Announcement>)
COMOQ_SETTLE_ALL(extern);
#endif

}  // namespace comoq::test
