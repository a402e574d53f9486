#include "server.hpp"

#include "guest_log.hpp"
#include "log.hpp"

#include <comoq/fair_strand.hpp>
#include <comoq/log.hpp>
#if COMOQ_RELAY_QUIC
#include <comoq/quic/key_log.hpp>
#endif
#include <comoq/with_timeout.hpp>

#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
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

}  // namespace

Server::Server(const Options &options)
    : options_(options), origin_(origin_config()), house_(origin_, options), addresses_(options.listen) {
    allow_many_files();
    log_limits(house_.log_budget);
    const auto threads = options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < threads; ++i) {
        threads_.emplace_back();
    }
#if COMOQ_RELAY_QUIC
    if (options.key_log) {
        key_log_ = comoq::quic::key_log_to(*options.key_log);
    }
#endif
    const bool has_identity = !options.certificates.empty() || !options.generated_for.empty();
    if (has_identity) {
        house_.identity.emplace(options);
    }
    if (options.auth_key || options.auth_key_dir) {
        read_keys();
    }
    if (options.auth_url) {
        house_.service.emplace(*options.auth_url, options.authorities, house_.log_budget);
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
    if (has_identity) {
        LogLine(Level::Info, "certificate").with("sha256", house_.identity->fingerprint());
    }
    for (const auto &address : addresses_) {
        LogLine(Level::Info, "listening").with("url", address.text());
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
    // Always: a relay that has nothing to read again goes on, too.
    hang_up_ = std::make_unique<asio::signal_set>(first, SIGHUP);
    begin(*watch_, first.get_executor(), "SIGHUP", wait_for_hang_up());
    if (has_identity || house_.keys) {
        file_ticks_ = std::make_unique<asio::steady_timer>(first);
        begin(*watch_, first.get_executor(), "the files", watch_files());
    }
    if (house_.keys || house_.service || options.peer_authorities) {
        expiry_ticks_ = std::make_unique<asio::steady_timer>(first);
        begin(*watch_, first.get_executor(), "the expiries", watch_expiries());
    }
    if (options.stats != 0s) {
        begin(*watch_, first.get_executor(), "statistics", log_stats());
    }
}

// From now on nothing is allowed without a token but what is said to be public.
void Server::read_keys() {
    const bool is_folder = options_.auth_key_dir.has_value();
    house_.keys.emplace(is_folder ? *options_.auth_key_dir : *options_.auth_key, is_folder, options_.auth_audience,
                        [](const std::string &file, std::string_view why) {
                            LogLine(Level::Error, "auth_key_left_out").with("file", file).with("error", why);
                        });
    house_.rights.only_what_is_said();
    LogLine(Level::Info, "auth_keys").with("count", house_.keys->size());
}

Server::~Server() { comoq::set_log({}); }

comoq::OriginConfig Server::origin_config() const {
    comoq::OriginConfig config;
    config.max_cached_bytes = options_.cache_mib << 20;
    return config;
}

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
    stop_quic();
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
    hang_up_->cancel();
    if (file_ticks_ != nullptr) {
        file_ticks_->cancel();
    }
    if (expiry_ticks_ != nullptr) {
        expiry_ticks_->cancel();
    }
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
    log_quic();
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
