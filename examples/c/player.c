/* SPDX-License-Identifier: MIT */
/* Plays a track into standard output, in a loop that waits for other descriptors as well: player URL BROADCAST TRACK.
 * A line on standard input changes the track; the end of standard input ends the player. */
#include <comoq/c.h>

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static comoq_queue queue;
static comoq_consumer broadcast;
static comoq_subscriber subscriber;
static comoq_reader group;
static comoq_op waiting;

static void subscribed(void *data, const comoq_event *event);
static void group_came(void *data, const comoq_event *event);
static void frames_came(void *data, const comoq_event *event);
static comoq_watcher on_subscribed = {subscribed, NULL}, on_group = {group_came, NULL}, on_frames = {frames_came, NULL};

static void say(const char *what, int32_t code) {
    char text[200];
    comoq_code_text(code, text, sizeof text);
    fprintf(stderr, "player: %s: %s\n", what, text);
}

/* Lets go of the track that plays, at whatever point it is. */
static void leave(void) {
    comoq_close(waiting), comoq_close(group), comoq_close(subscriber);
    waiting = group = subscriber = 0;
}

static void play(const char *track, size_t size) {
    const comoq_string name = {track, size};
    leave();
    comoq_consumer_subscribe(broadcast, name, NULL, queue, comoq_user(&on_subscribed), NULL, &waiting);
}

static void next_group(void) { comoq_subscriber_next(subscriber, queue, comoq_user(&on_group), NULL, &waiting); }
static void next_frames(void) { comoq_reader_read(group, 64, queue, comoq_user(&on_frames), NULL, &waiting); }

static void subscribed(void *data, const comoq_event *event) {
    (void)data;
    subscriber = event->value;
    if (event->code != 0) say("the track", event->code);
    else next_group();
}

static void group_came(void *data, const comoq_event *event) {
    (void)data;
    group = event->value;
    if (event->code != 0) say("the track", event->code);
    else if (event->flags == COMOQ_END) fprintf(stderr, "player: the track has ended\n");
    else next_frames();
}

static void frames_came(void *data, const comoq_event *event) {
    comoq_frame frames[64];
    (void)data;
    if (event->value == 0) { /* the end of the group, or it has failed: its track goes on */
        comoq_close(group);
        next_group();
        return;
    }
    const int64_t count = comoq_frames_view(event->value, frames, 64);
    for (int64_t i = 0; i < count; ++i) fwrite(frames[i].data, 1, (size_t)frames[i].size, stdout);
    fflush(stdout);
    comoq_close(event->value);
    next_frames();
}

static void broadcast_came(void *data, const comoq_event *event) {
    broadcast = event->value;
    if (event->code != 0) say("the broadcast", event->code);
    else play((const char *)data, strlen((const char *)data));
}

static void connection_ended(void *data, const comoq_event *event) {
    (void)data;
    say("the connection", event->code);
}

int main(int argc, char **argv) {
    comoq_origin origin = 0;
    comoq_runtime runtime = 0;
    comoq_session_config config;
    comoq_op connection = 0, asking = 0;
    comoq_watcher on_broadcast = {broadcast_came, NULL}, on_connection = {connection_ended, NULL};
    struct pollfd ready[2];
    char line[256];
    if (argc != 4 || comoq_queue_create(&queue) || comoq_origin_create(NULL, &origin) || comoq_runtime_create(&runtime)) return 2;
    COMOQ_INIT(&config);
    config.subscribe = origin;
    on_broadcast.data = argv[3];
    const int32_t code = comoq_keep_connected(runtime, comoq_text(argv[1]), &config, queue, comoq_user(&on_connection), &connection);
    if (code != 0) say(argv[1], code);
    if (code != 0 || comoq_queue_fd(queue, &ready[0].fd) != 0) return 1;
    comoq_origin_request(origin, comoq_text(argv[2]), queue, comoq_user(&on_broadcast), NULL, &asking);

    ready[1].fd = STDIN_FILENO;
    ready[0].events = ready[1].events = POLLIN;
    while (poll(ready, 2, -1) >= 0) {
        if (ready[0].revents != 0) comoq_queue_dispatch(queue, 0);
        if (ready[1].revents == 0) continue;
        const ssize_t size = read(STDIN_FILENO, line, sizeof line);
        if (size <= 0) break;
        play(line, (size_t)size - (line[size - 1] == '\n'));
    }
    leave();
    comoq_close(broadcast), comoq_close(connection), comoq_close(runtime), comoq_close(origin), comoq_close(queue);
    return 0;
}
