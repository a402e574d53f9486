/// \file Coroutines of a test that wait, and that the test looks at meanwhile.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include "support/error_of.hpp"
#include "support/run.hpp"

namespace comoq::test {

/// A coroutine that has begun. Destroying it cancels its wait.
template <class T> class Begun {
public:
    Begun(asio::io_context &context, asio::awaitable<T> coroutine) : context_(&context), end_(std::make_shared<End>()) {
        auto ended = [end = end_](std::exception_ptr failure, auto &&...value) {
            end->failure = failure;
            end->value.emplace(std::forward<decltype(value)>(value)...);
        };
        asio::co_spawn(context, std::move(coroutine), asio::bind_cancellation_slot(end_->signal.slot(), ended));
        settle_down(context);
    }
    Begun(Begun &&) noexcept = default;
    Begun &operator=(Begun &&) = delete;
    ~Begun() {
        if (end_ != nullptr) cancel();
    }

    bool done() {
        settle_down(*context_);
        return end_->value.has_value();
    }
    auto &value() {
        if (!done()) throw std::logic_error("the coroutine still waits");
        if (end_->failure) std::rethrow_exception(end_->failure);
        return *end_->value;
    }
    std::error_code code() {
        return error_of([&]() -> decltype(auto) { return value(); });
    }
    void cancel() {
        end_->signal.emit(asio::cancellation_type::terminal);
        settle_down(*context_);
    }

private:
    struct End {
        asio::cancellation_signal signal;
        std::exception_ptr failure;
        std::optional<std::conditional_t<std::is_void_v<T>, std::nullptr_t, T>> value;
    };
    asio::io_context *context_;
    std::shared_ptr<End> end_;
};

}  // namespace comoq::test
