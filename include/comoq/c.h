/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_H
#define COMOQ_C_H

/**
 * \file
 * comoq for C, and for languages that call C. Link `comoq::c` (libcomoq_c).
 *
 * Everything is a 64-bit handle, and every call returns a code: 0, COMOQ_READY, or a negative number. Nothing calls back. What
 * may have to wait takes `(queue, user, now, op)`:
 *
 *  - COMOQ_READY: the outcome was there and is in `*now`; nothing follows. It may be a failure: look at `now->code`.
 *  - 0: one event with that `user` will come out of `queue`. `*op` is the wait; `comoq_close(*op)` withdraws it.
 *  - negative: refused, nothing was begun, nothing follows.
 *
 * With `now` NULL everything comes through the queue. With `queue` 0 nothing waits: COMOQ_WOULD_WAIT if the outcome is not there.
 * `op` may be NULL where the wait is never withdrawn, except by the end of its queue.
 *
 * A wait ends with its event, and its handle with it. `comoq_close(op)` gives 0 if the wait was withdrawn: no event of it comes
 * out of the queue, and what `user` points to may be freed at once. It gives COMOQ_ERROR_HANDLE if the event has come out before.
 * An item of a stream is taken when its event comes out: a withdrawn wait takes nothing.
 *
 * Threads: every call may be made by any thread at any time, also several on one handle, also `comoq_close` on a handle in use.
 * After a fork the child's copy of a runtime has no thread: calls on it give COMOQ_CLOSED, and closing it, or a queue, leaves the
 * parent's alone. Sessions, listeners and descriptors of the parent are the parent's. Fork while no other thread is in a call.
 * Ownership: no call takes a handle over. Each handle that a call gives out, or an event carries, is closed once by
 * `comoq_close`. Text and data that a call gives are borrowed from the handle that was asked. No exception leaves the library,
 * and want of memory is COMOQ_ERROR_MEMORY.
 */

#include "c/base.h"
#include "c/broadcast.h"
#include "c/group.h"
#include "c/log.h"
#include "c/origin.h"
#include "c/queue.h"
#include "c/session.h"
#include "c/track.h"

#endif
