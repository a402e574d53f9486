/* SPDX-License-Identifier: MIT */
/* What the programs in C are tested with. */
#ifndef COMOQ_TESTS_C_CHECK_H
#define COMOQ_TESTS_C_CHECK_H

#include <comoq/c.h>

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                               \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

/* Takes one event, which must be `user`'s. */
static inline comoq_event take(comoq_queue queue, uint64_t user) {
    comoq_event event;
    CHECK(comoq_queue_next(queue, &event, 1, 20000) == 1);
    CHECK(event.user == user);
    return event;
}

/* The value of an outcome that is there at once. */
static inline uint64_t at_once(int32_t result, const comoq_event *now) {
    CHECK(result == COMOQ_READY);
    CHECK(now->code == 0);
    CHECK(now->flags == 0);
    return now->value;
}

static inline void ended(int32_t result, const comoq_event *now) {
    CHECK(result == COMOQ_READY);
    CHECK(now->code == 0);
    CHECK(now->flags == COMOQ_END);
    CHECK(now->value == 0);
}

static inline int same(comoq_string text, const char *other) {
    return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

static inline int holds(const comoq_frame *frame, const char *text) {
    return frame->size == strlen(text) && memcmp(frame->data, text, frame->size) == 0;
}

#endif
