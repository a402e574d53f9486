// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

namespace comoq::detail {

/// The octets of groups that wait for a frame before everything written has been sent. Nobody would report when it has: as long
/// as they are few in a session, they do not count in its budget, and a group need not wait first until its stream has drained.
/// Each frame would take a wait more without that.
class QuietOctets {
public:
    /// Of a session.
    static constexpr std::size_t most = 256 * 1024;

    /// One such wait, of a group that holds that much.
    class Wait {
    public:
        Wait(QuietOctets &of, std::size_t octets) noexcept
            : of_(of), is_allowed_(octets == 0 || of.octets_ + octets <= most), octets_(is_allowed_ ? octets : 0) {
            of_.octets_ += octets_;
        }
        Wait(const Wait &) = delete;
        Wait &operator=(const Wait &) = delete;
        ~Wait() { of_.octets_ -= octets_; }

        /// False if there would be too many: the stream has to drain.
        bool is_allowed() const noexcept { return is_allowed_; }

    private:
        QuietOctets &of_;
        const bool is_allowed_;
        const std::size_t octets_;
    };

private:
    std::size_t octets_ = 0;
};

}  // namespace comoq::detail
