// Requests for broadcasts: the table, `Pending`, and the waits of both kinds of coroutines, under every schedule.
#include <comoq/origin.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/co_spawn.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "schedules/ended.hpp"
#include "schedules/loop.hpp"
#include "schedules/origin_of_test.hpp"
#include "support/catch.hpp"

using namespace comoq;
using namespace comoq::schedule;

namespace {

using Answer = Ended<BroadcastConsumer>;
using Taken = Ended<std::optional<BroadcastRequest>>;

/// An origin with one handler for everything.
struct Served {
    Origin origin{same_in_every_run()};
    OriginProducer producer = origin.producer();
    OriginConsumer consumer = origin.consumer();
    std::optional<OriginDynamic> handler = producer.dynamic();
    BroadcastProducer broadcast = producer.make_broadcast();

    auto ask() const { return consumer.request_broadcast("room/alice"); }
    std::optional<BroadcastRequest> take() {
        auto taking = handler->requested_broadcast();
        if (!taking.ready()) return std::nullopt;
        Taken taken;
        const auto task = await(std::move(taking), taken);
        return std::move(*taken.value);
    }
    bool nothing_left() {
        handler.reset();
        const auto stats = origin.stats();
        return stats.pending == 0 && stats.handlers == 0 && stats.watchers == 0;
    }
};

}  // namespace

TEST_CASE("schedules: two requesters share one request, and both get what its handler answers", "[schedules]") {
    const auto test = [](Run &run) {
        Served served;
        Answer first, second;
        Taken one, another;
        test::PlainTask tasks[4];
        run.thread([&] { tasks[0] = await(served.ask(), first); });
        run.thread([&] { tasks[1] = await(served.ask(), second); });
        run.thread([&] {
            tasks[2] = await(served.handler->requested_broadcast(), one);
        });
        run.run();
        run.check(one.times == 1 && one.value->has_value(), "the handler got no request");
        tasks[3] = await(served.handler->requested_broadcast(), another);
        run.check(another.times == 0, "the handler got a second request for one path");
        run.check(first.times == 0 && second.times == 0, "somebody got an answer that nobody gave");
        (*one.value)->accept(served.broadcast.consume());
        run.check(first.well() && second.well(), "not everybody got the answer once");
        run.check(served.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: an answer, a requester's departure and another's arrival", "[schedules]") {
    const auto test = [](Run &run) {
        Served served;
        Answer stayer;
        std::optional leaving(served.ask());
        auto request = served.take();
        test::PlainTask staying;
        run.thread([&] { leaving.reset(); });
        run.thread([&] { staying = await(served.ask(), stayer); });
        run.thread([&] { request->accept(served.broadcast.consume()); });
        run.run();
        run.check(stayer.well(), "the one that stayed was not told once");
        run.check(served.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: a request that nobody has taken goes with the last who wants it, and not before", "[schedules]") {
    const auto test = [](Run &run) {
        Served served;
        Answer stayer;
        std::optional one(served.ask()), another(served.ask());
        test::PlainTask staying;
        run.thread([&] { one.reset(); });
        run.thread([&] { another.reset(); });
        run.thread([&] { staying = await(served.ask(), stayer); });
        run.run();
        run.check(stayer.times == 0 && served.origin.stats().pending == 1, "the one that stayed is not waiting");
        auto request = served.take();
        run.check(request.has_value(), "the request of the one that stayed has gone");
        request->accept(served.broadcast.consume());
        run.check(stayer.well(), "the one that stayed was not told once");
        served.broadcast.finish();
        one.emplace(served.ask());
        one.reset();
        run.check(!served.take() && served.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: of accept, reject, an announcement and the handler's end one decides", "[schedules]") {
    const auto test = [](Run &run) {
        Served served;
        Answer answer;
        const auto task = await(served.ask(), answer);
        auto request = served.take();
        auto announced = served.producer.make_broadcast();
        std::optional<OriginPublish> guard;
        int settled = 0;
        run.thread([&] { settled += request->reject(make_error_code(Error::Unauthorized)) ? 1 : 0; });
        run.thread([&] { guard = served.producer.publish_broadcast("room/alice", announced.consume()); });
        run.thread([&] { served.handler.reset(); });
        run.run();
        run.check(answer.times == 1, "the requester was not told once");
        run.check(answer.with(make_error_code(Error::Unauthorized)) == (settled == 1), "the loser has decided");
        run.check(settled == 1 || answer.well(), "nobody has decided");
        guard.reset();
        request.reset();
        run.check(served.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: a request that its handler leaves untaken is refused, whoever comes first", "[schedules]") {
    const auto test = [](Run &run) {
        Served served;
        Answer first, second;
        test::PlainTask tasks[2];
        run.thread([&] { tasks[0] = await(served.ask(), first); });
        run.thread([&] { served.handler.reset(); });
        run.thread([&] { tasks[1] = await(served.ask(), second); });
        run.run();
        run.check(first.with(make_error_code(Error::NotFound)), "the first was not refused once");
        run.check(second.with(make_error_code(Error::NotFound)), "the second was not refused once");
        run.check(served.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: an asio coroutine gets its answer from another thread through its executor", "[schedules]") {
    const auto test = [](Run &run) {
        Served served;
        Loop loop;
        Answer answer;
        auto ask = [&]() -> asio::awaitable<void> {
            auto [ec, value] = co_await served.ask().as_tuple();
            ++answer.times;
            answer.ec = ec;
        };
        int requests = 0;
        auto serve = [&]() -> test::PlainTask {
            for (;;) {
                auto request = co_await served.handler->requested_broadcast();
                if (!request) co_return;
                ++requests;
                request->accept(served.broadcast.consume());
            }
        };
        test::PlainTask serving;
        for (int i = 0; i < 2; ++i) run.server([&] { loop.serve(); });
        run.thread([&] { asio::co_spawn(asio::any_io_executor(loop.executor()), ask, [](std::exception_ptr) {}); });
        run.thread([&] { serving = serve(); });
        run.run();
        run.check(requests == 1, "the request did not reach its handler once");
        run.check(answer.well(), "the coroutine was not told once");
        run.check(served.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(1, test);
}

TEST_CASE("schedules: a context may go while another thread answers a wait on it", "[schedules]") {
    const auto test = [](Run &run) {
        Served served;
        auto loop = std::make_unique<Loop>();
        int told = 0;
        auto ask = [&]() -> asio::awaitable<void> {
            const auto answer = co_await served.ask().as_tuple();
            ++told;
        };
        asio::co_spawn(asio::any_io_executor(loop->executor()), ask, [](std::exception_ptr) {});
        loop->poll();
        auto request = served.take();
        run.thread([&] { loop.reset(); });
        run.thread([&] { request->accept(served.broadcast.consume()); });
        run.run();
        run.check(told == 0, "a coroutine ran that its context had destroyed");
        run.check(served.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(5, test);
}

TEST_CASE("schedules: a request reaches a handler that waits, though the context of another one goes at that moment", "[schedules]") {
    const auto test = [](Run &run) {
        Served served;
        auto loop = std::make_unique<Loop>();
        int told = 0;
        auto serve = [&]() -> asio::awaitable<void> {
            const auto request = co_await served.handler->requested_broadcast().as_tuple();
            ++told;
        };
        asio::co_spawn(asio::any_io_executor(loop->executor()), serve, [](std::exception_ptr) {});
        loop->poll();
        Taken staying;
        const auto stays = await(served.handler->requested_broadcast(), staying);
        std::optional<decltype(served.ask())> asked;
        run.thread([&] { asked.emplace(served.ask()); });
        run.thread([&] { loop.reset(); });
        run.run();
        run.check(told == 0, "a coroutine ran that its context had destroyed");
        run.check(staying.times == 1 && staying.value->has_value(), "the request has reached nobody");
        staying.value.reset();
        asked.reset();
        run.check(served.nothing_left(), "something is left");
    };
    Explorer(this_test()).explore(5, test);
}
