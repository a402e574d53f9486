// outsider: a client that tries to reach beyond the path of its URL by every message of moq-lite-05, written by hand:
//   outsider URL AUTHORITIES.pem [PATH]
//
// The relay must have a broadcast `x` below that path, with a track `seconds`. Exits with 1 if anything outside answers.
// With PATH it says that path in SETUP, beside a WebSocket's URL, and exits with 1 unless that closes the session.
#include <comoq/lite/setup.hpp>
#include <comoq/net/tls.hpp>
#include <comoq/net/url.hpp>
#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>
#include <comoq/transport_code.hpp>
#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;
using TransportPtr = std::shared_ptr<comoq::Transport>;
using TlsStream = asio::ssl::stream<tcp::socket>;
using comoq::net::Url;

constexpr std::array<std::string_view, 1> spoken = {"moq-lite-05"};
// moq-lite's numbers for a request of something that is not there, or not allowed.
constexpr std::uint64_t not_found = 0x33, closed_to_you = 3;

// The few bytes of moq-lite-05 that are needed. All numbers here are small.
std::string text(std::string_view value) {
    if (value.size() >= 64) throw std::logic_error("too long for one byte of length");
    return static_cast<char>(value.size()) + std::string(value);
}
std::string message(const std::string &body) { return text(body); }
std::string track_request(std::string_view path) { return '\x06' + message(text(path) + text("seconds")); }
std::string fetch_request(std::string_view path) { return '\x03' + message(text(path) + text("seconds") + std::string(2, '\0')); }
std::string subscribe_request(char id, std::string_view path) {
    return '\x02' + message(id + text(path) + text("seconds") + std::string(5, '\0'));
}
std::string announce_request(std::string_view prefix) { return '\x01' + message(text(prefix) + '\0'); }

template <class Stream> awaitable<TransportPtr> speak(Stream &stream, const Url &url) {
    comoq::qmux::ConnectionConfig config;
    if (url.scheme == "tcp" || url.scheme == "tls") {
        config.protocols.assign(spoken.begin(), spoken.end());
        co_return comoq::qmux::start(comoq::qmux::TcpChannel<Stream>(std::move(stream)), true, std::move(config));
    }
    const auto host = url.authority();
    auto upgraded = co_await comoq::websocket::connect(stream, host, url.target, spoken);
    config.version = upgraded.version;
    config.protocol = upgraded.protocol;
    comoq::websocket::WebSocketChannel<Stream> channel(std::move(stream), comoq::websocket::Role::Client, std::move(upgraded.leftover));
    co_return comoq::qmux::start(std::move(channel), true, std::move(config));
}
awaitable<void> connect(tcp::socket &socket, const Url &url) {
    tcp::resolver resolver(socket.get_executor());
    const auto port = std::to_string(url.port.value_or(0));
    const auto found = co_await resolver.async_resolve(url.host, port, use_awaitable);
    co_await asio::async_connect(socket, found, use_awaitable);
}
awaitable<TransportPtr> dial_plainly(const Url &url, const std::optional<std::string> &authorities) {
    const auto executor = co_await asio::this_coro::executor;
    if (url.scheme == "wss" || url.scheme == "tls") {
        comoq::TlsConfig config;
        config.authorities_file = authorities;
        const auto tls = comoq::net::client_tls(config);
        TlsStream stream(executor, *tls);
        co_await connect(stream.next_layer(), url);
        co_await stream.async_handshake(asio::ssl::stream_base::client, use_awaitable);
        co_return co_await speak(stream, url);
    }
    tcp::socket socket(executor);
    co_await connect(socket, url);
    co_return co_await speak(socket, url);
}

awaitable<void> send_uni(TransportPtr to, std::string octets) {
    auto stream = co_await to->open_uni();
    auto written = stream->write(comoq::Bytes::copy(octets));
    co_await std::move(written);
    stream->finish();
}
awaitable<comoq::BidiStream> ask(TransportPtr to, std::string octets) {
    auto stream = co_await to->open_bidi();
    auto written = stream.send->write(comoq::Bytes::copy(octets));
    co_await std::move(written);
    co_return stream;
}
// The bytes that come until there are `least` of them, the stream's end, or its reset, whose number is then set.
awaitable<std::string> answer(comoq::BidiStream &stream, std::size_t least, std::optional<std::uint64_t> &number) {
    std::string all;
    try {
        while (all.size() < least) {
            const auto more = co_await stream.receive->read();
            if (more.empty()) break;
            all += more.view();
        }
    } catch (const std::system_error &error) {
        number = comoq::stream_end_number(error.code());
        if (!number) throw;
    }
    co_return all;
}

void expect(bool holds, const std::string &what) {
    if (!holds) throw std::runtime_error(what);
}

awaitable<void> expect_refusal(TransportPtr relay, std::string question, std::string what) {
    auto stream = co_await ask(relay, std::move(question));
    std::optional<std::uint64_t> number;
    const auto got = co_await answer(stream, 1, number);
    expect(got.empty() && number && (*number == not_found || *number == closed_to_you),
           fmt::format("{}: {} bytes, number {}", what, got.size(), number ? std::to_string(*number) : "none"));
}

awaitable<void> expect_announced(TransportPtr relay, std::string prefix, char count) {
    auto stream = co_await ask(relay, announce_request(prefix));
    std::optional<std::uint64_t> number;
    // The length, a hop id of eight bytes, the count.
    const auto got = co_await answer(stream, 10, number);
    expect(got.size() >= 10 && got[9] == count, fmt::format("ANNOUNCE_REQUEST '{}' is told of {} broadcasts", prefix, got.size() < 10 ? -1 : got[9]));
}

// Takes the relay's question for announcements, and announces everything everywhere.
awaitable<comoq::BidiStream> announce(TransportPtr relay, const std::vector<std::string> &paths) {
    auto stream = co_await relay->accept_bidi();
    std::optional<std::uint64_t> number;
    const auto question = co_await answer(stream, 3, number);
    expect(question.size() >= 3 && question[0] == '\x01', "the relay asks for no announcements first");
    std::string all = message(std::string(1, '\0') + static_cast<char>(paths.size()));
    for (const auto &path : paths) all += message('\x01' + text(path) + '\0');
    auto written = stream.send->write(comoq::Bytes::copy(all));
    co_await std::move(written);
    co_return stream;
}

std::string group_of_nobody(char id) { return '\0' + message({id, '\x07'}) + std::string{'\0', '\x04'} + "word"; }
std::string datagram_of_nobody(char id) { return std::string{id, '\x07', '\0'} + "word"; }
std::vector<std::string> other_places() {
    return {"..", "../b", "/../b", "b", "/b", "../..", ".", "%2e%2e/b", "..%2fb", "%2fb", "x/../../b", "..//b/"};
}

awaitable<void> try_everything(Url url, std::optional<std::string> authorities) {
    const auto relay = co_await dial_plainly(url, authorities);
    const auto setup = url.scheme == "ws" || url.scheme == "wss" ? std::string(1, '\0') : "\x01\x02" + text(url.target);
    co_await send_uni(relay, '\x01' + message(setup));

    const auto elsewhere = other_places();
    co_await expect_announced(relay, "", 1);
    co_await expect_announced(relay, "//", 1);
    char id = 1;
    for (const auto &prefix : elsewhere) {
        co_await expect_announced(relay, prefix, 0);
        for (int below = 0; below != 2; ++below) {
            const auto path = below == 0 ? prefix : prefix + "/x";
            co_await expect_refusal(relay, track_request(path), "TRACK " + path);
            co_await expect_refusal(relay, subscribe_request(id, path), "SUBSCRIBE " + path);
            ++id;
            co_await expect_refusal(relay, fetch_request(path), "FETCH " + path);
        }
    }
    const auto announcing = co_await announce(relay, elsewhere);
    // A group, and a datagram, of subscriptions that the relay never made here.
    for (char unknown = 0; unknown < 4; ++unknown) {
        // GCC 12 takes no list of octets in an expression that is awaited.
        const auto group = group_of_nobody(unknown);
        co_await send_uni(relay, group);
        relay->send_datagram(comoq::Bytes::copy(datagram_of_nobody(unknown)));
    }
    // It is served where it may be.
    auto stream = co_await ask(relay, track_request("x"));
    std::optional<std::uint64_t> number;
    const auto info = co_await answer(stream, 1, number);
    expect(!info.empty(), "TRACK x is refused");
    // Its announcements have been taken by now: they came before.
    fmt::print("reached nothing outside\n");
    relay->close(0, "done");
}

awaitable<void> contradict(Url url, std::optional<std::string> authorities, std::string path) {
    const auto relay = co_await dial_plainly(url, authorities);
    co_await send_uni(relay, '\x01' + message("\x01\x02" + text(path)));
    const auto code = co_await relay->closed();
    constexpr std::uint64_t protocol_violation = 3;
    expect(comoq::connection_end_number(code) == protocol_violation, "the relay says: " + code.message());
    fmt::print("closed for it\n");
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    asio::io_context context(1);
    std::exception_ptr failure;
    const auto url = comoq::net::parse_url(argv[1]);
    auto trying = argc > 3 ? contradict(url, argv[2], argv[3]) : try_everything(url, argv[2]);
    auto work = comoq::with_timeout(std::move(trying), 20s);
    asio::co_spawn(context, std::move(work), [&failure](const std::exception_ptr &thrown) { failure = thrown; });
    context.run_for(25s);
    try {
        if (failure != nullptr) std::rethrow_exception(failure);
    } catch (const std::exception &error) {
        fmt::print(stderr, "outsider: {}\n", error.what());
        return 1;
    }
    return 0;
}
