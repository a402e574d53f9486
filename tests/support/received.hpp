/// \file Awaits an operation in each of the possible ways, and keeps its result.
#pragma once

#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include <asio/awaitable.hpp>

#include <comoq/operation.hpp>

#include "support/plain_task.hpp"

namespace comoq::test {

template <class T> T value_type_of(const Operation<T> &);
/// The T of an Operation<T>, and of classes derived from it.
template <class Op> using ValueOf = decltype(value_type_of(std::declval<const Op &>()));

/// The result of an operation, and how often it came.
template <class T> struct Received {
    using Value = std::conditional_t<std::is_void_v<T>, std::tuple<>, T>;

    int times = 0;
    std::error_code code;
    Value value{};

    bool ok() const { return times == 1 && !code; }
    bool failed(std::error_code with) const { return times == 1 && code == with; }

    void set(std::error_code ec) {
        ++times;
        code = ec;
    }
    void set(std::error_code ec, Value with) {
        set(ec);
        value = std::move(with);
    }
    template <class Tuple> void set_from(Tuple &&outcome) {
        std::apply([this](auto &&...parts) { this->set(std::forward<decltype(parts)>(parts)...); }, std::move(outcome));
    }
};

/// For async_wait: a callback that stores its arguments in `out`, which outlives it.
template <class T> auto keep(Received<T> &out) {
    return [&out](std::error_code code, auto &&...value) { out.set(code, std::forward<decltype(value)>(value)...); };
}

namespace receiving {

template <class Task, class Op> Task receive(Op operation, Received<ValueOf<Op>> &out) {
    std::error_code failure;
    try {
        if constexpr (std::is_void_v<ValueOf<Op>>) {
            co_await std::move(operation);
            out.set({});
        } else {
            auto value = co_await std::move(operation);
            out.set({}, std::move(value));
        }
        co_return;
    } catch (const std::system_error &error) {
        failure = error.code();
    }
    out.set(failure);
}

template <class Task, class Op> Task receive_tuple(Op operation, Received<ValueOf<Op>> &out) {
    auto outcome = co_await std::move(operation).as_tuple();
    out.set_from(std::move(outcome));
}

}  // namespace receiving

template <class Op> asio::awaitable<void> receive(Op operation, Received<ValueOf<Op>> &out) {
    return receiving::receive<asio::awaitable<void>>(std::move(operation), out);
}
template <class Op> asio::awaitable<void> receive_tuple(Op operation, Received<ValueOf<Op>> &out) {
    return receiving::receive_tuple<asio::awaitable<void>>(std::move(operation), out);
}
template <class Op> PlainTask receive_plainly(Op operation, Received<ValueOf<Op>> &out) {
    return receiving::receive<PlainTask>(std::move(operation), out);
}
template <class Op> PlainTask receive_tuple_plainly(Op operation, Received<ValueOf<Op>> &out) {
    return receiving::receive_tuple<PlainTask>(std::move(operation), out);
}

}  // namespace comoq::test
