#include "log_lines.hpp"

#include "command_line.hpp"

#include <cstddef>
#include <cstdio>
#include <fmt/format.h>
#include <utility>

namespace {

constexpr std::size_t most_said = 200;

std::string line_of(const comoq::LogRecord &record) {
    if (record.event != "connection_lost") {
        return to_string(record);
    }
    const auto why = record.code ? record.code.message() : "the relay closed the connection";
    // The peer's words.
    const auto more = record.reason.empty() ? std::string() : fmt::format(" ({})", in_quotes(record.reason.substr(0, most_said)));
    return fmt::format("{}: {}{}; trying again in {} ms", record.name, why, more, record.next_try.count());
}

}  // namespace

void show_log(std::string program, comoq::LogLevel least) {
    const auto show = [program = std::move(program)](const comoq::LogRecord &record) {
        // The program fails with that, and says it itself.
        if (record.event != "giving_up") {
            fmt::print(stderr, "{}: {}\n", program, line_of(record));
        }
    };
    comoq::set_log(show, least);
}
