// SPDX-License-Identifier: MIT
#pragma once
#include "../../log.hpp"
#include "../wait/code_of.hpp"
#include "../wait/words_of.hpp"

#include <asio/error.hpp>
#include <asio/ip/address.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq::net::detail {

/// A step of a connection, for the program's log. A record that finds no memory is left out.
inline void log_connection(LogLevel level, std::string_view event, std::string_view name, std::error_code code = {},
                           std::string_view reason = {}) noexcept {
    if (!comoq::detail::is_logged(level)) return;
    LogRecord record;
    record.level = level;
    record.event = event;
    record.name = name;
    record.code = code;
    record.reason = reason;
    comoq::detail::write_log(record);
}
inline void log_connection(LogLevel level, std::string_view event, const asio::ip::address &of, std::error_code code = {},
                           std::string_view reason = {}) noexcept {
    if (!comoq::detail::is_logged(level)) return;
    try {
        log_connection(level, event, of.to_string(), code, reason);
    } catch (...) {
    }
}

/// The same for a failure. Asio's cancellation is not one; what a hook of the program throws is, whatever it is. `of` is a name
/// or an address.
template <class Of>
void log_failure(LogLevel level, std::string_view event, const Of &of, const std::exception_ptr &failure) noexcept {
    if (!comoq::detail::is_logged(level)) return;
    const auto code = comoq::detail::code_of(failure);
    if (code != asio::error::operation_aborted) log_connection(level, event, of, code, comoq::detail::words_of(failure));
}

}  // namespace comoq::net::detail
