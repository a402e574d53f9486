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

// The bytes of the first character if it is one that a line may show as it is; 0 if not.
std::size_t size_of_shown(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return first >= ' ' && first != 0x7f ? 1 : 0;
    }
    if (first < 0xc2) {
        return 0;
    }
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    unsigned value = first & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) {
            return 0;
        }
        value = value << 6 | (byte(i) & 0x3fU);
    }
    constexpr std::array<unsigned, 3> least_of = {0xa0, 0x800, 0x10000};  // of two bytes: no controls
    const bool is_character = first < 0xf8 && value >= least_of[size - 2] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
    // Ends of lines, and what changes the direction of text.
    const bool is_trick = (value >= 0x200e && value <= 0x200f) || (value >= 0x2028 && value <= 0x202e) ||
                          (value >= 0x2066 && value <= 0x2069) || value == 0x61c || value == 0xfeff;
    return is_character && !is_trick ? size : 0;
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
bool is_logged(Level level) { return level >= least_level.load(); }

std::string in_log(std::string_view value) {
    if (value.size() <= longest_value && is_plain(value)) {
        return std::string(value);
    }
    std::string text = "\"";
    std::string_view rest = value;
    while (!rest.empty()) {
        const auto shown = size_of_shown(rest);
        const auto taken = std::max<std::size_t>(shown, 1);
        if (value.size() - rest.size() + taken > longest_value) {
            text += "...";
            break;
        }
        if (rest.front() == '"' || rest.front() == '\\') {
            text.append("\\").append(rest.substr(0, 1));
        } else if (shown != 0) {
            text += rest.substr(0, shown);
        } else {
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(rest.front()));
        }
        rest.remove_prefix(taken);
    }
    return text + '"';
}

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

LogLine::LogLine(Level level, std::string_view event, bool allowed) noexcept : wanted_(allowed && is_logged(level)) {
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
    return add([&] { line_.append(" ").append(name).append("=").append(in_log(value)); });
}

LogLine &LogLine::with(std::string_view name, std::uint64_t value) noexcept {
    return add([&] { line_ += fmt::format(" {}={}", name, value); });
}

LogLine &LogLine::with(std::string_view name, std::error_code value) noexcept {
    return add([&] { with(name, value.message()); });
}
