// What the tests of the outbox and of its budget share.
#pragma once

#include <comoq/detail/session/group_outbox.hpp>

#include <cstddef>
#include <memory>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>

#include "support/begun.hpp"
#include "support/run.hpp"

namespace group_outbox_tests {

using namespace comoq;
using namespace comoq::test;

using detail::GroupOutbox;
using detail::SendBudget;

inline SendBudget::Limits limits(std::size_t session, std::size_t subscription) {
    SendBudget::Limits limits;
    limits.session = session;
    limits.subscription = subscription;
    return limits;
}

inline SendOrder order_of(std::uint8_t priority, std::uint64_t flow = 0, std::uint64_t rank = 0) {
    SendOrder order;
    order.priority = priority;
    order.flow = flow;
    order.rank = rank;
    return order;
}

struct Scene {
    explicit Scene(SendBudget::Limits budget, std::size_t max_streams = 100) : link(context.get_executor(), context.get_executor(), [&] {
        MemoryLinkConfig config;
        config.max_streams = max_streams;
        return config;
    }()), bounds(std::make_shared<detail::MediaBounds>()), outbox(*link.client(), budget, bounds) {
        asio::co_spawn(context, outbox.run(), asio::bind_cancellation_slot(end.slot(), asio::detached));
        settle_down(context);
    }
    ~Scene() {
        end.emit(asio::cancellation_type::terminal);
        settle_down(context);
    }
    template <class T> Begun<T> begin(asio::awaitable<T> coroutine) { return Begun<T>(context, std::move(coroutine)); }

    asio::io_context context;
    MemoryLink link;
    std::shared_ptr<detail::MediaBounds> bounds;
    GroupOutbox outbox;
    Begun<void> watching{context, outbox.watch()};
    asio::cancellation_signal end;
};

}  // namespace group_outbox_tests
