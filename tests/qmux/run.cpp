// Connections over real byte streams, both ends on one context.
#include <comoq/qmux/run.hpp>
#include <comoq/qmux/tcp_channel.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include "detail/qmux/octets.hpp"
#include "support/catch.hpp"

namespace run_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using asio::ip::tcp;
using qmux::Connection;
using qmux::ConnectionConfig;
using qmux::TcpChannel;

namespace {

ConnectionConfig speaking(std::vector<std::string> protocols) {
    ConnectionConfig config;
    config.protocols = std::move(protocols);
    return config;
}

/// Two ends of a connection, and TCP between them.
struct Scene {
    Scene() {
        tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        of_client.connect(acceptor.local_endpoint());
        acceptor.accept(of_server);
        of_client.set_option(tcp::no_delay(true));
        of_server.set_option(tcp::no_delay(true));
    }

    template <class Channel> void run(std::shared_ptr<Connection> connection, Channel channel) {
        ++running;
        asio::co_spawn(context, qmux::run(std::move(connection), std::move(channel), close_timeout),
                       [this](std::exception_ptr) { --running; });
    }
    void run_client() { run(client, TcpChannel(std::move(of_client))); }
    void run_server() { run(server, TcpChannel(std::move(of_server))); }

    /// Runs until nothing is left to be done. Throws the coroutine's exception.
    void to_the_end(asio::awaitable<void> coroutine) {
        std::exception_ptr failure;
        asio::co_spawn(context, std::move(coroutine), [&failure](std::exception_ptr thrown) { failure = thrown; });
        // Less than the time-out of a close: a test waits for that only if it wants to.
        context.run_for(50s);
        CHECK(context.stopped());
        if (failure) std::rethrow_exception(failure);
    }

    asio::io_context context;
    tcp::socket of_client{context}, of_server{context};
    std::shared_ptr<Connection> client = make(true), server = make(false);
    int running = 0;
    std::chrono::milliseconds close_timeout = 60s;

private:
    std::shared_ptr<Connection> make(bool is_client) {
        return std::make_shared<Connection>(context.get_executor(), is_client, speaking({"moq-lite-05"}));
    }
};

asio::awaitable<std::string> read_all(ReceiveStream &stream) {
    std::string all;
    while (true) {
        const Bytes part = co_await stream.read();
        if (part.empty()) co_return all;
        all += part.view();
    }
}

/// Echoes each stream.
asio::awaitable<void> echo(std::shared_ptr<Connection> connection) {
    try {
        while (true) {
            const BidiStream stream = co_await connection->accept_bidi();
            const std::string all = co_await read_all(*stream.receive);
            co_await stream.send->write(Bytes::copy(all));
            stream.send->finish();
            co_await stream.send->sent();
        }
    } catch (const std::system_error &) {
    }
}

asio::awaitable<void> ask(std::shared_ptr<Connection> connection, std::string question) {
    const BidiStream stream = co_await connection->open_bidi();
    co_await stream.send->write(Bytes::copy(question));
    stream.send->finish();
    const std::string answer = co_await read_all(*stream.receive);
    CHECK((answer == question));
}

/// A channel on which `left` records of one size are at hand.
class Backlog {
public:
    struct Records {
        std::size_t left, size;
        std::size_t read = 0;
    };
    explicit Backlog(std::shared_ptr<Records> of) : records_(std::move(of)), record_(records_->size) {}
    Backlog(std::shared_ptr<Records> of, std::vector<std::byte> record) : records_(std::move(of)), record_(std::move(record)) {}

    asio::awaitable<std::span<const std::byte>> read_record() {
        if (records_->read == records_->left) throw std::system_error(asio::error::eof);
        ++records_->read;
        co_return record_;
    }
    asio::awaitable<void> write_record(std::span<const asio::const_buffer>) { co_return; }
    void close() noexcept {}

private:
    std::shared_ptr<Records> records_;
    std::vector<std::byte> record_;
};

}  // namespace

TEST_CASE("qmux run: a peer that has sent a lot takes turns with others on the executor", "[qmux]") {
    const auto [size, most] = GENERATE(std::pair<std::size_t, std::size_t>(40, 16), std::pair<std::size_t, std::size_t>(8000, 3));
    const auto records = std::make_shared<Backlog::Records>(Backlog::Records{1000, size});
    Scene scene;
    scene.run(scene.server, Backlog(records));
    // What is done between two looks at the executor is one turn.
    std::size_t before = 0, in_a_row = 0;
    while (scene.context.poll_one() != 0) {
        in_a_row = std::max(in_a_row, records->read - before);
        before = records->read;
    }
    CHECK(records->read == 1000);
    CHECK(in_a_row > 0);
    CHECK(in_a_row <= most);
}

TEST_CASE("qmux run: a peer that has sent thousands of frames in a record takes turns with others on the executor", "[qmux]") {
    auto parameters = qmux::default_parameters();
    parameters.protocols = {"moq-lite-05"};
    std::vector<std::byte> record;
    encode(parameters, record);
    const std::size_t first = record.size();
    for (int i = 0; i != 1000; ++i) encode(qmux::MaxData{0}, record);
    const std::size_t each = (record.size() - first) / 1000;
    Scene scene;
    scene.run(scene.server, Backlog(std::make_shared<Backlog::Records>(Backlog::Records{1, 0}), record));
    std::uint64_t before = 0, in_a_row = 0;
    while (scene.context.poll_one() != 0) {
        const auto taken = scene.server->stats().received_bytes.value();
        in_a_row = std::max(in_a_row, taken - before);
        before = taken;
    }
    CHECK(before == record.size());
    CHECK(in_a_row <= first + 63 * each);
}

TEST_CASE("qmux run: streams go over TCP, and a close ends both sides", "[qmux]") {
    Scene scene;
    scene.run_client();
    scene.run_server();
    asio::co_spawn(scene.context, echo(scene.server), asio::detached);
    const auto talk = [](Scene &all) -> asio::awaitable<void> {
        co_await ask(all.client, "hello");
        CHECK(all.client->protocol() == "moq-lite-05");
        CHECK(all.server->protocol() == "moq-lite-05");
        // More than a window, a record and a buffer.
        co_await ask(all.client, std::string(3'000'000, 'x'));
        for (int i = 0; i < 300; ++i) co_await ask(all.client, std::to_string(i));
        all.client->close({}, "done");
        const std::error_code at_server = co_await all.server->closed();
        CHECK_FALSE(at_server);
    };
    scene.to_the_end(talk(scene));
    CHECK(scene.running == 0);
    CHECK(scene.client->is_silent());
    CHECK(scene.server->is_silent());
}

TEST_CASE("qmux run: a close arrives although its side is writing", "[qmux]") {
    Scene scene;
    scene.run_client();
    scene.run_server();
    const auto flood = [](Scene &all) -> asio::awaitable<void> {
        const auto stream = co_await all.client->open_uni();
        try {
            while (true) co_await stream->write(Bytes(std::vector<std::byte>(10'000)));
        } catch (const std::system_error &) {
        }
    };
    asio::co_spawn(scene.context, flood(scene), asio::detached);
    const auto close = [](Scene &all) -> asio::awaitable<void> {
        const auto stream = co_await all.server->accept_uni();
        const Bytes some = co_await stream->read();
        CHECK_FALSE(some.empty());
        all.server->close(26, "enough");
        const std::error_code told = co_await all.client->closed();
        CHECK(told == connection_ended(26));
    };
    scene.to_the_end(close(scene));
    CHECK(scene.running == 0);
}

TEST_CASE("qmux run: a peer that is gone is a lost connection", "[qmux]") {
    Scene scene;
    scene.run_client();
    const auto vanish = [](Scene &all) -> asio::awaitable<void> {
        std::array<std::byte, 1> one{};
        co_await asio::async_read(all.of_server, asio::buffer(one), asio::use_awaitable);
        all.of_server.close();
        const std::error_code code = co_await all.client->closed();
        CHECK(code == Error::Transport);
    };
    scene.to_the_end(vanish(scene));
    CHECK(scene.running == 0);
}

TEST_CASE("qmux run: bytes that are not a record are answered with a close", "[qmux]") {
    Scene scene;
    scene.run_client();
    const auto talk_nonsense = [](Scene &all) -> asio::awaitable<void> {
        // A record of 1 GiB.
        const Octets nonsense = of_hex("c000000040000000");
        co_await asio::async_write(all.of_server, asio::buffer(nonsense), asio::use_awaitable);
        Octets all_of_it(1000);
        std::error_code failure;
        const std::size_t size = co_await asio::async_read(all.of_server, asio::buffer(all_of_it),
                                                           asio::redirect_error(asio::use_awaitable, failure));
        all_of_it.resize(size);
        std::error_code malformed;
        std::span<const std::byte> rest = all_of_it;
        std::optional<qmux::Record> last;
        while (const auto record = qmux::next_record(rest, qmux::default_max_record_size, malformed)) {
            last = record;
            rest = rest.subspan(record->size);
        }
        REQUIRE(last);
        const auto frame = qmux::next_frame(last->frames, malformed);
        REQUIRE(frame);
        CHECK(std::holds_alternative<qmux::ConnectionClose>(frame->frame));
        const std::error_code code = co_await all.client->closed();
        CHECK(code == Error::Decode);
    };
    scene.to_the_end(talk_nonsense(scene));
    CHECK(scene.running == 0);
}

TEST_CASE("qmux run: a close that nobody answers takes no longer than its time-out", "[qmux]") {
    Scene scene;
    scene.close_timeout = 5ms;
    scene.run_client();
    // The other end neither reads nor closes.
    scene.client->close({}, "");
    const auto begin = std::chrono::steady_clock::now();
    const auto nothing = []() -> asio::awaitable<void> { co_return; };
    scene.to_the_end(nothing());
    CHECK(scene.running == 0);
    CHECK(std::chrono::steady_clock::now() - begin >= scene.close_timeout);
}

TEST_CASE("qmux run: cancelling it ends the connection", "[qmux]") {
    Scene scene;
    asio::cancellation_signal signal;
    bool ended = false;
    asio::co_spawn(scene.context, qmux::run(scene.client, TcpChannel(std::move(scene.of_client))),
                   asio::bind_cancellation_slot(signal.slot(), [&ended](std::exception_ptr) { ended = true; }));
    scene.context.poll();
    CHECK_FALSE(ended);
    signal.emit(asio::cancellation_type::terminal);
    const auto check = [](Scene &all) -> asio::awaitable<void> {
        const std::error_code code = co_await all.client->closed();
        CHECK(code == Error::Transport);
    };
    scene.to_the_end(check(scene));
    CHECK(ended);
}

TEST_CASE("qmux start: the connection stays alive and runs until it is closed, and done() completes after that", "[qmux]") {
    Scene scene;
    scene.run_server();
    auto started = qmux::start(TcpChannel(std::move(scene.of_client)), true, speaking({"moq-lite-05"}));
    const std::weak_ptr<Connection> client = started;
    auto done = started->done();
    started.reset();
    for (int i = 0; i < 20; ++i) scene.context.poll();
    CHECK_FALSE(done.ready());
    REQUIRE_FALSE(client.expired());
    const auto close = [](std::weak_ptr<Connection> of, Operation<void> over) -> asio::awaitable<void> {
        of.lock()->close({}, "");
        co_await std::move(over);
        CHECK(of.expired());
    };
    scene.to_the_end(close(client, std::move(done)));
    CHECK(scene.running == 0);
}

TEST_CASE("qmux run: a context can be destroyed while a connection runs", "[qmux]") {
    Scene scene;
    scene.run_client();
    scene.run_server();
    asio::co_spawn(scene.context, echo(scene.server), asio::detached);
    for (int i = 0; i < 20; ++i) scene.context.poll();
}

TEST_CASE("qmux TCP channel: records come whole, however their bytes are split", "[qmux]") {
    Scene scene;
    const auto talk = [](Scene &all) -> asio::awaitable<void> {
        TcpChannel channel(std::move(all.of_client));
        const Octets written = of_hex("0305042a" "4001ff" "0101");
        for (const std::byte &one : written) {
            co_await asio::async_write(all.of_server, asio::buffer(&one, 1), asio::use_awaitable);
        }
        const auto first = co_await channel.read_record();
        CHECK(Octets(first.begin(), first.end()) == of_hex("05042a"));
        const auto second = co_await channel.read_record();
        CHECK(Octets(second.begin(), second.end()) == of_hex("ff"));
        const auto third = co_await channel.read_record();
        CHECK(Octets(third.begin(), third.end()) == of_hex("01"));
        // The largest there is, many times: more than the buffer holds.
        Octets large;
        for (int i = 0; i < 50; ++i) {
            qmux::encode_record_size(qmux::default_max_record_size, large);
            large.resize(large.size() + qmux::default_max_record_size, static_cast<std::byte>(i));
        }
        asio::co_spawn(all.context, asio::async_write(all.of_server, asio::buffer(large), asio::use_awaitable),
                       [](std::exception_ptr, std::size_t) {});
        for (int i = 0; i < 50; ++i) {
            const auto record = co_await channel.read_record();
            CHECK(record.size() == qmux::default_max_record_size);
            CHECK(record.front() == static_cast<std::byte>(i));
            CHECK(record.back() == static_cast<std::byte>(i));
        }
        const std::string_view parts[] = {"abc", "", "defg"};
        std::vector<asio::const_buffer> buffers;
        for (const auto part : parts) buffers.emplace_back(part.data(), part.size());
        co_await channel.write_record(buffers);
        std::array<std::byte, 8> got{};
        co_await asio::async_read(all.of_server, asio::buffer(got), asio::use_awaitable);
        CHECK(Octets(got.begin(), got.end()) == of_hex("0761626364656667"));
    };
    scene.to_the_end(talk(scene));
}

}
