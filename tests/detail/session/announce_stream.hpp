// A stream of announcements that keeps what it is told.
#pragma once

#include <comoq/detail/session/announce_feed.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/settle.hpp"

namespace announce_feed_tests {

using namespace comoq;
using namespace comoq::test;

using detail::AnnounceFeed;
using detail::AnnounceFeeds;

/// One stream, and its peer's knowledge.
struct Stream {
    Stream(AnnounceFeeds &feeds, const OriginConsumer &view, bool with_hidden = false)
        : follower(feeds.follow(view, with_hidden)), root(view.root().view()) {}

    /// True if there was a batch; throws the follower's failure.
    bool take() {
        auto next = follower.next();
        if (!next.ready()) {
            return false;
        }
        const auto batch = now(std::move(next));
        if (batch.count) {
            CHECK_FALSE(count);
            count = *batch.count;
        }
        for (const auto &told : batch.told) {
            CHECK(count);
            const auto path = *detail::strip_prefix(*told.path, root);
            log.push_back((told.active ? "+" : "-") + std::string(path));
            if (told.active) {
                ++actives;
                known[std::string(path)] = told.info.get();
            } else {
                CHECK(known.erase(std::string(path)) == 1);
            }
        }
        ended = batch.ended;
        return !ended;
    }
    void take_all() {
        while (take()) {
        }
    }
    /// The messages since the last call, after the number, if that was new.
    std::vector<std::string> texts() {
        take_all();
        return std::exchange(log, {});
    }

    AnnounceFeed::Follower follower;
    std::string root;
    std::optional<std::uint64_t> count;
    std::uint64_t actives = 0;
    bool ended = false;
    std::vector<std::string> log;
    // By the address of its info, which is the broadcast's own.
    std::map<std::string, const BroadcastInfo *> known;
};

inline std::string numbered(std::size_t number) { return "room/" + std::to_string(number); }

}  // namespace announce_feed_tests
