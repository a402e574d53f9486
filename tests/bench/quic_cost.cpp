// quic_cost: what QUIC alone costs a server, without a model above it: a delivered frame in CPU time, packets, calls of the system
// and allocations; a handshake; an idle connection. The server is a process of its own, and so are the clients.
#include "shared/command_line.hpp"

#include "support/allocations.hpp"

#include <comoq/quic/listener.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asio::awaitable;
using comoq::quic::Connection;

constexpr const char *usage =
    "usage: quic_cost fanout|handshakes|idle [options]\n"
    "\n"
    "fanout      a stream for each group to each client, and what a delivered frame costs the server\n"
    "handshakes  connections one after the other, and what one costs the server\n"
    "idle        connections that say nothing, and the memory of the server for each\n"
    "\n"
    "  --clients N   100 if not given; handshakes and idle: 1000\n"
    "  --rate N      groups a second; 2 if not given\n"
    "  --frames N    in a group; 30 if not given\n"
    "  --size N      bytes in a frame; 5000 if not given\n"
    "  --seconds N   that are measured; 5 if not given\n"
    "  --together N  handshakes at a time; 16 if not given\n"
    "  --one-by-one  without the system's calls for many packets\n"
    "  --help        print this\n";

struct Options {
    std::size_t clients = 0, rate = 2, frames = 30, size = 5000, seconds = 5, together = 16;
    bool one_by_one = false;
};

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval &time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}
double resident_kib() {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmRSS:")) return std::stod(line.substr(6));
    return 0;
}

awaitable<void> sleep_until(asio::steady_timer &timer, std::chrono::steady_clock::time_point time) {
    timer.expires_at(time);
    co_await timer.async_wait(asio::use_awaitable);
}

// The process of the server.
class Server {
public:
    Server(asio::io_context &context, const asio::ip::udp::endpoint &at, const Options &options)
        : options_(options), listener_(listen(context, at, options)), timer_(context) {}

    // All clients, as soon as each is ready.
    awaitable<void> accept_all() {
        while (clients_.size() < options_.clients) {
            auto accepting = listener_.accept();
            auto client = co_await std::move(accepting);
            co_await client->ready();
            clients_.push_back(std::move(client));
        }
    }

    awaitable<void> fan_out() {
        co_await accept_all();
        co_await publish(1s);
        const auto counts = listener_.counts();
        const double cpu = cpu_seconds();
        const comoq::test::AllocationCount allocations;
        co_await publish(std::chrono::seconds(options_.seconds));
        const double used = cpu_seconds() - cpu;
        const auto now = listener_.counts();
        const auto made = static_cast<double>(allocations.made());
        const auto frames = static_cast<double>(frames_);
        const auto each = [frames](std::uint64_t after, std::uint64_t before) { return static_cast<double>(after - before) / frames; };
        fmt::print("fanout: {} clients, {} groups/s of {} frames of {} B: {:.2f} us CPU a frame, {:.0f} MB a CPU second\n",
                   options_.clients, options_.rate, options_.frames, options_.size, 1e6 * used / frames,
                   1e-6 * frames * static_cast<double>(options_.size) / used);
        fmt::print("a frame: {:.3f} packets out in {:.3f} calls, {:.3f} in in {:.3f} calls, {:.3f} allocations; {} refused\n",
                   each(now.sent, counts.sent), each(now.send_calls, counts.send_calls), each(now.received, counts.received),
                   each(now.receive_calls, counts.receive_calls), made / frames, now.refused);
        co_await sleep_until(timer_, std::chrono::steady_clock::now() + 200ms);
    }
    awaitable<void> shake_hands() {
        double cpu = 0;
        for (std::size_t i = 0; i < options_.clients; ++i) {
            // The first one is not measured.
            if (i == 1) cpu = cpu_seconds();
            auto accepting = listener_.accept();
            auto client = co_await std::move(accepting);
            co_await client->ready();
            client->close(0, {});
        }
        const double each = (cpu_seconds() - cpu) / static_cast<double>(options_.clients - 1);
        fmt::print("handshakes: {} of them, {:.3f} ms CPU each, {:.0f} a second on a core\n", options_.clients, 1e3 * each, 1 / each);
    }
    awaitable<void> stay_idle() {
        const double before = resident_kib();
        co_await accept_all();
        co_await sleep_until(timer_, std::chrono::steady_clock::now() + 3s);
        const double grown = resident_kib() - before;
        const double cpu = cpu_seconds();
        co_await sleep_until(timer_, std::chrono::steady_clock::now() + std::chrono::seconds(options_.seconds));
        const double busy = (cpu_seconds() - cpu) / static_cast<double>(options_.seconds);
        std::size_t lost = 0;
        for (const auto &each : clients_) lost += each->is_closed() ? 1 : 0;
        fmt::print("idle: {} connections, {:.1f} KiB resident each, {:.2f} % of a core; {} lost\n", clients_.size(),
                   grown / static_cast<double>(clients_.size()), 100 * busy, lost);
    }

private:
    static comoq::quic::Listener listen(asio::io_context &context, const asio::ip::udp::endpoint &at, const Options &options) {
        comoq::quic::ListenerConfig config;
        config.connection.protocols = {"cost"};
        config.connection.batches = !options.one_by_one;
        config.max_connections = config.max_handshakes = config.retry_above = 1'000'000;
        return comoq::quic::Listener(context.get_executor(), at, comoq::quic::ServerCredentials::generated({"localhost"}),
                                     std::move(config));
    }

    awaitable<void> publish(std::chrono::seconds time) {
        const comoq::Bytes frame{std::vector<std::byte>(options_.size)};
        std::vector<std::unique_ptr<comoq::SendStream>> streams(clients_.size());
        frames_ = 0;
        const auto begin = std::chrono::steady_clock::now();
        const std::uint64_t per_second = options_.rate * options_.frames;
        const std::uint64_t all = per_second * static_cast<std::uint64_t>(time.count());
        for (std::uint64_t due = 0; due < all; ++due) {
            co_await sleep_until(timer_, begin + std::chrono::nanoseconds(1'000'000'000 * due / per_second));
            for (std::size_t i = 0; i < clients_.size(); ++i) {
                if (due % options_.frames == 0) {
                    auto opening = clients_[i]->open_uni();
                    streams[i] = co_await std::move(opening);
                }
                auto writing = streams[i]->write(comoq::Bytes(frame));
                co_await std::move(writing);
                if ((due + 1) % options_.frames == 0) streams[i]->finish();
                ++frames_;
            }
        }
    }

    const Options &options_;
    comoq::quic::Listener listener_;
    asio::steady_timer timer_;
    std::vector<std::shared_ptr<Connection>> clients_;
    std::uint64_t frames_ = 0;
};

// The process of the clients.
class Clients {
public:
    Clients(asio::io_context &context, asio::ip::udp::endpoint at, const Options &options)
        : context_(context), at_(std::move(at)), options_(options) {}

    // Each client stays, and perhaps reads, or closes at once.
    void begin(bool stays, bool read) {
        for (std::size_t i = 0; i < std::min(options_.together, options_.clients); ++i)
            asio::co_spawn(context_, connect_some(stays, read), asio::detached);
    }

private:
    awaitable<std::shared_ptr<Connection>> connect() {
        comoq::quic::ConnectionConfig config;
        config.protocols = {"cost"};
        // The server may be busy with others.
        config.handshake_timeout = 60s;
        auto connecting = comoq::quic::connect(at_, "localhost", comoq::quic::ClientCredentials::accept_any_certificate(),
                                               std::move(config));
        co_return co_await std::move(connecting);
    }
    awaitable<void> connect_some(bool stays, bool read) {
        while (begun_ < options_.clients) {
            ++begun_;
            auto connecting = connect();
            auto connection = co_await std::move(connecting);
            if (read) asio::co_spawn(context_, read_all(*connection), asio::detached);
            if (stays)
                connections_.push_back(std::move(connection));
            else
                co_await until_closed(*connection);
        }
    }
    static awaitable<void> until_closed(Connection &connection) {
        try {
            auto accepting = connection.accept_uni();
            co_await std::move(accepting);
        } catch (const std::system_error &) {
            // The server has closed it.
        }
    }
    awaitable<void> read_all(Connection &connection) {
        for (;;) {
            auto accepting = connection.accept_uni();
            auto stream = co_await std::move(accepting);
            asio::co_spawn(context_, read_stream(std::move(stream)), asio::detached);
        }
    }
    static awaitable<void> read_stream(std::unique_ptr<comoq::ReceiveStream> stream) {
        for (;;) {
            auto reading = stream->read();
            const auto bytes = co_await std::move(reading);
            if (bytes.empty()) co_return;
        }
    }

    asio::io_context &context_;
    const asio::ip::udp::endpoint at_;
    const Options &options_;
    std::size_t begun_ = 0;
    std::vector<std::shared_ptr<Connection>> connections_;
};

int run(const Options &options, std::string_view what) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);

    // A port that is free: the clients' process knows it, too.
    asio::ip::udp::endpoint at;
    {
        asio::io_context context;
        asio::ip::udp::socket port(context, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
        at = port.local_endpoint();
    }
    const pid_t clients = ::fork();
    if (clients < 0) throw std::runtime_error("fork failed");
    asio::io_context context(1);
    if (clients == 0) {
        // The server listens by then, or the first attempts are refused.
        ::usleep(300'000);
        Clients load(context, at, options);
        if (what == "handshakes")
            load.begin(false, false);
        else
            load.begin(true, what == "fanout");
        context.run();
        ::_exit(0);
    }
    Server server(context, at, options);
    int code = 0;
    auto work = what == "fanout" ? server.fan_out() : what == "handshakes" ? server.shake_hands() : server.stay_idle();
    asio::co_spawn(context, std::move(work), [&](const std::exception_ptr &thrown) {
        if (thrown != nullptr) {
            try {
                std::rethrow_exception(thrown);
            } catch (const std::exception &failure) {
                fmt::print(stderr, "quic_cost: {}\n", failure.what());
            }
            code = 1;
        }
        context.stop();
    });
    context.run();
    ::kill(clients, SIGKILL);
    ::waitpid(clients, nullptr, 0);
    std::fflush(stdout);
    // Closing the connections would only take time.
    std::_Exit(code);
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    std::string what;
    CommandLine line;
    line.word([&](std::string_view text) { what = text; });
    const auto number = [&line](std::string name, std::size_t &value, std::size_t least, std::size_t most) {
        line.option(name, [=, &value](std::string_view text) { value = number_from(name, text, least, most); });
    };
    number("--clients", options.clients, 2, 100'000);
    number("--rate", options.rate, 1, 100'000);
    number("--frames", options.frames, 1, 30'000);
    number("--size", options.size, 1, 16 << 20);
    number("--seconds", options.seconds, 1, 3600);
    number("--together", options.together, 1, 1000);
    line.flag("--one-by-one", [&] { options.one_by_one = true; });
    return run_main("quic_cost", usage, line, argc, argv, [&] {
        if (what != "fanout" && what != "handshakes" && what != "idle") throw UsageError("fanout, handshakes or idle? (--help tells)");
        if (options.clients == 0) options.clients = what == "fanout" ? 100 : 1000;
        return run(options, what) == 0;
    });
}
