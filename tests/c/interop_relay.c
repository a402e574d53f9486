/* SPDX-License-Identifier: MIT */
/* A relay on the C interface that takes those options of the relay which tests/interop/run.mjs uses: --listen URL (any number),
 * --upstream URL, --path-allow PREFIX, and --threads N, which it ignores. It prints `event=listening url=URL` for each listener. */
#include <comoq/c.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MOST 4

static volatile sig_atomic_t stopped;
static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static int failed(const char *what, int32_t code) {
    char text[200];
    if (code == 0) return 0;
    comoq_code_text(code, text, sizeof text);
    fprintf(stderr, "%s: %s\n", what, text);
    return 1;
}

static int listen_at(comoq_runtime runtime, const char *url, const comoq_session_config *config, comoq_listener *listener) {
    comoq_string used;
    if (failed(url, comoq_listen(runtime, comoq_text(url), config, listener))) return 0;
    comoq_listener_url(*listener, &used);
    fprintf(stderr, "event=listening url=%.*s\n", (int)used.size, used.data);
    return 1;
}

int main(int argc, char **argv) {
    comoq_queue queue = 0;
    comoq_origin origin = 0, view = 0;
    comoq_runtime runtime = 0;
    comoq_listener listeners[MOST];
    const char *urls[MOST], *upstream = NULL, *prefix = NULL;
    comoq_session_config config;
    comoq_op connected = 0;
    int at, count = 0;
    for (at = 1; at + 1 < argc; at += 2) {
        if (strcmp(argv[at], "--listen") == 0 && count < MOST) {
            urls[count++] = argv[at + 1];
        } else if (strcmp(argv[at], "--upstream") == 0) {
            upstream = argv[at + 1];
        } else if (strcmp(argv[at], "--path-allow") == 0) {
            prefix = argv[at + 1];
        } else if (strcmp(argv[at], "--threads") != 0) {
            fprintf(stderr, "unknown: %s\n", argv[at]);
            return 2;
        }
    }
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    if (failed("queue", comoq_queue_create(&queue)) || failed("origin", comoq_origin_create(NULL, &origin))) return 1;
    if (failed("thread", comoq_runtime_create(&runtime))) return 1;
    COMOQ_INIT(&config);
    config.publish = config.subscribe = origin;
    if (prefix != NULL) {
        const comoq_string allowed = comoq_text(prefix);
        if (failed("scope", comoq_origin_scope(origin, &allowed, 1, &view))) return 1;
        config.publish = config.subscribe = view;
    }
    for (at = 0; at < count; ++at) {
        if (!listen_at(runtime, urls[at], &config, &listeners[at])) return 1;
    }
    if (upstream != NULL) {
        COMOQ_INIT(&config);
        config.subscribe = origin;
        if (failed("upstream", comoq_keep_connected(runtime, comoq_text(upstream), &config, queue, 0, &connected))) return 1;
    }
    while (!stopped) {
        comoq_event event;
        if (comoq_queue_next(queue, &event, 1, 200) > 0) failed("upstream", event.code);
    }
    comoq_close(connected);
    for (at = 0; at < count; ++at) comoq_close(listeners[at]);
    comoq_close(runtime), comoq_close(view), comoq_close(origin), comoq_close(queue);
    return 0;
}
