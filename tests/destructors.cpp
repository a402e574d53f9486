// Destructors that close or cancel something do so without memory, too.
#include <comoq/lite/session.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/detail/qmux/connection.hpp>
#include <comoq/detail/session/group_outbox.hpp>
#include <comoq/memory_transport.hpp>
#include <comoq/task_group.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/move_record.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace destructors_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Calls `act(scene)` with each allocation of it failing, in a scene of its own each time, and then `check(scene)`.
/// Returns the number of allocations, or 0 at once where they cannot fail.
template <class Scene, class Act, class Check> std::size_t without_memory(Act act, Check check) {
    if (!allocations_can_fail()) return 0;
    for (std::size_t point = 0;; ++point) {
        INFO("allocation " << point);
        Scene scene;
        bool failed = false;
        {
            FailingAllocation failing(point);
            act(scene);
            failed = failing.stop();
        }
        check(scene);
        if (!failed) return point;
    }
}

/// Two connections over which records move when the test says so.
struct Connections {
    Connections() { settle(); }
    ~Connections() {
        for (const auto &each : {one, other}) each->close({}, {});
        settle();
    }
    void settle() {
        for (bool more = true; more;) {
            run_handlers(context);
            more = move_record(*one, *other);
            more = move_record(*other, *one) || more;
        }
        run_handlers(context);
    }
    std::shared_ptr<qmux::Connection> side(bool is_client) {
        qmux::ConnectionConfig config;
        config.protocols = {"moq-lite-05"};
        return std::make_shared<qmux::Connection>(context.get_executor(), is_client, std::move(config));
    }
    asio::io_context context;
    std::shared_ptr<qmux::Connection> one = side(true), other = side(false);
};

struct QmuxSession : Connections {
    QmuxSession() { settle(); }
    std::optional<lite::Session> session{std::in_place, one};
    Waiting<std::error_code> ended = wait(session->closed());
};

struct Links {
    Links() : link(context.get_executor(), context.get_executor()) {}
    asio::io_context context;
    MemoryLink link;
};
struct MemorySession : Links {
    MemorySession() { run_handlers(context); }
    std::optional<lite::Session> session{std::in_place, link.client()};
    Waiting<std::error_code> ended = wait(session->closed());
};

/// Streams of each kind, with unsent data, whose handles are about to go.
template <class Base> struct Streams : Base {
    Streams() {
        for (int i = 0; i < 3; ++i) {
            bidi.push_back(opened(local()->open_bidi()));
            uni.push_back(opened(local()->open_uni()));
            const auto written = bidi.back().send->write(Bytes::copy("unsent"));
            const auto written_too = uni.back()->write(Bytes::copy("unsent"));
        }
        run_handlers(this->context);
    }
    std::shared_ptr<Transport> local() {
        if constexpr (std::is_same_v<Base, Links>)
            return this->link.client();
        else
            return this->one;
    }
    template <class T> T opened(asio::awaitable<T> opening) { return run_to_end(this->context, std::move(opening)); }
    void drop_all() {
        bidi.clear();
        uni.clear();
    }
    std::vector<BidiStream> bidi;
    std::vector<std::unique_ptr<SendStream>> uni;
};

}  // namespace

TEST_CASE("destructors: without memory, a session's closes it over qmux, and tells the peer", "[destructors][qmux]") {
    const auto close = [](QmuxSession &scene) { scene.session.reset(); };
    const auto is_over = [](QmuxSession &scene) {
        CHECK(scene.one->is_closed());
        scene.settle();
        CHECK(scene.ended.value() == std::error_code());
        CHECK(scene.other->is_closed());
        CHECK(scene.other->close_code() == std::error_code());
    };
    without_memory<QmuxSession>(close, is_over);
}

TEST_CASE("destructors: without memory, a session's closes it over memory", "[destructors]") {
    const auto close = [](MemorySession &scene) { scene.session.reset(); };
    const auto is_over = [](MemorySession &scene) {
        run_handlers(scene.context);
        CHECK(scene.ended.value() == std::error_code());
        CHECK(run_to_end(scene.context, scene.link.server()->closed()) == std::error_code());
    };
    without_memory<MemorySession>(close, is_over);
}

TEST_CASE("destructors: without memory, close tells the peer the number, if not the reason", "[destructors][qmux]") {
    const std::string reason(500, 'x');
    const auto close = [&reason](Connections &scene) { scene.one->close(0x11, reason); };
    const auto is_told = [](Connections &scene) {
        CHECK(scene.one->close_code() == connection_ended(0x11));
        scene.settle();
        CHECK(scene.other->close_code() == connection_ended(0x11));
    };
    CHECK((without_memory<Connections>(close, is_told) > 0 || !allocations_can_fail()));
}

TEST_CASE("destructors: without memory, streams go, and the peer is told over qmux", "[destructors][qmux]") {
    using Scene = Streams<Connections>;
    const auto is_over = [](Scene &scene) {
        scene.settle();
        CHECK(scene.one->open_streams() == 0);
        CHECK_FALSE(scene.one->is_closed());
    };
    without_memory<Scene>([](Scene &scene) { scene.drop_all(); }, is_over);
}

TEST_CASE("destructors: without memory, streams go over memory", "[destructors]") {
    using Scene = Streams<Links>;
    const auto goes_on = [](Scene &scene) {
        run_handlers(scene.context);
        // Whatever was late is delivered with what follows.
        scene.uni.push_back(scene.opened(scene.local()->open_uni()));
        const auto written = scene.uni.back()->write(Bytes::copy("x"));
        run_handlers(scene.context);
        CHECK(scene.link.open_streams() > 0);
    };
    const auto points = without_memory<Scene>([](Scene &scene) { scene.drop_all(); }, goes_on);
    CHECK((points > 0 || !allocations_can_fail()));
}

TEST_CASE("destructors: without memory, an item of the outbox that goes gives its stream up", "[destructors][outbox]") {
    struct Scene : Links {
        Scene() : outbox(*link.client(), {}, nullptr) {
            asio::co_spawn(context, outbox.run(), [this](const std::exception_ptr &) { is_over = true; });
            asio::co_spawn(context, hold(*this), asio::bind_cancellation_slot(leave.slot(), asio::detached));
        }
        ~Scene() {
            link.cut();
            run_handlers(context);
        }
        static asio::awaitable<void> hold(Scene &scene) {
            detail::GroupOutbox::Item item(scene.outbox, scene.account, SendOrder());
            co_await item.open();
        }
        bool is_over = false;
        asio::cancellation_signal leave;
        detail::GroupOutbox outbox;
        detail::GroupOutbox::Account account;
    };
    if (!allocations_can_fail()) return;
    std::size_t went_on = 0;
    // After some of these steps it has a stream, and has not been resumed to take it.
    for (std::size_t steps = 0; steps < 12; ++steps) {
        for (std::size_t point = 0;; ++point) {
            INFO("allocation " << point << " after " << steps << " steps");
            Scene scene;
            run_handlers(scene.context, steps);
            scene.leave.emit(asio::cancellation_type::terminal);
            FailingAllocation failing(point);
            run_handlers(scene.context);
            if (!failing.stop()) break;
            run_handlers(scene.context);
            // Without the coroutine that opens streams a session is over.
            if (scene.is_over) continue;
            ++went_on;
            // The others go on: one that comes now gets a stream.
            detail::GroupOutbox::Item next(scene.outbox, scene.account, SendOrder());
            run_to_end(scene.context, next.open());
            CHECK(next.is_open());
        }
    }
    CHECK(went_on > 0);
}

namespace {

/// Waits until it is cancelled. The first `refusals` attempts to cancel it find no memory.
asio::awaitable<void> hard_to_cancel(int &refusals) {
    const auto begin = [&refusals](auto handler) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto kept = std::make_shared<decltype(handler)>(std::move(handler));
        slot.assign([&refusals, kept](asio::cancellation_type) {
            if (refusals-- > 0) throw std::bad_alloc();
            auto executor = asio::get_associated_executor(*kept);
            asio::post(executor, [kept] { std::move (*kept)(make_error_code(asio::error::operation_aborted)); });
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<> &, void(std::error_code)>(begin, asio::use_awaitable);
}

}  // namespace

TEST_CASE("destructors: a task group whose tasks find no memory to be cancelled cancels them later",
          "[destructors][task_group]") {
    asio::io_context context;
    int refusals = 1, none = 0;
    std::size_t over = 0;
    const auto ended = [&over](const std::exception_ptr &) { ++over; };
    {
        TaskGroup group(context.get_executor());
        group.spawn(hard_to_cancel(refusals), ended);
        group.spawn(hard_to_cancel(none), ended);
        run_handlers(context);
    }
    run_handlers(context);
    CHECK(over == 2);
    CHECK(context.stopped());
}

TEST_CASE("destructors: a coroutine that waits for a group cancels tasks until there is memory for it",
          "[destructors][task_group]") {
    asio::io_context context;
    int refusals = 5;
    Disturbed waiting;
    const auto body = [&refusals](TaskGroup &group) -> asio::awaitable<void> {
        group.spawn(hard_to_cancel(refusals));
        co_await hard_to_cancel(refusals);
    };
    waiting.start(context, with_task_group(body));
    run_handlers(context);
    CHECK_FALSE(waiting.is_over());
    waiting.cancel();
    run_handlers(context);
    CHECK(waiting.is_over());
    CHECK(waiting.was_cancelled());
}

}
