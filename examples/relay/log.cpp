#include "log.hpp"

#include "shared/command_line.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fmt/format.h>
#include <unistd.h>

namespace {

constexpr std::array<std::string_view, 4> names = {"debug", "info", "warning", "error"};
std::atomic<Level> least_level{Level::Info};

std::string now_text() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    const auto seconds = static_cast<std::time_t>(millis / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec, millis % 1000);
}

bool is_plain(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '='; });
}

}  // namespace

Level level_from(std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
        throw UsageError(fmt::format("a log level is debug, info, warning or error, not {}", in_quotes(name)));
    }
    return static_cast<Level>(found - names.begin());
}

void set_log_level(Level least) { least_level = least; }

template <class Add> LogLine &LogLine::add(Add add) noexcept {
    if (!wanted_) {
        return *this;
    }
    try {
        add();
    } catch (const std::exception &) {
        wanted_ = false;
    }
    return *this;
}

LogLine::LogLine(Level level, std::string_view event) noexcept : wanted_(level >= least_level.load()) {
    add([&] { line_ = fmt::format("time={} level={} event={}", now_text(), names[static_cast<std::size_t>(level)], event); });
}

LogLine::~LogLine() {
    add([this] { line_ += '\n'; });
    if (!wanted_) {
        return;
    }
    // One call for the line. A failed write is ignored.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line_.data(), line_.size());
}

LogLine &LogLine::with(std::string_view name, std::string_view value) noexcept {
    return add([&] {
        line_.append(" ").append(name).append("=");
        if (is_plain(value)) {
            line_ += value;
            return;
        }
        line_ += '"';
        for (const char c : value) {
            if (c == '"' || c == '\\') {
                line_.append("\\").append(1, c);
            } else if (const auto byte = static_cast<unsigned char>(c); byte < ' ' || byte == 0x7f) {
                line_ += fmt::format("\\x{:02x}", byte);
            } else {
                line_ += c;
            }
        }
        line_ += '"';
    });
}

LogLine &LogLine::with(std::string_view name, std::uint64_t value) noexcept {
    return add([&] { line_ += fmt::format(" {}={}", name, value); });
}

LogLine &LogLine::with(std::string_view name, std::error_code value) noexcept {
    return add([&] { with(name, value.message()); });
}
