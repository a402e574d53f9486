// The call that connects makes sessions of MoQ Transport, too, when the protocols name it.
#include <comoq/net/web_schemes.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>

#include "net/net_scene.hpp"
#include "support/catch.hpp"

namespace web_connect_ietf_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

ListenConfig of_all_protocols() {
    ListenConfig config;
    config.protocols = all_protocols();
    return config;
}
ConnectConfig client_of(Origin &origin, const std::string &protocol) {
    ConnectConfig config;
    config.protocols = {protocol};
    config.session.publish = origin.consumer();
    config.session.subscribe = origin.producer();
    return config;
}

}  // namespace

TEST_CASE("connect: the session is one of MoQ Transport where the protocols name that, and its path is the URL's", "[net][ietf]") {
    for (const std::string protocol : {"moqt-18", "moqt-20", "moqt-22", "moq-lite-05"}) {
        INFO(protocol);
        asio::io_context context;
        NetServer server(context, "ws://127.0.0.1:0", of_all_protocols());
        auto published = server.there.producer().create_broadcast("room/alice");
        auto broadcast = published.producer();
        auto track = broadcast.create_track("text");
        track.write_frame(Bytes::copy("hello"));
        Origin here;
        auto connected = connect_now(context, server.url("/room"), client_of(here, protocol));
        REQUIRE(connected.session);
        CHECK(connected.session->protocol() == protocol);
        CHECK((connected.session->as_ietf() != nullptr) == (protocol != "moq-lite-05"));
        run_until(context, [&] { return here.stats().announced == 1; });
        std::string text;
        const auto read = [](Origin &from, std::string &to) -> asio::awaitable<void> {
            auto alice = co_await from.consumer().announced_broadcast("alice");
            auto subscriber = co_await alice.track("text").subscribe();
            if (auto frame = co_await subscriber.read_frame()) to = std::string(frame->payload.view());
        };
        asio::co_spawn(context, read(here, text), [](const std::exception_ptr &) {});
        run_until(context, [&] { return !text.empty(); });
        CHECK(text == "hello");
        connected.session->close();
        server.end();
    }
}

TEST_CASE("keep_connected with a URL keeps sessions of MoQ Transport", "[net][ietf]") {
    asio::io_context context;
    NetServer server(context, "ws://127.0.0.1:0", of_all_protocols());
    Origin here;
    const auto published = here.producer().create_broadcast("mine");
    lite::ReconnectConfig retry;
    std::string protocol;
    retry.on_change = [&protocol](const lite::ConnectionEvent &event) {
        if (event.kind == lite::ConnectionEvent::Kind::Connected) protocol = event.protocol;
    };
    asio::cancellation_signal cancel;
    bool over = false;
    asio::co_spawn(context, keep_connected(server.url(), client_of(here, "moqt-18"), std::move(retry)),
                   asio::bind_cancellation_slot(cancel.slot(), [&over](const std::exception_ptr &) { over = true; }));
    run_until(context, [&] { return server.there.stats().announced == 1; });
    CHECK(protocol == "moqt-18");
    cancel.emit(asio::cancellation_type::terminal);
    run_until(context, [&] { return over; });
    server.end();
}

}  // namespace web_connect_ietf_tests
