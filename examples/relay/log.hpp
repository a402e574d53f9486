// The relay's log: a line an event on standard error, in fields (logfmt), such as
//   time=2026-01-31T12:00:00.000Z level=info event=session_opened id=3 peer=127.0.0.1:50312 over=ws
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

enum class Level { Debug, Info, Warning, Error };

// Throws UsageError for what is none of debug, info, warning and error.
Level level_from(std::string_view name);
// What is less is not written. To be set before there are threads.
void set_log_level(Level least);

// Written whole when it goes out of scope, so that lines of several threads do not mix.
class LogLine {
public:
    LogLine(Level level, std::string_view event);
    ~LogLine();
    LogLine(const LogLine &) = delete;
    LogLine &operator=(const LogLine &) = delete;

    // In quotes, with escapes, if it is not one plain word: a peer cannot forge a line.
    LogLine &with(std::string_view name, std::string_view value);
    LogLine &with(std::string_view name, const char *value) { return with(name, std::string_view(value)); }
    LogLine &with(std::string_view name, std::uint64_t value);
    LogLine &with(std::string_view name, std::error_code value);

private:
    bool wanted_;
    std::string line_;
};
