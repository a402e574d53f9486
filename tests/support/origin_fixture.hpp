/// \file Short forms of frequent steps in the tests of the origin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <comoq/announce.hpp>
#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/origin_dynamic.hpp>

#include "support/path_texts.hpp"
#include "support/settle.hpp"

namespace comoq::test {

/// The request that a handler takes now, if there is one.
inline std::optional<BroadcastRequest> take_request(OriginDynamic &handler) {
    auto next = handler.requested_broadcast();
    return next.ready() ? now(std::move(next)) : std::nullopt;
}

/// The absolute paths of the requests that a handler takes now, each of which is then dropped.
inline std::vector<std::string> take_paths(OriginDynamic &handler) {
    std::vector<std::string> paths;
    while (auto request = take_request(handler)) {
        paths.emplace_back(request->absolute_path().view());
    }
    return paths;
}

/// A watcher's unseen changes, in order: nothing once it has ended.
inline std::vector<Announcement> changes(AnnounceConsumer &watcher) {
    std::vector<Announcement> all;
    for (auto next = watcher.next(); next.ready(); next = watcher.next()) {
        auto change = now(std::move(next));
        if (!change) {
            break;
        }
        all.push_back(std::move(*change));
    }
    return all;
}

inline std::string text_of(const Announcement &change) {
    const bool active = change.event == Announcement::Event::Active;
    const bool restart = change.event == Announcement::Event::Restart;
    return (active ? "Active " : restart ? "Restart " : "Ended ") + std::string(change.path.view());
}

/// The same as texts such as "Active room/42".
inline std::vector<std::string> change_texts(AnnounceConsumer &watcher) {
    std::vector<std::string> texts;
    for (const auto &change : changes(watcher)) {
        texts.push_back(text_of(change));
    }
    return texts;
}

/// A broadcast that came through this many origins, all with different ids.
inline BroadcastProducer broadcast_with_hops(std::vector<std::uint64_t> hops = {}) {
    return BroadcastProducer(BroadcastInfo(std::move(hops)));
}

}  // namespace comoq::test
