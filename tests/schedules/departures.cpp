// A track that its source gives up, a request that its handler gives up, and a step that goes, while a newcomer
// arrives.
#include <comoq/broadcast.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/co_spawn.hpp>

#include <memory>
#include <optional>
#include <utility>

#include "schedules/ended.hpp"
#include "schedules/loop.hpp"
#include "schedules/origin_of_test.hpp"
#include "support/catch.hpp"

using namespace comoq;
using namespace comoq::schedule;
using comoq::test::PlainTask;

namespace {

/// A broadcast with a handler for its requests.
struct Demand {
    Origin origin{same_in_every_run()};
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    BroadcastDynamic handler = broadcast.dynamic();

    auto subscribe() const { return broadcast.consume().track("video").subscribe(); }
    /// Takes a waiting request.
    std::optional<TrackRequest> take() {
        auto taking = handler.requested_track();
        if (!taking.ready()) return std::nullopt;
        Ended<std::optional<TrackRequest>> taken;
        const auto task = await(std::move(taking), taken);
        return std::move(*taken.value);
    }
};

}  // namespace

TEST_CASE("schedules: a track is retired, or somebody subscribes to it, and never both", "[schedules]") {
    const auto test = [](Run &run) {
        Demand demand;
        auto track = demand.broadcast.create_track("video");
        Ended<TrackSubscriber> before, newcomer;
        const auto subscribed = await(demand.subscribe(), before);
        PlainTask coming;
        bool is_retired = false;
        run.thread([&] { before.value.reset(); });
        run.thread([&] { coming = await(demand.subscribe(), newcomer); });
        run.thread([&] { is_retired = demand.broadcast.state(detail::Passkey())->retire_track(track.state(detail::Passkey())); });
        run.run();
        if (!is_retired) {
            run.check(newcomer.well() && track.stats().subscribers == 1, "the newcomer has no track");
            return;
        }
        run.check(track.stats().subscribers == 0, "somebody subscribes to a track that was given up");
        auto request = demand.take();
        run.check(request.has_value(), "the newcomer's request has reached nobody");
        const auto next = request->accept();
        run.check(newcomer.well() && next.stats().subscribers == 1, "the newcomer has not got the next track");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: a request that its handler gives up is not the one that a newcomer waits for", "[schedules]") {
    const auto test = [](Run &run) {
        Demand demand;
        std::optional leaving(demand.subscribe());
        auto request = demand.take();
        Ended<TrackSubscriber> newcomer;
        PlainTask coming;
        bool is_withdrawn = false;
        run.thread([&] { leaving.reset(); });
        run.thread([&] { coming = await(demand.subscribe(), newcomer); });
        run.thread([&] { is_withdrawn = request->withdraw(); });
        run.run();
        run.check(newcomer.times == 0, "the newcomer was told what nobody has said");
        if (is_withdrawn) request = demand.take();
        run.check(request.has_value(), "the newcomer's request has reached nobody");
        const auto track = request->accept();
        run.check(newcomer.well() && track.stats().subscribers == 1, "the newcomer has no track");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: of two steps of a subscriber one goes with its context, and the other gets the group", "[schedules]") {
    const auto test = [](Run &run) {
        Demand demand;
        auto track = demand.broadcast.create_track("video");
        Ended<TrackSubscriber> one, another;
        const auto first = await(demand.subscribe(), one), second = await(demand.subscribe(), another);
        auto loop = std::make_unique<Loop>();
        int told = 0;
        auto read = [&]() -> asio::awaitable<void> {
            const auto group = co_await one.value->recv_group().as_tuple();
            ++told;
        };
        asio::co_spawn(asio::any_io_executor(loop->executor()), read, [](std::exception_ptr) {});
        loop->poll();
        Ended<std::optional<GroupConsumer>> staying, beside;
        const auto stays = await(one.value->recv_group(), staying), reads = await(another.value->recv_group(), beside);
        run.thread([&] { loop.reset(); });
        run.thread([&] { track.append_group().finish(); });
        run.run();
        run.check(told == 0, "a coroutine ran that its context had destroyed");
        run.check(staying.well() && staying.value->has_value(), "the group has not reached the step that stayed");
        run.check(beside.well() && beside.value->has_value(), "the group has not reached the other subscriber");
    };
    Explorer(this_test()).explore(3, test);
}
