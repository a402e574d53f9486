#include "guests.hpp"

#include "guest.hpp"
#include "metrics.hpp"

#include <utility>

bool Guests::enter(const std::shared_ptr<Guest> &guest) {
    std::lock_guard lock(mutex_);
    if (closed_ || present_.size() >= most_) {
        ++past_.refused;
        return false;
    }
    present_.emplace(guest.get(), guest);
    ++past_.entered;
    return true;
}

void Guests::turned_away() {
    std::lock_guard lock(mutex_);
    ++past_.refused;
}

void Guests::leave(const Guest &guest) {
    std::lock_guard lock(mutex_);
    if (present_.erase(&guest) == 0) {
        return;
    }
    expiries_.forget(&guest);
    const auto stats = guest.stats();
    past_.received_bytes += stats.received_bytes.value_or(0);
    past_.sent_bytes += stats.sent_bytes.value_or(0);
}

void Guests::may_stay(const Guest &guest, std::chrono::system_clock::time_point until) {
    std::lock_guard lock(mutex_);
    // Those that have left are not remembered.
    if (present_.contains(&guest)) {
        expiries_.set(&guest, until);
    }
}

std::shared_ptr<Guest> Guests::take_expired(std::chrono::system_clock::time_point now) {
    std::lock_guard lock(mutex_);
    while (const auto due = expiries_.take_due(now)) {
        if (auto there = present_.at(*due).lock()) {
            return there;
        }
    }
    return nullptr;
}

void Guests::expire(std::chrono::system_clock::time_point now) {
    while (const auto guest = take_expired(now)) {
        guest->expire();
    }
}

std::vector<std::shared_ptr<Guest>> Guests::admit_no_more() {
    std::vector<std::shared_ptr<Guest>> all;
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto &[key, guest] : present_) {
        if (auto there = guest.lock()) {
            all.push_back(std::move(there));
        }
    }
    return all;
}

void Guests::close() {
    for (const auto &guest : admit_no_more()) {
        guest->ask_to_leave();
    }
}

void Guests::send_away(std::chrono::milliseconds within) {
    for (const auto &guest : admit_no_more()) {
        guest->send_away(within);
    }
}

Guests::Numbers Guests::numbers() const {
    std::lock_guard lock(mutex_);
    Numbers numbers = past_;
    numbers.present = present_.size();
    for (const auto &[key, guest] : present_) {
        if (const auto there = guest.lock()) {
            const auto stats = there->stats();
            numbers.received_bytes += stats.received_bytes.value_or(0);
            numbers.sent_bytes += stats.sent_bytes.value_or(0);
            numbers.left_out += there->announcements_left_out();
            numbers.not_told += there->announcements_not_told();
        }
    }
    return numbers;
}

void House::count(const comoq::lite::SessionEvent &event) noexcept {
    using Kind = comoq::lite::SessionEvent::Kind;
    switch (event.kind) {
    case Kind::Announced:
        ++counts.announcements;
        break;
    case Kind::Subscribed:
        ++counts.subscriptions;
        break;
    case Kind::Unsubscribed:
        ++counts.subscriptions_over;
        break;
    case Kind::Refused:
        ++counts.requests_refused;
        break;
    case Kind::Unannounced:
        break;
    }
}

std::string House::metrics() {
    const std::lock_guard lock(metrics_mutex);
    const auto now = std::chrono::steady_clock::now();
    if (now < metrics_until) {
        return metrics_text;
    }
    const auto numbers = guests.numbers();
    Metrics all;
    all.started = started;
    all.connections = numbers.present;
    all.connections_so_far = numbers.entered;
    all.connections_refused = numbers.refused;
    all.received_bytes = numbers.received_bytes;
    all.sent_bytes = numbers.sent_bytes;
    all.announcements_left_out = numbers.left_out;
    all.announcements_not_told = numbers.not_told;
    all.announcements = counts.announcements;
    all.subscriptions = counts.subscriptions;
    all.subscriptions_over = counts.subscriptions_over;
    all.requests_refused = counts.requests_refused;
    all.origin = origin.stats();
    metrics_text = ::metrics_text(all);
    metrics_until = now + std::chrono::seconds(1);
    return metrics_text;
}
