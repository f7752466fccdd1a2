// SPDX-License-Identifier: Apache-2.0
/* A ring of entries in order of time. */
#include "fs/errors.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"

enum { ENTRIES_MAX = 512, STAMP_BYTES = 40, EXPLAINED_MAX = 20 };
#define EXPLAINED_WHILE_NS INT64_C(1000000000)

struct entry {
    uid_t uid;
    int64_t time_ns;
    char *text;
};

struct errors {
    pthread_mutex_t lock; /* guards what follows */
    struct entry entries[ENTRIES_MAX];
    size_t first, count;
    int64_t explained_since_ns;
    unsigned explained; /* since then */
};

static struct entry *at_locked(struct errors *errors, size_t i)
{
    return &errors->entries[(errors->first + i) % ENTRIES_MAX];
}

struct errors *errors_new(void)
{
    struct errors *errors = MEM_NEW(struct errors);
    pthread_mutex_init(&errors->lock, NULL);
    return errors;
}

void errors_free(struct errors *errors)
{
    if (!errors)
        return;
    for (size_t i = 0; i < errors->count; i++)
        free(at_locked(errors, i)->text);
    pthread_mutex_destroy(&errors->lock);
    free(errors);
}

/* Takes the entry with this text out and hands its text on, or NULL. */
static char *take_out_locked(struct errors *errors, uid_t uid, const char *text)
{
    size_t i = 0;
    while (i < errors->count &&
           (at_locked(errors, i)->uid != uid || strcmp(at_locked(errors, i)->text, text) != 0))
        i++;
    if (i == errors->count)
        return NULL;
    char *taken = at_locked(errors, i)->text;
    for (; i + 1 < errors->count; i++)
        *at_locked(errors, i) = *at_locked(errors, i + 1);
    errors->count--;
    return taken;
}

bool errors_may_explain(struct errors *errors)
{
    int64_t now = clock_now_ns();
    pthread_mutex_lock(&errors->lock);
    if (!errors->explained || now - errors->explained_since_ns > EXPLAINED_WHILE_NS) {
        errors->explained_since_ns = now;
        errors->explained = 0;
    }
    bool may = errors->explained < EXPLAINED_MAX;
    errors->explained += may;
    pthread_mutex_unlock(&errors->lock);
    return may;
}

void errors_add(struct errors *errors, uid_t uid, const char *text)
{
    int64_t now = instant_now();
    pthread_mutex_lock(&errors->lock);
    char *own = take_out_locked(errors, uid, text);
    if (!own)
        own = mem_text(text);
    if (errors->count == ENTRIES_MAX) {
        free(at_locked(errors, 0)->text);
        errors->first = (errors->first + 1) % ENTRIES_MAX;
        errors->count--;
    }
    *at_locked(errors, errors->count++) = (struct entry){.uid = uid, .time_ns = now, .text = own};
    pthread_mutex_unlock(&errors->lock);
}

void errors_append(struct errors *errors, uid_t uid, size_t max_bytes, struct buf *buf)
{
    size_t bytes = 0;
    pthread_mutex_lock(&errors->lock);
    size_t first = errors->count;
    for (size_t i = errors->count; i-- > 0;) {
        if (at_locked(errors, i)->uid != uid)
            continue;
        bytes += strlen(at_locked(errors, i)->text) + STAMP_BYTES;
        if (bytes > max_bytes)
            break;
        first = i;
    }
    for (size_t i = first; i < errors->count; i++) {
        struct entry *entry = at_locked(errors, i);
        if (entry->uid != uid)
            continue;
        instant_print(buf, entry->time_ns);
        buf_printf(buf, " %s\n", entry->text);
    }
    pthread_mutex_unlock(&errors->lock);
}
