#include "module.hpp"

#include <coroutine>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace MODULE {

namespace {

/// A coroutine without an executor, which frees itself at its end.
struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

Task wait(comoq::OriginConsumer consumer, std::string path, int &told) {
    const auto found = co_await consumer.announced_broadcast(path).as_tuple();
    told = std::get<0>(found) ? -1 : 1;
}

}  // namespace

std::error_code not_found() { return make_error_code(comoq::Error::NotFound); }

bool is_not_found(std::error_code code) {
    const std::error_condition as_condition(static_cast<int>(comoq::Error::NotFound), comoq::error_category());
    return code == comoq::Error::NotFound && comoq::Error::NotFound == code && code != comoq::Error::Old &&
           code == as_condition && comoq::wire_code(code) == 13;
}

std::shared_ptr<comoq::Origin> make_origin() { return std::make_shared<comoq::Origin>(); }

bool has(const comoq::Origin &origin, std::string_view path) {
    return origin.consumer().request_broadcast(path).ready();
}

int &wait_for(comoq::Origin &origin, std::string_view path) {
    static int told;
    told = 0;
    wait(origin.consumer(), std::string(path), told);
    return told;
}

}  // namespace MODULE
