// Tracks on demand: a broadcast lists the tracks that it can send, and makes one on request.
//
// The catalog names three renditions. Only the one that players choose is encoded, once for any number of players, and
// the encoder stops when the last of them has left.
#include <comoq/comoq.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <exception>
#include <fmt/core.h>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::string_view catalog = "360p 720p 1080p";

asio::awaitable<void> encode(comoq::TrackProducer track) {
    fmt::print("encoder: {} begins\n", track.name());
    for (int group = 0; group < 3; ++group) {
        track.write_frame(comoq::Bytes::copy(fmt::format("{} group {}", track.name(), group)));
    }
    co_await track.unused();
    fmt::print("encoder: {} ends, nobody watches it any more\n", track.name());
    track.finish();
}

asio::awaitable<void> serve(comoq::TaskGroup &tasks, comoq::BroadcastDynamic broadcast) {
    while (auto request = co_await broadcast.requested_track()) {
        if (catalog.find(request->name()) != std::string_view::npos) {
            tasks.spawn(encode(request->accept()));
        } else {
            fmt::print("encoder: there is no {}\n", request->name());
            request->reject(comoq::Error::NotFound);
        }
    }
}

asio::awaitable<void> play(std::string player, comoq::BroadcastConsumer broadcast, std::string rendition) {
    auto listing = co_await broadcast.track("catalog").subscribe();
    auto choice = co_await listing.read_frame();
    fmt::print("{}: chooses {} of {}\n", player, rendition, choice->payload.view());

    auto subscribing = broadcast.track(rendition).subscribe();
    auto [code, track] = co_await std::move(subscribing).as_tuple();
    if (code) {
        fmt::print("{}: {}\n", player, code.message());
        co_return;
    }
    for (int frames = 0; frames < 2; ++frames) {
        auto frame = co_await track.read_frame();
        fmt::print("{}: {}\n", player, frame->payload.view());
    }
}

}  // namespace

int main() {
    try {
        asio::io_context context;
        comoq::BroadcastProducer broadcast;
        auto listing = broadcast.create_track("catalog");
        listing.write_frame(comoq::Bytes::copy(catalog));
        comoq::TaskGroup tasks(context.get_executor());
        tasks.spawn(serve(tasks, broadcast.dynamic()));
        tasks.spawn(play("ann", broadcast.consume(), "720p"));
        tasks.spawn(play("bob", broadcast.consume(), "720p"));
        tasks.spawn(play("cid", broadcast.consume(), "9000p"));
        // Runs until no coroutine can continue: the handler waits for the next request.
        context.poll();
        broadcast.finish();
        // Throws the failure of a task.
        auto over = asio::co_spawn(context, tasks.join(), asio::use_future);
        context.restart();
        context.run();
        over.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "catalog_on_demand: {}\n", error.what());
        return 1;
    }
}
