// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string_view>

namespace comoq::detail {

class BroadcastState;

/// A publisher that announces a path and answers for the paths below it, too: a session's peer.
class PrefixSource {
public:
    PrefixSource() = default;
    PrefixSource(const PrefixSource &) = delete;
    PrefixSource &operator=(const PrefixSource &) = delete;
    virtual ~PrefixSource() = default;

    /// Its broadcast at an absolute path, whether it has one or not. Throws the code of a refusal. Any thread, without a
    /// lock.
    virtual std::shared_ptr<BroadcastState> broadcast_at(std::string_view path) = 0;
};

/// False for a reference that never had a source; a source may be gone.
inline bool is_set(const std::weak_ptr<PrefixSource> &source) noexcept {
    const std::weak_ptr<PrefixSource> none;
    return source.owner_before(none) || none.owner_before(source);
}

}  // namespace comoq::detail
