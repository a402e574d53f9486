// The clients of the relay, and what they share.
#pragma once

#include "identity.hpp"
#include "log_budget.hpp"
#include "options.hpp"
#include "web_files.hpp"

#include <comoq/net/source_limits.hpp>
#include <comoq/net/web_origins.hpp>
#include <comoq/origin.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

class Guest;

// Every connected guest, for the counters, and for the end. Any thread.
class Guests {
public:
    explicit Guests(std::size_t most) : most_(most) {}

    // False if there are too many.
    bool enter(const std::shared_ptr<Guest> &guest);
    void leave(const Guest &guest);
    // Counts a guest that was refused for another reason.
    void turned_away();
    // Asks all guests to leave, and admits no more.
    void close();
    // The same, but those that have a session may stay for that long.
    void send_away(std::chrono::milliseconds within);

    struct Numbers {
        std::size_t present = 0;
        std::uint64_t entered = 0, refused = 0;
        std::uint64_t received_bytes = 0, sent_bytes = 0;
        // Announcements of present sessions that found no room, and such that they were not told of.
        std::size_t left_out = 0, not_told = 0;
    };
    Numbers numbers() const;

private:
    std::vector<std::shared_ptr<Guest>> admit_no_more();

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<const Guest *, std::weak_ptr<Guest>> present_;
    bool closed_ = false;
    Numbers past_;
};

// The state that all guests share. It stays as long as any of them.
struct House {
    House(comoq::Origin &of, const Options &given)
        : origin(of), options(given), sources(given.max_of_address, given.max_handshakes), guests(given.max_sessions) {}

    comoq::Origin &origin;
    const Options &options;
    comoq::net::WebOrigins web_origins;
    std::optional<WebFiles> web;
    std::optional<Identity> identity;
    comoq::net::SourceLimits sources;
    Guests guests;
    LogBudget log_budget;
    // Four sessions' worth, for all sessions together: by default some hundreds of megabytes.
    const std::shared_ptr<std::atomic<std::int64_t>> announcements_left =
        std::make_shared<std::atomic<std::int64_t>>(static_cast<std::int64_t>(4 * options.max_announced));
};
