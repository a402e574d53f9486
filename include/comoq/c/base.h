/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_BASE_H
#define COMOQ_C_BASE_H

/**
 * \file
 * Handles, codes, text, bytes.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#define COMOQ_API
#else
#define COMOQ_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this interface. It may change with every version of the library for as long as it is 0. */
#define COMOQ_ABI 0u

/** The interface of the library that is loaded: compare it with COMOQ_ABI. */
COMOQ_API uint32_t comoq_abi(void);

/** 0 is never a handle. One that was closed, is of another kind, or never was one, gives a code. */
typedef uint64_t comoq_handle;
typedef comoq_handle comoq_queue, comoq_op, comoq_origin, comoq_guard, comoq_watch, comoq_record, comoq_handler, comoq_request;
typedef comoq_handle comoq_broadcast, comoq_consumer, comoq_track_handler, comoq_track_request;
typedef comoq_handle comoq_track, comoq_subscriber, comoq_group_handler, comoq_group_request, comoq_info;
typedef comoq_handle comoq_group, comoq_frame_writer, comoq_reader, comoq_frame_reader, comoq_frames, comoq_bytes;
typedef comoq_handle comoq_runtime, comoq_session, comoq_listener, comoq_log, comoq_log_record;

/** What a handle is. */
enum comoq_kind {
    COMOQ_KIND_NONE = 0,
    COMOQ_KIND_QUEUE = 1,
    COMOQ_KIND_OP = 2,
    COMOQ_KIND_ORIGIN = 3,
    COMOQ_KIND_GUARD = 4,
    COMOQ_KIND_WATCH = 5,
    COMOQ_KIND_RECORD = 6,
    COMOQ_KIND_HANDLER = 7,
    COMOQ_KIND_REQUEST = 8,
    COMOQ_KIND_BROADCAST = 9,
    COMOQ_KIND_CONSUMER = 10,
    COMOQ_KIND_TRACK_HANDLER = 11,
    COMOQ_KIND_TRACK_REQUEST = 12,
    COMOQ_KIND_TRACK = 13,
    COMOQ_KIND_SUBSCRIBER = 14,
    COMOQ_KIND_GROUP_HANDLER = 15,
    COMOQ_KIND_GROUP_REQUEST = 16,
    COMOQ_KIND_INFO = 17,
    COMOQ_KIND_GROUP = 18,
    COMOQ_KIND_FRAME_WRITER = 19,
    COMOQ_KIND_READER = 20,
    COMOQ_KIND_FRAME_READER = 21,
    COMOQ_KIND_FRAMES = 22,
    COMOQ_KIND_BYTES = 23,
    COMOQ_KIND_RUNTIME = 24,
    COMOQ_KIND_SESSION = 25,
    COMOQ_KIND_LISTENER = 26,
    COMOQ_KIND_LOG = 27,
    COMOQ_KIND_LOG_RECORD = 28
};

/** Codes. Those of the library are the negative values of `comoq::Error`. */
#define COMOQ_OK 0
#define COMOQ_READY 1
#define COMOQ_REQUIRED_EXTENSION (-1)
#define COMOQ_OLD (-2)
#define COMOQ_TIMEOUT (-3)
#define COMOQ_TRANSPORT (-4)
#define COMOQ_DECODE (-5)
#define COMOQ_UNAUTHORIZED (-6)
#define COMOQ_VERSION_MISMATCH (-9)
#define COMOQ_UNEXPECTED_STREAM (-10)
#define COMOQ_BOUNDS_EXCEEDED (-11)
#define COMOQ_DUPLICATE (-12)
#define COMOQ_NOT_FOUND (-13)
#define COMOQ_WRONG_SIZE (-14)
#define COMOQ_PROTOCOL_VIOLATION (-15)
#define COMOQ_UNEXPECTED_MESSAGE (-16)
#define COMOQ_UNSUPPORTED (-17)
#define COMOQ_ENCODE (-18)
#define COMOQ_TOO_MANY_PARAMETERS (-19)
#define COMOQ_INVALID_ROLE (-20)
#define COMOQ_UNKNOWN_ALPN (-21)
#define COMOQ_DROPPED (-24)
#define COMOQ_CLOSED (-25)
#define COMOQ_LAGGED (-26)
#define COMOQ_FRAME_TOO_LARGE (-27)
#define COMOQ_TIMESTAMP_MISMATCH (-29)
#define COMOQ_UNROUTABLE (-30)
#define COMOQ_EVICTED (-31)
#define COMOQ_CANCELLED (-0x10000)
#define COMOQ_INVALID_PATH (-0x10001)
#define COMOQ_ROUTING_LOOP (-0x10002)
#define COMOQ_LIMIT_REACHED (-0x10003)
#define COMOQ_INTERNAL (-0x10004)
#define COMOQ_GOING_AWAY (-0x10005)
#define COMOQ_GOAWAY_TIMEOUT (-0x10006)
#define COMOQ_SESSION_CLOSED (-0x10007)
#define COMOQ_GROUP_TOO_LARGE (-0x10008)
#define COMOQ_MALFORMED_TRACK (-0x10009)

/** The interface's own: not a live handle; a handle of another kind; an argument that cannot be; want of memory; a fault of the
 * library; not there yet (with `queue` 0); a failure that has no number here. */
#define COMOQ_ERROR_HANDLE (-0x20000)
#define COMOQ_ERROR_KIND (-0x20001)
#define COMOQ_ERROR_ARGUMENT (-0x20002)
#define COMOQ_ERROR_MEMORY (-0x20003)
#define COMOQ_ERROR_INTERNAL (-0x20004)
#define COMOQ_WOULD_WAIT (-0x20005)
#define COMOQ_ERROR_OTHER (-0x20006)

/** Failures of connecting (`comoq::ConnectError`) are COMOQ_ERROR_CONNECT - n, a refused certificate COMOQ_ERROR_CERTIFICATE - n
 * with OpenSSL's number, and failures of the system COMOQ_ERROR_SYSTEM - errno. */
#define COMOQ_ERROR_CONNECT (-0x21000)
#define COMOQ_ERROR_CERTIFICATE (-0x22000)
#define COMOQ_ERROR_SYSTEM (-0x30000)

/** An application's own code, which reaches those who asked as it is, for n from 0 to 0x7effffff. */
#define COMOQ_APP(n) ((uint32_t)(n) < 0xffc0u ? -(int32_t)(64u + (uint32_t)(n)) : -(int32_t)(0x1000000u + (uint32_t)(n)))

/** COMOQ_READY and the application's number in `*n`; 0 if the code is not one of an application. `n` may be NULL. */
COMOQ_API int32_t comoq_app_code(int32_t code, uint32_t *n);

/** Writes what the code means, in English, with a 0 at its end, and cut off at `size` bytes. Returns the length of the whole
 * text. `buffer` may be NULL if `size` is 0. */
COMOQ_API size_t comoq_code_text(int32_t code, char *buffer, size_t size);

/** Ends the handle. 0; COMOQ_ERROR_HANDLE if it is not a live one. What it stood for ends as the C++ object does in its
 * destructor: a guard unannounces, a request that was not answered is refused with COMOQ_NOT_FOUND, a group that was not finished
 * fails with COMOQ_DROPPED. Calls of other threads that use the handle go on, and the object ends after them. */
COMOQ_API int32_t comoq_close(comoq_handle handle);

/** Another handle on the same object, which lives until both are closed. Not for queues, waits and runtimes. */
COMOQ_API int32_t comoq_retain(comoq_handle handle, comoq_handle *other);

/** The kind of a live handle, or COMOQ_KIND_NONE. */
COMOQ_API uint32_t comoq_kind_of(comoq_handle handle);

/** How many handles are live in this process: for tests. */
COMOQ_API uint64_t comoq_live_handles(void);

/** UTF-8, of `size` bytes, not ended by a 0. */
typedef struct comoq_string {
    const char *data;
    size_t size;
} comoq_string;

/** The text that ends with a 0; NULL is the empty one. */
static inline comoq_string comoq_text(const char *text) {
    comoq_string string;
    string.data = text;
    string.size = text != NULL ? strlen(text) : 0;
    return string;
}

/** The library's version, such as "0.2.0". */
COMOQ_API comoq_string comoq_version(void);

/** What this build can do. */
#define COMOQ_FEATURE_WEB 1u  /* ws, wss and tls */
#define COMOQ_FEATURE_QUIC 2u /* https, moql and moqt */
COMOQ_API uint32_t comoq_features(void);

/** Zeroes a structure that begins with `struct_size`, and sets that. A later library reads as much as the caller has, and fills no
 * more than that. Zero in every other field is the usual value. */
#define COMOQ_INIT(structure) \
    (memset((structure), 0, sizeof *(structure)), (void)((structure)->struct_size = (uint32_t)sizeof *(structure)))

/** Memory of the library's own to fill with a payload: `*data` has `size` bytes, which may be written until the handle is given to
 * a call that writes it to a group. After that they must not change. */
COMOQ_API int32_t comoq_bytes_create(size_t size, comoq_bytes *bytes, uint8_t **data);

/** Memory of the caller's, which must not change until `release(arg)` is called: once, by any thread, when the last reader has let
 * go; also if this call fails. Not for languages with a collector. `release` must not call the library. */
COMOQ_API int32_t comoq_bytes_wrap(const uint8_t *data, size_t size, void (*release)(void *arg), void *arg, comoq_bytes *bytes);

/** Where the bytes are: borrowed until the handle is closed. */
COMOQ_API int32_t comoq_bytes_data(comoq_bytes bytes, const uint8_t **data, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
