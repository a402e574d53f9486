/* SPDX-License-Identifier: MIT */
#ifndef COMOQ_C_SESSION_H
#define COMOQ_C_SESSION_H

/**
 * \file
 * Sessions with others, and what copies broadcasts from one origin to another.
 */

#include "group.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A thread on which sessions, listeners, proxies and mirrors run. Nothing of it runs user code, except for the `release` of
 * `comoq_bytes_wrap`. Close it before the program ends, or leave it: the end of the program does not wait for it.
 *
 * Closing it ends all that runs on it, and waits for that, for a second at most. Waits for what ran on it get their last event. */
COMOQ_API int32_t comoq_runtime_create(comoq_runtime *runtime);

/** How a session is made. Zero in a field is the usual value. */
typedef struct comoq_session_config {
    uint32_t struct_size;
    /** COMOQ_ACCEPT_ANY_CERTIFICATE. */
    uint32_t flags;
    /** What the peer may see and ask for; 0 for nothing. It is kept while the session lives, as the next. */
    comoq_origin publish;
    /** Where the peer's broadcasts are announced, and whose requests it is asked for; 0 for nowhere. */
    comoq_origin subscribe;
    /** PEM files: the authorities that a client trusts, in place of the system's; this side's chain and key. */
    comoq_string authorities_file, certificate_file, key_file;
    /** The name that a server's certificate must have, in place of the URL's host. */
    comoq_string server_name;
    /** Of `comoq_keep_connected`: the most attempts in a row; 0 for any number. */
    uint64_t tries;
    /** The certificate that a server must have, whatever its name and authority: "sha256:" and 64 hexadecimal digits. */
    comoq_string pinned_certificate;
    /** For development, in place of the files: a host name or an address for which a listener of https, moql or moqt makes a
     * certificate. The log tells its SHA-256 ("certificate_generated"). */
    comoq_string generate_for;
} comoq_session_config;
#define COMOQ_ACCEPT_ANY_CERTIFICATE 1u

/** Waits for a session with a relay, up to the answer of the server. `value` is a comoq_session. The scheme of the URL says how:
 * tcp, with COMOQ_FEATURE_WEB ws, wss and tls, and with COMOQ_FEATURE_QUIC https, moql and moqt. Its path is the root of the
 * session. Requests at `subscribe` are not passed on to the peer: `comoq_keep_connected` does that, or a handler with
 * `comoq_session_broadcast`. */
COMOQ_API int32_t comoq_connect(comoq_runtime runtime, comoq_string url, const comoq_session_config *config, comoq_queue queue,
                                uint64_t user, comoq_event *now, comoq_op *op);
/** Connects, and again whenever the connection is lost, until the wait is withdrawn. Requests at `subscribe` go to the peer. The
 * event comes when it gives up: `code` is why. `op` must not be NULL. */
COMOQ_API int32_t comoq_keep_connected(comoq_runtime runtime, comoq_string url, const comoq_session_config *config,
                                       comoq_queue queue, uint64_t user, comoq_op *op);

/** Waits for its end: `code` is why, 0 if one side closed it in peace. */
COMOQ_API int32_t comoq_session_closed(comoq_session session, comoq_queue queue, uint64_t user, comoq_event *now, comoq_op *op);
/** Ends it, with 0 in peace, or with a negative code that the peer is told. `comoq_close` ends it in peace, too. */
COMOQ_API int32_t comoq_session_end(comoq_session session, int32_t code);

/** `comoq::SessionStats`: what a session has now, and what it has done since it began. What its transport does not know, in the last
 * two lines, is COMOQ_UNKNOWN. */
typedef struct comoq_session_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t streams, subscriptions, tracks, announced, announcements_left_out, announcements_not_told, announcements_told;
    uint64_t groups_in_flight, groups_sent, groups_given_up, media_bytes, unsent_bytes;
    uint64_t round_trip_us, bandwidth;
    uint64_t received_bytes, sent_bytes, received_packets, sent_packets;
} comoq_session_stats;
#define COMOQ_UNKNOWN UINT64_MAX
/** The counters. */
COMOQ_API int32_t comoq_session_get_stats(comoq_session session, comoq_session_stats *stats);

/** Tells the peer to go to `uri`, or to come again if that is empty; and ends the session `within_ms` later if that is not 0. */
COMOQ_API int32_t comoq_session_goaway(comoq_session session, comoq_string uri, uint64_t within_ms);
/** A broadcast of the peer's, announced or not. The peer is asked once a track is. */
COMOQ_API int32_t comoq_session_broadcast(comoq_session session, comoq_string path, comoq_consumer *consumer);
/** The protocol, such as "moq-lite-05": borrowed until the handle is closed. */
COMOQ_API int32_t comoq_session_protocol(comoq_session session, comoq_string *protocol);

/** Listens at once, and serves each client by a session of its own on the runtime until the handle is closed, which ends them. A
 * client's path is its root below the origins. A port 0 lets the system choose. `tries` and the client's fields do not count. */
COMOQ_API int32_t comoq_listen(comoq_runtime runtime, comoq_string url, const comoq_session_config *config, comoq_listener *listener);
/** The URL with the port that is used: borrowed until the handle is closed. */
COMOQ_API int32_t comoq_listener_url(comoq_listener listener, comoq_string *url);

/** Answers all requests of `handler`, of the origin `to`, from the same paths at the origin `from`: `comoq::proxy`. It ends when the
 * wait is withdrawn, or with the handler's origin; the event says so. `op` must not be NULL. `handler` may be closed at once. */
COMOQ_API int32_t comoq_proxy(comoq_runtime runtime, comoq_origin from, comoq_origin to, comoq_handler handler, comoq_queue queue,
                              uint64_t user, comoq_op *op);
/** Announces at `to` what is announced at `from`: `comoq::mirror`. Ends as `comoq_proxy` does. */
COMOQ_API int32_t comoq_mirror(comoq_runtime runtime, comoq_origin from, comoq_origin to, comoq_queue queue, uint64_t user,
                               comoq_op *op);

#ifdef __cplusplus
}
#endif

#endif
