/* SPDX-License-Identifier: MIT */
/* The scenarios of examples/bindings/scenarios.md, in C. */
#include "scene.h"

static void announced(void) {
    comoq_origin origin = new_origin();
    comoq_broadcast broadcast = publish(origin, "live/one");
    comoq_consumer own = consume(broadcast), found, later;
    comoq_op op;
    found = at_once(request(origin, "live/one", 1, &op), &now);
    CHECK(comoq_consumer_same(own, found) == COMOQ_READY);
    CHECK(comoq_origin_announced_broadcast(origin, comoq_text("live/two"), queue, 2, &now, &op) == 0);
    comoq_broadcast second = publish(origin, "live/two");
    later = take(queue, 2).value;
    CHECK(comoq_kind_of(later) == COMOQ_KIND_CONSUMER);
    CHECK(comoq_close(op) == COMOQ_ERROR_HANDLE);
    CHECK(request(origin, "a//\x01", 3, &op) == COMOQ_READY && now.code == COMOQ_INVALID_PATH);
    comoq_close(own), comoq_close(found), comoq_close(later), comoq_close(second), comoq_close(broadcast), comoq_close(origin);
}

static void on_demand_and_refusals(void) {
    comoq_origin origin = new_origin();
    comoq_handler handler;
    comoq_op op, other;
    comoq_string path, absolute;
    comoq_broadcast broadcast;
    uint32_t n = 0;
    CHECK(request(origin, "vod/1", 1, &op) == COMOQ_READY && now.code == COMOQ_NOT_FOUND);
    CHECK(comoq_origin_dynamic(origin, &handler) == 0);

    CHECK(request(origin, "vod/1", 2, &op) == 0 && request(origin, "vod/1", 3, &other) == 0);
    comoq_request asked = at_once(comoq_handler_next(handler, queue, 0, &now, NULL), &now);
    CHECK(comoq_request_path(asked, &path, &absolute) == 0 && same(path, "vod/1") && same(absolute, "vod/1"));
    CHECK(comoq_origin_make(origin, NULL, &broadcast) == 0);
    CHECK(comoq_request_accept(asked, broadcast) == COMOQ_READY);
    CHECK(comoq_request_accept(asked, broadcast) == 0);
    comoq_consumer first = take(queue, 2).value, second = take(queue, 3).value;
    CHECK(comoq_consumer_same(first, second) == COMOQ_READY);
    comoq_close(asked), comoq_close(first), comoq_close(second);
    comoq_close(at_once(request(origin, "vod/1", 4, &op), &now));

    CHECK(request(origin, "vod/2", 5, &op) == 0);
    asked = at_once(comoq_handler_next(handler, queue, 0, &now, NULL), &now);
    CHECK(comoq_request_reject(asked, 5) == COMOQ_ERROR_ARGUMENT);
    CHECK(comoq_request_reject(asked, COMOQ_APP(404)) == COMOQ_READY);
    CHECK(comoq_app_code(take(queue, 5).code, &n) == COMOQ_READY && n == 404);
    comoq_close(asked);

    /* Cancelled while it waits: the handler learns it, and nothing comes out. */
    CHECK(request(origin, "vod/3", 6, &op) == 0);
    asked = at_once(comoq_handler_next(handler, queue, 0, &now, NULL), &now);
    CHECK(comoq_request_abandoned(asked, queue, 7, NULL, &other) == 0);
    CHECK(comoq_close(op) == 0 && comoq_close(op) == COMOQ_ERROR_HANDLE);
    CHECK(take(queue, 7).code == 0);
    CHECK(comoq_queue_next(queue, &now, 1, 0) == 0);
    comoq_close(asked);

    /* A handler that goes. */
    CHECK(request(origin, "vod/4", 8, &op) == 0);
    CHECK(comoq_close(handler) == 0);
    CHECK(take(queue, 8).code == COMOQ_NOT_FOUND);
    comoq_close(broadcast), comoq_close(origin);
}

static void announcements_with_ends(void) {
    comoq_origin origin = new_origin(), below = 0;
    comoq_watch watch;
    comoq_record record;
    comoq_consumer consumer;
    comoq_string path;
    uint32_t event;
    comoq_op op;
    CHECK(comoq_origin_announced(origin, comoq_text("room"), &watch) == 0);
    comoq_broadcast out = publish(origin, "hall/x"), broadcast = publish(origin, "room/x");
    record = at_once(comoq_watch_next(watch, queue, 0, &now, NULL), &now);
    CHECK(comoq_record_view(record, &event, &path) == 0 && event == COMOQ_ACTIVE && same(path, "room/x"));
    CHECK(comoq_watch_next(watch, queue, 1, &now, &op) == 0);
    comoq_close(broadcast);
    comoq_record ending = take(queue, 1).value;
    CHECK(comoq_record_view(ending, &event, NULL) == 0 && event == COMOQ_ENDED);
    CHECK(comoq_record_broadcast(ending, &consumer) == COMOQ_NOT_FOUND);
    /* The record has the broadcast that it told of. */
    CHECK(comoq_record_broadcast(record, &consumer) == 0 && comoq_consumer_is_closed(consumer) == COMOQ_READY);
    CHECK(comoq_origin_with_root(origin, comoq_text("hall"), &below) == 0);
    comoq_close(consumer);
    consumer = at_once(request(below, "x", 2, &op), &now);
    CHECK(comoq_watch_next(watch, queue, 3, &now, &op) == 0);
    comoq_close(below), comoq_close(origin);
    CHECK(take(queue, 3).flags == COMOQ_END);
    comoq_close(out), comoq_close(watch), comoq_close(record), comoq_close(ending), comoq_close(consumer);
}

static void groups_and_frames(void) {
    comoq_origin origin = new_origin();
    comoq_broadcast broadcast = publish(origin, "x");
    comoq_track track = make_track(broadcast, "video");
    comoq_consumer consumer = consume(broadcast);
    comoq_subscriber subscriber = subscribe(consumer, "video");
    comoq_group group;
    comoq_frame frames[8];
    comoq_op op;
    uint64_t sequence = 99;
    CHECK(comoq_subscriber_next(subscriber, queue, 1, &now, &op) == 0);
    CHECK(comoq_track_group(track, &group) == 0);
    comoq_reader reader = take(queue, 1).value;
    CHECK(comoq_reader_sequence(reader, &sequence) == 0 && sequence == 0);
    CHECK(comoq_group_write(group, (const uint8_t *)"key", 3, 40) == 0);
    const comoq_frame more[] = {{(const uint8_t *)"a", 1, 41, 0}, {(const uint8_t *)"bb", 2, 42, 0}};
    CHECK(comoq_group_write_many(group, more, 2) == 2);
    comoq_frames batch = at_once(comoq_reader_read(reader, 8, queue, 0, &now, NULL), &now);
    CHECK(comoq_frames_view(batch, frames, 8) == 3);
    CHECK(holds(&frames[0], "key") && frames[0].timestamp == 40 && holds(&frames[2], "bb") && frames[2].timestamp == 42);

    /* A view outlives the reader, the group and the track; a kept payload outlives the batch. */
    comoq_bytes kept;
    const uint8_t *data;
    size_t size;
    CHECK(comoq_frames_take(batch, 2, &kept) == 0 && comoq_frames_take(batch, 3, &kept) == COMOQ_BOUNDS_EXCEEDED);
    CHECK(comoq_reader_read(reader, 8, queue, 2, NULL, &op) == 0);
    CHECK(comoq_group_finish(group) == 0 && comoq_group_write(group, NULL, 0, 0) == COMOQ_CLOSED);
    CHECK(take(queue, 2).flags == COMOQ_END);
    CHECK(comoq_track_finish(track) == 0);
    ended(comoq_subscriber_next(subscriber, queue, 0, &now, NULL), &now);
    CHECK(comoq_subscriber_closed(subscriber, queue, 0, &now, NULL) == COMOQ_READY && now.code == 0);
    comoq_close(reader), comoq_close(group), comoq_close(track), comoq_close(subscriber), comoq_close(consumer);
    comoq_close(broadcast), comoq_close(origin);
    CHECK(holds(&frames[0], "key"));
    comoq_close(batch);
    CHECK(comoq_bytes_data(kept, &data, &size) == 0 && size == 2 && data == frames[2].data && memcmp(data, "bb", 2) == 0);
    comoq_close(kept);
}

static void count(void *arg) { ++*(int *)arg; }

static void chunks_and_buffers(void) {
    comoq_origin origin = new_origin();
    comoq_broadcast broadcast = publish(origin, "x");
    comoq_track track = make_track(broadcast, "video");
    comoq_group group;
    comoq_reader reader;
    comoq_frame_writer writer;
    comoq_bytes own, wrapped, chunk;
    comoq_frame frame;
    uint8_t *memory;
    const uint8_t *data;
    size_t size = 0;
    uint64_t whole = 0;
    int released = 0;
    comoq_op op;
    CHECK(comoq_track_group_at(track, 7, &group) == 0 && comoq_group_consume(group, &reader) == 0);
    CHECK(comoq_group_open(group, 8, 1, &writer) == 0);
    CHECK(comoq_group_write(group, NULL, 0, 0) == COMOQ_PROTOCOL_VIOLATION);
    comoq_frame_reader part = at_once(comoq_reader_frame(reader, queue, 0, &now, NULL), &now);
    CHECK(comoq_frame_reader_view(part, &whole, NULL) == 0 && whole == 8);
    CHECK(comoq_frame_reader_chunk(part, queue, 1, &now, &op) == 0);
    CHECK(comoq_bytes_create(4, &own, &memory) == 0);
    memcpy(memory, "abcd", 4);
    CHECK(comoq_frame_writer_write_bytes(writer, own) == 0);
    chunk = take(queue, 1).value;
    CHECK(comoq_bytes_data(chunk, &data, &size) == 0 && size == 4 && data == memory);
    comoq_close(chunk);
    CHECK(comoq_frame_writer_write(writer, (const uint8_t *)"too long", 8) == COMOQ_WRONG_SIZE);
    CHECK(comoq_frame_writer_write(writer, (const uint8_t *)"efgh", 4) == 0 && comoq_frame_writer_finish(writer) == 0);
    comoq_close(at_once(comoq_frame_reader_chunk(part, queue, 0, &now, NULL), &now));
    ended(comoq_frame_reader_chunk(part, queue, 0, &now, NULL), &now);

    /* Memory of the caller's is given back once, when the last reader has let go. */
    CHECK(comoq_bytes_wrap((const uint8_t *)"wrapped", 7, count, &released, &wrapped) == 0);
    CHECK(comoq_group_write_bytes(group, wrapped, 2) == 0 && comoq_group_finish(group) == 0);
    comoq_frames batch = at_once(comoq_reader_get(reader, 1, queue, 0, &now, NULL), &now);
    CHECK(comoq_frames_view(batch, &frame, 1) == 1 && holds(&frame, "wrapped"));
    comoq_close(wrapped), comoq_close(own), comoq_close(part), comoq_close(writer), comoq_close(group), comoq_close(reader);
    comoq_close(track), comoq_close(broadcast), comoq_close(origin);
    CHECK(released == 0);
    comoq_close(batch);
    CHECK(released == 1);
    CHECK(comoq_bytes_wrap(NULL, 7, count, &released, &wrapped) == COMOQ_ERROR_ARGUMENT && released == 2);
}

static void tracks_and_groups_on_demand(void) {
    comoq_origin origin = new_origin();
    comoq_broadcast broadcast = publish(origin, "x");
    comoq_consumer consumer = consume(broadcast);
    comoq_track_handler tracks;
    comoq_group_handler groups;
    comoq_subscription wishes, seen;
    comoq_track_info info, read;
    comoq_track track;
    comoq_group group;
    comoq_string name;
    uint64_t sequence = 0;
    uint8_t priority = 0;
    comoq_op op;
    COMOQ_INIT(&wishes), COMOQ_INIT(&seen), COMOQ_INIT(&info), COMOQ_INIT(&read);
    CHECK(comoq_broadcast_dynamic(broadcast, &tracks) == 0);
    wishes.priority = 9;
    CHECK(comoq_consumer_subscribe(consumer, comoq_text("audio"), &wishes, queue, 1, &now, &op) == 0);
    comoq_track_request asked = at_once(comoq_track_handler_next(tracks, queue, 0, &now, NULL), &now);
    CHECK(comoq_track_request_name(asked, &name) == 0 && same(name, "audio"));
    CHECK(comoq_track_request_subscription(asked, &seen) == COMOQ_READY && seen.priority == 9);
    info.timescale = 90000;
    CHECK(comoq_track_request_accept(asked, &info, &track) == 0);
    comoq_subscriber subscriber = take(queue, 1).value;
    comoq_info described = at_once(comoq_consumer_track_info(consumer, comoq_text("audio"), queue, 0, &now, NULL), &now);
    CHECK(comoq_info_view(described, &read) == 0 && read.timescale == 90000 && read.max_latency_ms == 5000);

    CHECK(comoq_track_dynamic(track, &groups) == 0);
    CHECK(comoq_consumer_fetch(consumer, comoq_text("audio"), 40, 3, queue, 2, &now, &op) == 0);
    comoq_group_request fetched = at_once(comoq_group_handler_next(groups, queue, 0, &now, NULL), &now);
    CHECK(comoq_group_request_view(fetched, &sequence, &priority) == 0 && sequence == 40 && priority == 3);
    CHECK(comoq_group_request_accept(fetched, NULL, &group) == 0);
    comoq_reader reader = take(queue, 2).value;
    CHECK(comoq_group_write(group, (const uint8_t *)"old", 3, 0) == 0 && comoq_group_finish(group) == 0);
    comoq_close(at_once(comoq_reader_read(reader, 2, queue, 0, &now, NULL), &now));
    CHECK(comoq_consumer_fetch(consumer, comoq_text("audio"), 41, 0, queue, 3, NULL, &op) == 0);
    comoq_group_request refused = at_once(comoq_group_handler_next(groups, queue, 0, &now, NULL), &now);
    CHECK(comoq_group_request_reject(refused, COMOQ_APP(0)) == COMOQ_READY && take(queue, 3).code == COMOQ_APP(0));

    /* Demand: the publisher sees subscribers come and go. */
    CHECK(comoq_track_used(track, queue, 4, &now, &op) == COMOQ_READY);
    CHECK(comoq_track_unused(track, queue, 5, &now, &op) == 0);
    comoq_close(subscriber);
    CHECK(take(queue, 5).code == 0);
    comoq_close(asked), comoq_close(track), comoq_close(described), comoq_close(groups), comoq_close(tracks), comoq_close(fetched);
    comoq_close(refused), comoq_close(reader), comoq_close(group), comoq_close(consumer), comoq_close(broadcast), comoq_close(origin);
}

static void datagrams_and_stats(void) {
    comoq_origin origin = new_origin();
    comoq_broadcast broadcast = publish(origin, "x");
    comoq_track track = make_track(broadcast, "position");
    comoq_consumer consumer = consume(broadcast);
    comoq_subscriber subscriber = subscribe(consumer, "position");
    comoq_subscriber_stats read;
    comoq_origin_stats whole;
    comoq_track_stats written;
    comoq_frame frame;
    uint64_t sequence = 99;
    COMOQ_INIT(&read), COMOQ_INIT(&whole), COMOQ_INIT(&written);
    CHECK(comoq_track_datagram(track, (const uint8_t *)"here", 4, 5, &sequence) == 0 && sequence == 0);
    CHECK(comoq_track_insert_datagram(track, 6, (const uint8_t *)"there", 5, 6) == 0);
    comoq_frames one = at_once(comoq_subscriber_datagram(subscriber, queue, 0, &now, NULL), &now);
    CHECK(comoq_frames_view(one, &frame, 1) == 1 && holds(&frame, "here") && frame.number == 0);
    comoq_frames two = at_once(comoq_subscriber_datagram(subscriber, queue, 0, &now, NULL), &now);
    CHECK(comoq_frames_view(two, &frame, 1) == 1 && holds(&frame, "there") && frame.number == 6);
    CHECK(comoq_subscriber_get_stats(subscriber, &read) == 0 && read.datagrams == 2 && read.bytes == 9);
    CHECK(comoq_track_get_stats(track, &written) == 0 && written.subscribers == 1);
    CHECK(comoq_origin_get_stats(origin, &whole) == 0 && whole.announced == 1);
    /* A caller that knows less gets less, and nothing is written behind it. */
    whole.struct_size = 16, whole.announced = 77, whole.nodes = 88;
    CHECK(comoq_origin_get_stats(origin, &whole) == 0 && whole.announced == 1 && whole.nodes == 88);
    whole.struct_size = 0;
    CHECK(comoq_origin_get_stats(origin, &whole) == COMOQ_ERROR_ARGUMENT);
    comoq_close(one), comoq_close(two), comoq_close(subscriber), comoq_close(consumer), comoq_close(track), comoq_close(broadcast);
    comoq_close(origin);
}

static void a_thousand_requests_at_once(void) {
    comoq_origin origin = new_origin();
    comoq_handler handler;
    comoq_event events[64];
    char path[32];
    int32_t count, got = 0;
    CHECK(comoq_origin_dynamic(origin, &handler) == 0);
    for (unsigned i = 0; i < 1000; ++i) {
        snprintf(path, sizeof path, "many/%u", i % 500);
        CHECK(request(origin, path, i, NULL) == 0);
    }
    for (int i = 0; i < 500; ++i) {
        comoq_request asked = at_once(comoq_handler_next(handler, queue, 0, &now, NULL), &now);
        comoq_broadcast broadcast;
        CHECK(comoq_origin_make(origin, NULL, &broadcast) == 0 && comoq_request_accept(asked, broadcast) == COMOQ_READY);
        comoq_close(asked), comoq_close(broadcast);
    }
    while (got < 1000) {
        CHECK((count = comoq_queue_next(queue, events, 64, 20000)) > 0);
        for (int32_t i = 0; i < count; ++i) CHECK(events[i].code == 0 && comoq_close(events[i].value) == 0);
        got += count;
    }
    comoq_close(handler), comoq_close(origin);
}

static void (*const scenarios[])(void) = {
    announced, on_demand_and_refusals, announcements_with_ends, groups_and_frames, chunks_and_buffers, tracks_and_groups_on_demand,
    datagrams_and_stats, a_thousand_requests_at_once};

int main(void) {
    run_scenarios(scenarios, sizeof scenarios / sizeof *scenarios);
    return 0;
}
