// What a session and a subscription may hold unsent.
#include <comoq/detail/session/group_outbox.hpp>

#include <cstddef>
#include <list>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>

#include "detail/session/outbox_scene.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"

namespace outbox_budget_tests {

using namespace comoq;
using namespace comoq::test;
using namespace group_outbox_tests;

TEST_CASE("the send budget: a session and a subscription have limits, and urgent groups wait for no less urgent ones",
          "[session][outbox]") {
    SendBudget budget(limits(100, 60));
    SendBudget::Account one, other;
    SendBudget::Share first(budget, one, 5), second(budget, one, 5), third(budget, other, 5), urgent(budget, other, 6);
    CHECK(first.has_room());
    // The oldest of a subscription is admitted whatever the newer ones hold.
    second.hold(90);
    CHECK_FALSE(second.has_room());
    CHECK(first.has_room());
    second.hold(0);
    first.hold(59);
    CHECK(second.has_room());
    second.hold(1);
    CHECK_FALSE(first.has_room());
    CHECK(third.has_room());
    third.hold(40);
    CHECK(budget.held() == 100);
    CHECK_FALSE(third.has_room());
    // No bytes of that urgency are held yet.
    CHECK(urgent.has_room());
    first.set_priority(6);
    third.set_priority(7);
    CHECK(urgent.has_room() == (99 < 100));
    second.set_priority(9);
    CHECK_FALSE(urgent.has_room());
    first.hold(0);
    CHECK(urgent.has_room());
    first.hold(160);
    CHECK_FALSE(urgent.has_room());
}

TEST_CASE("the send budget: the count equals the held bytes, in any history", "[session][outbox]") {
    std::mt19937_64 random(seed("send budget"));
    SendBudget budget(limits(1000, 300));
    std::vector<SendBudget::Account> accounts(5);
    std::list<SendBudget::Share> shares;
    for (int step = 0; step < 20'000; ++step) {
        const auto pick = [&] { return std::next(shares.begin(), static_cast<std::ptrdiff_t>(random() % shares.size())); };
        const auto what = random() % 8;
        if (what == 0 || shares.empty()) {
            shares.emplace_back(budget, accounts[random() % 5], static_cast<std::uint8_t>(random()));
        } else if (what == 1) {
            shares.erase(pick());
        } else if (what == 2) {
            pick()->set_priority(static_cast<std::uint8_t>(random()));
        } else if (const auto share = pick(); share->has_room()) {
            share->hold(share->held() + 1 + random() % 100);
        } else {
            share->hold(share->held() / 2);
        }
        std::size_t sum = 0, of_accounts = 0;
        for (const auto &share : shares) {
            sum += share.held();
        }
        for (const auto &account : accounts) {
            of_accounts += account.held;
            REQUIRE(account.held < 300 + 2 * 100);
        }
        REQUIRE(budget.held() == sum);
        REQUIRE(of_accounts == sum);
        REQUIRE(sum < 2 * 1000 + 100);
    }
}

TEST_CASE("the outbox: whatever the number of subscriptions, what is held exceeds twice the limit by one frame at most",
          "[session][outbox]") {
    constexpr std::size_t limit = 1 << 20, frame = 3 << 20;
    Scene scene(limits(limit, limit), 1'000);
    const auto stream = run_to_end(scene.context, scene.link.client()->open_uni());
    // Small before, so that nobody expects what comes.
    std::list<GroupOutbox::Account> accounts(100);
    std::list<GroupOutbox::Item> items;
    GroupOutbox::Account of_holder;
    GroupOutbox::Item holder(scene.outbox, of_holder, order_of(9));
    holder.use(*stream);
    CHECK(holder.has_room());
    holder.settle(2 * limit);
    struct Group {
        static asio::awaitable<void> take(GroupOutbox::Item &item, int &taken) {
            if (!item.has_room()) co_await item.room();
            item.took(frame);
            ++taken;
        }
    };
    std::vector<Begun<void>> taking;
    int taken = 0;
    for (auto &account : accounts) {
        auto &item = items.emplace_back(scene.outbox, account, order_of(1));
        item.use(*stream);
        taking.push_back(scene.begin(Group::take(item, taken)));
    }
    CHECK(taken == 0);
    holder.settle(0);
    settle_down(scene.context);
    CHECK(taken == 1);
    CHECK(scene.bounds->unsent_bytes <= 2 * limit + frame);
    // Each has its turn when there is room.
    for (auto &item : items) {
        item.settle(0);
        settle_down(scene.context);
        CHECK(scene.bounds->unsent_bytes <= 2 * limit + frame);
    }
    CHECK(taken == 100);
    // One that may take and leaves instead keeps nobody waiting.
    std::optional<GroupOutbox::Item> leaving(std::in_place, scene.outbox, of_holder, order_of(9));
    leaving->use(*stream);
    for (auto &item : items) item.settle(0);
    CHECK(leaving->has_room());
    CHECK_FALSE(items.front().has_room());
    auto next = scene.begin(items.front().room());
    CHECK_FALSE(next.done());
    leaving.reset();
    settle_down(scene.context);
    CHECK(next.done());
}

}
