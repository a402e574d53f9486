/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_ORIGIN_H
#define COMOQ_C_ORIGIN_H

/**
 * \file
 * Broadcasts by path: announcing, watching, requesting, and serving what is requested.
 */

#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** `comoq::OriginConfig`. 0 in a field is its usual value. */
typedef struct comoq_origin_config {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t id;
    uint64_t max_pending_requests;
    uint64_t max_cached_bytes;
    uint64_t max_frame_size;
    uint64_t max_latency_ms;
} comoq_origin_config;

/** `comoq::OriginStats`. */
typedef struct comoq_origin_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t announced, nodes, watchers, handlers, pending, served;
    uint64_t cached_bytes, cached_groups, unsent_bytes, evicted_groups, lagged_readers;
} comoq_origin_stats;

/** What travels with a broadcast. `hops` are `hop_count` ids, oldest first; they are copied. */
typedef struct comoq_broadcast_info {
    uint32_t struct_size;
    uint32_t hop_count;
    const uint64_t *hops;
    uint64_t warm_cost;
    uint64_t cold_cost;
} comoq_broadcast_info;

/** A new origin; `config` may be NULL. It is gone when all its handles are closed, those of `with_root` and `scope` included, and no
 * session, proxy or listener uses it: watches then end, and requests that wait get COMOQ_DROPPED. */
COMOQ_API int32_t comoq_origin_create(const comoq_origin_config *config, comoq_origin *origin);

/** The part of the origin below `prefix`, which becomes its root. COMOQ_UNAUTHORIZED if this view has nothing there. */
COMOQ_API int32_t comoq_origin_with_root(comoq_origin origin, comoq_string prefix, comoq_origin *view);

/** The part below any of `count` prefixes; paths stay as they are. COMOQ_UNAUTHORIZED if this view has nothing there. */
COMOQ_API int32_t comoq_origin_scope(comoq_origin origin, const comoq_string *prefixes, size_t count, comoq_origin *view);

/** The origin's hop id. */
COMOQ_API int32_t comoq_origin_id(comoq_origin origin, uint64_t *id);
/** The counters, of the origin as a whole. */
COMOQ_API int32_t comoq_origin_get_stats(comoq_origin origin, comoq_origin_stats *stats);

/** Makes a broadcast and announces it at `path`, for as long as `*broadcast` lives. `info` may be NULL. COMOQ_INVALID_PATH,
 * COMOQ_UNAUTHORIZED, COMOQ_ROUTING_LOOP, COMOQ_BOUNDS_EXCEEDED, COMOQ_DROPPED. */
COMOQ_API int32_t comoq_origin_publish(comoq_origin origin, comoq_string path, const comoq_broadcast_info *info,
                                       comoq_broadcast *broadcast);
/** Makes a broadcast that is not announced: for a handler to serve. */
COMOQ_API int32_t comoq_origin_make(comoq_origin origin, const comoq_broadcast_info *info, comoq_broadcast *broadcast);
/** Announces a broadcast, given as a comoq_broadcast or a comoq_consumer, at `path`, for as long as `*guard` lives. */
COMOQ_API int32_t comoq_origin_announce(comoq_origin origin, comoq_string path, comoq_handle broadcast, comoq_guard *guard);
/** The announced broadcast has come by another route: `comoq::OriginPublish::update`. Of a guard, or of a published broadcast. */
COMOQ_API int32_t comoq_guard_update(comoq_handle guard, const comoq_broadcast_info *info);

/** Waits for the broadcast at `path`, made on demand if necessary. `value` is a comoq_consumer. Codes: COMOQ_INVALID_PATH,
 * COMOQ_UNAUTHORIZED, COMOQ_DROPPED, COMOQ_LIMIT_REACHED, COMOQ_NOT_FOUND where nobody makes it, and every code of a handler. */
COMOQ_API int32_t comoq_origin_request(comoq_origin origin, comoq_string path, comoq_queue queue, uint64_t user, comoq_event *now,
                                       comoq_op *op);
/** The same, but only for an announcement at exactly `path`, now or later. It asks no handler. */
COMOQ_API int32_t comoq_origin_announced_broadcast(comoq_origin origin, comoq_string path, comoq_queue queue, uint64_t user,
                                                   comoq_event *now, comoq_op *op);

/** Follows the announcements below `prefix`, beginning with those that are active. COMOQ_UNAUTHORIZED if this view has nothing
 * there. */
COMOQ_API int32_t comoq_origin_announced(comoq_origin origin, comoq_string prefix, comoq_watch *watch);
/** Waits for the next change. `value` is a comoq_record; COMOQ_END when the origin is gone. */
COMOQ_API int32_t comoq_watch_next(comoq_watch watch, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);

/** A path without a broadcast got one; another one took its place; it has none any more. */
#define COMOQ_ACTIVE 0u
#define COMOQ_RESTART 1u
#define COMOQ_ENDED 2u
/** What has happened, and the path, which is borrowed until the record is closed. Either may be NULL. */
COMOQ_API int32_t comoq_record_view(comoq_record record, uint32_t *event, comoq_string *path);
/** The very broadcast that the record tells of, also if it has ended or another has come since. COMOQ_NOT_FOUND for COMOQ_ENDED. */
COMOQ_API int32_t comoq_record_broadcast(comoq_record record, comoq_consumer *consumer);

/** A handler for requests in this view that no announcement answers. Closing the last one refuses what nobody has taken. */
COMOQ_API int32_t comoq_origin_dynamic(comoq_origin origin, comoq_handler *handler);
/** Waits for a request. `value` is a comoq_request; COMOQ_END when the origin is gone, or the handler. */
COMOQ_API int32_t comoq_handler_next(comoq_handler handler, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
/** The path that is asked for, below the handler's root, and from the origin's: borrowed until the request is closed. Either may be
 * NULL. */
COMOQ_API int32_t comoq_request_path(comoq_request request, comoq_string *path, comoq_string *absolute_path);
/** Answers all who wait with a comoq_broadcast or a comoq_consumer. COMOQ_READY if this call settled the request, 0 if something had
 * settled it before. */
COMOQ_API int32_t comoq_request_accept(comoq_request request, comoq_handle broadcast);
/** Refuses all who wait with `code`, a negative one. The same results. */
COMOQ_API int32_t comoq_request_reject(comoq_request request, int32_t code);
/** Waits until nobody waits for the answer any more, or the request is settled. */
COMOQ_API int32_t comoq_request_abandoned(comoq_request request, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);

#ifdef __cplusplus
}
#endif

#endif
