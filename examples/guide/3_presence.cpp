// A room: each member publishes a broadcast below the room's path and watches who else does.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <fmt/core.h>
#include <string>
#include <utility>

using namespace std::chrono_literals;

// [member]
asio::awaitable<void> take_part(comoq::OriginProducer room, std::string name, std::chrono::milliseconds stay) {
    auto presence = room.create_broadcast(name);
    auto chat = presence.producer().create_track("chat");
    chat.write_frame(comoq::Bytes(fmt::format("hello, I am {}", name)));
    co_await comoq::sleep_for(stay);
    chat.finish();
    presence.producer().finish();
}   // the end of `presence` ends the announcement
// [member]

// [listen]
asio::awaitable<void> listen(comoq::Path path, comoq::BroadcastConsumer member) {
    auto chat = co_await member.track("chat").subscribe();
    while (auto line = co_await chat.read_frame()) fmt::print("{}: {}\n", path, line->payload.view());
}
// [listen]

// [watch]
asio::awaitable<void> watch(comoq::OriginConsumer room, int leavers) {
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        auto changes = room.announced();
        while (auto change = co_await changes.next()) {
            if (change->event == comoq::Announcement::Event::Ended) {
                fmt::print("{} has left\n", change->path);
                if (--leavers == 0) co_return;
            } else {
                fmt::print("{} is here\n", change->path);
                tasks.spawn(listen(change->path, change->broadcast));
            }
        }
    };
    co_await comoq::with_task_group(body);
}
// [watch]

int main() {
    try {
        asio::io_context context;
        comoq::Origin origin;
        // [rooms]
        const auto room = origin.producer().with_root("room/42").value();
        const auto seen = origin.consumer().with_root("room/42").value();
        auto watched = asio::co_spawn(context, watch(seen, 2), asio::use_future);
        auto alice = asio::co_spawn(context, take_part(room, "alice", 60ms), asio::use_future);
        auto bob = asio::co_spawn(context, take_part(room, "bob", 20ms), asio::use_future);
        // [rooms]
        context.run();
        alice.get();
        bob.get();
        watched.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "3_presence: {}\n", error.what());
        return 1;
    }
    return 0;
}
