/* SPDX-License-Identifier: MIT */
/* The scenarios with others: sessions, and what copies broadcasts from one origin to another. */
#include "scene.h"

#if !defined(_WIN32)
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

/* Through a listener at that URL. */
static void a_session_over(const char *address) {
    comoq_runtime runtime;
    comoq_listener listener;
    comoq_session_config serving, joining;
    comoq_origin hub = new_origin(), here = new_origin(), there = new_origin();
    comoq_string url;
    comoq_op kept, op;
    comoq_handler handler;
    CHECK(comoq_runtime_create(&runtime) == 0);
    COMOQ_INIT(&serving), COMOQ_INIT(&joining);
    serving.publish = serving.subscribe = hub;
    serving.certificate_file = comoq_text(COMOQ_CERTIFICATES "/cert.pem");
    serving.key_file = comoq_text(COMOQ_CERTIFICATES "/key.pem");
    joining.pinned_certificate = comoq_text("sha256:fee18d77bb71b57e5816d1c4f6216494a173fe38b2a1b6f4da41dd1c5666f6ce");
    CHECK(comoq_listen(runtime, comoq_text(address), &serving, &listener) == 0);
    CHECK(comoq_listener_url(listener, &url) == 0);
    CHECK(comoq_connect(runtime, comoq_text("no url"), NULL, queue, 1, NULL, &op) == COMOQ_ERROR_CONNECT - 1);

    comoq_broadcast broadcast = publish(there, "live/x");
    comoq_track track = make_track(broadcast, "video");
    joining.publish = there;
    CHECK(comoq_connect(runtime, url, &joining, queue, 1, NULL, &op) == 0);
    comoq_event connected = take(queue, 1);
    CHECK(connected.code == 0 && comoq_kind_of(connected.value) == COMOQ_KIND_SESSION);
    CHECK(comoq_origin_dynamic(hub, &handler) == 0);

    joining.publish = 0, joining.subscribe = here;
    CHECK(comoq_keep_connected(runtime, url, &joining, queue, 2, &kept) == 0);
    CHECK(comoq_origin_announced_broadcast(here, comoq_text("live/x"), queue, 3, NULL, &op) == 0);
    comoq_consumer consumer = take(queue, 3).value;
    CHECK(comoq_consumer_subscribe(consumer, comoq_text("video"), NULL, queue, 4, NULL, &op) == 0);
    comoq_subscriber subscriber = take(queue, 4).value;
    CHECK(comoq_subscriber_read_frame(subscriber, queue, 5, NULL, &op) == 0);
    CHECK(comoq_track_write(track, (const uint8_t *)"over the wire", 13, 0, NULL) == 0);
    comoq_frame frame;
    comoq_frames batch = take(queue, 5).value;
    CHECK(comoq_frames_view(batch, &frame, 1) == 1 && holds(&frame, "over the wire"));

    comoq_session_stats stats;
    COMOQ_INIT(&stats);
    CHECK(comoq_session_get_stats(connected.value, &stats) == 0 && stats.subscriptions == 1 && stats.announced == 0);
    CHECK(stats.media_bytes >= 13 && stats.groups_given_up == 0 && stats.sent_bytes > 13);
    /* A caller that knows less of it. */
    stats.struct_size = 16, stats.streams = 99, stats.subscriptions = 88;
    CHECK(comoq_session_get_stats(connected.value, &stats) == 0 && stats.streams != 99 && stats.subscriptions == 88);
    CHECK(comoq_session_get_stats(connected.value, NULL) == COMOQ_ERROR_ARGUMENT);
    CHECK(comoq_session_get_stats(consumer, &stats) == COMOQ_ERROR_KIND);

    /* On demand, through the session: the code of the handler behind it arrives. */
    CHECK(comoq_origin_request(here, comoq_text("on/demand"), queue, 6, NULL, &op) == 0);
    comoq_consumer lazy = take(queue, 6).value;
    CHECK(comoq_consumer_subscribe(lazy, comoq_text("t"), NULL, queue, 7, NULL, &op) == 0);
    CHECK(comoq_handler_next(handler, queue, 8, NULL, &op) == 0);
    comoq_request asked = take(queue, 8).value;
    CHECK(comoq_request_reject(asked, COMOQ_APP(451)) == COMOQ_READY);
    CHECK(take(queue, 7).code == COMOQ_APP(451));

    CHECK(comoq_session_closed(connected.value, queue, 9, NULL, &op) == 0);
    /* The longest time is a long time. */
    CHECK(comoq_session_goaway(connected.value, comoq_text(""), UINT64_MAX) == 0);
    CHECK(comoq_subscriber_read_frame(subscriber, queue, 10, NULL, &op) == 0);
    CHECK(comoq_track_write(track, (const uint8_t *)"still there", 11, 0, NULL) == 0);
    comoq_frames rest = take(queue, 10).value;
    CHECK(comoq_frames_view(rest, &frame, 1) == 1 && holds(&frame, "still there"));
    comoq_close(rest);
    CHECK(comoq_session_end(connected.value, 0) == 0);
    CHECK(take(queue, 9).code == 0);
    CHECK(comoq_close(kept) == 0);
    comoq_close(asked), comoq_close(lazy), comoq_close(batch), comoq_close(subscriber), comoq_close(consumer);
    comoq_close(track), comoq_close(broadcast), comoq_close(connected.value), comoq_close(handler), comoq_close(listener);
    comoq_close(hub), comoq_close(here), comoq_close(there);
    CHECK(comoq_close(runtime) == 0);
    CHECK(comoq_queue_next(queue, &now, 1, 0) == 0);
}

static void a_session_over_tcp(void) { a_session_over("tcp://127.0.0.1:0"); }

static void sessions_over_the_web(void) {
    if ((comoq_features() & COMOQ_FEATURE_WEB) == 0) return;
    a_session_over("ws://127.0.0.1:0"), a_session_over("wss://127.0.0.1:0"), a_session_over("tls://127.0.0.1:0");
}

static void sessions_over_quic(void) {
    if ((comoq_features() & COMOQ_FEATURE_QUIC) == 0) return;
    a_session_over("moql://127.0.0.1:0"), a_session_over("moqt://127.0.0.1:0"), a_session_over("https://127.0.0.1:0");
}

/* Whose certificate is another one, and one that is made for development. */
static void certificates(void) {
    comoq_runtime runtime;
    comoq_listener listener;
    comoq_session_config serving, joining;
    comoq_origin origin = new_origin();
    comoq_string url;
    comoq_op op;
    const int has_quic = (comoq_features() & COMOQ_FEATURE_QUIC) != 0;
    if (!has_quic && (comoq_features() & COMOQ_FEATURE_WEB) == 0) return;
    CHECK(comoq_runtime_create(&runtime) == 0);
    COMOQ_INIT(&serving), COMOQ_INIT(&joining);
    serving.publish = joining.subscribe = origin;
    serving.certificate_file = comoq_text(COMOQ_CERTIFICATES "/cert.pem");
    serving.key_file = comoq_text(COMOQ_CERTIFICATES "/key.pem");
    CHECK(comoq_listen(runtime, comoq_text(has_quic ? "moql://127.0.0.1:0" : "tls://127.0.0.1:0"), &serving, &listener) == 0);
    CHECK(comoq_listener_url(listener, &url) == 0);
    joining.pinned_certificate = comoq_text("sha256:00000000000000000000000000000000000000000000000000000000000000ff");
    CHECK(comoq_connect(runtime, url, &joining, queue, 1, NULL, &op) == 0);
    CHECK(take(queue, 1).code < 0);
    joining.pinned_certificate = comoq_text("sha256:");
    if (comoq_connect(runtime, url, &joining, queue, 2, NULL, &op) == 0) CHECK(take(queue, 2).code < 0);
    comoq_close(listener);
    if (has_quic) {
        COMOQ_INIT(&serving), COMOQ_INIT(&joining);
        serving.publish = joining.subscribe = origin;
        serving.generate_for = comoq_text("127.0.0.1");
        CHECK(comoq_listen(runtime, comoq_text("moql://127.0.0.1:0"), &serving, &listener) == 0);
        CHECK(comoq_listener_url(listener, &url) == 0);
        CHECK(comoq_connect(runtime, url, &joining, queue, 3, NULL, &op) == 0);
        CHECK(take(queue, 3).code < 0);
        joining.flags = COMOQ_ACCEPT_ANY_CERTIFICATE;
        CHECK(comoq_connect(runtime, url, &joining, queue, 4, NULL, &op) == 0);
        comoq_event connected = take(queue, 4);
        CHECK(connected.code == 0);
        comoq_close(connected.value), comoq_close(listener);
    }
    comoq_close(origin);
    CHECK(comoq_close(runtime) == 0);
}

static void bridges(void) {
    comoq_runtime runtime;
    comoq_origin from = new_origin(), to = new_origin();
    comoq_handler handler;
    comoq_op mirroring, proxying, op;
    comoq_log log;
    CHECK(comoq_log_open(COMOQ_LOG_DEBUG, &log) == 0 && comoq_runtime_create(&runtime) == 0);
    comoq_broadcast broadcast = publish(from, "m/1");
    CHECK(comoq_mirror(runtime, from, to, queue, 1, &mirroring) == 0);
    CHECK(comoq_origin_announced_broadcast(to, comoq_text("m/1"), queue, 2, NULL, &op) == 0);
    comoq_close(take(queue, 2).value);
    CHECK(comoq_close(mirroring) == 0);
    CHECK(comoq_origin_dynamic(to, &handler) == 0);
    CHECK(comoq_proxy(runtime, from, to, handler, queue, 3, &proxying) == 0);
    comoq_close(handler);
    CHECK(comoq_origin_request(to, comoq_text("m/1"), queue, 4, NULL, &op) == 0);
    comoq_event served = take(queue, 4);
    CHECK(served.code == 0);
    CHECK(comoq_origin_request(to, comoq_text("m/2"), queue, 5, NULL, &op) == 0);
    CHECK(take(queue, 5).code == COMOQ_NOT_FOUND);
    /* What runs on a runtime gets its last event when that is closed. */
    CHECK(comoq_close(runtime) == 0);
    CHECK(take(queue, 3).code == COMOQ_CLOSED);
    CHECK(comoq_log_next(log, 0, 0, &now, NULL) == COMOQ_WOULD_WAIT);
    comoq_close(served.value), comoq_close(broadcast), comoq_close(from), comoq_close(to), comoq_close(log);
}

#if !defined(_WIN32)
/* A server that accepts and says nothing: the attempt ends with its runtime, at once, and its wait gets its last event. */
static void a_runtime_that_ends_while_it_connects(void) {
    comoq_runtime runtime;
    comoq_op op;
    char url[64];
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    const int silent = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(silent >= 0 && bind(silent, (struct sockaddr *)&address, sizeof address) == 0 && listen(silent, 1) == 0);
    CHECK(getsockname(silent, (struct sockaddr *)&address, &size) == 0);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", (int)ntohs(address.sin_port));
    CHECK(comoq_runtime_create(&runtime) == 0);
    CHECK(comoq_connect(runtime, comoq_text(url), NULL, queue, 1, NULL, &op) == 0);
    CHECK(comoq_close(runtime) == 0);
    comoq_event ended = take(queue, 1);
    CHECK(ended.code == COMOQ_CLOSED && ended.value == 0);
    CHECK(comoq_connect(runtime, comoq_text(url), NULL, queue, 2, NULL, &op) == COMOQ_ERROR_HANDLE);
    close(silent);
}

/* A child has neither the thread nor the descriptor of its parent: its calls end, and leave the parent's alone. */
static void a_fork(void) {
    comoq_runtime runtime;
    comoq_queue other;
    comoq_origin from = new_origin(), to = new_origin();
    comoq_op op, mirroring;
    int descriptor = -1, status = 1;
    CHECK(comoq_runtime_create(&runtime) == 0 && comoq_queue_create(&other) == 0 && comoq_queue_fd(other, &descriptor) == 0);
    CHECK(comoq_mirror(runtime, from, to, other, 1, &mirroring) == 0);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(20);
        const int is_closed = comoq_connect(runtime, comoq_text("tcp://127.0.0.1:1"), NULL, other, 2, NULL, &op) == COMOQ_CLOSED;
        const int is_let_go = comoq_close(runtime) == 0 && comoq_queue_wake(other) == 0 && comoq_close(other) == 0;
        _exit(is_closed && is_let_go ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    uint64_t any;
    CHECK(read(descriptor, &any, sizeof any) < 0);
    comoq_broadcast broadcast = publish(from, "after/fork");
    CHECK(comoq_origin_announced_broadcast(to, comoq_text("after/fork"), queue, 3, NULL, &op) == 0);
    comoq_close(take(queue, 3).value);
    CHECK(comoq_close(mirroring) == 0);
    comoq_close(broadcast), comoq_close(from), comoq_close(to), comoq_close(runtime), comoq_close(other);
}
#endif

static void the_ends_of_logs(void) {
    comoq_log log, other;
    CHECK(comoq_log_open(COMOQ_LOG_DEBUG, &log) == 0);
    CHECK(comoq_log_next(log, queue, 1, NULL, NULL) == 0);
    CHECK(comoq_log_open(COMOQ_LOG_DEBUG, &other) == 0);
    comoq_event replaced = take(queue, 1);
    CHECK(replaced.code == 0 && replaced.flags == COMOQ_END && replaced.value == 0);
    CHECK(comoq_log_next(log, queue, 2, &now, NULL) == COMOQ_READY && now.flags == COMOQ_END);
    CHECK(comoq_log_next(other, queue, 3, NULL, NULL) == 0);
    CHECK(comoq_close(log) == 0);
    CHECK(comoq_queue_next(queue, &now, 1, 0) == 0);
    CHECK(comoq_close(other) == 0);
    CHECK(take(queue, 3).flags == COMOQ_END);
}

static void (*const scenarios[])(void) = {
    a_session_over_tcp,
    sessions_over_the_web,
    sessions_over_quic,
    certificates,
    bridges,
#if !defined(_WIN32)
    a_runtime_that_ends_while_it_connects,
    a_fork,
#endif
    the_ends_of_logs,
};

int main(void) {
    run_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
    return 0;
}
