// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../lite/session_event.hpp"
#include "../../log.hpp"
#include "../../transport.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq::detail {

/// The sessions of the process are numbered from 1.
COMOQ_VISIBLE inline std::uint64_t next_session_number() noexcept {
    static constinit std::atomic<std::uint64_t> last = 0;
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// A target without its query, which may be a secret.
inline std::string_view without_query(std::string_view target) noexcept { return target.substr(0, target.find_first_of("?#")); }

/// What one session writes into the program's log. The transport and the name outlive this.
class SessionLog {
public:
    /// What a peer may do without being told that this side takes no more of it.
    enum class Limit : unsigned { Announced, Told, Tracks, OpenGroups };

    SessionLog(const Transport &transport, const std::string &name) noexcept : transport_(transport), name_(name) {}

    std::uint64_t number() const noexcept { return number_; }

    /// Whether the events of a peer are wanted. The peer sets their pace.
    static bool wants_events() noexcept { return is_logged(LogLevel::Debug); }

    void begun(std::string_view target) const noexcept {
        if (!is_logged(LogLevel::Info)) return;
        LogRecord record = record_of(LogLevel::Info, "session_begun");
        record.path = without_query(target);
        write_log(record);
    }
    void ended(std::error_code code) const noexcept {
        if (!is_logged(LogLevel::Info)) return;
        LogRecord record = record_of(LogLevel::Info, "session_ended");
        record.code = code;
        std::string reason;
        try {
            reason = transport_.end_reason();
        } catch (...) {
            // Of a foreign transport.
        }
        record.reason = reason;
        write_log(record);
    }
    void happened(const lite::SessionEvent &event) const noexcept {
        if (!wants_events()) return;
        LogRecord record = record_of(LogLevel::Debug, name_of(event.kind));
        record.path = event.path;
        record.track = event.track;
        record.code = event.code;
        write_log(record);
    }
    /// Once for each limit.
    void at_limit(Limit limit) noexcept {
        const unsigned mark = 1u << static_cast<unsigned>(limit);
        if ((told_ & mark) != 0 || !is_logged(LogLevel::Warning)) return;
        told_ |= mark;
        LogRecord record = record_of(LogLevel::Warning, "limit_reached");
        record.reason = name_of(limit);
        write_log(record);
    }

private:
    LogRecord record_of(LogLevel level, std::string_view event) const noexcept {
        LogRecord record;
        record.level = level;
        record.event = event;
        record.session = number_;
        record.name = name_;
        record.protocol = transport_.protocol();
        return record;
    }
    static std::string_view name_of(lite::SessionEvent::Kind kind) noexcept {
        switch (kind) {
        case lite::SessionEvent::Kind::Announced: return "announced";
        case lite::SessionEvent::Kind::Unannounced: return "unannounced";
        case lite::SessionEvent::Kind::Subscribed: return "subscribed";
        case lite::SessionEvent::Kind::Unsubscribed: return "unsubscribed";
        case lite::SessionEvent::Kind::Refused: return "refused";
        }
        return "event";
    }
    static std::string_view name_of(Limit limit) noexcept {
        switch (limit) {
        case Limit::Announced: return "max_announced";
        case Limit::Told: return "max_told";
        case Limit::Tracks: return "max_tracks";
        case Limit::OpenGroups: return "max_open_groups";
        }
        return "limit";
    }

    const Transport &transport_;
    const std::string &name_;
    const std::uint64_t number_ = next_session_number();
    unsigned told_ = 0;  // a bit for each limit
};

}  // namespace comoq::detail
