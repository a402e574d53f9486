// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include <cstddef>
#include <list>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::quic {

/// What servers have given a client to prove its address at the next connection (NEW_TOKEN, RFC 9000, section 8.1.3): a busy server
/// then asks for no other proof, which saves a round trip. In memory alone, the last one of each server, and each is used once, so
/// that nobody on the way can tell by it that two connections are one client's. Any thread.
///
/// A server can make it hold 512 bytes, and 64 servers have a place: about 50 KiB. The oldest goes first.
class AddressTokens {
public:
    /// Empty if there is none. `server` is its name, and its port.
    std::vector<std::byte> take(std::string_view server) {
        const std::lock_guard lock(mutex_);
        for (auto each = kept_.begin(); each != kept_.end(); ++each) {
            if (each->server != server) continue;
            auto token = std::move(each->token);
            kept_.erase(each);
            return token;
        }
        return {};
    }
    /// In the place of an earlier one. One that is too long, and one for which there is no memory, is not kept.
    void keep(std::string_view server, std::span<const std::byte> token) noexcept {
        constexpr std::size_t most_servers = 64, longest_name = 264, longest = 512;
        if (token.empty() || token.size() > longest || server.size() > longest_name) return;
        try {
            std::list<Kept> made;
            made.push_back({std::string(server), std::vector<std::byte>(token.begin(), token.end())});
            const std::lock_guard lock(mutex_);
            kept_.remove_if([&](const Kept &each) { return each.server == server; });
            kept_.splice(kept_.end(), made);
            if (kept_.size() > most_servers) kept_.pop_front();
        } catch (const std::bad_alloc &) {
        }
    }

private:
    struct Kept {
        std::string server;
        std::vector<std::byte> token;
    };
    std::mutex mutex_;
    std::list<Kept> kept_;  // the oldest first
};

}  // namespace comoq::quic
