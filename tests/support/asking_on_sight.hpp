/// \file A request at the very moment of an announcement.
#pragma once

#include <optional>

#include <comoq/announce.hpp>
#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>

#include "support/plain_task.hpp"

namespace comoq::test {

/// Asks for a track of the first broadcast that an origin announces, as soon as it sees it: it is resumed as the last
/// act of announcing.
class AskingOnSight {
public:
    explicit AskingOnSight(const Origin &origin) : watch_(origin.consumer().announced()), looking_(look()) {}
    AskingOnSight(const AskingOnSight &) = delete;
    AskingOnSight &operator=(const AskingOnSight &) = delete;

    bool done() const { return looking_.done(); }
    /// True if a refusal came at once. No other answer could have come so soon.
    std::optional<bool> was_refused() const { return was_refused_; }

private:
    PlainTask look() {
        const auto change = co_await watch_.next();
        was_refused_ = change->broadcast.track("video").info().ready();
    }

    AnnounceConsumer watch_;
    std::optional<bool> was_refused_;
    PlainTask looking_;
};

}  // namespace comoq::test
