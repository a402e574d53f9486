// Which group gets the next stream and the next room, and the memory that is held for a peer that does not read.
#include <comoq/detail/session/group_outbox.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>

#include "detail/session/outbox_scene.hpp"
#include "support/begun.hpp"
#include "support/bystander.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/run.hpp"

namespace group_outbox_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("the outbox: the most urgent group gets the next stream, however late it came", "[session][outbox]") {
    Scene scene(limits(1 << 20, 1 << 20), 1);
    GroupOutbox::Account account;
    std::optional<GroupOutbox::Item> taken(std::in_place, scene.outbox, account, order_of(1));
    auto opened = scene.begin(taken->open());
    CHECK(opened.done());
    GroupOutbox::Item low(scene.outbox, account, order_of(1)), high(scene.outbox, account, order_of(9));
    auto first = scene.begin(low.open()), second = scene.begin(high.open());
    CHECK_FALSE(first.done());
    taken->stream().finish();
    taken.reset();
    // The peer has to read it before it allows another one.
    run_to_end(scene.context, run_to_end(scene.context, scene.link.server()->accept_uni())->read());
    settle_down(scene.context);
    CHECK(second.done());
    CHECK_FALSE(first.done());
    CHECK(high.is_open());
    first.cancel();
}

TEST_CASE("the outbox: a stream that is granted to a group that has left goes to the next group", "[session][outbox]") {
    for (int handlers = 0; handlers < 20; ++handlers) {
        INFO("after " << handlers << " handlers");
        Scene scene(limits(1 << 20, 1 << 20), 1);
        GroupOutbox::Account account;
        struct Open {
            static asio::awaitable<void> run(GroupOutbox &outbox, GroupOutbox::Account &of, bool &done, bool stay) {
                std::optional<GroupOutbox::Item> item(std::in_place, outbox, of, SendOrder());
                co_await item->open();
                done = true;
                item->stream().finish();
                if (stay) {
                    co_await item->stream().stopped();
                }
            }
        };
        bool left = false, next = false;
        asio::cancellation_signal leave, end;
        asio::co_spawn(scene.context, Open::run(scene.outbox, account, left, false),
                       asio::bind_cancellation_slot(leave.slot(), asio::detached));
        asio::co_spawn(scene.context, Open::run(scene.outbox, account, next, false), asio::detached);
        scene.context.restart();
        for (int i = 0; i < handlers; ++i) {
            scene.context.poll_one();
        }
        leave.emit(asio::cancellation_type::terminal);
        settle_down(scene.context);
        if (!next) {
            // The first one had it before it left: the peer allows another one when it has read that.
            auto accepted = run_to_end(scene.context, scene.link.server()->accept_uni());
            run_to_end(scene.context, accepted->read());
            settle_down(scene.context);
        }
        CHECK(next);
    }
}

TEST_CASE("the outbox: waiting groups get room by urgency, and a group whose subscription has none delays no other",
          "[session][outbox]") {
    Scene scene(limits(256 * 1024, 128 * 1024));
    GroupOutbox::Account full, empty;
    const auto stream = run_to_end(scene.context, scene.link.client()->open_uni());
    GroupOutbox::Item holder(scene.outbox, full, order_of(1)), more(scene.outbox, full, order_of(9)),
        other(scene.outbox, empty, order_of(1)), late(scene.outbox, empty, order_of(2));
    holder.use(*stream);
    CHECK(holder.has_room());
    holder.settle(200 * 1024);
    CHECK(scene.bounds->unsent_bytes == 200 * 1024);
    CHECK_FALSE(more.has_room());
    auto of_more = scene.begin(more.room());
    CHECK_FALSE(of_more.done());
    // It waits in a queue now, and is admitted at once.
    CHECK_FALSE(other.has_room());
    CHECK(scene.begin(other.room()).done());
    other.use(*stream);
    other.settle(0);
    auto of_late = scene.begin(late.room());
    CHECK(of_late.done());
    late.use(*stream);
    late.settle(0);
    CHECK_FALSE(of_more.done());
    holder.settle(0);
    settle_down(scene.context);
    CHECK(of_more.done());
    CHECK(scene.outbox.is_behind());
}

TEST_CASE("the outbox: subscriptions that are equally urgent take turns, each with its lowest rank first", "[session][outbox]") {
    Scene scene(limits(1 << 20, 1 << 20), 1);
    GroupOutbox::Account many, few;
    std::list<GroupOutbox::Item> items;
    std::vector<GroupOutbox::Item *> turns;
    struct Group {
        static asio::awaitable<void> open(GroupOutbox::Item &item, std::vector<GroupOutbox::Item *> &opened) {
            co_await item.open();
            opened.push_back(&item);
        }
    };
    std::vector<Begun<void>> opening;
    const auto open = [&](GroupOutbox::Account &account, std::uint64_t flow, std::uint64_t rank) {
        opening.push_back(scene.begin(Group::open(items.emplace_back(scene.outbox, account, order_of(1, flow, rank)), turns)));
    };
    open(many, 1, 0);
    for (const std::uint64_t rank : std::vector<std::uint64_t>{4, 2, 3}) open(many, 1, rank);
    open(few, 2, 9);
    for (std::size_t turn = 1; turn <= 4; ++turn) {
        REQUIRE(turns.size() == turn);
        turns.back()->stream().finish();
        run_to_end(scene.context, run_to_end(scene.context, scene.link.server()->accept_uni())->read());
        settle_down(scene.context);
    }
    std::vector<std::uint64_t> ranks;
    for (const auto *item : turns) ranks.push_back(item->order().rank);
    CHECK(ranks == std::vector<std::uint64_t>{0, 2, 9, 3, 4});
}

TEST_CASE("the outbox: a group that is given up ends where it waits, with the code, and its stream is reset",
          "[session][outbox]") {
    Scene scene(limits(64 * 1024, 64 * 1024), 1);
    GroupOutbox::Account account;
    GroupOutbox::Item open(scene.outbox, account, order_of(1)), waiting(scene.outbox, account, order_of(1));
    scene.begin(open.open());
    const auto write = [&] { return scene.begin(open.stream().write(Bytes(std::vector<std::byte>(1 << 20)))); };
    auto written = write();
    open.settle(0);
    auto opening = scene.begin(waiting.open());
    auto room = scene.begin(open.room());
    CHECK_FALSE(written.done());
    CHECK_FALSE(opening.done());
    CHECK_FALSE(room.done());
    CHECK(open.is_behind());
    CHECK(waiting.is_behind());
    open.give_up(make_error_code(Error::Old), 52);
    waiting.give_up(make_error_code(Error::Old), 52);
    settle_down(scene.context);
    for (auto *one : {&opening, &room}) {
        CHECK(error_of([&] { return one->value(), 0; }) == Error::Old);
    }
    // The stream knows only the number that the peer gets.
    CHECK(error_of([&] { return written.value(), 0; }) == stream_ended(52));
    CHECK(error_of([&] { return waiting.has_room(); }) == Error::Old);
}

TEST_CASE("the outbox: a group that is given up ends where it waits, also if the stream finds no memory for its reset",
          "[session][outbox][memory]") {
    struct Unreset final : SendStream {
        explicit Unreset(SendStream &stream) : to(stream) {}
        asio::awaitable<void> write(std::span<const std::byte> head, Bytes payload) override {
            return to.write(head, std::move(payload));
        }
        void finish() override { to.finish(); }
        asio::awaitable<void> sent() override { return to.sent(); }
        void reset(std::uint64_t) override { throw std::bad_alloc(); }
        asio::awaitable<std::error_code> stopped() override { return to.stopped(); }
        void set_order(const SendOrder &order) override { to.set_order(order); }
        bool tell(detail::Passkey key, detail::StopHook *hook) noexcept override { return is_told && to.tell(key, hook); }
        SendStream &to;
        bool is_told = true;
    };
    Scene scene(limits(64 * 1024, 64 * 1024));
    GroupOutbox::Account account;
    const auto stream = run_to_end(scene.context, scene.link.client()->open_uni());
    Unreset unreset(*stream);
    unreset.is_told = GENERATE(true, false);
    CAPTURE(unreset.is_told);
    GroupOutbox::Item item(scene.outbox, account, order_of(1));
    item.use(unreset);
    item.settle(64 * 1024);
    auto room = scene.begin(item.room());
    REQUIRE_FALSE(room.done());
    CHECK_NOTHROW(item.give_up(make_error_code(Error::Old), 52));
    CHECK(room.code() == Error::Old);
    CHECK(item.breaker().has_ended());
}

TEST_CASE("the outbox: a group whose stream the peer stops leaves its place, though it has no room yet", "[session][outbox]") {
    Scene scene(limits(64 * 1024, 64 * 1024));
    GroupOutbox::Account of_unread, account;
    GroupOutbox::Item unread(scene.outbox, of_unread, order_of(9)), other(scene.outbox, account, order_of(1));
    scene.begin(unread.open());
    unread.settle(256 * 1024);
    struct Group {
        static asio::awaitable<void> send(std::unique_ptr<GroupOutbox::Item> item) {
            co_await item->open();
            auto written = item->stream().write(Bytes(std::vector<std::byte>(1)));
            co_await std::move(written);
            if (!item->has_room()) co_await item->room();
        }
    };
    auto sending = scene.begin(Group::send(std::make_unique<GroupOutbox::Item>(scene.outbox, account, order_of(1))));
    auto waiting = scene.begin(other.room());
    CHECK_FALSE(sending.done());
    auto accepted = run_to_end(scene.context, scene.link.server()->accept_uni());
    SECTION("by a stop") { accepted->stop(7); }
    SECTION("by leaving") {
        scene.link.server()->abandon_with(7);
        accepted.reset();
    }
    CHECK(sending.code() == stream_ended(7));
    CHECK_FALSE(waiting.done());
    unread.settle(0);
    settle_down(scene.context);
    CHECK(waiting.done());
}

TEST_CASE("the outbox: it stands still only while data waits and the peer takes none of it", "[session][outbox]") {
    Scene scene(limits(1 << 20, 1 << 20));
    CHECK_FALSE(scene.outbox.stands_still());
    GroupOutbox::Account account;
    GroupOutbox::Item item(scene.outbox, account, SendOrder());
    scene.begin(item.open());
    auto accepted = run_to_end(scene.context, [&]() -> asio::awaitable<std::unique_ptr<ReceiveStream>> {
        item.wrote(1);
        auto written = item.stream().write(Bytes(std::vector<std::byte>(1)));
        co_await std::move(written);
        co_return co_await scene.link.server()->accept_uni();
    }());
    scene.outbox.stands_still();
    item.wrote(1 << 20);
    auto written = scene.begin(item.stream().write(Bytes(std::vector<std::byte>(1 << 20))));
    scene.outbox.stands_still();
    CHECK(scene.outbox.stands_still());
    run_to_end(scene.context, accepted->read());
    settle_down(scene.context);
    CHECK_FALSE(scene.outbox.stands_still());
    CHECK(scene.outbox.stands_still());
    // The peer is not to blame for a group that waits for the application.
    item.stream().reset(0);
    scene.outbox.stands_still();
    CHECK_FALSE(scene.outbox.stands_still());
}

TEST_CASE("the outbox: a stream that the peer allows is there without a wait, 15 times in a row, unless another group waits",
          "[session][outbox]") {
    asio::io_context context;
    MemoryLink link(context.get_executor(), context.get_executor());
    GroupOutbox outbox(*link.client(), {}, nullptr);
    GroupOutbox::Account account;
    std::list<GroupOutbox::Item> items;
    std::list<Begun<void>> opening;
    const auto opens = [&] {
        auto &item = items.emplace_back(outbox, account, order_of(1));
        opening.emplace_back(context, item.open());
        return item.is_open();
    };
    // Nobody runs the outbox yet.
    for (int i = 0; i < 15; ++i) CHECK(opens());
    CHECK_FALSE(opens());
    CHECK_FALSE(opens());
    const Begun<void> running(context, outbox.run());
    for (const auto &item : items) CHECK(item.is_open());
    CHECK(opens());
}

TEST_CASE("the outbox: others on its executor have their turn after 16 streams that it opens", "[session][outbox]") {
    constexpr std::size_t groups = 1'000;
    asio::io_context context;
    MemoryLinkConfig config;
    config.max_streams = 2 * groups;
    MemoryLink link(context.get_executor(), context.get_executor(), std::move(config));
    CountingTransport transport(link.client());
    GroupOutbox outbox(transport, {}, nullptr);
    GroupOutbox::Account account;
    std::list<GroupOutbox::Item> items;
    std::vector<Begun<void>> opening;
    for (std::size_t i = 0; i < groups; ++i) {
        auto &item = items.emplace_back(outbox, account, order_of(1));
        opening.emplace_back(context, item.open());
    }
    asio::cancellation_signal end;
    asio::co_spawn(context, outbox.run(), asio::bind_cancellation_slot(end.slot(), asio::detached));
    Bystander bystander;
    asio::co_spawn(context, bystander.watch(transport.opened, groups), asio::detached);
    settle_down(context);
    CHECK(transport.opened == groups);
    for (const auto &item : items) CHECK(item.is_open());
    CHECK(bystander.steps >= groups / 16);
    CHECK(bystander.longest_wait <= 16);
    end.emit(asio::cancellation_type::terminal);
    settle_down(context);
}

}
