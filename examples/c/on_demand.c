/* SPDX-License-Identifier: MIT */
/* Requests broadcasts that nobody has announced, and serves them, in one loop: on_demand [PATH]... */
#include <comoq/c.h>

#include <stdio.h>

static comoq_queue queue;
static comoq_origin origin;
static comoq_handler handler;
static comoq_broadcast greeting;
static int waiting;

static void say(const char *what, int32_t code) {
    char text[200];
    comoq_code_text(code, text, sizeof text);
    printf("%s: %s\n", what, text);
}

/* ---- the side that serves: the same broadcast for every path, except for those that begin with a dot */

static void serve_next(void);

static void requested(void *data, const comoq_event *event) {
    comoq_string path;
    (void)data;
    if (event->code != 0 || event->flags == COMOQ_END) return;
    comoq_request_path(event->value, &path, NULL);
    if (path.data[0] == '.')
        comoq_request_reject(event->value, COMOQ_APP(404));
    else
        comoq_request_accept(event->value, greeting);
    comoq_close(event->value);
    serve_next();
}
static comoq_watcher serving = {requested, NULL};
static void serve_next(void) { comoq_handler_next(handler, queue, comoq_user(&serving), NULL, NULL); }

/* ---- the side that asks: for a broadcast, its track, and a frame */

static void read_frame(void *data, const comoq_event *event) {
    comoq_frame frame;
    (void)data;
    --waiting;
    if (event->code != 0) say("no frame", event->code);
    if (event->value == 0) return;
    comoq_frames_view(event->value, &frame, 1);
    printf("%.*s\n", (int)frame.size, (const char *)frame.data);
    comoq_close(event->value);
}
static comoq_watcher reading = {read_frame, NULL};

static void subscribed(void *data, const comoq_event *event) {
    (void)data;
    if (event->code != 0) {
        --waiting;
        say("no track", event->code);
        return;
    }
    comoq_subscriber_read_frame(event->value, queue, comoq_user(&reading), NULL, NULL);
    comoq_close(event->value); /* the wait goes on without the handle */
}
static comoq_watcher subscribing = {subscribed, NULL};

static void arrived(void *data, const comoq_event *event) {
    (void)data;
    if (event->code != 0) {
        --waiting;
        say("no broadcast", event->code);
        return;
    }
    comoq_consumer_subscribe(event->value, comoq_text("text"), NULL, queue, comoq_user(&subscribing), NULL, NULL);
    comoq_close(event->value);
}
static comoq_watcher asking = {arrived, NULL};

int main(int argc, char **argv) {
    comoq_track track;
    if (comoq_abi() != COMOQ_ABI || comoq_queue_create(&queue) != 0 || comoq_origin_create(NULL, &origin) != 0) return 1;
    if (comoq_origin_make(origin, NULL, &greeting) != 0 || comoq_origin_dynamic(origin, &handler) != 0) return 1;
    if (comoq_broadcast_track(greeting, comoq_text("text"), NULL, &track) != 0) return 1;
    comoq_track_write(track, (const uint8_t *)"hello", 5, 0, NULL);
    serve_next();
    for (int i = 1; i < argc; ++i, ++waiting)
        comoq_origin_request(origin, comoq_text(argv[i]), queue, comoq_user(&asking), NULL, NULL);
    while (waiting > 0 && comoq_queue_dispatch(queue, -1) >= 0) {
    }
    comoq_close(queue), comoq_close(handler), comoq_close(track), comoq_close(greeting), comoq_close(origin);
    return comoq_live_handles() != 0;
}
