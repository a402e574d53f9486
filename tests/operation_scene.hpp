// What the tests of operations share.
#pragma once

#include <comoq/operation.hpp>

#include <chrono>
#include <future>
#include <stdexcept>
#include <utility>

#include <asio/version.hpp>
#if ASIO_VERSION < 102300
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/deferred.hpp>
#else
#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#endif

#include "support/gate.hpp"
#include "support/received.hpp"
#include "support/run.hpp"

namespace operation_tests {

using namespace comoq;
using namespace comoq::test;

#if ASIO_VERSION < 102300
using asio::experimental::as_tuple;
using asio::experimental::deferred;
#else
using asio::as_tuple;
using asio::deferred;
#endif

inline Operation<int> ready_with(int value) {
    return Operation<int>(comoq::detail::Passkey(),
                          comoq::detail::ReadySource<int>(comoq::detail::Outcome<int>(std::in_place, value)));
}

template <class T> T get_soon(std::future<T> future) {
    if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
        throw std::runtime_error("nothing came");
    }
    return future.get();
}

}  // namespace operation_tests
