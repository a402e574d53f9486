// The clients of the relay, and what they share.
#pragma once

#include "access.hpp"
#include "auth_keys.hpp"
#include "auth_service.hpp"
#include "expiries.hpp"
#include "identity.hpp"
#include "log_budget.hpp"
#include "options.hpp"
#include "web_files.hpp"
#include "web_media.hpp"

#include <comoq/lite/session_event.hpp>
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
#include <string>
#include <string_view>
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
    // A guest that may stay until then.
    void may_stay(const Guest &guest, std::chrono::system_clock::time_point until);
    // Ends the sessions of those whose time is over.
    void expire(std::chrono::system_clock::time_point now);
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
    std::shared_ptr<Guest> take_expired(std::chrono::system_clock::time_point now);

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<const Guest *, std::weak_ptr<Guest>> present_;
    Expiries<const Guest *> expiries_;
    bool closed_ = false;
    Numbers past_;
};

// The state that all guests share. It stays as long as any of them.
struct House {
    House(comoq::Origin &of, const Options &given)
        : origin(of), options(given), rights(given.rights), sources(given.max_of_address, given.max_handshakes), guests(given.max_sessions) {}

    // Any thread.
    Admission admit(std::string_view target, const std::optional<std::chrono::system_clock::time_point> &relay_until) const {
        return relay_until ? admit_relay(target, rights, origin, *relay_until)
                           : ::admit(target, rights, keys ? &*keys : nullptr, origin, std::chrono::system_clock::now());
    }

    void count(const comoq::lite::SessionEvent &event) noexcept;
    // For Prometheus. They are gathered once a second at most, because that looks at each guest.
    std::string metrics();

    comoq::Origin &origin;
    const Options &options;
    Rights rights;
    std::optional<AuthKeys> keys;
    std::optional<AuthService> service;
    comoq::net::WebOrigins web_origins;
    std::optional<WebFiles> web;
    WebBudget web_budget{std::size_t{256} << 20};
    std::optional<Identity> identity;
    comoq::net::SourceLimits sources;
    Guests guests;
    LogBudget log_budget;
    struct Counts {
        std::atomic<std::uint64_t> announcements{0}, subscriptions{0}, subscriptions_over{0}, requests_refused{0};
    };
    Counts counts;
    const std::chrono::system_clock::time_point started = std::chrono::system_clock::now();
    std::mutex metrics_mutex;
    std::string metrics_text;
    std::chrono::steady_clock::time_point metrics_until;
    // Four sessions' worth, for all sessions together: by default some hundreds of megabytes.
    const std::shared_ptr<std::atomic<std::int64_t>> announcements_left =
        std::make_shared<std::atomic<std::int64_t>>(static_cast<std::int64_t>(4 * options.max_announced));
};
