// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/wait/failure.hpp"
#include "../detail/wait/sync.hpp"
#include "../log.hpp"

#include <memory>
#include <utility>

namespace comoq {

namespace detail {

struct LogPlace {
    Mutex mutex;
    std::shared_ptr<const LogHook> hook;
    LogLevel least = LogLevel::Off;
};
/// It is never destroyed: sessions of static objects may end after everything else.
COMOQ_VISIBLE inline LogPlace &log_place() {
    static LogPlace *const place = new LogPlace;
    return *place;
}

COMOQ_DECL void write_log(const LogRecord &record) noexcept {
    try {
        LogPlace &place = log_place();
        std::shared_ptr<const LogHook> hook;
        {
            Lock lock(place.mutex);
            // The hook may be another one than `is_logged` was asked about.
            if (record.level >= place.least) hook = place.hook;
        }
        if (hook != nullptr) (*hook)(record);
    } catch (...) {
        // A log that fails changes nothing.
    }
}

}  // namespace detail

COMOQ_DECL void set_log(LogHook hook, LogLevel least) {
    detail::LogPlace &place = detail::log_place();
    auto next = hook ? std::make_shared<const LogHook>(std::move(hook)) : nullptr;
    const auto level = next != nullptr ? least : LogLevel::Off;
    // What the former hook owns is destroyed without the lock.
    detail::Lock lock(place.mutex);
    place.hook.swap(next);
    place.least = level;
    detail::log_least.store(level, std::memory_order_relaxed);
    lock.unlock();
}

COMOQ_DECL std::string_view to_string(LogLevel level) noexcept {
    switch (level) {
    case LogLevel::Debug: return "debug";
    case LogLevel::Info: return "info";
    case LogLevel::Warning: return "warning";
    case LogLevel::Error: return "error";
    case LogLevel::Off: return "off";
    }
    return "off";
}

COMOQ_DECL std::string to_string(const LogRecord &record) {
    std::string line(to_string(record.level));
    line.append(" ").append(record.event);
    const auto add = [&line](std::string_view name, std::string_view value) {
        if (!value.empty()) line.append(" ").append(name).append("=").append(detail::quoted(value));
    };
    if (record.session != 0) line.append(" session=").append(std::to_string(record.session));
    add("name", record.name);
    add("protocol", record.protocol);
    add("path", record.path);
    add("track", record.track);
    if (record.code) add("code", record.code.message());
    add("reason", record.reason);
    if (record.attempt != 0) line.append(" attempt=").append(std::to_string(record.attempt));
    if (record.next_try.count() != 0) line.append(" next_try=").append(std::to_string(record.next_try.count())).append("ms");
    return line;
}

}  // namespace comoq
