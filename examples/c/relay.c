/* SPDX-License-Identifier: MIT */
/* A relay: relay [URL [CERTIFICATE KEY]], such as relay ws://0.0.0.0:4443. Whoever connects may publish and watch. */
#include <comoq/c.h>

#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t stopped;
static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static int failed(const char *what, int32_t code) {
    char text[200];
    if (code == 0) return 0;
    comoq_code_text(code, text, sizeof text);
    fprintf(stderr, "relay: %s: %s\n", what, text);
    return 1;
}

static void print_record(void *data, const comoq_event *event) {
    comoq_log_view record;
    (void)data;
    COMOQ_INIT(&record);
    if (event->code != 0 || comoq_log_record_view(event->value, &record) != 0) return;
    fprintf(stderr, "%.*s\n", (int)record.text.size, record.text.data);
    comoq_close(event->value);
}

int main(int argc, char **argv) {
    comoq_queue queue = 0;
    comoq_log log = 0;
    comoq_origin origin = 0;
    comoq_runtime runtime = 0;
    comoq_listener listener = 0;
    comoq_session_config config;
    comoq_string url;
    comoq_watcher records = {print_record, NULL};
    comoq_op op = 0;
    COMOQ_INIT(&config);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    if (failed("queue", comoq_queue_create(&queue)) || failed("log", comoq_log_open(COMOQ_LOG_INFO, &log))) return 1;
    if (failed("origin", comoq_origin_create(NULL, &origin)) || failed("thread", comoq_runtime_create(&runtime))) return 1;
    config.publish = config.subscribe = origin;
    if (argc > 3) config.certificate_file = comoq_text(argv[2]), config.key_file = comoq_text(argv[3]);
    if (failed("listen", comoq_listen(runtime, comoq_text(argc > 1 ? argv[1] : "tcp://127.0.0.1:4443"), &config, &listener))) return 1;
    comoq_listener_url(listener, &url);
    printf("%.*s\n", (int)url.size, url.data);
    fflush(stdout);
    while (!stopped) {
        if (comoq_kind_of(op) == COMOQ_KIND_NONE) comoq_log_next(log, queue, comoq_user(&records), NULL, &op);
        comoq_queue_dispatch(queue, 200);
    }
    comoq_close(listener), comoq_close(runtime), comoq_close(origin), comoq_close(log), comoq_close(queue);
    return 0;
}
