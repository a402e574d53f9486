// The budget on a slow link; group_outbox.cpp has the rest of it.
#include <comoq/detail/session/send_budget.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

#include <asio/io_context.hpp>

#include <comoq/detail/session/group_outbox.hpp>
#include <comoq/memory_transport.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

namespace send_budget_tests {

using namespace comoq;
using namespace comoq::test;
using detail::GroupOutbox;
using detail::SendBudget;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// How much one stream may take before it has no room.
std::size_t room_with(std::optional<std::uint64_t> bandwidth, SendBudget::Limits limits = {}) {
    SendBudget budget(limits);
    budget.follow(bandwidth);
    SendBudget::Account account, other;
    SendBudget::Share oldest(budget, other, 5), share(budget, account, 5);
    oldest.hold(1);
    std::size_t held = 1;
    while (share.has_room()) share.hold(held += 1024);
    return held;
}

}  // namespace

TEST_CASE("the send budget: a session holds what a slow link carries in two seconds, and 256 KiB at least", "[session][outbox]") {
    SendBudget::Limits limits;
    limits.subscription = limits.session;
    const auto is_about = [](std::size_t value, std::size_t wanted) { return value >= wanted && value < wanted + 2048; };
    CHECK(is_about(room_with(std::nullopt, limits), 4 * mebibyte));
    CHECK(is_about(room_with(4'000'000, limits), 1'000'000));
    CHECK(is_about(room_with(1'160'000, limits), 290'000));
    CHECK(is_about(room_with(1, limits), 256 * 1024));
    // Never more than the limits allow.
    CHECK(is_about(room_with(1'000'000'000, limits), 4 * mebibyte));
    CHECK(is_about(room_with(~std::uint64_t{0}, limits), 4 * mebibyte));
    limits.session = 100 * 1024;
    CHECK(is_about(room_with(1, limits), 100 * 1024));
    CHECK(is_about(room_with(4'000'000, limits), 100 * 1024));
}

TEST_CASE("the send budget: it follows the link up again", "[session][outbox]") {
    SendBudget budget{SendBudget::Limits()};
    SendBudget::Account account, other;
    SendBudget::Share share(budget, account, 5), oldest(budget, other, 5);
    budget.follow(1);
    share.hold(600 * 1024);
    CHECK_FALSE(oldest.has_room());
    budget.follow(std::nullopt);
    CHECK(oldest.has_room());
}

TEST_CASE("the outbox: it looks at the link after each 64 KiB", "[session][outbox]") {
    asio::io_context context;
    MemoryLinkConfig config;
    config.stats.bandwidth = 1'160'000;
    MemoryLink link(context.get_executor(), context.get_executor(), config);
    SendBudget::Limits limits;
    limits.subscription = limits.session;
    GroupOutbox outbox(*link.client(), limits, nullptr);
    GroupOutbox::Account account, other;
    auto stream = run_to_end(context, link.client()->open_uni());
    GroupOutbox::Item oldest(outbox, other, SendOrder()), item(outbox, account, SendOrder());
    item.use(*stream);
    item.took(64 * 1024 - 1);
    item.settle(400 * 1024);
    // Not the oldest of its subscription only if it holds something.
    CHECK(item.has_room());
    item.settle(400 * 1024);
    item.took(1);
    item.settle(400 * 1024);
    CHECK_FALSE(item.has_room());
    item.settle(0);
}

}
