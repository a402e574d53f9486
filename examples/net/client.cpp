#include "client.hpp"

#include "dial.hpp"
#include "tls.hpp"

#include <comoq/lite/keep_connected.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/this_coro.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <system_error>
#include <utility>

void RelayOptions::read_from(CommandLine &line) {
    line.word([this](std::string_view text) { url = parse_url(text); });
    line.option("--ca", [this](std::string_view text) { authorities = text; });
}

Client::Client(const RelayOptions &relay) : url_(*relay.url) {
    if (url_.is_secure()) {
        tls_ = client_tls(relay.authorities);
    }
}

asio::awaitable<void> Client::while_connected(asio::awaitable<void> work) {
    comoq::lite::ReconnectConfig config;
    config.session.publish = published_.consumer();
    config.session.subscribe = received_.producer();
    auto connect = [url = url_, tls = tls_]() -> asio::awaitable<std::shared_ptr<comoq::Transport>> {
        std::string what;
        try {
            co_return co_await dial(url, tls);
        } catch (const std::system_error &error) {
            what = error.code().message();
        }
        fmt::print(stderr, "{}: {}; trying again\n", url.text(), what);
        throw std::system_error(make_error_code(comoq::Error::Transport));
    };
    const auto executor = co_await asio::this_coro::executor;
    auto connected = comoq::lite::keep_connected(std::move(connect), std::move(config));
    // The coroutine looks at the signal until its very end.
    const auto stop = std::make_shared<asio::cancellation_signal>();
    asio::co_spawn(executor, std::move(connected),
                   asio::bind_cancellation_slot(stop->slot(), [stop](const std::exception_ptr &) {}));
    std::exception_ptr failure;
    try {
        co_await std::move(work);
    } catch (...) {
        failure = std::current_exception();
    }
    stop->emit(asio::cancellation_type::terminal);
    if (failure != nullptr) {
        std::rethrow_exception(failure);
    }
}

bool run_client(asio::awaitable<void> program) {
    asio::io_context context(1);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    asio::cancellation_signal stop;
    bool stopped = false;
    signals.async_wait([&](std::error_code cancelled, int) {
        if (!cancelled) {
            stopped = true;
            // The next one has its usual effect.
            signals.clear();
            stop.emit(asio::cancellation_type::terminal);
        }
    });
    std::exception_ptr failure;
    const auto over = [&](const std::exception_ptr &thrown) {
        failure = thrown;
        signals.cancel();
    };
    asio::co_spawn(context, std::move(program), asio::bind_cancellation_slot(stop.slot(), over));
    context.run();
    if (failure != nullptr && !stopped) {
        std::rethrow_exception(failure);
    }
    return true;
}
