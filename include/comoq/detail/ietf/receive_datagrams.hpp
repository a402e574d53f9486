// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/take_each.hpp"
#include "datagram.hpp"
#include "receive_objects.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::ietf::detail {

/// Gives a datagram to the track that it belongs to, which may have no use for it.
inline void give(AliasTable::Target &target, const ObjectDatagram &object) {
    try {
        const TrackInfo &info = target.track.info();
        ObjectTimes times(info);
        ObjectExtras::Parts parts = extras_of(object.properties, 0, info).parts();
        if (object.status) parts.status = static_cast<comoq::ObjectStatus>(*object.status);
        if (object.priority) parts.priority = turned(*object.priority);
        parts.ends_group = object.end_of_group;
        const auto &[group, id] = object.location;
        target.track.insert_datagram({group, times.of(object.properties), Bytes::copy(object.payload), id, ObjectExtras(parts)});
    } catch (const std::system_error &) {
    }
}

/// Gives those that have come before their alias was known, once that is known and the track has its first subscribers: others
/// come too late for them.
inline void give_early_datagrams(SessionCore &core, std::uint64_t alias) {
    auto *const target = core.aliases.find(alias);
    if (target == nullptr) return;
    while (const auto bytes = core.early_datagrams.take(alias)) {
        try {
            const auto decoded = decode_datagram(bytes->span(), core.draft());
            if (const auto *const object = std::get_if<ObjectDatagram>(&decoded)) give(*target, *object);
        } catch (const std::bad_alloc &) {
            // A datagram may get lost.
        }
    }
}

/// The peer's datagrams. Some get lost on the way anyway; datagrams that nobody wants are dropped.
struct PeersDatagrams {
    std::shared_ptr<SessionCore> core;
    asio::awaitable<Bytes> next() { return core->transport->receive_datagram(); }
    void take(const Bytes &bytes) {
        const auto decoded = decode_datagram(bytes.span(), core->draft());
        if (const auto *fault = std::get_if<CloseCode>(&decoded)) {
            core->close(fault_of(*fault), "a datagram");
            return;
        }
        const auto *const object = std::get_if<ObjectDatagram>(&decoded);
        if (object == nullptr) return;
        if (auto *const target = core->aliases.find(object->alias)) return give(*target, *object);
        core->early_datagrams.add(object->alias, bytes.span());
        if (!core->ages_early_datagrams) core->spawn(age_early(Aging(core)));
    }

private:
    /// Says that the datagrams age: from before the task begins, and whether it begins or not.
    struct Aging {
        explicit Aging(std::shared_ptr<SessionCore> of) noexcept : core(std::move(of)) { core->ages_early_datagrams = true; }
        Aging(Aging &&) noexcept = default;
        Aging &operator=(Aging &&) = delete;
        ~Aging() {
            if (core != nullptr) core->ages_early_datagrams = false;
        }
        std::shared_ptr<SessionCore> core;
    };
    /// Each has one second, and up to another one.
    static asio::awaitable<void> age_early(Aging aging) {
        SessionCore &core = *aging.core;
        while (!core.early_datagrams.empty()) {
            co_await core.sleep(std::chrono::seconds(1));
            core.early_datagrams.age();
        }
    }
};
inline asio::awaitable<void> take_datagrams(std::shared_ptr<SessionCore> core) {
    return comoq::detail::take_each(PeersDatagrams{std::move(core)});
}

}  // namespace comoq::ietf::detail
