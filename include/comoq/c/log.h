/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_LOG_H
#define COMOQ_C_LOG_H

/**
 * \file
 * What the library says of itself, as events.
 */

#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COMOQ_LOG_DEBUG 0u
#define COMOQ_LOG_INFO 1u
#define COMOQ_LOG_WARNING 2u
#define COMOQ_LOG_ERROR 3u

/** Collects the library's records of that level and above. A process has one log: a new one takes the place of the former, which gets
 * nothing any more. It holds the 1,024 latest records that were not taken; older ones are lost, and counted. */
COMOQ_API int32_t comoq_log_open(uint32_t level, comoq_log *log);
/** Waits for a record. `value` is a comoq_log_record. COMOQ_END once another log has taken its place, or its handle is closed, and no
 * record is left. */
COMOQ_API int32_t comoq_log_next(comoq_log log, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);

/** Borrowed until the record is closed. */
typedef struct comoq_log_view {
    uint32_t struct_size;
    /** COMOQ_LOG_INFO, ... */
    uint32_t level;
    /** What has happened, such as "session_begun". */
    comoq_string event;
    /** The whole record in one line. */
    comoq_string text;
    /** The number of the session, or 0. */
    uint64_t session;
    /** How many records were lost right before this one. */
    uint64_t lost;
    int32_t code;
    uint32_t reserved;
} comoq_log_view;
COMOQ_API int32_t comoq_log_record_view(comoq_log_record record, comoq_log_view *view);

#ifdef __cplusplus
}
#endif

#endif
