// How many lines of the log peers may cause.
#pragma once

#include <asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

// How many lines may come at once, and how many a second after that: of each address, and of all together. A peer can neither
// fill the disk nor push the lines of others out, as long as it has few addresses; lines that were left out are counted.
// The time is an argument. Any thread.
class LogBudget {
public:
    using Time = std::chrono::steady_clock::time_point;
    struct Limits {
        std::uint64_t at_once_each = 256, per_second_each = 4;
        std::uint64_t at_once = 5'000, per_second = 200;
        // More than these, at a time, share one more.
        std::size_t most_sources = 4'096;
    };

    LogBudget() : LogBudget(Limits()) {}
    explicit LogBudget(const Limits &limits) : limits_(limits) {}

    // Whether one more line may be written because of that source.
    bool take(const asio::ip::address &source, Time now);

    struct LeftOut {
        std::uint64_t lines = 0;
        // The source that most of them are of; nothing if those share a place.
        std::optional<asio::ip::address> most_of;
        std::uint64_t lines_of_that = 0;
    };
    // What was left out since the last call.
    LeftOut take_left_out(Time now);

    // The known sources: those that have written lately.
    std::size_t size() const;

private:
    struct Bucket {
        std::uint64_t thousandths = 0;  // of a line
        Time last;
        std::uint64_t left_out = 0;
    };
    static void fill(Bucket &bucket, std::uint64_t at_once, std::uint64_t per_second, Time now);
    Bucket &bucket_of(const asio::ip::address &source, Time now);
    void forget_the_quiet(Time now);

    const Limits limits_;
    mutable std::mutex mutex_;
    std::map<asio::ip::address, Bucket> sources_;
    Bucket others_, all_;
    Time swept_;
};
