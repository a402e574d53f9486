// The relay's log: a line an event on standard error, in fields (logfmt), such as
//   time=2026-01-31T12:00:00.000Z level=info event=session_opened id=3 peer=127.0.0.1:50312 over=ws
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

enum class Level { Debug, Info, Warning, Error };

// Throws UsageError for a name other than debug, info, warning and error.
Level level_from(std::string_view name);
// Lines below this level are not written. Set it before there are threads.
void set_log_level(Level least);

// Written whole when it goes out of scope, so that lines of several threads do not mix. A line for which there is no
// memory is left out: logging never fails.
class LogLine {
public:
    LogLine(Level level, std::string_view event) noexcept;
    ~LogLine();
    LogLine(const LogLine &) = delete;
    LogLine &operator=(const LogLine &) = delete;

    // Adds a field; a value that is not one plain word is quoted and escaped: a peer cannot forge a line.
    LogLine &with(std::string_view name, std::string_view value) noexcept;
    LogLine &with(std::string_view name, const char *value) noexcept { return with(name, std::string_view(value)); }
    LogLine &with(std::string_view name, std::uint64_t value) noexcept;
    LogLine &with(std::string_view name, std::error_code value) noexcept;

private:
    // Adds to the line, if it is wanted: `add()`.
    template <class Add> LogLine &add(Add add) noexcept;

    bool wanted_;
    std::string line_;
};
