// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/broadcast.h"
#include "../../detail/c/objects.hpp"
#include "../../detail/c/structures.hpp"

namespace comoq::detail::c {

COMOQ_EXPORT std::int32_t comoq_broadcast_track(comoq_broadcast broadcast, comoq_string name, const comoq_track_info *info,
                                                comoq_track *track) {
    if (track == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with_locked<BroadcastObject>(broadcast, [&](BroadcastWriter &held) {
        *track = give<TrackObject>(held.producer.create_track(view(name), track_info_of(info)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_insert(comoq_broadcast broadcast, comoq_track track) {
    TrackConsumer inserted;
    const std::int32_t code = with_locked<TrackObject>(track, [&](const TrackProducer &held) {
        inserted = held.consume();
        return COMOQ_OK;
    });
    if (code != COMOQ_OK) return code;
    return with_locked<BroadcastObject>(broadcast, [&](BroadcastWriter &held) {
        held.producer.insert_track(std::move(inserted));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_remove(comoq_broadcast broadcast, comoq_string name) {
    return with_locked<BroadcastObject>(broadcast, [&](BroadcastWriter &held) {
        held.producer.remove_track(view(name));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_finish(comoq_broadcast broadcast) {
    return with_locked<BroadcastObject>(broadcast, [](BroadcastWriter &held) {
        held.producer.finish();
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_abort(comoq_broadcast broadcast, std::int32_t code) {
    return with_locked<BroadcastObject>(broadcast, [&](BroadcastWriter &held) {
        held.producer.abort(failure_of(code));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_consume(comoq_broadcast broadcast, comoq_consumer *consumer) {
    if (consumer == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with_locked<BroadcastObject>(broadcast, [&](const BroadcastWriter &held) {
        *consumer = give<ConsumerObject>(held.producer.consume());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_get_stats(comoq_broadcast broadcast, comoq_broadcast_stats *stats) {
    return with_locked<BroadcastObject>(broadcast, [&](const BroadcastWriter &held) {
        return write_prefix(stats, broadcast_stats_for(held.producer.stats())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_used(comoq_broadcast broadcast, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                               comoq_op *op) {
    return with_locked<BroadcastObject>(broadcast, [&](BroadcastWriter &held) {
        return ask(Asked{queue, user, now, op}, held.producer.used(), FillNothing());
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_unused(comoq_broadcast broadcast, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                                 comoq_op *op) {
    return with_locked<BroadcastObject>(broadcast, [&](BroadcastWriter &held) {
        return ask(Asked{queue, user, now, op}, held.producer.unused(), FillNothing());
    });
}

COMOQ_EXPORT std::int32_t comoq_broadcast_dynamic(comoq_broadcast broadcast, comoq_track_handler *handler) {
    if (handler == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with_locked<BroadcastObject>(broadcast, [&](const BroadcastWriter &held) {
        *handler = give<TrackHandlerObject>(held.producer.dynamic());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_handler_next(comoq_track_handler handler, comoq_queue queue, std::uint64_t user,
                                                   comoq_event *now, comoq_op *op) {
    return with<TrackHandlerObject>(handler, [&](BroadcastDynamic &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_requested_track(); },
                        [&] { return held.requested_track(); }, FillHandle<TrackRequestObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_track_request_name(comoq_track_request request, comoq_string *name) {
    return with_locked<TrackRequestObject>(request, [&](const TrackRequest &held) {
        return set(name, borrowed(held.name())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_request_subscription(comoq_track_request request, comoq_subscription *wishes) {
    return with_locked<TrackRequestObject>(request, [&](const TrackRequest &held) -> std::int32_t {
        const auto wanted = held.subscription();
        if (!wanted) return COMOQ_OK;
        return write_prefix(wishes, subscription_for(*wanted)) ? COMOQ_READY : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_request_accept(comoq_track_request request, const comoq_track_info *info, comoq_track *track) {
    if (track == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with_locked<TrackRequestObject>(request, [&](TrackRequest &held) {
        *track = give<TrackObject>(held.accept(track_info_of(info)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_request_reject(comoq_track_request request, std::int32_t code) {
    return with_locked<TrackRequestObject>(request, [&](TrackRequest &held) {
        return held.reject(failure_of(code)) ? COMOQ_READY : COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_request_dynamic(comoq_track_request request, comoq_group_handler *handler) {
    if (handler == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with_locked<TrackRequestObject>(request, [&](const TrackRequest &held) {
        *handler = give<GroupHandlerObject>(held.dynamic());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_request_abandoned(comoq_track_request request, comoq_queue queue, std::uint64_t user,
                                                        comoq_event *now, comoq_op *op) {
    return with_locked<TrackRequestObject>(request, [&](TrackRequest &held) {
        return ask(Asked{queue, user, now, op}, held.abandoned(), FillNothing());
    });
}

COMOQ_EXPORT std::int32_t comoq_consumer_is_closed(comoq_consumer consumer) {
    return with<ConsumerObject>(consumer, [](const BroadcastConsumer &held) { return held.is_closed() ? COMOQ_READY : COMOQ_OK; });
}

COMOQ_EXPORT std::int32_t comoq_consumer_closed(comoq_consumer consumer, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                                comoq_op *op) {
    return with<ConsumerObject>(consumer, [&](const BroadcastConsumer &held) {
        return ask(Asked{queue, user, now, op}, held.closed(), FillCode());
    });
}

COMOQ_EXPORT std::int32_t comoq_consumer_same(comoq_consumer consumer, comoq_consumer other) {
    return with<ConsumerObject>(consumer, [&](const BroadcastConsumer &held) {
        return with<ConsumerObject>(other, [&](const BroadcastConsumer &second) { return held == second ? COMOQ_READY : COMOQ_OK; });
    });
}

COMOQ_EXPORT std::int32_t comoq_consumer_route(comoq_consumer consumer, std::uint64_t *warm_cost, std::uint64_t *cold_cost,
                                               std::uint64_t *hops, std::size_t max) {
    return with<ConsumerObject>(consumer, [&](const BroadcastConsumer &held) {
        const BroadcastInfo &info = held.info();
        set_if(warm_cost, info.cost.warm);
        set_if(cold_cost, info.cost.cold);
        for (std::size_t i = 0; hops != nullptr && i < max && i < info.hops.size(); ++i) hops[i] = info.hops[i];
        return static_cast<std::int32_t>(info.hops.size());
    });
}

COMOQ_EXPORT std::int32_t comoq_consumer_subscribe(comoq_consumer consumer, comoq_string name, const comoq_subscription *wishes,
                                                   comoq_queue queue, std::uint64_t user, comoq_event *now, comoq_op *op) {
    return with<ConsumerObject>(consumer, [&](const BroadcastConsumer &held) {
        return ask(Asked{queue, user, now, op}, held.track(view(name)).subscribe(subscription_of(wishes)),
                   FillHandle<SubscriberObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_consumer_fetch(comoq_consumer consumer, comoq_string name, std::uint64_t sequence,
                                               std::uint8_t priority, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                               comoq_op *op) {
    return with<ConsumerObject>(consumer, [&](const BroadcastConsumer &held) {
        return ask(Asked{queue, user, now, op}, held.track(view(name)).fetch_group(sequence, Fetch{priority}),
                   FillHandle<ReaderObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_consumer_get_group(comoq_consumer consumer, comoq_string name, std::uint64_t sequence,
                                                   comoq_reader *reader) {
    if (reader == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<ConsumerObject>(consumer, [&](const BroadcastConsumer &held) -> std::int32_t {
        auto group = held.track(view(name)).get_group(sequence);
        if (!group) return COMOQ_NOT_FOUND;
        *reader = give<ReaderObject>(*std::move(group));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_consumer_track_info(comoq_consumer consumer, comoq_string name, comoq_queue queue, std::uint64_t user,
                                                    comoq_event *now, comoq_op *op) {
    return with<ConsumerObject>(consumer, [&](const BroadcastConsumer &held) {
        return ask(Asked{queue, user, now, op}, held.track(view(name)).info(), FillHandle<InfoObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_info_view(comoq_info info, comoq_track_info *out) {
    return with<InfoObject>(info, [&](const TrackInfo &held) {
        return write_prefix(out, track_info_for(held)) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

}  // namespace comoq::detail::c
