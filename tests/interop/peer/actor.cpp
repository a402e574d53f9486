#include "actor.hpp"

#include <asio/buffer.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

using asio::awaitable;
using asio::use_awaitable;

namespace {

// Made here, because GCC 12 cannot make them in a coroutine.
Event::Fields fields_of(const std::string &broadcast) { return {{"broadcast", broadcast}}; }
Event::Fields fields_of(const std::string &broadcast, const std::string &track) {
    return {{"broadcast", broadcast}, {"track", track}};
}

}  // namespace

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
