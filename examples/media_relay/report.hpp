// The output of media_relay: progress while it runs, and a table at the end.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

class Recording;

// The publisher and the viewers count on any threads; the main thread shows it.
class RelayProgress {
public:
    RelayProgress(std::size_t groups, std::size_t bytes) : groups_to_publish_(groups), bytes_to_deliver_(bytes) {}

    void group_published() { groups_published_.fetch_add(1, std::memory_order_relaxed); }
    void bytes_delivered(std::size_t bytes) { bytes_delivered_.fetch_add(bytes, std::memory_order_relaxed); }

    // On a terminal it overwrites one line; elsewhere it prints a new line for every tenth of the way.
    void show();
    // Shows the final state, and ends the line.
    void finish();

private:
    void print(const char *line_end) const;

    const std::size_t groups_to_publish_;
    const std::size_t bytes_to_deliver_;
    std::atomic<std::size_t> groups_published_{0};
    std::atomic<std::size_t> bytes_delivered_{0};
    std::size_t tenths_shown_ = 0;
};

// The table. True if all is well: one upstream fetch, and every recording identical to the file.
bool print_summary(std::span<const Recording> recordings, std::size_t upstream_fetches);
