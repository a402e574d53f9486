// What the streams of a session are told of an origin, and a broadcast that was lent, under every schedule.
// First: the seeded defects in headers ask it.
#include "schedules/scheduler.hpp"

#include <comoq/detail/relay/lease.hpp>
#include <comoq/detail/session/announce_feed.hpp>
#include <comoq/origin.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "schedules/ended.hpp"
#include "schedules/origin_of_test.hpp"
#include "support/catch.hpp"

using namespace comoq;
using namespace comoq::schedule;
using comoq::test::PlainTask;
using detail::AnnounceFeed;
using detail::Lease;

namespace {

/// What the peer at the other end of a stream knows.
struct Known {
    std::set<std::string> paths;
    std::optional<std::size_t> promised;
    std::size_t announcements = 0;
    bool makes_sense = true, over = false;
};

PlainTask follow(AnnounceFeed::Follower follower, Known &known) {
    for (;;) {
        const auto batch = co_await follower.next();
        if (batch.count) known.promised = *batch.count;
        for (const auto &told : batch.told) {
            known.announcements += told.active ? 1 : 0;
            const bool is_new = told.active ? known.paths.insert(*told.path).second : known.paths.erase(*told.path) == 1;
            known.makes_sense = known.makes_sense && known.promised && is_new;
        }
        if (batch.ended) break;
    }
    known.over = true;
}

}  // namespace

TEST_CASE("schedules: the streams of a session know what is announced, and get the number that they were promised", "[schedules]") {
    const auto test = [](Run &run) {
        Origin origin(same_in_every_run());
        std::optional producer(origin.producer());
        auto broadcast = producer->make_broadcast();
        std::optional leaving(producer->publish_broadcast("room/alice", broadcast.consume()));
        std::optional<OriginPublish> staying;
        const auto consumer = origin.consumer();
        const auto feed = std::make_shared<AnnounceFeed>(consumer.state(detail::Passkey()), std::vector<std::uint64_t>());
        const auto stream = [&] { return AnnounceFeed::Follower(feed, consumer.view(detail::Passkey()), false); };
        Known before, during;
        const auto following = follow(stream(), before);
        PlainTask late;
        run.thread([&] { leaving.reset(); });
        run.thread([&] { late = follow(stream(), during); });
        run.thread([&] { staying = producer->publish_broadcast("room/bob", broadcast.consume()); });
        run.run();
        for (const Known *known : {&before, &during}) {
            run.check(known->makes_sense, "a stream was told what cannot be");
            run.check(known->paths == std::set<std::string>{"room/bob"}, "a stream does not know what is announced");
            run.check(known->promised && known->announcements >= *known->promised, "a stream was promised more than came");
        }
        staying.reset();
        run.check(before.paths.empty() && during.paths.empty(), "a stream does not know what has ended");
        producer.reset();
        { const auto gone = std::move(origin); }
        run.check(before.over && during.over, "a stream was not told of the end");
    };
    Explorer(this_test()).explore(2, test);
}

TEST_CASE("schedules: a broadcast is lent until its last holder lets go of it, and nobody finds it afterwards", "[schedules]") {
    const auto test = [](Run &run) {
        BroadcastProducer broadcast;
        Lease lease(broadcast.consume());
        const auto over = [&lease] { return lease.over().ready(); };
        std::optional holder(lease.give());
        int told = 0;
        const auto wait = [&]() -> PlainTask {
            co_await lease.over();
            ++told;
        };
        PlainTask waiting;
        run.thread([&] { holder.reset(); });
        run.thread([&] {
            const bool was_over = over();
            std::optional found(lease.held().lock());
            run.check(!was_over || *found == nullptr, "a broadcast was found that nobody holds any more");
            if (*found != nullptr) run.check(!over() && told == 0, "a broadcast went though somebody holds it");
        });
        run.thread([&] { waiting = wait(); });
        run.run();
        run.check(told == 1 && over(), "the end was not told once");
        run.check(lease.held().expired(), "a broadcast stays that nobody holds any more");
    };
    Explorer(this_test()).explore(3, test);
}
