// Broadcasts, tracks and groups that are made when somebody asks for them.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <exception>
#include <fmt/core.h>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

// [groups]
asio::awaitable<void> serve_groups(comoq::TrackDynamic handler) {
    while (auto request = co_await handler.requested_group()) {
        if (request->sequence() >= 100) {
            request->reject(comoq::Error::NotFound);
            continue;
        }
        auto group = request->accept();
        group.write_frame(comoq::Bytes(fmt::format("page {}", group.sequence())));
        group.finish();
    }
}
// [groups]

// [tracks]
asio::awaitable<void> serve_tracks(comoq::BroadcastDynamic handler) {
    std::vector<comoq::TrackProducer> tracks;
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        while (auto request = co_await handler.requested_track()) {
            if (request->name() == "pages") {
                auto pages = request->dynamic();   // before the track exists, so that no fetch comes too early
                tracks.push_back(request->accept());
                tasks.spawn(serve_groups(std::move(pages)));
            } else {
                request->reject(comoq::Error::NotFound);
            }
        }
    };
    co_await comoq::with_task_group(body);
}
// [tracks]

// [broadcasts]
asio::awaitable<void> serve_book(comoq::OriginProducer origin, comoq::BroadcastRequest request) {
    auto broadcast = origin.make_broadcast();
    auto handler = broadcast.dynamic();  // before anybody can ask for a track
    if (!request.accept(broadcast.consume())) co_return;   // all who asked have left
    co_await comoq::first_of(serve_tracks(handler), broadcast.unused());
}

asio::awaitable<void> serve_library(comoq::OriginProducer origin, comoq::OriginDynamic handler) {
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        while (auto request = co_await handler.requested_broadcast()) {
            tasks.spawn(serve_book(origin, std::move(*request)));
        }
    };
    co_await comoq::with_task_group(body);
}
// [broadcasts]

// [read]
asio::awaitable<void> read(comoq::OriginConsumer origin) {
    auto book = co_await origin.request_broadcast("books/moby-dick");
    auto page = co_await book.track("pages").fetch_group(41);
    auto text = co_await page.read_frame();
    fmt::print("{}\n", text->payload.view());

    auto [error, missing] = co_await book.track("pages").fetch_group(100).as_tuple();
    fmt::print("page 100: {}\n", error.message());
}
// [read]

asio::awaitable<void> show() {
    comoq::Origin origin;
    const auto books = origin.producer().with_root("books").value();
    co_await comoq::first_of(serve_library(books, books.dynamic()), read(origin.consumer()));
    fmt::print("announced: {}\n", origin.stats().announced);
}

int main() {
    try {
        asio::io_context context;
        auto over = asio::co_spawn(context, show(), asio::use_future);
        context.run();
        over.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "4_on_demand: {}\n", error.what());
        return 1;
    }
    return 0;
}
