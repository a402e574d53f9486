/* SPDX-License-Identifier: MIT */
/* What the scenarios in C share: a queue, and origins with something in them. */
#ifndef COMOQ_TESTS_C_SCENE_H
#define COMOQ_TESTS_C_SCENE_H

#include "check.h"

static comoq_queue queue;
static comoq_event now;

static inline comoq_origin new_origin(void) {
    comoq_origin origin = 0;
    CHECK(comoq_origin_create(NULL, &origin) == 0);
    return origin;
}

static inline comoq_broadcast publish(comoq_origin origin, const char *path) {
    comoq_broadcast broadcast = 0;
    CHECK(comoq_origin_publish(origin, comoq_text(path), NULL, &broadcast) == 0);
    return broadcast;
}

static inline comoq_track make_track(comoq_broadcast broadcast, const char *name) {
    comoq_track track = 0;
    CHECK(comoq_broadcast_track(broadcast, comoq_text(name), NULL, &track) == 0);
    return track;
}

static inline int32_t request(comoq_origin origin, const char *path, uint64_t user, comoq_op *op) {
    return comoq_origin_request(origin, comoq_text(path), queue, user, &now, op);
}

static inline comoq_consumer consume(comoq_broadcast broadcast) {
    comoq_consumer consumer = 0;
    CHECK(comoq_broadcast_consume(broadcast, &consumer) == 0);
    return consumer;
}

static inline comoq_subscriber subscribe(comoq_consumer consumer, const char *name) {
    return at_once(comoq_consumer_subscribe(consumer, comoq_text(name), NULL, queue, 0, &now, NULL), &now);
}

/* Runs them one after the other. Each gives back every handle. */
static inline void run_scenarios(void (*const *scenarios)(void), size_t count) {
    CHECK(comoq_abi() == COMOQ_ABI);
    CHECK(comoq_queue_create(&queue) == 0);
    for (size_t i = 0; i < count; ++i) {
        scenarios[i]();
        if (comoq_live_handles() != 1) fprintf(stderr, "scenario %zu leaves %d handles\n", i, (int)comoq_live_handles() - 1);
        CHECK(comoq_live_handles() == 1);
    }
    CHECK(comoq_close(queue) == 0);
    CHECK(comoq_live_handles() == 0);
}

#endif
