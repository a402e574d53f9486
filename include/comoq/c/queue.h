/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_QUEUE_H
#define COMOQ_C_QUEUE_H

/**
 * \file
 * Where outcomes come out. A program may have any number of queues, such as one for each loop.
 */

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** `flags` of an event: the stream has ended well, and `value` is 0. */
#define COMOQ_END 1u

/** One outcome. `code` is 0 or the failure. `value` is what the call says: most often a handle, which is the receiver's to close;
 * 0 after a failure. The layout is fixed. */
typedef struct comoq_event {
    uint64_t user;
    uint64_t value;
    int32_t code;
    uint32_t flags;
} comoq_event;

/** An empty queue. Closing it withdraws every wait whose events would come out of it, and ends `comoq_queue_next` in other threads
 * with COMOQ_CLOSED. */
COMOQ_API int32_t comoq_queue_create(comoq_queue *queue);

/** Takes up to `max` events. Waits for the first one: `timeout_ms` at most, for ever if that is negative, not at all if it is 0.
 * Returns their number, which is 0 after the time and after `comoq_queue_wake`; COMOQ_CLOSED if the queue was closed. Several
 * threads may take from one queue: each event comes out once. Costs no allocation. */
COMOQ_API int32_t comoq_queue_next(comoq_queue queue, comoq_event *events, size_t max, int32_t timeout_ms);

/** A descriptor for poll, select, epoll or kqueue: readable while there are events, and after a `comoq_queue_wake` that no call has
 * seen yet. It belongs to the queue: do not read it, and do not close it. It is made by the first call. COMOQ_UNSUPPORTED on
 * Windows. */
COMOQ_API int32_t comoq_queue_fd(comoq_queue queue, int *descriptor);

/** Ends one wait in `comoq_queue_next` or `comoq_queue_dispatch`, the present one or else the next. */
COMOQ_API int32_t comoq_queue_wake(comoq_queue queue);

/** What `user` points to in programs that use `comoq_queue_dispatch`. It must live until its event has come or the wait was
 * withdrawn. */
typedef struct comoq_watcher {
    void (*function)(void *data, const comoq_event *event);
    void *data;
} comoq_watcher;

/** The `user` of a watcher. */
static inline uint64_t comoq_user(comoq_watcher *watcher) { return (uint64_t)(uintptr_t)watcher; }

/** Takes events as `comoq_queue_next` does, and calls the watcher of each in this thread, one after the other. An event is taken
 * right before its watcher is called, so that a watcher may withdraw every other wait. Calls those that are there, 64 at most, and
 * returns how many. For queues whose `user`s are all watchers, or 0. */
COMOQ_API int32_t comoq_queue_dispatch(comoq_queue queue, int32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
