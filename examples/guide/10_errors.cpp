// Errors as codes, as exceptions, and of an application's own.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <cstdint>
#include <exception>
#include <fmt/core.h>
#include <system_error>

// [codes]
asio::awaitable<void> as_codes(comoq::OriginConsumer origin) {
    auto [error, broadcast] = co_await origin.request_broadcast("nobody").as_tuple();
    if (error == comoq::Error::NotFound) fmt::print("there is none\n");
    if (error) co_return;
    fmt::print("it is here, and closed: {}\n", broadcast.is_closed());
}
// [codes]

// [exceptions]
asio::awaitable<void> as_exceptions(comoq::OriginConsumer origin) {
    try {
        co_await origin.request_broadcast("nobody");
    } catch (const std::system_error &error) {
        if (error.code() != comoq::Error::NotFound) throw;
        fmt::print("there is none either\n");
    }
}
// [exceptions]

// [own]
constexpr std::uint32_t out_of_paper = 7;

asio::awaitable<void> with_own_code() {
    comoq::BroadcastProducer broadcast;
    auto track = broadcast.create_track("pages");
    auto reader = co_await track.consume().subscribe();
    track.abort(comoq::app_error(out_of_paper));
    auto [error, group] = co_await reader.next_group().as_tuple();
    if (error == comoq::app_error(out_of_paper)) fmt::print("out of paper: {}\n", error.message());
}
// [own]

// [dropped]
asio::awaitable<void> without_finish() {
    comoq::TrackConsumer pages;
    {
        comoq::BroadcastProducer broadcast;
        auto track = broadcast.create_track("pages");
        pages = track.consume();
        track.write_frame(comoq::Bytes::copy("one"));
    }   // neither is finished
    auto reader = co_await pages.subscribe();   // what was written is still here
    auto [error, groups] = co_await reader.finished().as_tuple();
    fmt::print("pages: {}\n", error.message());
}
// [dropped]

asio::awaitable<void> show() {
    comoq::Origin origin;
    co_await as_codes(origin.consumer());
    co_await as_exceptions(origin.consumer());
    co_await with_own_code();
    co_await without_finish();
}

int main() {
    try {
        asio::io_context context;
        auto over = asio::co_spawn(context, show(), asio::use_future);
        context.run();
        over.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "10_errors: {}\n", error.what());
        return 1;
    }
    return 0;
}
