// Configs that are made inside a co_await expression, where GCC 12 destroys the members of such a struct twice.
#include <comoq/comoq.hpp>
#include <comoq/lite/keep_connected.hpp>
#include <comoq/memory_transport.hpp>
#include <comoq/net/listen_config.hpp>
#include <comoq/qmux/connection_config.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"

namespace configs_tests {

using namespace comoq;

namespace {

using Owner = std::shared_ptr<std::atomic<std::int64_t>>;

asio::awaitable<std::shared_ptr<Transport>> refuse() {
    throw std::system_error(make_error_code(Error::Transport));
    co_return nullptr;
}
asio::awaitable<std::size_t> length(qmux::ConnectionConfig config) {
    co_return config.protocol.size() + config.protocols.size() + config.parameters.protocols.size();
}
asio::awaitable<std::size_t> length(qmux::TransportParameters parameters) { co_return parameters.protocols.size(); }
asio::awaitable<std::size_t> length(ServerTlsConfig config) { co_return config.certificate_file.size() + config.key_file.size(); }
asio::awaitable<std::uint64_t> id_of(OriginConfig config) { co_return Origin(std::move(config)).id(); }
asio::awaitable<std::size_t> size_of(Frame frame) { co_return frame.payload.size(); }
asio::awaitable<std::size_t> size_of(Datagram datagram) { co_return datagram.payload.size(); }
asio::awaitable<std::size_t> hops_of(BroadcastInfo info) { co_return info.hops.size(); }
asio::awaitable<std::string> protocol_of(MemoryLinkConfig config) { co_return config.protocol; }
asio::awaitable<std::uint8_t> priority_of(Subscription wishes) { co_return wishes.priority; }
asio::awaitable<std::uint8_t> priority_of(TrackInfo info) { co_return info.priority; }

Clock clock_that_owns(Owner owner) {
    return [owner = std::move(owner)] { return std::chrono::steady_clock::time_point(std::chrono::seconds(owner->load())); };
}
Bytes bytes_of(const Owner &owner) {
    return Bytes(std::shared_ptr<const void>(owner), std::as_bytes(std::span(owner.get(), 1)));
}

asio::awaitable<void> keep_connected(Owner &owner) {
    co_await lite::keep_connected(refuse, lite::ReconnectConfig{.session = {.announcements_left = owner}});
}
asio::awaitable<void> keep_connected_braces(Owner &owner) {
    co_await lite::keep_connected(refuse, {.session = {.announcements_left = owner}, .on_demand = false});
}
asio::awaitable<void> reconnecting(Owner &owner) {
    const std::function<void(std::error_code, std::chrono::milliseconds)> told = [owner](std::error_code, std::chrono::milliseconds) {};
    const std::function<asio::awaitable<std::shared_ptr<Transport>>(std::string)> elsewhere = [owner](std::string) { return refuse(); };
    const std::function<bool(std::error_code)> is_final = [owner](std::error_code) { return true; };
    const std::function<void(const lite::ConnectionEvent &)> seen = [owner](const lite::ConnectionEvent &) {};
    try {
        co_await lite::keep_connected(refuse, {.connect_to = elsewhere, .on_retry = told, .on_change = seen, .gives_up_on = is_final});
        FAIL("it gives up");
    } catch (const std::system_error &error) {
        CHECK(error.code() == Error::Transport);
    }
}
asio::awaitable<void> parameters(Owner &owner) {
    const std::vector<std::string> protocols(3, "a protocol that has a long name");
    CHECK(co_await length(qmux::TransportParameters{.protocols = protocols}) == 3);
    const std::shared_ptr<const quic::ServerCredentials> credentials(owner, nullptr);
    CHECK(co_await length(ServerTlsConfig{.certificate_file = "a file that has a long name", .key_file = "and its key, likewise so", .quic = credentials}) == 51);
}
asio::awaitable<void> connection(Owner &owner) {
    CHECK(co_await length(qmux::ConnectionConfig(qmux::Version::Draft01, qmux::default_parameters(),
                                                 "a protocol that has a long name", {}, clock_that_owns(owner))) == 31);
}
asio::awaitable<void> origin(Owner &owner) {
    CHECK(co_await id_of(OriginConfig{.id = 7, .clock = clock_that_owns(owner)}) == 7);
    CHECK(co_await id_of({.id = 8, .max_pending_requests = 3, .clock = clock_that_owns(owner)}) == 8);
}
asio::awaitable<void> values(Owner &owner) {
    CHECK(co_await size_of(Frame{Timestamp(), bytes_of(owner)}) == sizeof(*owner));
    CHECK(co_await size_of(Datagram{7, Timestamp(), bytes_of(owner)}) == sizeof(*owner));
    CHECK(co_await hops_of(BroadcastInfo(std::vector<std::uint64_t>(3, 1))) == 3);
    CHECK(co_await priority_of(Subscription{.priority = 3, .start = 7}) == 3);
    CHECK(co_await priority_of(TrackInfo{.priority = 4}) == 4);
    CHECK(co_await priority_of(TrackInfo{.priority = 4, .properties = bytes_of(owner)}) == 4);
    const TrackProperties properties(bytes_of(owner));
    CHECK(co_await priority_of(TrackInfo{.priority = 5, .properties = properties}) == 5);
    CHECK(properties.bytes().size() == sizeof(*owner));
    CHECK(co_await protocol_of(MemoryLinkConfig()) == "moq-lite-05");
}
asio::awaitable<std::shared_ptr<Transport>> dial(MemoryLink &link) { co_return link.client(); }
asio::awaitable<void> session(Owner &owner) {
    const auto executor = co_await asio::this_coro::executor;
    MemoryLink link(executor, executor);
    lite::Session session(co_await dial(link), {.announcements_left = owner});
    link.cut();
}

}  // namespace

TEST_CASE("D13: a config that is made inside a co_await expression releases its members once", "[configs]") {
    const std::vector<std::pair<const char *, asio::awaitable<void> (*)(Owner &)>> programs = {
        {"keep_connected", &keep_connected}, {"keep_connected with braces", &keep_connected_braces},
        {"all that keep_connected is given", &reconnecting}, {"parameters", &parameters},
        {"a connection", &connection},       {"an origin", &origin},
        {"values", &values},                 {"a session", &session}};
    for (const auto &[name, program] : programs) {
        CAPTURE(name);
        auto owner = std::make_shared<std::atomic<std::int64_t>>(1);
        // So that one destruction too many shows before it frees anything.
        const std::vector<Owner> others(8, owner);
        {
            asio::io_context context;
            asio::cancellation_signal stop;
            asio::co_spawn(context, program(owner), asio::bind_cancellation_slot(stop.slot(), asio::detached));
            context.poll();
            stop.emit(asio::cancellation_type::terminal);
            context.restart();
            context.poll();
        }
        CHECK(owner.use_count() == 9);
    }
}

}
