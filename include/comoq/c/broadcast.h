/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_BROADCAST_H
#define COMOQ_C_BROADCAST_H

/**
 * \file
 * The two halves of a broadcast: comoq_broadcast writes, comoq_consumer reads.
 */

#include "origin.h"

#ifdef __cplusplus
extern "C" {
#endif

/** `comoq::TrackInfo`. 0 is the usual value of `max_latency_ms` (5,000) and of `timescale` (1,000 units a second). */
typedef struct comoq_track_info {
    uint32_t struct_size;
    uint8_t priority;
    uint8_t ordered;
    uint16_t reserved;
    uint64_t max_latency_ms;
    uint64_t timescale;
} comoq_track_info;

/** `comoq::Subscription`. `start` and `end` count only with their flags. */
#define COMOQ_HAS_START 1u
#define COMOQ_HAS_END 2u
typedef struct comoq_subscription {
    uint32_t struct_size;
    uint8_t priority;
    uint8_t ordered;
    uint16_t flags;
    uint64_t max_latency_ms;
    uint64_t start;
    uint64_t end;
} comoq_subscription;

/** `comoq::BroadcastStats`. */
typedef struct comoq_broadcast_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t tracks, handlers, pending, cached_groups, cached_bytes, evicted_groups, lagged_readers;
} comoq_broadcast_stats;

/** A new live track. `info` may be NULL. COMOQ_DUPLICATE, or the code that closed the broadcast. */
COMOQ_API int32_t comoq_broadcast_track(comoq_broadcast broadcast, comoq_string name, const comoq_track_info *info,
                                        comoq_track *track);
/** Makes a track, also of another broadcast, live here as well. */
COMOQ_API int32_t comoq_broadcast_insert(comoq_broadcast broadcast, comoq_track track);
/** Removes a track; readers that have it keep it. 0 also if there is none. */
COMOQ_API int32_t comoq_broadcast_remove(comoq_broadcast broadcast, comoq_string name);
/** Ends the broadcast well, or with a negative code. */
COMOQ_API int32_t comoq_broadcast_finish(comoq_broadcast broadcast);
COMOQ_API int32_t comoq_broadcast_abort(comoq_broadcast broadcast, int32_t code);
/** A reader of it. */
COMOQ_API int32_t comoq_broadcast_consume(comoq_broadcast broadcast, comoq_consumer *consumer);
/** The counters. */
COMOQ_API int32_t comoq_broadcast_get_stats(comoq_broadcast broadcast, comoq_broadcast_stats *stats);
/** Waits until somebody uses it, or until nobody does. Fails with the code that closed it. */
COMOQ_API int32_t comoq_broadcast_used(comoq_broadcast broadcast, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
COMOQ_API int32_t comoq_broadcast_unused(comoq_broadcast broadcast, comoq_queue queue, uint64_t user, comoq_event *now,
                                         comoq_op *op);

/** A handler for tracks that are asked for and not there. It keeps the broadcast open. */
COMOQ_API int32_t comoq_broadcast_dynamic(comoq_broadcast broadcast, comoq_track_handler *handler);
/** Waits for a request. `value` is a comoq_track_request; COMOQ_END when the broadcast has ended, or the handler. */
COMOQ_API int32_t comoq_track_handler_next(comoq_track_handler handler, comoq_queue queue, uint64_t user, comoq_event *now,
                                           comoq_op *op);
/** The name that is asked for: borrowed until the request is closed. */
COMOQ_API int32_t comoq_track_request_name(comoq_track_request request, comoq_string *name);
/** The wishes of those who wait. COMOQ_READY if there are some, else 0. */
COMOQ_API int32_t comoq_track_request_subscription(comoq_track_request request, comoq_subscription *wishes);
/** Makes the track live, for all who wait. `info` may be NULL. COMOQ_DUPLICATE, or the code that ended the request. */
COMOQ_API int32_t comoq_track_request_accept(comoq_track_request request, const comoq_track_info *info, comoq_track *track);
/** Refuses with a negative code. COMOQ_READY if this call settled the request, else 0. */
COMOQ_API int32_t comoq_track_request_reject(comoq_track_request request, int32_t code);
/** A handler for the track's groups, also before it is accepted: it can answer a fetch without a subscriber. */
COMOQ_API int32_t comoq_track_request_dynamic(comoq_track_request request, comoq_group_handler *handler);
/** Waits until nobody waits for the track any more, or the request is settled. */
COMOQ_API int32_t comoq_track_request_abandoned(comoq_track_request request, comoq_queue queue, uint64_t user, comoq_event *now,
                                                comoq_op *op);

/** COMOQ_READY once it has ended, else 0. */
COMOQ_API int32_t comoq_consumer_is_closed(comoq_consumer consumer);
/** Waits for its end: `code` is why, 0 for a good one. */
COMOQ_API int32_t comoq_consumer_closed(comoq_consumer consumer, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
/** COMOQ_READY if both are readers of one broadcast, else 0. */
COMOQ_API int32_t comoq_consumer_same(comoq_consumer consumer, comoq_consumer other);
/** The costs, and the hops: up to `max` of them; returns their whole number. Pointers may be NULL. */
COMOQ_API int32_t comoq_consumer_route(comoq_consumer consumer, uint64_t *warm_cost, uint64_t *cold_cost, uint64_t *hops, size_t max);

/** Waits for a subscription to the track of that name. `value` is a comoq_subscriber, which misses no group that is made after the
 * call. `wishes` may be NULL. COMOQ_NOT_FOUND, the code of a handler, or that of the broadcast. */
COMOQ_API int32_t comoq_consumer_subscribe(comoq_consumer consumer, comoq_string name, const comoq_subscription *wishes,
                                           comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
/** Waits for a group by its number, from the cache or from a handler. `value` is a comoq_reader. */
COMOQ_API int32_t comoq_consumer_fetch(comoq_consumer consumer, comoq_string name, uint64_t sequence, uint8_t priority,
                                       comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
/** A group that is there now, without asking anybody. COMOQ_NOT_FOUND if it is not. */
COMOQ_API int32_t comoq_consumer_get_group(comoq_consumer consumer, comoq_string name, uint64_t sequence, comoq_reader *reader);
/** Waits for the publisher's description of the track. `value` is a comoq_info. */
COMOQ_API int32_t comoq_consumer_track_info(comoq_consumer consumer, comoq_string name, comoq_queue queue, uint64_t user,
                                            comoq_event *now, comoq_op *op);
/** What it says. */
COMOQ_API int32_t comoq_info_view(comoq_info info, comoq_track_info *view);

#ifdef __cplusplus
}
#endif

#endif
