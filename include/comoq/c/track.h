/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_TRACK_H
#define COMOQ_C_TRACK_H

/**
 * \file
 * The two halves of a track: comoq_track writes, comoq_subscriber reads. Timestamps are in the track's timescale.
 */

#include "broadcast.h"

#ifdef __cplusplus
extern "C" {
#endif

/** `comoq::TrackStats`. */
typedef struct comoq_track_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t groups, bytes, datagrams, cached_bytes, subscribers, handlers, pending, evicted_groups, lagged_readers;
} comoq_track_stats;

/** `comoq::SubscriberStats`. */
typedef struct comoq_subscriber_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t groups, frames, datagrams, bytes, skipped_groups, missing_groups, skipped_datagrams, gaps_given_up;
} comoq_subscriber_stats;

/** A group with the next number, or with that number. The code that ended the track, COMOQ_CLOSED from its end on,
 * COMOQ_DUPLICATE. */
COMOQ_API int32_t comoq_track_group(comoq_track track, comoq_group *group);
COMOQ_API int32_t comoq_track_group_at(comoq_track track, uint64_t sequence, comoq_group *group);
/** A finished group of one frame, whose payload is copied. `sequence` may be NULL. */
COMOQ_API int32_t comoq_track_write(comoq_track track, const uint8_t *data, size_t size, uint64_t timestamp, uint64_t *sequence);
/** A datagram of at most 1,200 bytes for those who subscribe now. `sequence` may be NULL. */
COMOQ_API int32_t comoq_track_datagram(comoq_track track, const uint8_t *data, size_t size, uint64_t timestamp, uint64_t *sequence);
/** The same with its number from elsewhere. */
COMOQ_API int32_t comoq_track_insert_datagram(comoq_track track, uint64_t sequence, const uint8_t *data, size_t size,
                                              uint64_t timestamp);
/** No number after the latest will come; or none from `sequence` on; or it ends with a negative code, and releases its groups. */
COMOQ_API int32_t comoq_track_finish(comoq_track track);
COMOQ_API int32_t comoq_track_finish_at(comoq_track track, uint64_t sequence);
COMOQ_API int32_t comoq_track_abort(comoq_track track, int32_t code);
/** The highest number in use: COMOQ_READY, or 0 without one. */
COMOQ_API int32_t comoq_track_latest(comoq_track track, uint64_t *sequence);
/** Its name, borrowed until the handle is closed. */
COMOQ_API int32_t comoq_track_name(comoq_track track, comoq_string *name);
/** The counters. */
COMOQ_API int32_t comoq_track_get_stats(comoq_track track, comoq_track_stats *stats);
/** Waits until somebody subscribes, or until nobody does. Fails with the code that ended the track, COMOQ_CLOSED for a good end. */
COMOQ_API int32_t comoq_track_used(comoq_track track, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
COMOQ_API int32_t comoq_track_unused(comoq_track track, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
/** What all subscribers together want: COMOQ_READY, or 0 without any. */
COMOQ_API int32_t comoq_track_subscription(comoq_track track, comoq_subscription *wishes);
/** Waits for a change of that: at first for the present state. `value` is 1 if somebody subscribes, else 0. */
COMOQ_API int32_t comoq_track_subscription_changed(comoq_track track, comoq_queue queue, uint64_t user, comoq_event *now,
                                                   comoq_op *op);

/** A handler for groups that are fetched by number and not there. */
COMOQ_API int32_t comoq_track_dynamic(comoq_track track, comoq_group_handler *handler);
/** Waits for a request. `value` is a comoq_group_request; COMOQ_END when the track has ended, or the handler. */
COMOQ_API int32_t comoq_group_handler_next(comoq_group_handler handler, comoq_queue queue, uint64_t user, comoq_event *now,
                                           comoq_op *op);
/** The number that is asked for, and the highest priority of those who ask. Either may be NULL. */
COMOQ_API int32_t comoq_group_request_view(comoq_group_request request, uint64_t *sequence, uint8_t *priority);
/** A group for all who wait, to be written now. `info` counts only if the track's is not fixed yet, and may be NULL. */
COMOQ_API int32_t comoq_group_request_accept(comoq_group_request request, const comoq_track_info *info, comoq_group *group);
/** Refuses with a negative code. COMOQ_READY if this call settled the request, else 0. */
COMOQ_API int32_t comoq_group_request_reject(comoq_group_request request, int32_t code);
/** Waits until nobody waits for the group any more, or the request is settled. */
COMOQ_API int32_t comoq_group_request_abandoned(comoq_group_request request, comoq_queue queue, uint64_t user, comoq_event *now,
                                                comoq_op *op);

/** Waits for the group with the lowest number above the last one. `value` is a comoq_reader; COMOQ_END at the track's end. */
COMOQ_API int32_t comoq_subscriber_next(comoq_subscriber subscriber, comoq_queue queue, uint64_t user, comoq_event *now,
                                        comoq_op *op);
/** The same in the order of arrival. */
COMOQ_API int32_t comoq_subscriber_receive(comoq_subscriber subscriber, comoq_queue queue, uint64_t user, comoq_event *now,
                                           comoq_op *op);
/** Waits for the next frame of the track, group after group. `value` is a comoq_frames of one. */
COMOQ_API int32_t comoq_subscriber_read_frame(comoq_subscriber subscriber, comoq_queue queue, uint64_t user, comoq_event *now,
                                              comoq_op *op);
/** Waits for the next datagram. `value` is a comoq_frames of one, which has its number. */
COMOQ_API int32_t comoq_subscriber_datagram(comoq_subscriber subscriber, comoq_queue queue, uint64_t user, comoq_event *now,
                                            comoq_op *op);
/** New wishes, which the publisher sees. */
COMOQ_API int32_t comoq_subscriber_update(comoq_subscriber subscriber, const comoq_subscription *wishes);
/** Moves the cursors; holds groups above `sequence` back, UINT64_MAX for none. For this subscriber alone. */
COMOQ_API int32_t comoq_subscriber_start_at(comoq_subscriber subscriber, uint64_t sequence);
COMOQ_API int32_t comoq_subscriber_end_at(comoq_subscriber subscriber, uint64_t sequence);
/** Waits for the track's declared end: `value` is the first number that will never come. */
COMOQ_API int32_t comoq_subscriber_finished(comoq_subscriber subscriber, comoq_queue queue, uint64_t user, comoq_event *now,
                                            comoq_op *op);
/** Waits for the end of the track: `code` is why, 0 for a good one. */
COMOQ_API int32_t comoq_subscriber_closed(comoq_subscriber subscriber, comoq_queue queue, uint64_t user, comoq_event *now,
                                          comoq_op *op);
/** A group that is there now. COMOQ_NOT_FOUND if it is not. */
COMOQ_API int32_t comoq_subscriber_get_group(comoq_subscriber subscriber, uint64_t sequence, comoq_reader *reader);
/** The counters. */
COMOQ_API int32_t comoq_subscriber_get_stats(comoq_subscriber subscriber, comoq_subscriber_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
