// A peer for the interop tests: the counterpart of peer.mjs, made of this library. The options, steps and events are those
// of peer.mjs, as far as there are any here (--help); its top comment explains them.
#include "peer/actor.hpp"
#include "peer/connection.hpp"
#include "peer/events.hpp"
#include "peer/settings.hpp"
#include "peer/task.hpp"

#include "shared/command_line.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

// The program from its beginning to its end.
class Program {
public:
    explicit Program(const Settings &settings)
        : settings_(settings), context_(1), signals_(context_, SIGTERM), over_(context_.get_executor()) {}

    bool run() {
        spawn(context_.get_executor(), live(), log_);
        spawn(context_.get_executor(), follow_signal(), log_);
        context_.run();
        return !has_failed_;
    }

private:
    awaitable<void> live() {
        const bool ends_by_itself = !(settings_.stays && settings_.role == Role::Publish);
        spawn(context_.get_executor(), settings_.is_server ? serve() : visit(), log_);
        const auto longest = settings_.timeout + settings_.duration.value_or(std::chrono::milliseconds(0));
        if (ends_by_itself) {
            co_await over_.wait_for(longest);
        } else {
            co_await over_.wait();
        }
        if (!over_.is_set()) {
            fail("timed out");
        }
        context_.stop();
    }

    awaitable<void> visit() {
        std::optional<Connection> connection;
        std::string failure;
        try {
            connection = co_await connect(settings_);
        } catch (const std::exception &error) {
            failure = error.what();
        }
        if (connection) {
            co_await act(std::move(*connection));
        } else {
            log_.emit(Event("fault").with("where", "connect").with("error", failure));
            has_failed_ = true;
        }
        over_.set();
    }

    awaitable<void> serve() {
        tcp::acceptor acceptor(context_, tcp::endpoint(asio::ip::make_address(settings_.url.host), *settings_.url.port));
        auto url = settings_.url;
        url.port = acceptor.local_endpoint().port();
        log_.emit(Event("listening").with("port", *url.port).with("url", url.text()));
        while (true) {
            tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
            spawn(context_.get_executor(), welcome(std::move(socket)), log_);
        }
    }
    awaitable<void> welcome(tcp::socket socket) {
        std::optional<Connection> connection;
        std::string failure;
        try {
            connection = co_await accept(std::move(socket), settings_);
        } catch (const std::exception &error) {
            failure = error.what();
        }
        if (!connection) {
            log_.emit(Event("refused").with("error", failure));
            co_return;
        }
        log_.emit(Event("session").with("session", next_session_++));
        co_await act(std::move(*connection));
        if (++past_sessions_ == settings_.sessions) {
            over_.set();
        }
    }

    awaitable<void> act(Connection connection) {
        const auto actor = std::make_shared<Actor>(context_.get_executor(), log_, settings_);
        actors_.push_back(actor);
        const bool went_well = co_await Actor::run(actor, std::move(connection));
        std::erase(actors_, actor);
        has_failed_ = has_failed_ || !went_well;
    }

    awaitable<void> follow_signal() {
        co_await signals_.async_wait(use_awaitable);
        if (actors_.empty()) {
            over_.set();
        }
        for (const auto &actor : actors_) {
            actor->leave();
        }
    }

    void fail(const std::string &why) {
        log_.emit(Event("fault").with("error", why));
        has_failed_ = true;
    }

    const Settings &settings_;
    EventLog log_;
    asio::io_context context_;
    asio::signal_set signals_;
    Condition over_;
    std::vector<std::shared_ptr<Actor>> actors_;
    std::size_t next_session_ = 0, past_sessions_ = 0;
    bool has_failed_ = false;
};

}  // namespace

int main(int argc, char **argv) {
    return with_settings(argc, argv, [](const Settings &settings) {
        Program program(settings);
        return program.run();
    });
}
