// Tracks on demand: a broadcast says what it could send, and makes a track when somebody asks for it.
//
// The catalog names three renditions. Only the one that a player chooses is ever encoded, once however many players
// chose it, and the encoder rests again when the last of them has left.
#include <comoq/comoq.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
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

asio::awaitable<void> serve(comoq::BroadcastDynamic broadcast) {
    auto executor = co_await asio::this_coro::executor;
    while (auto request = co_await broadcast.requested_track()) {
        if (catalog.find(request->name()) != std::string_view::npos) {
            asio::co_spawn(executor, encode(request->accept()), asio::detached);
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
        asio::co_spawn(context, serve(broadcast.dynamic()), asio::detached);
        asio::co_spawn(context, play("ann", broadcast.consume(), "720p"), asio::detached);
        asio::co_spawn(context, play("bob", broadcast.consume(), "720p"), asio::detached);
        asio::co_spawn(context, play("cid", broadcast.consume(), "9000p"), asio::detached);
        // Until nobody can get any further: the handler waits for the next request.
        context.poll();
        broadcast.finish();
        context.run();
    } catch (const std::exception &error) {
        fmt::print(stderr, "catalog_on_demand: {}\n", error.what());
        return 1;
    }
}
