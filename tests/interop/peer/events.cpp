#include "events.hpp"

#include <comoq/detail/lite/codes.hpp>

#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace {

std::string quoted(std::string_view text) {
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            json += '\\';
        }
        if (c >= 0 && c < ' ') {
            json += fmt::format("\\u{:04x}", static_cast<int>(c));
        } else {
            json += c;
        }
    }
    return json + '"';
}

}  // namespace

Event &Event::with(std::string_view name, std::string_view text) { return with_json(name, quoted(text)); }

Event &Event::with_json(std::string_view name, std::string json) {
    fields_.emplace_back(name, std::move(json));
    return *this;
}

Event &Event::with_error(std::error_code code) {
    if (!code) {
        return with_json("error", "null");
    }
    return with("error", code.message()).with("code", comoq::lite::stream_code(code, comoq::lite::StreamUse::Request));
}

bool Event::fits(std::string_view name, const Fields &wanted) const {
    const auto has = [this](const auto &field) {
        const auto &[key, value] = field;
        const auto found = std::ranges::find(fields_, key, &Fields::value_type::first);
        return found != fields_.end() && (found->second == value || found->second == quoted(value));
    };
    return name_ == name && std::ranges::all_of(wanted, has);
}

void EventLog::emit(const Event &event) {
    const auto passed = std::chrono::steady_clock::now() - began_;
    std::string line = fmt::format("{{\"event\":{},\"ms\":{}", quoted(event.name()),
                                   std::chrono::duration_cast<std::chrono::milliseconds>(passed).count());
    for (const auto &[name, json] : event.fields()) {
        line += fmt::format(",{}:{}", quoted(name), json);
    }
    line += "}\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
    all_.push_back(event);
    for (auto *waiting : waiting_) {
        waiting->cancel();
    }
}

asio::awaitable<void> EventLog::wait(std::string name, Event::Fields wanted, std::size_t count, std::size_t since,
                                     std::chrono::milliseconds longest) {
    struct Listed {
        Listed(std::list<asio::steady_timer *> &in, asio::steady_timer &timer)
            : list(in), place(in.insert(in.end(), &timer)) {}
        Listed(const Listed &) = delete;
        Listed &operator=(const Listed &) = delete;
        ~Listed() { list.erase(place); }
        std::list<asio::steady_timer *> &list;
        std::list<asio::steady_timer *>::iterator place;
    };
    asio::steady_timer timer(co_await asio::this_coro::executor, longest);
    const Listed listed(waiting_, timer);
    std::size_t seen = 0;
    while (true) {
        for (; since < all_.size(); ++since) {
            if (all_[since].fits(name, wanted)) {
                ++seen;
            }
        }
        if (seen >= count) {
            co_return;
        }
        // A printed event cancels the timer.
        std::error_code woken;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (!woken) {
            throw std::runtime_error(fmt::format("timed out waiting for {} x {}, saw {}", count, name, seen));
        }
    }
}
