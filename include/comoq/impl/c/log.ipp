// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/log.h"
#include "../../detail/c/log_lines.hpp"
#include "../../detail/c/objects.hpp"
#include "../../detail/c/structures.hpp"

namespace comoq::detail::c {

/// The log of a process. The hook keeps the lines, and not the handle, which takes the hook away.
class LogObject final : public Object {
public:
    static constexpr std::uint32_t handle_kind = COMOQ_KIND_LOG;
    explicit LogObject(LogLevel least) : Object(COMOQ_KIND_LOG), value(std::make_shared<LogLines>()) {
        const Lock lock(changing());
        set_log([lines = value](const LogRecord &record) { lines->add(record); }, least);
        if (current() != nullptr) current()->value->end();
        current() = this;
    }
    ~LogObject() override {
        value->end();
        const Lock lock(changing());
        if (current() != this) return;
        current() = nullptr;
        guarded([]() -> std::int32_t {
            set_log(LogHook(), LogLevel::Off);
            return COMOQ_OK;
        });
    }
    const std::shared_ptr<LogLines> value;

private:
    static Mutex &changing() {
        static Mutex &mutex = *new Mutex;
        return mutex;
    }
    static const LogObject *&current() noexcept {
        static constinit const LogObject *log = nullptr;
        return log;
    }
};
using LogRecordObject = Holder<COMOQ_KIND_LOG_RECORD, LogLines::Line>;

COMOQ_EXPORT std::int32_t comoq_log_open(std::uint32_t level, comoq_log *log) {
    return guarded([&]() -> std::int32_t {
        if (log == nullptr || level > COMOQ_LOG_ERROR) return COMOQ_ERROR_ARGUMENT;
        *log = HandleTable::instance().insert(make<LogObject>(static_cast<LogLevel>(level)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_log_next(comoq_log log, comoq_queue queue, std::uint64_t user, comoq_event *now, comoq_op *op) {
    return with<LogObject>(log, [&](const std::shared_ptr<LogLines> &lines) {
        return ask_step(Asked{queue, user, now, op}, [&] { return lines->try_next(); }, [&] { return lines->next(); },
                        FillHandle<LogRecordObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_log_record_view(comoq_log_record record, comoq_log_view *out) {
    return with<LogRecordObject>(record, [&](const LogLines::Line &line) {
        comoq_log_view shown{};
        shown.level = static_cast<std::uint32_t>(line->level);
        shown.event = borrowed(line->event);
        shown.text = borrowed(line->text);
        shown.session = line->session;
        shown.lost = line->lost;
        shown.code = number_of(line->code);
        return write_prefix(out, shown) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

}  // namespace comoq::detail::c
