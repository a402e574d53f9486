/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_GROUP_H
#define COMOQ_C_GROUP_H

/**
 * \file
 * The two halves of a group: comoq_group writes, comoq_reader reads. Payloads are read where the cache has them, without a copy.
 */

#include "track.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A frame in a batch, or to be written. `number` is a datagram's sequence number, and else 0. */
typedef struct comoq_frame {
    const uint8_t *data;
    uint64_t size;
    uint64_t timestamp;
    uint64_t number;
} comoq_frame;

/** The group's number. */
COMOQ_API int32_t comoq_group_sequence(comoq_group group, uint64_t *sequence);
/** Appends a frame, whose payload is copied. COMOQ_CLOSED after the end, the code that ended the group, COMOQ_FRAME_TOO_LARGE,
 * COMOQ_PROTOCOL_VIOLATION while a frame is open. */
COMOQ_API int32_t comoq_group_write(comoq_group group, const uint8_t *data, size_t size, uint64_t timestamp);
/** The same without a copy. */
COMOQ_API int32_t comoq_group_write_bytes(comoq_group group, comoq_bytes bytes, uint64_t timestamp);
/** Appends `count` frames, whose payloads are copied. Returns how many were written; the failure of the first if that is none. */
COMOQ_API int64_t comoq_group_write_many(comoq_group group, const comoq_frame *frames, size_t count);
/** Begins a frame of `size` bytes that is written in chunks. Closing it before it is finished fails the group with
 * COMOQ_DROPPED. */
COMOQ_API int32_t comoq_group_open(comoq_group group, uint64_t size, uint64_t timestamp, comoq_frame_writer *frame);
/** No more frames will come; or the group fails with a negative code. */
COMOQ_API int32_t comoq_group_finish(comoq_group group);
COMOQ_API int32_t comoq_group_abort(comoq_group group, int32_t code);
/** A reader of it, from the first frame still held. */
COMOQ_API int32_t comoq_group_consume(comoq_group group, comoq_reader *reader);

/** The next chunk, copied, or not copied. COMOQ_WRONG_SIZE, without a change, beyond the frame's size. */
COMOQ_API int32_t comoq_frame_writer_write(comoq_frame_writer frame, const uint8_t *data, size_t size);
COMOQ_API int32_t comoq_frame_writer_write_bytes(comoq_frame_writer frame, comoq_bytes bytes);
/** Completes the frame. COMOQ_WRONG_SIZE, with which the group fails as well, if bytes are missing. */
COMOQ_API int32_t comoq_frame_writer_finish(comoq_frame_writer frame);
/** Fails the frame and its group with a negative code. */
COMOQ_API int32_t comoq_frame_writer_abort(comoq_frame_writer frame, int32_t code);

/** The group's number. */
COMOQ_API int32_t comoq_reader_sequence(comoq_reader reader, uint64_t *sequence);
/** Waits for frames, at least one and at most `max`. `value` is a comoq_frames; COMOQ_END at the group's end. COMOQ_LAGGED,
 * COMOQ_DROPPED, or the code of an abort. */
COMOQ_API int32_t comoq_reader_read(comoq_reader reader, size_t max, comoq_queue queue, uint64_t user, comoq_event *now,
                                    comoq_op *op);
/** Waits for the next frame as soon as it is begun. `value` is a comoq_frame_reader; the same ends and failures. */
COMOQ_API int32_t comoq_reader_frame(comoq_reader reader, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
/** Waits for the frame with that index. Does not move the reader. `value` is a comoq_frames of one; COMOQ_END if there is none. */
COMOQ_API int32_t comoq_reader_get(comoq_reader reader, size_t index, comoq_queue queue, uint64_t user, comoq_event *now,
                                   comoq_op *op);
/** Waits for the end of the group: `value` is the number of its frames. */
COMOQ_API int32_t comoq_reader_finished(comoq_reader reader, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
/** The publisher's description of the group's track. */
COMOQ_API int32_t comoq_reader_track_info(comoq_reader reader, comoq_track_info *info);

/** The frame's declared size and its timestamp. Either may be NULL. */
COMOQ_API int32_t comoq_frame_reader_view(comoq_frame_reader frame, uint64_t *size, uint64_t *timestamp);
/** Waits for the next bytes. `value` is a comoq_bytes; COMOQ_END at the frame's end. */
COMOQ_API int32_t comoq_frame_reader_chunk(comoq_frame_reader frame, comoq_queue queue, uint64_t user, comoq_event *now,
                                           comoq_op *op);
/** Waits for the rest of the frame, in one piece. `value` is a comoq_bytes. */
COMOQ_API int32_t comoq_frame_reader_all(comoq_frame_reader frame, comoq_queue queue, uint64_t user, comoq_event *now,
                                         comoq_op *op);

/** Fills up to `max` of the batch's frames in. Returns how many the batch has. The payloads are borrowed until the batch is closed:
 * they lie where the cache has them. */
COMOQ_API int64_t comoq_frames_view(comoq_frames frames, comoq_frame *view, size_t max);
/** Keeps the payload of one frame, beyond the batch, without a copy. */
COMOQ_API int32_t comoq_frames_take(comoq_frames frames, size_t index, comoq_bytes *bytes);

#ifdef __cplusplus
}
#endif

#endif
