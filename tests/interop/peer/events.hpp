// Events, as one JSON object a line on standard output, and waits for them.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <fmt/format.h>
#include <list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

class Event {
public:
    // Each is a name and a value as JSON.
    using Fields = std::vector<std::pair<std::string, std::string>>;

    explicit Event(std::string_view name) : name_(name) {}

    Event &with(std::string_view name, std::string_view text);
    template <std::integral T> Event &with(std::string_view name, T number) {
        return with_json(name, fmt::format("{}", number));
    }
    Event &with_json(std::string_view name, std::string json);
    // As `error` and `code`, the number with which a stream tells it; a false one is null.
    Event &with_error(std::error_code code);

    const std::string &name() const { return name_; }
    const Fields &fields() const { return fields_; }
    // Values are as they are typed: words without quotes.
    bool fits(std::string_view name, const Fields &wanted) const;

private:
    std::string name_;
    Fields fields_;
};

class EventLog {
public:
    EventLog() : began_(std::chrono::steady_clock::now()) {}
    EventLog(const EventLog &) = delete;
    EventLog &operator=(const EventLog &) = delete;

    void emit(const Event &event);
    std::size_t size() const { return all_.size(); }

    // Until `count` events that fit have been printed since the one with the number `since`. Throws std::runtime_error
    // when the time is over.
    asio::awaitable<void> wait(std::string name, Event::Fields wanted, std::size_t count, std::size_t since,
                               std::chrono::milliseconds longest);

private:
    const std::chrono::steady_clock::time_point began_;
    std::vector<Event> all_;
    std::list<asio::steady_timer *> waiting_;
};
