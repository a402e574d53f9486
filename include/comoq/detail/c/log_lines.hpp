// SPDX-License-Identifier: MIT
#pragma once
#include "../../log.hpp"
#include "../../operation.hpp"
#include "../../try_result.hpp"
#include "../wait/step.hpp"
#include "../wait/sync.hpp"
#include "../wait/waiter.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::detail::c {

/// A record of the library's log, kept.
struct LogLine {
    LogLevel level = LogLevel::Info;
    std::string event;
    std::string text;
    std::uint64_t session = 0;
    std::uint64_t lost = 0;
    std::error_code code;
};

/// The records that nobody has taken yet: the latest 1,024. A record has a few texts of a line each, and those that are lost are
/// counted in the next one.
class LogLines {
public:
    static constexpr std::size_t most = 1024;

    void add(const LogRecord &record) {
        auto line = std::make_unique<LogLine>(
            LogLine{record.level, std::string(record.event), to_string(record), record.session, 0, record.code});
        const auto state = state_;
        WakeList wake;
        const Lock lock(state->mutex);
        if (state->lines.size() == most) {
            const std::uint64_t lost = 1 + state->lines.front()->lost;
            state->lines.pop_front();
            state->lines.front()->lost += lost;
        }
        state->lines.push_back(std::move(line));
        wake.take_one(state->waits);
    }

    /// No more will come: waits get what is there, and then the end.
    void end() noexcept {
        WakeList wake;
        const Lock lock(state_->mutex);
        state_->is_over = true;
        wake.take(state_->waits);
    }

    using Line = std::unique_ptr<LogLine>;
    Operation<std::optional<Line>> next() const { return Operation<std::optional<Line>>(Passkey(), Step(Rule(state_))); }
    TryResult<Line> try_next() const noexcept { return try_take<Line>(Step(Rule(state_))); }

private:
    struct State {
        Mutex mutex;
        WaitList waits;
        std::deque<Line> lines;
        bool is_over = false;
    };
    class Rule {
    public:
        using value_type = std::optional<Line>;
        explicit Rule(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
        Mutex &mutex() const noexcept { return state_->mutex; }
        WaitList &waits() const noexcept { return state_->waits; }
        bool available() const noexcept { return !state_->lines.empty() || state_->is_over; }
        Outcome<value_type> take() {
            if (state_->lines.empty()) return Outcome<value_type>(std::in_place);
            Outcome<value_type> line(std::in_place, std::move(state_->lines.front()));
            state_->lines.pop_front();
            return line;
        }
        /// One that was woken, and does not take what is there, wakes the next.
        void pass_on(WakeList &wake) noexcept {
            if (available()) wake.take_one(state_->waits);
        }

    private:
        std::shared_ptr<State> state_;
    };

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace comoq::detail::c
