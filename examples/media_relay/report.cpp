#include "report.hpp"

#include "recording.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/core.h>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

bool on_terminal() {
    static const bool answer = isatty(STDOUT_FILENO) == 1;
    return answer;
}

double milliseconds(Recording::Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

void RelayProgress::show() {
    const std::size_t tenths = 10 * groups_published_.load(std::memory_order_relaxed) / groups_to_publish_;
    if (on_terminal()) {
        print("\r");
    } else if (tenths > tenths_shown_) {
        tenths_shown_ = tenths;
        print("\n");
    }
}

void RelayProgress::finish() {
    if (on_terminal() || tenths_shown_ < 10) {
        print("\n");
    }
}

void RelayProgress::print(const char *line_end) const {
    const std::size_t delivered = bytes_delivered_.load(std::memory_order_relaxed);
    fmt::print("{} of {} groups published, {} of {} KB delivered{}", groups_published_.load(std::memory_order_relaxed),
               groups_to_publish_, delivered / 1000, bytes_to_deliver_ / 1000, line_end);
    std::fflush(stdout);
}

bool print_summary(std::span<const Recording> recordings, std::size_t upstream_fetches) {
    std::vector<double> waits;
    for (const Recording &recording : recordings) {
        waits.push_back(milliseconds(recording.time_to_first_frame()));
    }
    std::sort(waits.begin(), waits.end());
    const bool identical =
        std::all_of(recordings.begin(), recordings.end(), [](const Recording &one) { return one.is_identical(); });

    const Recording &first = recordings.front();
    fmt::print("\n");
    fmt::print("{:>20} {}\n", "viewers:", recordings.size());
    if (first.groups() != 0) {
        fmt::print("{:>20} {} each\n", "groups:", first.groups());
    }
    fmt::print("{:>20} {} each\n", "frames:", first.frames());
    fmt::print("{:>20} {} each\n", "bytes:", first.bytes());
    fmt::print("{:>20} {}\n", "upstream fetches:", upstream_fetches);
    fmt::print("{:>20} {:.2f} ms (median), {:.2f} ms (slowest viewer)\n",
               "time to first frame:", waits[waits.size() / 2], waits.back());
    fmt::print("{:>20} {}\n", "identical:", identical ? "yes" : "no");
    std::fflush(stdout);
    return identical && upstream_fetches == 1;
}
