// SPDX-License-Identifier: Apache-2.0
/* A map from a request's text to its whole reply. */
#include "tests/proxy/kept.h"

#include <pthread.h>
#include <string.h>

#include "cache/base/strmap.h"

struct kept {
    pthread_mutex_t lock;
    struct strmap *replies; /* guarded by lock -> struct kept_reply, which is immutable */
};

struct kept *kept_new(void)
{
    struct kept *kept = MEM_NEW(struct kept);
    pthread_mutex_init(&kept->lock, NULL);
    kept->replies = strmap_new();
    return kept;
}

const struct kept_reply *kept_find(struct kept *kept, const char *request)
{
    pthread_mutex_lock(&kept->lock);
    const struct strmap_entry *entry = strmap_find(kept->replies, request, strlen(request));
    const struct kept_reply *reply = entry ? (const struct kept_reply *)entry->value : NULL;
    pthread_mutex_unlock(&kept->lock);
    return reply;
}

void kept_put(struct kept *kept, const char *request, struct kept_reply *reply)
{
    bool is_new;
    pthread_mutex_lock(&kept->lock);
    struct strmap_entry *entry = strmap_put(kept->replies, request, strlen(request), &is_new);
    if (is_new) {
        entry->value = (uintptr_t)mem_copy(reply, sizeof *reply);
        reply->bytes = BUF_INIT;
    }
    pthread_mutex_unlock(&kept->lock);
    buf_done(&reply->bytes);
}
