// What the tests of requests for broadcasts share.
#pragma once

#include <comoq/origin_dynamic.hpp>

#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <comoq/origin.hpp>

#include "support/origin_fixture.hpp"

namespace origin_dynamic_tests {

using namespace comoq;
using namespace comoq::test;

using Asked = Pending<BroadcastConsumer>;

/// An origin with one handler for everything.
struct Served {
    Origin origin;
    OriginProducer producer = origin.producer();
    OriginConsumer consumer = origin.consumer();
    std::optional<OriginDynamic> handler = producer.dynamic();

    Asked ask(std::string_view path) const { return consumer.request_broadcast(path); }
    BroadcastRequest take() { return take_request(*handler).value(); }
    bool idle() { return !handler->requested_broadcast().ready(); }
};

inline std::error_code failure_of(Asked &&asked) { return asked.ready() ? code_now(std::move(asked)) : std::error_code(); }

}  // namespace origin_dynamic_tests
