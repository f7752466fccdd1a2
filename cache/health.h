// SPDX-License-Identifier: Apache-2.0
/*
 * Whether the local disk takes bytes. After a failed write nothing is written for a while (1 s, doubling to
 * 60 s), then one write is tried again; reads go on from memory and the store meanwhile.
 * Thread rule: locks itself. Private to cache/.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health {
    pthread_mutex_t lock; /* guards what follows */
    bool failed, trying;
    int64_t retry_ns, pause_ns;
    char reason[128];
};

void health_init(struct health *health);
void health_done(struct health *health);
bool health_may_write(struct health *health);
void health_ok(struct health *health);
/* `what` failed with `rc` (-errno). */
void health_bad(struct health *health, const char *what, int rc);
bool health_failed(struct health *health, char *ret_reason, size_t len); /* reason: "" if it has not failed */
