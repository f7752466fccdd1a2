// SPDX-License-Identifier: Apache-2.0
/* A failure stops writing for a while, and one thread at a time tries whether it works again. */
#include "cache/health.h"

#include <stdio.h>
#include <string.h>

#include "cache/base/instant.h"

#define PAUSE_FIRST_NS INT64_C(1000000000)
#define PAUSE_MAX_NS   INT64_C(60000000000)

void health_init(struct health *health)
{
    *health = (struct health){0};
    pthread_mutex_init(&health->lock, NULL);
}

void health_done(struct health *health)
{
    pthread_mutex_destroy(&health->lock);
}

bool health_may_write(struct health *health)
{
    int64_t now = clock_now_ns();
    pthread_mutex_lock(&health->lock);
    bool may = !health->failed || now >= health->retry_ns;
    if (may && health->failed) { /* one try, not one a thread */
        health->retry_ns = now + health->pause_ns;
        health->trying = true;
    }
    pthread_mutex_unlock(&health->lock);
    return may;
}

void health_ok(struct health *health)
{
    pthread_mutex_lock(&health->lock);
    health->failed = health->trying = false;
    health->pause_ns = 0;
    health->reason[0] = 0;
    pthread_mutex_unlock(&health->lock);
}

void health_bad(struct health *health, const char *what, int rc)
{
    int64_t now = clock_now_ns();
    pthread_mutex_lock(&health->lock);
    if (!health->failed || health->trying) { /* writes already under way at the first failure do not count */
        int64_t pause = health->pause_ns ? 2 * health->pause_ns : PAUSE_FIRST_NS;
        health->pause_ns = pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS;
        health->retry_ns = now + health->pause_ns;
    }
    health->failed = true;
    health->trying = false;
    snprintf(health->reason, sizeof health->reason, "%s: %s", what, strerror(-rc));
    pthread_mutex_unlock(&health->lock);
}

bool health_failed(struct health *health, char *ret_reason, size_t len)
{
    pthread_mutex_lock(&health->lock);
    bool failed = health->failed;
    snprintf(ret_reason, len, "%s", health->reason);
    pthread_mutex_unlock(&health->lock);
    return failed;
}
