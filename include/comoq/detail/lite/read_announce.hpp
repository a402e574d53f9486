// SPDX-License-Identifier: MIT
#pragma once
#include "announce_ids.hpp"
#include "stream_reader.hpp"
#include "version.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace comoq::lite::detail {

inline asio::awaitable<std::optional<Announce>> keyed_announce(StreamReader &reader) {
    auto change = co_await reader.message<Announce>();
    if (change) change->suffix = announced_key(change->suffix);
    co_return change;
}

/// Reads the next change on a stream of announcements, in the messages of a version, with the key of its path as the suffix;
/// nothing at the stream's end. Skips messages of a later version, and changes of forgotten announcements. When nothing else
/// has come behind a skipped message, it calls `waits()` and waits for more. Throws the peer's fault.
template <class Waits>
asio::awaitable<std::optional<Announce>> next_announce(StreamReader &reader, AnnouncedIds &ids, Version version, Waits waits) {
    if (!layout_of(version).announce_ids) {
        auto change = co_await keyed_announce(reader);
        co_return change;
    }
    while (const auto type = co_await reader.varint()) {
        std::optional<Announce> change;
        switch (static_cast<AnnounceType>(*type)) {
        case AnnounceType::Start: {
            auto start = co_await reader.expect<AnnounceStart>();
            change = ids.start(std::move(start));
            break;
        }
        case AnnounceType::Restart: {
            auto restart = co_await reader.expect<AnnounceRestart>();
            change = ids.restart(std::move(restart));
            break;
        }
        case AnnounceType::End: {
            const auto end = co_await reader.expect<AnnounceEnd>();
            change = ids.end(end);
            break;
        }
        default: {
            [[maybe_unused]] const auto skipped = co_await reader.expect<Skipped>();
        }
        }
        if (change) co_return change;
        if (reader.buffered() == 0) waits();
    }
    co_return std::nullopt;
}

/// The same on a stream that only lists what is live: the announcements. Whatever else is said of numbers is a change that
/// is not active, of nothing.
inline asio::awaitable<std::optional<Announce>> next_listed(StreamReader &reader, Version version) {
    if (!layout_of(version).announce_ids) {
        auto change = co_await keyed_announce(reader);
        co_return change;
    }
    const auto type = co_await reader.varint();
    if (!type) co_return std::nullopt;
    Announce listed;
    if (*type == static_cast<std::uint64_t>(AnnounceType::Start)) {
        auto start = co_await reader.expect<AnnounceStart>();
        listed = Announce{true, announced_key(start.suffix), std::move(start.hops), start.cost};
    } else {
        [[maybe_unused]] const auto skipped = co_await reader.expect<Skipped>();
    }
    co_return listed;
}

}  // namespace comoq::lite::detail
