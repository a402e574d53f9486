// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/origin.h"
#include "../../detail/c/objects.hpp"
#include "../../detail/c/structures.hpp"

namespace comoq::detail::c {

COMOQ_EXPORT std::int32_t comoq_origin_create(const comoq_origin_config *config, comoq_origin *origin) {
    return guarded([&]() -> std::int32_t {
        if (origin == nullptr) return COMOQ_ERROR_ARGUMENT;
        const auto whole = std::make_shared<const Origin>(origin_config_of(config));
        *origin = give<OriginObject>(OriginHalves{whole->producer(), whole->consumer(), whole});
        return COMOQ_OK;
    });
}

/// A narrower view of both halves.
template <class Narrow> std::int32_t narrowed_origin(comoq_origin origin, comoq_origin *view, Narrow &&narrow) {
    if (view == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<OriginObject>(origin, [&](const OriginHalves &halves) -> std::int32_t {
        auto producer = narrow(halves.producer);
        auto consumer = narrow(halves.consumer);
        if (!producer || !consumer) return COMOQ_UNAUTHORIZED;
        *view = give<OriginObject>(OriginHalves{*std::move(producer), *std::move(consumer), halves.whole});
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_with_root(comoq_origin origin, comoq_string prefix, comoq_origin *narrower) {
    return narrowed_origin(origin, narrower, [&](const auto &half) { return half.with_root(view(prefix)); });
}

COMOQ_EXPORT std::int32_t comoq_origin_scope(comoq_origin origin, const comoq_string *prefixes, std::size_t count,
                                             comoq_origin *narrower) {
    return narrowed_origin(origin, narrower, [&](const auto &half) {
        if (prefixes == nullptr && count != 0) throw BadArgument();
        std::vector<Path> paths;
        for (std::size_t i = 0; i < count; ++i) paths.emplace_back(view(prefixes[i]));
        return half.scope(std::span<const Path>(paths));
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_id(comoq_origin origin, std::uint64_t *id) {
    return with<OriginObject>(origin, [&](const OriginHalves &halves) {
        return set(id, halves.producer.id()) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_get_stats(comoq_origin origin, comoq_origin_stats *stats) {
    return with<OriginObject>(origin, [&](const OriginHalves &halves) {
        return write_prefix(stats, origin_stats_for(halves.whole->stats())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_publish(comoq_origin origin, comoq_string path, const comoq_broadcast_info *info,
                                               comoq_broadcast *broadcast) {
    if (broadcast == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<OriginObject>(origin, [&](const OriginHalves &halves) {
        auto producer = halves.producer.make_broadcast(broadcast_info_of(info));
        auto guard = halves.producer.publish_broadcast(view(path), producer.consume());
        *broadcast = give<BroadcastObject>(BroadcastWriter{std::move(producer), std::move(guard)});
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_make(comoq_origin origin, const comoq_broadcast_info *info, comoq_broadcast *broadcast) {
    if (broadcast == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<OriginObject>(origin, [&](const OriginHalves &halves) {
        *broadcast = give<BroadcastObject>(BroadcastWriter{halves.producer.make_broadcast(broadcast_info_of(info)), {}});
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_announce(comoq_origin origin, comoq_string path, comoq_handle broadcast, comoq_guard *guard) {
    if (guard == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<OriginObject>(origin, [&](const OriginHalves &halves) {
        std::int32_t code = COMOQ_OK;
        auto consumer = consumer_of(broadcast, code);
        if (code != COMOQ_OK) return code;
        *guard = give<GuardObject>(halves.producer.publish_broadcast(view(path), std::move(consumer)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_guard_update(comoq_handle guard, const comoq_broadcast_info *info) {
    const std::int32_t code = with_locked<GuardObject>(guard, [&](OriginPublish &held) {
        held.update(broadcast_info_of(info));
        return COMOQ_OK;
    });
    if (code != COMOQ_ERROR_KIND) return code;
    return with_locked<BroadcastObject>(guard, [&](BroadcastWriter &held) {
        held.guard.update(broadcast_info_of(info));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_request(comoq_origin origin, comoq_string path, comoq_queue queue, std::uint64_t user,
                                               comoq_event *now, comoq_op *op) {
    return with<OriginObject>(origin, [&](const OriginHalves &halves) {
        return ask(Asked{queue, user, now, op}, halves.consumer.request_broadcast(view(path)), FillHandle<ConsumerObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_announced_broadcast(comoq_origin origin, comoq_string path, comoq_queue queue,
                                                           std::uint64_t user, comoq_event *now, comoq_op *op) {
    return with<OriginObject>(origin, [&](const OriginHalves &halves) {
        return ask(Asked{queue, user, now, op}, halves.consumer.announced_broadcast(view(path)), FillHandle<ConsumerObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_announced(comoq_origin origin, comoq_string prefix, comoq_watch *watch) {
    if (watch == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<OriginObject>(origin, [&](const OriginHalves &halves) -> std::int32_t {
        const Path below(view(prefix));
        const auto part = halves.consumer.scope(std::span(&below, 1));
        if (!part) return COMOQ_UNAUTHORIZED;
        *watch = give<WatchObject>(part->announced());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_watch_next(comoq_watch watch, comoq_queue queue, std::uint64_t user, comoq_event *now, comoq_op *op) {
    return with<WatchObject>(watch, [&](AnnounceConsumer &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_next(); }, [&] { return held.next(); },
                        FillHandle<RecordObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_record_view(comoq_record record, std::uint32_t *event, comoq_string *path) {
    return with<RecordObject>(record, [&](const Announcement &held) {
        using Event = Announcement::Event;
        set_if(event, held.event == Event::Active ? COMOQ_ACTIVE : held.event == Event::Restart ? COMOQ_RESTART : COMOQ_ENDED);
        set_if(path, borrowed(held.path.view()));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_record_broadcast(comoq_record record, comoq_consumer *consumer) {
    if (consumer == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<RecordObject>(record, [&](const Announcement &held) -> std::int32_t {
        if (!held.broadcast) return COMOQ_NOT_FOUND;
        *consumer = give<ConsumerObject>(held.broadcast);
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_origin_dynamic(comoq_origin origin, comoq_handler *handler) {
    if (handler == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<OriginObject>(origin, [&](const OriginHalves &halves) {
        *handler = give<HandlerObject>(halves.producer.dynamic());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_handler_next(comoq_handler handler, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                             comoq_op *op) {
    return with<HandlerObject>(handler, [&](OriginDynamic &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_requested_broadcast(); },
                        [&] { return held.requested_broadcast(); }, FillHandle<RequestObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_request_path(comoq_request request, comoq_string *path, comoq_string *absolute_path) {
    return with_locked<RequestObject>(request, [&](const BroadcastRequest &held) {
        set_if(path, borrowed(held.path().view()));
        set_if(absolute_path, borrowed(held.absolute_path().view()));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_request_accept(comoq_request request, comoq_handle broadcast) {
    std::int32_t code = COMOQ_OK;
    const std::int32_t done = with_locked<RequestObject>(request, [&](BroadcastRequest &held) {
        auto consumer = consumer_of(broadcast, code);
        if (code != COMOQ_OK) return code;
        return held.accept(std::move(consumer)) ? COMOQ_READY : COMOQ_OK;
    });
    return done;
}

COMOQ_EXPORT std::int32_t comoq_request_reject(comoq_request request, std::int32_t code) {
    return with_locked<RequestObject>(request, [&](BroadcastRequest &held) {
        return held.reject(failure_of(code)) ? COMOQ_READY : COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_request_abandoned(comoq_request request, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                                  comoq_op *op) {
    return with_locked<RequestObject>(request, [&](BroadcastRequest &held) {
        return ask(Asked{queue, user, now, op}, held.abandoned(), FillNothing());
    });
}

}  // namespace comoq::detail::c
