// SPDX-License-Identifier: MIT
#pragma once
#include <asio/ip/address.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <system_error>
#include <vector>

namespace comoq::net::detail {

/// The order in which a name's addresses are tried (RFC 8305, section 4): the families take turns, each in the order in
/// which it came, beginning with the first address. Addresses that came twice are tried once.
inline std::vector<asio::ip::address> in_turns(const std::vector<asio::ip::address> &found, std::size_t most) {
    std::vector<asio::ip::address> preferred, other;
    for (const auto &one : found) {
        auto &family = one.is_v6() == found.front().is_v6() ? preferred : other;
        if (std::ranges::find(family, one) == family.end()) family.push_back(one);
    }
    std::vector<asio::ip::address> all;
    for (std::size_t i = 0; i < std::max(preferred.size(), other.size()); ++i) {
        if (i < preferred.size()) all.push_back(preferred[i]);
        if (i < other.size()) all.push_back(other[i]);
    }
    all.resize(std::min(all.size(), most));
    return all;
}

/// Which of some addresses to try next, without clock and sockets (RFC 8305, section 5). The caller asks `begin_next` at
/// first, when the lead of the last attempt is over, and when an attempt has failed.
class AddressRace {
public:
    explicit AddressRace(std::size_t addresses) noexcept : addresses_(addresses) {}

    /// The index of the address to try now, beside those that are being tried. Nothing if all have begun.
    std::optional<std::size_t> begin_next() noexcept {
        if (!has_next()) return std::nullopt;
        return begun_++;
    }
    void failed(std::error_code code) noexcept {
        if (failed_++ == 0) failure_ = code;
    }

    bool has_next() const noexcept { return begun_ < addresses_; }
    /// Every address has failed.
    bool is_lost() const noexcept { return failed_ == addresses_; }
    /// Of the attempt that failed first: mostly that of the address that the name prefers.
    std::error_code failure() const noexcept { return failure_; }

private:
    const std::size_t addresses_;
    std::size_t begun_ = 0, failed_ = 0;
    std::error_code failure_;
};

}  // namespace comoq::net::detail
