#include "client.hpp"

#include "dial.hpp"
#include "tls.hpp"

#include <comoq/error.hpp>
#include <comoq/lite/keep_connected.hpp>
#include <comoq/task_group.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <span>
#include <system_error>
#include <utility>

namespace {

// How long a program may take to say goodbye, whatever is lost or stuck.
constexpr std::chrono::seconds longest_end{2};

bool was_cancelled(const std::exception_ptr &thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::system_error &error) {
        return error.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

}  // namespace

void RelayOptions::read_from(CommandLine &line) {
    line.word([this](std::string_view text) { url = parse_url(text); });
    line.option("--ca", [this](std::string_view text) { authorities = text; });
    line.option("--tries", [this](std::string_view text) { tries = number_from("--tries", text, 1, 1'000'000); });
    line.flag("--verbose", [this] { is_verbose = true; });
}

void check_path(std::string_view text) {
    try {
        const comoq::Path path(text);
    } catch (const std::system_error &error) {
        throw UsageError(fmt::format("{} is not a path of a broadcast: {}", in_quotes(text), error.code().message()));
    }
}

Client::Client(const RelayOptions &relay, std::optional<std::string_view> wanted) : url_(*relay.url), tries_(relay.tries) {
    if (wanted) {
        wanted_.emplace(*wanted);
    }
    if (url_.is_secure()) {
        tls_ = client_tls(relay.authorities);
    }
}

asio::awaitable<void> Client::while_connected(asio::awaitable<void> work) {
    comoq::lite::ReconnectConfig config;
    config.session.publish = published_.consumer();
    if (!url_.is_websocket()) {
        // A WebSocket has sent the path already.
        config.session.path = url_.target;
    }
    if (wanted_) {
        config.session.subscribe = received_.producer().scope(std::span<const comoq::Path>(&*wanted_, 1));
    }
    config.session.name = url_.text();
    config.tries = tries_;
    config.gives_up_on = comoq::lite::cannot_get_better;
    // The timer is over when the first connection is made.
    bool has_begun = false;
    asio::steady_timer first(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    config.on_change = [this, &has_begun, &first](const comoq::lite::ConnectionEvent &event) {
        is_connected_ = event.kind == comoq::lite::ConnectionEvent::Kind::Connected;
        if (is_connected_ && !std::exchange(has_begun, true)) {
            first.expires_at(asio::steady_timer::time_point::min());
        }
    };
    auto connect = [url = url_, tls = tls_]() -> asio::awaitable<std::shared_ptr<comoq::Transport>> {
        co_return co_await dial(url, tls);
    };
    auto connected = comoq::lite::keep_connected(std::move(connect), std::move(config));
    // Everything ends with the work, however that ends. A relay that cannot be reached any more cancels what the work asks for:
    // then why it cannot is the reason, and not the cancellation.
    std::exception_ptr unreachable;
    bool has_ended = false;
    const auto both = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        tasks.spawn(std::move(connected), [&](std::exception_ptr thrown) {
            has_ended = true;
            if (!was_cancelled(thrown)) {
                unreachable = std::move(thrown);
            }
            first.cancel();
            tasks.cancel();
        });
        std::error_code ignored;
        co_await first.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        // Otherwise this was cancelled.
        std::exception_ptr cancelled;
        if (has_begun) {
            try {
                co_await std::move(work);
            } catch (const std::system_error &error) {
                if (error.code() != comoq::Error::Cancelled) {
                    throw;
                }
                cancelled = std::current_exception();
            }
        }
        if (cancelled != nullptr) {
            if (!has_ended) {
                first.expires_after(longest_end);
                co_await first.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            }
            std::rethrow_exception(cancelled);
        }
        tasks.cancel();
    };
    std::exception_ptr failure;
    try {
        co_await comoq::with_task_group(both);
    } catch (...) {
        failure = std::current_exception();
    }
    if (unreachable != nullptr) {
        std::rethrow_exception(unreachable);
    }
    if (failure != nullptr) {
        std::rethrow_exception(failure);
    }
}

bool run_client(asio::awaitable<void> program) {
    ClientPlace place;
    return run_client(place, std::move(program));
}

bool run_client(ClientPlace &place, asio::awaitable<void> program) {
    auto &stop = place.stop;
    auto &context = place.context;
    asio::signal_set signals(context, SIGINT, SIGTERM);
    asio::steady_timer limit(context);
    bool stopped = false;
    signals.async_wait([&](std::error_code cancelled, int) {
        if (cancelled) {
            return;
        }
        stopped = true;
        // The next signal has its usual effect.
        signals.clear();
        stop.emit(asio::cancellation_type::terminal);
        limit.expires_after(longest_end);
        limit.async_wait([&context](std::error_code in_time) {
            if (!in_time) {
                context.stop();
            }
        });
    });
    std::exception_ptr failure;
    const auto over = [&](const std::exception_ptr &thrown) {
        failure = thrown;
        signals.cancel();
        limit.cancel();
        context.stop();
    };
    asio::co_spawn(context, std::move(program), asio::bind_cancellation_slot(stop.slot(), over));
    context.run();
    context.restart();
    context.run_for(longest_end);
    if (failure != nullptr && !stopped) {
        std::rethrow_exception(failure);
    }
    return true;
}
