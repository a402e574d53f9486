// The relay's log: a line an event on standard error, in fields (logfmt), such as
//   time=2026-01-31T12:00:00.000Z level=info event=announced id=3 path=room/alice
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

enum class Level { Debug, Info, Warning, Error };

// Throws UsageError for a name other than debug, info, warning and error.
Level level_from(std::string_view name);
// Lines below this level are not written. Set it before there are threads.
void set_log_level(Level least);
bool is_logged(Level level);

// The longest value in a line, in bytes. A longer one is cut off, and ends with three dots.
inline constexpr std::size_t longest_value = 256;
// A value as a line has it: a word as it is; anything else in quotes, with controls, what is not UTF-8, and what changes
// the direction of text written as \xNN. So a peer can neither forge a line nor play tricks on a terminal.
std::string in_log(std::string_view value);

// Written whole when it goes out of scope, so that lines of several threads do not mix. A line for which there is no
// memory is left out: logging never fails.
class LogLine {
public:
    // It is not written if it is not `allowed`, either.
    LogLine(Level level, std::string_view event, bool allowed = true) noexcept;
    ~LogLine();
    LogLine(const LogLine &) = delete;
    LogLine &operator=(const LogLine &) = delete;

    // Adds a field, with the value as `in_log` writes it.
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
