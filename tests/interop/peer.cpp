// A peer for the interop tests: the counterpart of peer.mjs, made of this library. The options, steps and events are those
// of peer.mjs, as far as there are any here (--help); its top comment explains them.
#include "peer/connection.hpp"
#include "peer/events.hpp"
#include "peer/publisher.hpp"
#include "peer/settings.hpp"
#include "peer/subscriber.hpp"
#include "peer/task.hpp"

#include "shared/command_line.hpp"

#include <comoq/lite/session.hpp>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

// Words of a command.
class Words {
public:
    explicit Words(const std::string &line) {
        std::istringstream input(line);
        for (std::string word; input >> word;) {
            words_.push_back(std::move(word));
        }
    }
    const std::string &name() const { return at(0); }
    // A dash is an empty one.
    std::string text(std::size_t index) const { return at(index) == "-" ? std::string() : at(index); }
    std::uint64_t number(std::size_t index) const { return number_from(name(), at(index), 0, std::size_t{1} << 53); }
    std::vector<std::string> from(std::size_t index) const {
        return {words_.begin() + static_cast<std::ptrdiff_t>(std::min(index, words_.size())), words_.end()};
    }

private:
    const std::string &at(std::size_t index) const {
        if (index >= words_.size()) {
            throw std::runtime_error("too few words");
        }
        return words_[index];
    }
    std::vector<std::string> words_;
};

// Made here, because GCC 12 cannot make them in a coroutine.
Event::Fields fields_of(const std::string &broadcast) { return {{"broadcast", broadcast}}; }
Event::Fields fields_of(const std::string &broadcast, const std::string &track) {
    return {{"broadcast", broadcast}, {"track", track}};
}

// The work of one session: the role that the command line gives, and its steps.
class Actor : public std::enable_shared_from_this<Actor> {
public:
    Actor(asio::any_io_executor executor, EventLog &log, const Settings &settings)
        : executor_(executor), log_(log), settings_(settings), since_(log.size()),
          publisher_(std::make_shared<Publisher>(executor, log, settings)),
          subscriber_(std::make_shared<Subscriber>(executor, log, settings)), closed_(executor), over_(executor) {}

    // From the connection to the end of the session. False if it did not go as the steps say.
    static awaitable<bool> run(std::shared_ptr<Actor> self, Connection connection);
    void leave() { over_.set(); }

private:
    using Self = std::shared_ptr<Actor>;

    static awaitable<void> follow_end(Self self);
    static awaitable<void> close(Self self);
    static awaitable<void> run_steps(Self self);
    static awaitable<void> steps(Self self);
    static awaitable<void> follow_input(Self self);
    static awaitable<void> command(Self self, std::string line);
    awaitable<void> wait(std::string event, Event::Fields fields, std::size_t count = 1) {
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

awaitable<bool> Actor::run(Self self, Connection connection) {
    auto &log = self->log_;
    log.emit(Event("connected")
                 .with("protocol", connection.protocol)
                 .with("role", self->settings_.role == Role::Publish ? "publish" : "subscribe")
                 .with("server", self->settings_.is_server));
    comoq::lite::SessionConfig config;
    config.publish = self->publisher_->published();
    config.subscribe = self->subscriber_->received();
    self->publisher_->serve_requests();
    self->subscriber_->ask(self->session_);
    self->session_->emplace(std::move(connection.transport), std::move(config));
    spawn(self->executor_, follow_end(self), log);
    const auto steps = spawn(self->executor_, run_steps(self), log);
    co_await self->over_.wait();

    if (!self->steps_are_done_) {
        steps->emit(asio::cancellation_type::terminal);
        if (!self->fault_ && !self->is_closing_) {
            self->fault_ = "the session ended before the steps were done";
        }
    } else if (!self->fault_ && !self->is_closing_) {
        log.emit(Event("steps-done"));
        if (!self->closed_.is_set()) {
            self->over_.clear();
        }
        const auto &o = self->settings_;
        std::shared_ptr<asio::cancellation_signal> input;
        if (o.reads_commands) {
            input = spawn(self->executor_, follow_input(self), log);
        }
        if (o.duration) {
            co_await self->over_.wait_for(*o.duration);
        } else if (o.stays) {
            co_await self->over_.wait();
        }
        if (input) {
            input->emit(asio::cancellation_type::terminal);
        }
    }
    if (self->fault_) {
        log.emit(Event("fault").with("error", *self->fault_));
    }
    co_await close(self);
    co_return !self->fault_;
}

awaitable<void> Actor::follow_end(Self self) {
    const auto code = co_await (*self->session_)->closed();
    self->log_.emit(Event("closed").with_error(code).with("ours", self->is_closing_));
    self->closed_.set();
    self->over_.set();
}

awaitable<void> Actor::close(Self self) {
    self->is_closing_ = true;
    self->publisher_->close();
    self->subscriber_->close();
    if (*self->session_) {
        (*self->session_)->close();
        co_await self->closed_.wait();
        // The connection says goodbye, and waits for the peer to hang up.
        co_await sleep(std::chrono::milliseconds(50));
        self->session_->reset();
    }
}

awaitable<void> Actor::run_steps(Self self) {
    try {
        co_await steps(self);
        self->steps_are_done_ = true;
    } catch (const std::system_error &error) {
        if (self->over_.is_set()) {
            co_return;
        }
        self->fault_ = error.code().message();
    } catch (const std::exception &error) {
        self->fault_ = error.what();
    }
    self->over_.set();
}

awaitable<void> Actor::steps(Self self) {
    const auto &o = self->settings_;
    if (o.role == Role::Publish && o.announces) {
        for (const auto &path : o.broadcasts) {
            self->publisher_->announce(path);
        }
    }
    for (const auto &prefix : o.announced) {
        self->subscriber_->announced(prefix == "-" ? std::string() : prefix);
    }
    if (o.role == Role::Subscribe) {
        for (const auto &path : o.broadcasts) {
            if (o.waits_for_announcement) {
                auto announced = fields_of(path);
                co_await self->wait("announce", std::move(announced));
            }
            for (const auto &track : o.tracks) {
                self->subscriber_->subscribe(path, track, o.subscription);
            }
        }
        for (const auto &path : o.broadcasts) {
            for (const auto &track : o.tracks) {
                const auto fields = fields_of(path, track);
                if (o.expect > 0) {
                    co_await self->wait("group", fields, o.expect);
                }
                if (o.until_end) {
                    co_await self->wait("track-end", fields);
                }
            }
        }
    }
    for (const auto &line : o.steps) {
        co_await command(self, line);
    }
}

// Commands from standard input, one a line, until its end.
awaitable<void> Actor::follow_input(Self self) {
    asio::posix::stream_descriptor input(self->executor_, ::dup(STDIN_FILENO));
    std::string text;
    while (true) {
        std::error_code failure;
        auto buffer = asio::dynamic_buffer(text);
        const std::size_t size =
            co_await asio::async_read_until(input, buffer, '\n', asio::redirect_error(use_awaitable, failure));
        if (failure) {
            break;
        }
        const auto line = text.substr(0, size - 1);
        text.erase(0, size);
        if (line.empty()) {
            continue;
        }
        std::string fault;
        try {
            co_await command(self, line);
        } catch (const std::exception &error) {
            fault = error.what();
        }
        if (!fault.empty()) {
            self->log_.emit(Event("command-error").with("command", line).with("error", fault));
        }
    }
    self->leave();
}

awaitable<void> Actor::command(Self self, std::string line) {
    const Words words(line);
    const auto &name = words.name();
    auto &publisher = *self->publisher_;
    auto &subscriber = *self->subscriber_;
    self->log_.emit(Event("command").with("command", line));
    if (name == "announce") {
        publisher.announce(words.text(1));
    } else if (name == "unannounce") {
        publisher.unannounce(words.text(1));
    } else if (name == "finish" || name == "abort") {
        publisher.finish(words.text(1), words.text(2), name == "abort");
    } else if (name == "announced") {
        subscriber.announced(words.text(1));
    } else if (name == "unannounced") {
        subscriber.unannounced(words.text(1));
    } else if (name == "watch") {
        subscriber.watch(words.text(1));
    } else if (name == "unwatch") {
        subscriber.unwatch(words.text(1));
    } else if (name == "subscribe") {
        comoq::Subscription wishes;
        for (const auto &word : words.from(3)) {
            set_wish(wishes, word);
        }
        subscriber.subscribe(words.text(1), words.text(2), wishes);
    } else if (name == "update") {
        subscriber.update(words.text(1), words.text(2), words.from(3));
    } else if (name == "unsubscribe") {
        subscriber.unsubscribe(words.text(1), words.text(2));
    } else if (name == "info") {
        co_await subscriber.info(words.text(1), words.text(2));
    } else if (name == "fetch") {
        comoq::Subscription wishes;
        for (const auto &word : words.from(4)) {
            set_wish(wishes, word);
        }
        comoq::Fetch how;
        how.priority = wishes.priority;
        co_await subscriber.fetch(words.text(1), words.text(2), words.number(3), how);
    } else if (name == "wait") {
        co_await sleep(std::chrono::milliseconds(words.number(1)));
    } else if (name == "await") {
        Event::Fields fields;
        std::size_t count = 1;
        for (const auto &word : words.from(2)) {
            const auto equals = word.find('=');
            if (equals != std::string::npos) {
                fields.emplace_back(word.substr(0, equals), word.substr(equals + 1));
            } else {
                count = number_from("await", word.substr(1), 1, 1'000'000);
            }
        }
        co_await self->wait(words.text(1), std::move(fields), count);
    } else if (name == "close") {
        co_await close(self);
    } else if (name == "quit") {
        self->leave();
    } else {
        throw std::runtime_error("unknown command: " + name);
    }
}

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
