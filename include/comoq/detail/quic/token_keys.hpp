// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection_config.hpp"
#include "../wait/sync.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace comoq::quic::detail {

/// The keys of a server's tokens. Whoever learns one can forge tokens until it is forgotten, a day after it was made at the latest.
/// Two are there at a time, 64 bytes. Any thread.
class TokenKeys {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Key = std::array<std::byte, 32>;
    /// A key makes tokens for this long, and they are taken for as long again.
    static constexpr std::chrono::hours life{12};

    explicit TokenKeys(RandomSource random) : random_(std::move(random)) {}

    /// The one for tokens that are made now.
    Key newest(Time now) {
        comoq::detail::Lock lock(mutex_);
        turn(now);
        return newest_;
    }
    /// Whether `fits` takes one of the keys, the newest first.
    template <class Fits> bool any(Time now, Fits &&fits) {
        comoq::detail::Lock lock(mutex_);
        turn(now);
        const Key newest = newest_;
        const auto before = before_;
        lock.unlock();
        return fits(newest) || (before && fits(*before));
    }

private:
    void turn(Time now) {
        if (since_ && now - *since_ < life) return;
        Key made;
        random_(made);
        if (since_ && now - *since_ < 2 * life)
            before_ = newest_;
        else
            before_.reset();  // the last key is too old as well
        newest_ = made;
        since_ = now;
    }

    const RandomSource random_;
    comoq::detail::Mutex mutex_;
    Key newest_{};
    std::optional<Key> before_;
    std::optional<Time> since_;
};

}  // namespace comoq::quic::detail
