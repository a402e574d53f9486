#include "server.hpp"

#include "begin_there.hpp"
#include "guest_log.hpp"
#include "log.hpp"

#include <comoq/fair_strand.hpp>
#include <comoq/log.hpp>
#include <comoq/mirror.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/sockets.hpp>
#include <comoq/net/tls.hpp>
#include <comoq/proxy.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <utility>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

// How long sessions may take to say goodbye, and then everything else to end.
constexpr auto longest_goodbye = 3s;
constexpr auto longest_end = 1s;

awaitable<bool> is_over_within(awaitable<void> end, std::chrono::milliseconds time) {
    try {
        co_await comoq::with_timeout(std::move(end), time);
    } catch (const std::system_error &error) {
        if (error.code() != comoq::Error::Timeout) {
            throw;
        }
        co_return false;
    }
    co_return true;
}

// Every connection needs a file, and there may be many.
void allow_many_files() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// The library's own warnings are about the limits of sessions: what goes beyond them is refused, or left out.
void log_limits(LogBudget &budget) {
    const auto log = [&budget](const comoq::LogRecord &record) {
        if (record.event == "limit_reached" && is_logged(Level::Warning) &&
            budget.take(address_in(record.name), std::chrono::steady_clock::now())) {
            LogLine(Level::Warning, record.event).with("peer", record.name).with("limit", record.reason);
        }
    };
    comoq::set_log(log, comoq::LogLevel::Warning);
}

comoq::OriginConfig origin_config(const Options &options) {
    comoq::OriginConfig config;
    config.max_cached_bytes = options.cache_mib << 20;
    return config;
}

}  // namespace

Server::Server(const Options &options)
    : options_(options), origin_(origin_config(options)), house_(origin_, options), addresses_(options.listen) {
    allow_many_files();
    log_limits(house_.log_budget);
    const auto threads = options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back();
    }
    if (options.certificate) {
        comoq::ServerTlsConfig identity;
        identity.certificate_file = *options.certificate;
        identity.key_file = *options.key;
        house_.tls = comoq::net::server_tls(identity);
    }
    if (options.web) {
        house_.web.emplace(*options.web);
    }
    house_.web_origins = options.web_origins;
    for (auto &address : addresses_) {
        house_.web_origins.add_host(address.url.host);
    }
    for (auto &address : addresses_) {
        listen(address);
    }
    for (const auto &url : options.upstreams) {
        connect_to(url);
    }
    if (!upstreams_.empty()) {
        serve_from_upstreams();
    }
    auto &first = threads_.front().context;
    signals_ = std::make_unique<asio::signal_set>(first, SIGINT, SIGTERM);
    ticks_ = std::make_unique<asio::steady_timer>(first);
    log_ticks_ = std::make_unique<asio::steady_timer>(first);
    watch_.emplace(first.get_executor());
    begin(*watch_, first.get_executor(), "the end", wait_for_signal());
    begin(*watch_, first.get_executor(), "the log", log_left_out());
    if (options.stats != 0s) {
        begin(*watch_, first.get_executor(), "statistics", log_stats());
    }
}

Server::~Server() { comoq::set_log({}); }

asio::any_io_executor Server::strand_of(Thread &thread) { return comoq::FairStrand(thread.context.get_executor()); }

Server::Thread &Server::next_thread() { return threads_[next_thread_++ % threads_.size()]; }

// On the group's thread, or before that runs. A task that fails logs it, and the others go on.
void Server::begin(comoq::TaskGroup &group, const asio::any_io_executor &executor, std::string_view name, awaitable<void> task) {
    group.spawn_on(executor, std::move(task), [name](const std::exception_ptr &failure) {
        if (failure == nullptr) {
            return;
        }
        try {
            std::rethrow_exception(failure);
        } catch (const std::system_error &error) {
            if (error.code() != asio::error::operation_aborted) {
                LogLine(Level::Error, "failed").with("what", name).with("error", error.code());
            }
        } catch (const std::exception &error) {
            LogLine(Level::Error, "failed").with("what", name).with("error", error.what());
        }
    });
}

// Listens at all addresses of a name, and at the same port of each.
void Server::listen(Address &address) {
    auto &first = threads_.front();
    for (auto &acceptor : comoq::net::listen_at(first.context.get_executor(), address.url)) {
        auto &kept = listeners_.emplace_back(address, std::move(acceptor));
        begin(first.tasks, first.context.get_executor(), "a listener", accept(kept));
    }
    LogLine(Level::Info, "listening").with("url", address.text());
}

awaitable<void> Server::accept(Listener &listener) {
    asio::steady_timer pause(threads_.front().context);
    const std::string address = listener.address.text();
    while (true) {
        auto &thread = next_thread();
        std::error_code failure;
        asio::any_io_executor strand;
        try {
            strand = strand_of(thread);
        } catch (const std::bad_alloc &) {
            failure = std::make_error_code(std::errc::not_enough_memory);
        }
        std::optional<tcp::socket> socket;
        if (!failure) {
            socket.emplace(co_await listener.acceptor.async_accept(strand, asio::redirect_error(use_awaitable, failure)));
        }
        if (!listener.acceptor.is_open()) {
            co_return;
        }
        if (failure) {
            // Too many open files, for instance: waiting connections stay where they are.
            LogLine(Level::Error, "cannot_accept").with("listener", address).with("error", failure);
            pause.expires_after(100ms);
            co_await pause.async_wait(use_awaitable);
            continue;
        }
        // Without memory for it, a connection is turned away, and the listener goes on.
        auto serve = [this, &thread, &listener, strand, id = next_guest_++, socket = std::move(*socket)]() mutable {
            auto guest = std::make_shared<Guest>(house_, listener.address, id);
            begin(thread.guests, strand, "a guest", Guest::serve(std::move(guest), std::move(socket)));
        };
        const auto refused = [this]() noexcept {
            house_.guests.turned_away();
            LogLine(Level::Warning, "refused").with("reason", "no memory");
        };
        begin_there(thread.context, std::move(serve), refused);
    }
}

// What is told to an upstream, and taken from it.
comoq::ConnectConfig Server::upstream_config(const comoq::OriginProducer &into, const std::string &where) {
    comoq::ConnectConfig config;
    config.tls.authorities_file = options_.authorities;
    config.session.max_announced = options_.max_announced;
    config.session.max_requested = options_.max_requested;
    config.session.publish = origin_.consumer();
    // The upstream can ask here only for what it knows of, and hides the names itself.
    config.session.announce_hidden = true;
    config.session.subscribe = into;
    if (const auto &allowed = options_.rights.allowed(); !allowed.empty()) {
        config.session.publish = config.session.publish->scope(allowed);
        config.session.subscribe = config.session.subscribe->scope(allowed);
    }
    config.session.on_event = [this, where](const comoq::lite::SessionEvent &event) { log_of_upstream(where, event); };
    return config;
}

// Announces this relay's broadcasts there, and the other way round.
void Server::connect_to(const std::string &url) {
    const auto where = comoq::net::parse_url(url).text();
    auto of_upstream = origin_config(options_);
    of_upstream.id = origin_.id();
    auto &upstream = upstreams_.emplace_back(std::move(of_upstream), next_thread());
    comoq::lite::ReconnectConfig retry;
    // A relay with other upstreams to ask does not wait long for one.
    retry.patience = options_.upstreams.size() > 1 ? 1s : 10s;
    retry.on_change = [where](const comoq::lite::ConnectionEvent &event) {
        if (event.kind == comoq::lite::ConnectionEvent::Kind::Connected) {
            LogLine(Level::Info, "upstream_connected").with("url", where);
        } else if (event.kind == comoq::lite::ConnectionEvent::Kind::SentAway) {
            LogLine(Level::Info, "upstream_sent_away").with("url", where).with("to", event.reason);
        }
    };
    retry.on_retry = [where](std::error_code code, std::chrono::milliseconds pause) {
        LogLine line(Level::Warning, "upstream_lost");
        line.with("url", where).with("error", code ? code.message() : "closed");
        line.with("again_in_ms", static_cast<std::uint64_t>(pause.count()));
    };
    auto connected = comoq::keep_connected(url, upstream_config(upstream.origin.producer(), where), std::move(retry));
    begin(upstream.thread.tasks, strand_of(upstream.thread), "an upstream", std::move(connected));
    auto shown = comoq::mirror(upstream.origin.consumer(), origin_.producer());
    begin(upstream.thread.tasks, strand_of(upstream.thread), "the announcements of an upstream", std::move(shown));
}

// What an upstream announces, and asks for, within a budget like a client's.
void Server::log_of_upstream(const std::string &url, const comoq::lite::SessionEvent &event) noexcept {
    try {
        if (!is_logged(Level::Info) || !house_.log_budget.take({}, std::chrono::steady_clock::now())) {
            return;
        }
    } catch (const std::bad_alloc &) {
        return;
    }
    LogLine line(Level::Info, name_of(event.kind));
    line.with("upstream", url).with("path", event.path);
    if (!event.track.empty()) {
        line.with("track", event.track);
    }
    if (event.code) {
        line.with("reason", event.code);
    }
}

// A request here for a broadcast that nobody announced is passed on there.
void Server::serve_from_upstreams() {
    std::vector<comoq::OriginConsumer> from;
    for (const auto &upstream : upstreams_) {
        from.push_back(upstream.origin.consumer());
    }
    auto producer = origin_.producer();
    if (const auto &allowed = options_.rights.allowed(); !allowed.empty()) {
        producer = *producer.scope(allowed);
    }
    auto served = comoq::proxy(std::move(from), producer, producer.dynamic());
    auto &thread = next_thread();
    begin(thread.tasks, strand_of(thread), "requests to upstreams", std::move(served));
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
        line.with("announced", origin.announced).with("left_out", guests.left_out).with("not_told", guests.not_told);
        line.with("served", origin.served).with("pending", origin.pending);
        line.with("watchers", origin.watchers).with("cached_groups", origin.cached_groups);
        line.with("cached_bytes", origin.cached_bytes).with("evicted_groups", origin.evicted_groups);
        line.with("lagged_readers", origin.lagged_readers);
        line.with("received_bytes_s", (guests.received_bytes - before.received_bytes) / seconds);
        line.with("sent_bytes_s", (guests.sent_bytes - before.sent_bytes) / seconds);
        before = guests;
    }
}

// Lines that peers would have caused are counted if there are too many, and a line says how many.
awaitable<void> Server::log_left_out() {
    while (true) {
        log_ticks_->expires_after(10s);
        std::error_code over;
        co_await log_ticks_->async_wait(asio::redirect_error(use_awaitable, over));
        const auto left = house_.log_budget.take_left_out(std::chrono::steady_clock::now());
        if (left.lines != 0) {
            LogLine line(Level::Warning, "log_left_out");
            line.with("lines", left.lines);
            if (left.most_of) {
                line.with("most_of", left.most_of->to_string()).with("lines_of_that", left.lines_of_that);
            }
        }
        if (over) {
            co_return;
        }
    }
}

awaitable<void> Server::wait_for_signal() {
    const int signal = co_await signals_->async_wait(use_awaitable);
    LogLine(Level::Info, "shutting_down").with("signal", signal == SIGINT ? "SIGINT" : "SIGTERM");
    // The next signal has its usual effect.
    signals_->clear();
    if (options_.drain.count() != 0) {
        co_await drain();
    }
    co_await shut_down();
}

void Server::stop_listening() {
    for (auto &listener : listeners_) {
        std::error_code ignored;
        listener.acceptor.close(ignored);
    }
}

awaitable<void> Server::drain() {
    stop_listening();
    LogLine(Level::Info, "draining").with("seconds", static_cast<std::uint64_t>(options_.drain.count())).with("sessions", house_.guests.numbers().present);
    house_.guests.send_away(options_.drain);
    co_await is_over_within(guests_gone(), options_.drain);
}

awaitable<void> Server::shut_down() {
    stop_listening();
    ticks_->cancel();
    log_ticks_->cancel();
    for (auto &thread : threads_) {
        asio::post(thread.context, [&thread] { thread.tasks.cancel(); });
    }
    house_.guests.close();
    if (!co_await is_over_within(all_over(), longest_goodbye)) {
        for (auto &thread : threads_) {
            asio::post(thread.context, [&thread] { thread.guests.cancel(); });
        }
        co_await is_over_within(all_over(), longest_end);
    }
    LogLine(Level::Info, "stopped").with("left", house_.guests.numbers().present);
    for (auto &thread : threads_) {
        thread.context.stop();
    }
}

// Completes when all tasks are over.
awaitable<void> Server::all_over() {
    for (auto &thread : threads_) {
        co_await thread.tasks.idle();
    }
    co_await guests_gone();
}

awaitable<void> Server::guests_gone() {
    for (auto &thread : threads_) {
        co_await thread.guests.idle();
    }
}

void Server::run() {
    std::vector<std::thread> threads;
    for (auto &thread : threads_) {
        threads.emplace_back([&context = thread.context] {
            const auto work = asio::make_work_guard(context);
            context.run();
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    finish();
}

// A goodbye to an upstream may still be on its way, in any of the contexts: they take turns.
void Server::finish() {
    const auto end = std::chrono::steady_clock::now() + longest_end;
    bool is_over = false;
    while (!is_over && std::chrono::steady_clock::now() < end) {
        is_over = true;
        for (auto &thread : threads_) {
            thread.context.restart();
            const bool did_nothing = thread.context.run_for(10ms) == 0;
            is_over = did_nothing && thread.context.stopped() && is_over;
        }
    }
}
