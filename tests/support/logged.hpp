/// \file
/// What the library logs while this exists.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <comoq/log.hpp>

namespace comoq::test {

class Logged {
public:
    explicit Logged(LogLevel least = LogLevel::Debug) {
        set_log([this](const LogRecord &record) { add(record); }, least);
    }
    Logged(const Logged &) = delete;
    Logged &operator=(const Logged &) = delete;
    ~Logged() { set_log({}); }

    /// The lines since the last call, without the numbers of sessions, which other tests have raised.
    std::vector<std::string> take() {
        std::lock_guard lock(mutex_);
        return std::exchange(lines_, {});
    }

private:
    void add(LogRecord record) {
        record.session = 0;
        std::lock_guard lock(mutex_);
        lines_.push_back(to_string(record));
    }

    std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace comoq::test
