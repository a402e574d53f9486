#include "log_lines.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <utility>

namespace {

std::string line_of(const comoq::LogRecord &record) {
    if (record.event != "connection_lost") {
        return to_string(record);
    }
    const auto why = record.code ? record.code.message() : "the relay closed the connection";
    const auto more = record.reason.empty() ? std::string() : fmt::format(" ({})", record.reason);
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
