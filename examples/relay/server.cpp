#include "server.hpp"

#include "log.hpp"
#include "net/dial.hpp"
#include "net/tls.hpp"

#include <comoq/lite/keep_connected.hpp>
#include <comoq/mirror.hpp>
#include <comoq/proxy.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <fmt/format.h>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <utility>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

// How long sessions may take to say goodbye.
constexpr auto longest_goodbye = 3s;
// Nobody tells when upstreams have heard it.
constexpr auto goodbye_to_upstreams = 200ms;

// A connection each, and there may be many.
void allow_many_files() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// A name may have an address of a kind that this machine does not have.
bool is_missing_here(std::error_code refused) {
    // By their numbers: not all of them are conditions to the category of asio.
    return refused.value() == EAFNOSUPPORT || refused.value() == EADDRNOTAVAIL;
}

comoq::OriginConfig origin_config(const Options &options) {
    comoq::OriginConfig config;
    config.max_cached_bytes = options.cache_mib << 20;
    return config;
}

}  // namespace

Server::Server(const Options &options)
    : options_(options), origin_(origin_config(options)), house_(origin_, options.allowed, options.max_sessions) {
    allow_many_files();
    const auto threads = options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < threads; ++i) {
        contexts_.emplace_back(1);
    }
    if (options.certificate) {
        house_.tls = server_tls(*options.certificate, *options.key);
    }
    if (options.web) {
        house_.web.emplace(*options.web);
    }
    if (std::ranges::any_of(options.upstreams, &Url::is_secure)) {
        upstream_tls_ = client_tls(options.authorities);
    }
    for (const Url &url : options.listen) {
        listen(url);
    }
    for (const Url &url : options.upstreams) {
        connect_to(url);
    }
    if (!upstreams_.empty()) {
        serve_from_upstreams();
    }
    auto &first = contexts_.front();
    signals_ = std::make_unique<asio::signal_set>(first, SIGINT, SIGTERM);
    ticks_ = std::make_unique<asio::steady_timer>(first);
    asio::co_spawn(first, wait_for_signal(), asio::detached);
    if (options.stats != 0s) {
        asio::co_spawn(first, log_stats(), asio::detached);
    }
}

Server::~Server() = default;

asio::io_context &Server::next_context() { return contexts_[next_context_++ % contexts_.size()]; }

// At all addresses of a name, and at the same port of each.
void Server::listen(Url url) {
    std::error_code failure;
    tcp::resolver resolver(contexts_.front());
    std::set<tcp::endpoint> addresses;
    for (const auto &found : resolver.resolve(url.host, std::to_string(url.port), tcp::resolver::passive, failure)) {
        addresses.insert(found.endpoint());
    }
    const auto before = listeners_.size();
    for (tcp::endpoint address : addresses) {
        address.port(url.port);
        if (const auto refused = listen_at(url, address, addresses.size() > 1)) {
            failure = refused;
            if (!is_missing_here(failure)) {
                break;
            }
        }
    }
    if (listeners_.size() == before || (failure && !is_missing_here(failure))) {
        throw std::runtime_error(fmt::format("cannot listen at {}: {}", url.text(), failure.message()));
    }
    LogLine(Level::Info, "listening").with("url", url.text());
}

// Puts the port that it got into `url`, if that has none.
std::error_code Server::listen_at(Url &url, const tcp::endpoint &address, bool is_one_of_several) {
    Listener listener(contexts_.front(), url);
    try {
        listener.acceptor.open(address.protocol());
        listener.acceptor.set_option(tcp::acceptor::reuse_address(true));
        if (address.protocol() == tcp::v6() && is_one_of_several) {
            listener.acceptor.set_option(asio::ip::v6_only(true));
        }
        listener.acceptor.bind(address);
        listener.acceptor.listen();
        url.port = listener.url.port = listener.acceptor.local_endpoint().port();
    } catch (const std::system_error &error) {
        return error.code();
    }
    auto &kept = listeners_.emplace_back(std::move(listener));
    asio::co_spawn(contexts_.front(), accept(kept), asio::detached);
    return {};
}

awaitable<void> Server::accept(Listener &listener) {
    asio::steady_timer pause(contexts_.front());
    while (true) {
        auto &context = next_context();
        std::error_code failure;
        tcp::socket socket = co_await listener.acceptor.async_accept(context, asio::redirect_error(use_awaitable, failure));
        if (!listener.acceptor.is_open()) {
            co_return;
        }
        if (failure) {
            // Too many open files, say: those who wait stay where they are.
            LogLine(Level::Error, "cannot_accept").with("listener", listener.url.text()).with("error", failure);
            pause.expires_after(100ms);
            co_await pause.async_wait(use_awaitable);
            continue;
        }
        auto guest = std::make_shared<Guest>(house_, listener.url, next_guest_++);
        auto serving = Guest::serve(std::move(guest), std::move(socket));
        asio::co_spawn(context, std::move(serving), asio::detached);
    }
}

// What is announced here is announced there, and the other way round.
void Server::connect_to(const Url &url) {
    auto upstream_config = origin_config(options_);
    upstream_config.id = origin_.id();
    auto &upstream = upstreams_.emplace_back(url, std::move(upstream_config), next_context());
    comoq::lite::ReconnectConfig config;
    config.session.publish = origin_.consumer();
    config.session.subscribe = upstream.origin.producer();
    if (!options_.allowed.empty()) {
        config.session.publish = config.session.publish->scope(options_.allowed);
        config.session.subscribe = config.session.subscribe->scope(options_.allowed);
    }
    // Who has others to ask does not wait long for one.
    config.patience = options_.upstreams.size() > 1 ? 1s : 10s;
    auto connect = [url, tls = upstream_tls_]() -> awaitable<std::shared_ptr<comoq::Transport>> {
        std::string what;
        try {
            auto transport = co_await dial(url, tls);
            LogLine(Level::Info, "upstream_connected").with("url", url.text());
            co_return transport;
        } catch (const std::exception &error) {
            what = error.what();
        }
        LogLine(Level::Warning, "upstream_failed").with("url", url.text()).with("error", what);
        throw std::system_error(make_error_code(comoq::Error::Transport));
    };
    auto connected = comoq::lite::keep_connected(std::move(connect), std::move(config));
    asio::co_spawn(upstream.context, std::move(connected), asio::bind_cancellation_slot(upstream.stop.slot(), asio::detached));
    auto shown = comoq::mirror(upstream.origin.consumer(), origin_.producer());
    asio::co_spawn(upstream.context, std::move(shown), asio::detached);
}

// What nobody announced is asked for there when somebody asks for it here.
void Server::serve_from_upstreams() {
    std::vector<comoq::OriginConsumer> from;
    for (const auto &upstream : upstreams_) {
        from.push_back(upstream.origin.consumer());
    }
    auto producer = origin_.producer();
    if (!options_.allowed.empty()) {
        producer = *producer.scope(options_.allowed);
    }
    auto served = comoq::proxy(std::move(from), producer, producer.dynamic());
    asio::co_spawn(next_context(), std::move(served), asio::detached);
}

awaitable<void> Server::log_stats() {
    Guests::Numbers before;
    while (true) {
        ticks_->expires_after(options_.stats);
        std::error_code over;
        co_await ticks_->async_wait(asio::redirect_error(use_awaitable, over));
        if (over) {
            co_return;
        }
        const auto origin = origin_.stats();
        const auto guests = house_.guests.numbers();
        const auto seconds = static_cast<std::uint64_t>(options_.stats.count());
        LogLine line(Level::Info, "stats");
        line.with("connected", guests.present).with("entered", guests.entered).with("refused", guests.refused);
        line.with("announced", origin.announced).with("served", origin.served).with("pending", origin.pending);
        line.with("watchers", origin.watchers).with("cached_groups", origin.cached_groups);
        line.with("cached_bytes", origin.cached_bytes).with("evicted_groups", origin.evicted_groups);
        line.with("lagged_readers", origin.lagged_readers);
        line.with("received_bytes_s", (guests.received_bytes - before.received_bytes) / seconds);
        line.with("sent_bytes_s", (guests.sent_bytes - before.sent_bytes) / seconds);
        before = guests;
    }
}

awaitable<void> Server::wait_for_signal() {
    const int signal = co_await signals_->async_wait(use_awaitable);
    LogLine(Level::Info, "shutting_down").with("signal", signal == SIGINT ? "SIGINT" : "SIGTERM");
    // The next one has its usual effect.
    signals_->clear();
    co_await shut_down();
}

awaitable<void> Server::shut_down() {
    for (auto &listener : listeners_) {
        std::error_code ignored;
        listener.acceptor.close(ignored);
    }
    ticks_->cancel();
    for (auto &upstream : upstreams_) {
        asio::post(upstream.context, [&upstream] { upstream.stop.emit(asio::cancellation_type::terminal); });
    }
    house_.guests.close();
    asio::steady_timer wait(contexts_.front());
    const auto begin = std::chrono::steady_clock::now();
    const auto least = upstreams_.empty() ? 0ms : goodbye_to_upstreams;
    while (true) {
        const auto waited = std::chrono::steady_clock::now() - begin;
        if (waited >= longest_goodbye || (waited >= least && house_.guests.numbers().present == 0)) {
            break;
        }
        wait.expires_after(10ms);
        co_await wait.async_wait(use_awaitable);
    }
    LogLine(Level::Info, "stopped").with("left", house_.guests.numbers().present);
    for (auto &context : contexts_) {
        context.stop();
    }
}

void Server::run() {
    std::vector<std::thread> threads;
    for (auto &context : contexts_) {
        threads.emplace_back([&context] {
            const auto work = asio::make_work_guard(context);
            context.run();
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
}
