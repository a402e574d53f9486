#include "guests.hpp"

#include "guest.hpp"

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
    const auto stats = guest.stats();
    past_.received_bytes += stats.received_bytes.value_or(0);
    past_.sent_bytes += stats.sent_bytes.value_or(0);
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
