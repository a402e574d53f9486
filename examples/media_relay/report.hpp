// What media_relay prints: how far it is while it runs, and a table at the end.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

class Recording;

// Counted by the publisher and the viewers, on whatever threads; shown by the main thread.
class Progress {
public:
    Progress(std::size_t groups, std::size_t bytes) : groups_to_publish_(groups), bytes_to_deliver_(bytes) {}

    void group_published() { groups_published_.fetch_add(1, std::memory_order_relaxed); }
    void bytes_delivered(std::size_t bytes) { bytes_delivered_.fetch_add(bytes, std::memory_order_relaxed); }

    // On a terminal one line that is written over; elsewhere a new line for every tenth of the way.
    void show();
    // Shows where it ended, and leaves the line.
    void finish();

private:
    void print(const char *line_end) const;

    const std::size_t groups_to_publish_;
    const std::size_t bytes_to_deliver_;
    std::atomic<std::size_t> groups_published_{0};
    std::atomic<std::size_t> bytes_delivered_{0};
    std::size_t tenths_shown_ = 0;
};

// The table. True if all is as it should be: one upstream fetch, and every recording identical to the file.
bool print_summary(std::span<const Recording> recordings, std::size_t upstream_fetches);
