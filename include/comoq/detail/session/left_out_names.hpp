// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/keyed_hash.hpp"

#include <atomic>
#include <cstddef>
#include <set>
#include <string_view>
#include <utility>

namespace comoq::detail {

/// A peer's announcements that found no room, by a hash of their names: so that their ends are recognised, and so that
/// they can be brought in when there is room. Beyond `most` only their number is known.
///
/// They are brought in by rounds, each of which looks at a new list of all announcements of the peer's. What the peer
/// has said since the round began may be newer than the list, so that it takes no part in the round.
class LeftOutNames {
public:
    static constexpr std::size_t most = 16'384;

    /// `count` is of the whole session.
    explicit LeftOutNames(std::atomic<std::size_t> &count) noexcept : count_(count) {}
    LeftOutNames(const LeftOutNames &) = delete;
    LeftOutNames &operator=(const LeftOutNames &) = delete;
    ~LeftOutNames() { count_ -= size(); }

    std::size_t size() const noexcept { return old_.size() + new_.size() + unnamed_; }

    /// It was announced, and has no room.
    void add(std::string_view name) {
        const auto hash = keyed_hash(name);
        if (auto known = old_.extract(hash)) {
            new_.insert(std::move(known));
            return;
        }
        if (new_.contains(hash)) return;
        if (has_space()) {
            new_.insert(hash);
        } else {
            ++unnamed_;
            is_exact_ = false;
        }
        ++count_;
    }
    /// It has room now.
    void take_in(std::string_view name) noexcept {
        const auto hash = keyed_hash(name);
        count_ -= old_.erase(hash) + new_.erase(hash);
    }
    /// It has ended. False if it is not one of them, as far as that is known: once there was one without a name, that one
    /// may have been counted twice, or a list that was already old may have named it after its end.
    bool remove(std::string_view name) noexcept {
        const auto hash = keyed_hash(name);
        if (old_.erase(hash) + new_.erase(hash) == 0) {
            if (unnamed_ == 0) return !is_exact_;
            --unnamed_;
        }
        --count_;
        return true;
    }

    void begin_round() noexcept { old_.merge(new_); }
    /// The present round has found it in the list, and it is not one that has room. True if it may be brought in, which
    /// is not so for one whose name was not known: it takes part in the next round.
    bool may_come_in(std::string_view name) {
        const auto hash = keyed_hash(name);
        if (old_.contains(hash)) return true;
        if (unnamed_ != 0 && has_space() && new_.insert(hash).second) --unnamed_;
        return false;
    }

private:
    bool has_space() const noexcept { return old_.size() + new_.size() < most; }

    std::atomic<std::size_t> &count_;
    // From before the present round, and since.
    std::set<std::size_t> old_, new_;
    std::size_t unnamed_ = 0;
    bool is_exact_ = true;  // until one had no name
};

}  // namespace comoq::detail
