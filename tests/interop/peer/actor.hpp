// One session of the peer: the role that the command line gives, and its steps.
#pragma once

#include "connection.hpp"
#include "events.hpp"
#include "publisher.hpp"
#include "settings.hpp"
#include "subscriber.hpp"
#include "task.hpp"
#include "words.hpp"

#include <comoq/lite/session.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>

// The work of one session: the role that the command line gives, and its steps.
class Actor : public std::enable_shared_from_this<Actor> {
public:
    Actor(asio::any_io_executor executor, EventLog &log, const Settings &settings)
        : executor_(executor), log_(log), settings_(settings), since_(log.size()),
          publisher_(std::make_shared<Publisher>(executor, log, settings)),
          subscriber_(std::make_shared<Subscriber>(executor, log, settings)), closed_(executor), over_(executor) {}

    // From the connection to the end of the session. False if it did not go as the steps say.
    static asio::awaitable<bool> run(std::shared_ptr<Actor> self, Connection connection);
    void leave() { over_.set(); }

private:
    using Self = std::shared_ptr<Actor>;

    static asio::awaitable<void> follow_end(Self self);
    static asio::awaitable<void> close(Self self);
    static asio::awaitable<void> run_steps(Self self);
    static asio::awaitable<void> steps(Self self);
    static asio::awaitable<void> follow_input(Self self);
    static asio::awaitable<void> command(Self self, std::string line);
    asio::awaitable<void> wait(std::string event, Event::Fields fields, std::size_t count = 1) {
        return log_.wait(std::move(event), std::move(fields), count, since_, settings_.timeout);
    }

    const asio::any_io_executor executor_;
    EventLog &log_;
    const Settings &settings_;
    const std::size_t since_;
    const std::shared_ptr<Publisher> publisher_;
    const std::shared_ptr<Subscriber> subscriber_;
    const std::shared_ptr<std::optional<comoq::lite::Session>> session_ =
        std::make_shared<std::optional<comoq::lite::Session>>();
    bool is_closing_ = false, steps_are_done_ = false;
    std::optional<std::string> fault_;
    Condition closed_, over_;
};
