/* SPDX-License-Identifier: MIT */
/* A program that ends without closing anything: the end does not wait for the library's threads. */
#include "check.h"

int main(void) {
    comoq_runtime runtime;
    comoq_origin origin;
    comoq_queue queue;
    comoq_listener listener;
    comoq_session_config config;
    comoq_string url;
    comoq_op op;
    comoq_event event;
    COMOQ_INIT(&config);
    CHECK(comoq_runtime_create(&runtime) == 0 && comoq_origin_create(NULL, &origin) == 0 && comoq_queue_create(&queue) == 0);
    config.publish = config.subscribe = origin;
    CHECK(comoq_listen(runtime, comoq_text("tcp://127.0.0.1:0"), &config, &listener) == 0 && comoq_listener_url(listener, &url) == 0);
    CHECK(comoq_connect(runtime, url, NULL, queue, 1, NULL, &op) == 0);
    event = take(queue, 1);
    CHECK(event.code == 0);
    CHECK(comoq_session_closed(event.value, queue, 2, NULL, &op) == 0);
    return 0;
}
