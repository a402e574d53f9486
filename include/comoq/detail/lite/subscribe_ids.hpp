// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/sequence_set.hpp"

#include <cstddef>
#include <cstdint>
#include <map>

namespace comoq::lite::detail {

/// The ids of the peer's subscriptions. Groups carry only the id, so each id counts once.
///
/// The memory is bounded: the ids in use, and a number of runs of past ones. A peer that counts up makes one run, with
/// a gap for each SUBSCRIBE that was refused. Beyond the most gaps, the lowest is given up, and its ids count as used.
class SubscribeIds {
    struct Known {
        bool is_used;
        std::size_t claims = 0;
    };
    using Claimed = std::map<std::uint64_t, Known>;

public:
    SubscribeIds() = default;
    SubscribeIds(const SubscribeIds &) = delete;
    SubscribeIds &operator=(const SubscribeIds &) = delete;

    /// A SUBSCRIBE with its id, from when it comes until it is over. A gap that is given up meanwhile changes nothing
    /// for it.
    class Claim {
    public:
        Claim(SubscribeIds &ids, std::uint64_t id)
            : ids_(ids), place_(ids.claimed_.try_emplace(id, Known{ids.past_.contains(id)}).first) {
            ++place_->second.claims;
        }
        Claim(const Claim &) = delete;
        Claim &operator=(const Claim &) = delete;
        ~Claim() {
            if (--place_->second.claims == 0) ids_.claimed_.erase(place_);
        }
        /// It is a subscription now. False if its id was used before.
        bool use() {
            auto &[id, known] = *place_;
            if (known.is_used) return false;
            ids_.past_.insert(id);
            known.is_used = true;
            return true;
        }

    private:
        SubscribeIds &ids_;
        const Claimed::iterator place_;
    };

    /// The number of runs that are kept of past ids.
    std::size_t runs() const noexcept { return past_.runs(); }

private:
    Claimed claimed_;
    comoq::detail::SequenceSet past_;
};

}  // namespace comoq::lite::detail
