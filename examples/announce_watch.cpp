// Announcements: publishers come, go and replace each other, and a watcher sees the effect on each path.
//
// Active: a path has a broadcast. Restart: another one took its place without a gap. Ended: the path has none any more.
// When several publishers hold one path the shortest way wins, the one with the fewest hops; the others stand by.
#include <comoq/comoq.hpp>

#include <asio/io_context.hpp>
#include <cstdint>
#include <fmt/core.h>
#include <string_view>
#include <utility>
#include <vector>

namespace {

asio::awaitable<void> watch(comoq::AnnounceConsumer announced) {
    while (auto update = co_await announced.next()) {
        switch (update->event) {
        case comoq::Announcement::Event::Active:
            fmt::print("    Active   {} (hops: {})\n", update->path, update->broadcast.info().hops.size());
            break;
        case comoq::Announcement::Event::Restart:
            fmt::print("    Restart  {} (hops: {})\n", update->path, update->broadcast.info().hops.size());
            break;
        case comoq::Announcement::Event::Ended:
            fmt::print("    Ended    {}\n", update->path);
            break;
        }
    }
    fmt::print("    the origin is gone\n");
}

// The ids of the origins that a broadcast came through; their values do not matter below.
comoq::BroadcastInfo hops(std::uint64_t count) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t id = 1; id <= count; ++id) {
        ids.push_back(id);
    }
    return comoq::BroadcastInfo(std::move(ids));
}

}  // namespace

int main() {
    asio::io_context context;

    // Publishing is synchronous, and the watcher learns of it when its executor runs next. Running it after every step
    // makes the output the same each time; a watcher that is slower than the publishers sees fewer, merged updates.
    auto step = [&context](std::string_view what) {
        fmt::print("{}\n", what);
        context.poll();
    };

    comoq::TaskGroup tasks(context.get_executor());
    {
        comoq::Origin origin;
        auto producer = origin.producer();

        auto bob = producer.create_broadcast("room/bob");
        tasks.spawn(watch(origin.consumer().announced()));
        step("a watcher starts, and is told what was there before");

        auto far = producer.create_broadcast("room/alice", hops(2));
        step("alice arrives, two hops away");
        {
            auto near = producer.create_broadcast("room/alice", hops(1));
            step("alice arrives a second time, by a shorter way");
        }
        step("the shorter way is gone, and the longer one takes over");

        far.unannounce();
        step("the last way to alice is gone");

        {
            auto carol = producer.create_broadcast("room/carol");
        }
        step("carol came and left before anybody looked: nothing to tell");

        bob.producer().finish();
        step("bob ends his broadcast, which takes it off the list as well");
    }
    step("the origin and its last producer go");
}
