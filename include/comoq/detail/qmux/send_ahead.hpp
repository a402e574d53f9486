// SPDX-License-Identifier: MIT
#pragma once
#include "record.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace comoq::qmux::detail {

/// How much of a connection's data is on its way to the link, where nothing urgent can overtake it any more: as much as
/// a slow link carries in some hundredths of a second. A fast link, or one that nothing is known of, gets all that it
/// takes.
class SendAhead {
public:
    /// What a queue that has no other limit takes.
    static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

    /// In bytes of frames. Less in a record saves nothing: the system sends as much in a packet or two.
    std::size_t record() const noexcept { return record_; }
    /// In bytes that the system holds and has not sent yet.
    std::size_t queue() const noexcept { return queue_; }

    /// `busy_rate`, in bits per second: what a busy channel takes.
    void follow(std::optional<std::uint64_t> busy_rate) noexcept {
        if (!busy_rate || *busy_rate >= fast) {
            queue_ = no_limit;
            record_ = most_record;
            return;
        }
        const auto queue = std::max(least_queue, static_cast<std::size_t>(*busy_rate * queue_ms / 8000));
        // Telling the system costs a call: small changes are not worth it.
        if (queue_ == no_limit || queue > queue_ + queue_ / 4 || queue < queue_ - queue_ / 4) queue_ = queue;
        record_ = std::clamp(queue_ / 2, least_record, most_record);
    }

private:
    static constexpr std::uint64_t queue_ms = 30;
    static constexpr std::size_t least_queue = 4 * 1024, least_record = 2 * 1024;
    static constexpr std::size_t most_record = static_cast<std::size_t>(default_max_record_size);
    /// In bits per second: a link that carries 64 KB in that time makes nothing late.
    static constexpr std::uint64_t fast = std::uint64_t{64} * 1024 * 8000 / queue_ms;

    std::size_t queue_ = no_limit;
    std::size_t record_ = most_record;
};

}  // namespace comoq::qmux::detail
