// SPDX-License-Identifier: Apache-2.0
/*
 * A reader is where it is in one of the sets, how long it has kept to the order, and which streams it opens
 * of a clip. Both tables are small arrays; what was used longest ago makes room.
 */
#include "fs/upcoming.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct seen {
    struct set *set; /* a reference */
    uint32_t version;
    uint64_t since, used; /* the clock; `since` tells one set here from the next */
};

struct reader {
    pid_t pid;
    uint32_t version, row;
    uint64_t streams, before; /* of this clip until now; of the clip before it */
    const struct seen *seen;  /* what was there `since`; NULL: in none that is known */
    uint64_t since, position, ahead_to;
    unsigned streak; /* clips in a row that followed the order */
    uint64_t used;   /* 0: free */
};

struct upcoming {
    pthread_mutex_t lock; /* guards what follows */
    uint64_t clock;
    struct seen seen[UPCOMING_SETS];
    struct reader readers[UPCOMING_READERS];
};

struct upcoming *upcoming_new(void)
{
    struct upcoming *upcoming = MEM_NEW(struct upcoming);
    pthread_mutex_init(&upcoming->lock, NULL);
    return upcoming;
}

void upcoming_free(struct upcoming *upcoming)
{
    if (!upcoming)
        return;
    for (size_t i = 0; i < UPCOMING_SETS; i++)
        set_unref(upcoming->seen[i].set);
    pthread_mutex_destroy(&upcoming->lock);
    free(upcoming);
}

void upcoming_seen(struct upcoming *upcoming, uint32_t version, struct set *set)
{
    if (set_bytes(set) > UPCOMING_SET_BYTES)
        return;
    struct set *gone = NULL;
    pthread_mutex_lock(&upcoming->lock);
    struct seen *oldest = upcoming->seen, *same = NULL;
    for (size_t i = 0; i < UPCOMING_SETS; i++) {
        struct seen *seen = &upcoming->seen[i];
        if (seen->set == set && seen->version == version)
            same = seen;
        if (seen->used < oldest->used)
            oldest = seen;
    }
    if (!same) {
        same = oldest;
        gone = same->set;
        *same = (struct seen){.set = set_ref(set), .version = version, .since = upcoming->clock + 1};
    }
    same->used = ++upcoming->clock;
    pthread_mutex_unlock(&upcoming->lock);
    set_unref(gone);
}

static struct reader *find_reader(struct upcoming *upcoming, pid_t pid)
{
    struct reader *oldest = upcoming->readers;
    for (size_t i = 0; i < UPCOMING_READERS; i++) {
        struct reader *reader = &upcoming->readers[i];
        if (reader->used && reader->pid == pid)
            return reader;
        if (reader->used < oldest->used)
            oldest = reader;
    }
    return oldest;
}

/* The set used last that has the row; the position in it. */
static struct seen *find_seen(struct upcoming *upcoming, uint32_t version, uint32_t row, uint64_t *ret)
{
    struct seen *found = NULL;
    uint64_t position;
    for (size_t i = 0; i < UPCOMING_SETS; i++) {
        struct seen *seen = &upcoming->seen[i];
        if (seen->set && seen->version == version && (!found || seen->used > found->used) &&
            set_find(seen->set, row, &position)) {
            found = seen;
            *ret = position;
        }
    }
    return found;
}

/* The reader's set, unless another has taken its place. */
static const struct set *set_of(const struct reader *reader)
{
    return reader->seen && reader->seen->since == reader->since ? reader->seen->set : NULL;
}

/* Goes on in the reader's set, or begins anew in another. */
static void move(struct upcoming *upcoming, struct reader *reader, const struct upcoming_opened *opened)
{
    uint64_t at = 0;
    const struct set *set = set_of(reader);
    if (set && reader->version == opened->version && set_find(set, opened->row, &at) &&
        at > reader->position && at - reader->position <= UPCOMING_GAP) {
        reader->streak++;
        reader->ahead_to = reader->ahead_to > at ? reader->ahead_to : at;
        reader->position = at;
        return;
    }
    reader->seen = find_seen(upcoming, opened->version, opened->row, &at);
    reader->since = reader->seen ? reader->seen->since : 0;
    reader->version = opened->version;
    reader->position = reader->ahead_to = at;
    reader->streak = 0;
}

static size_t list_ahead(struct reader *reader, uint64_t streams, struct upcoming_clip *ret)
{
    const struct set *set = set_of(reader);
    if (!set || reader->streak < 2)
        return 0;
    uint64_t depth = reader->streak < 5 ? UINT64_C(1) << (reader->streak - 1) : UPCOMING_ROWS;
    uint64_t end = reader->position + depth + 1, count = set_count(set);
    size_t found = 0;
    for (uint64_t at = reader->ahead_to + 1; at < end && at < count && found < UPCOMING_ROWS; at++) {
        ret[found++] = (struct upcoming_clip){.row = set_at(set, at), .streams = streams};
        reader->ahead_to = at;
    }
    return found;
}

size_t upcoming_after(struct upcoming *upcoming, const struct upcoming_opened *opened,
                      struct upcoming_clip ret[UPCOMING_ROWS + 1])
{
    if (opened->stream >= UPCOMING_STREAMS)
        return 0;
    uint64_t bit = UINT64_C(1) << opened->stream;
    size_t count = 0;
    pthread_mutex_lock(&upcoming->lock);
    struct reader *reader = find_reader(upcoming, opened->pid);
    bool known = reader->used && reader->pid == opened->pid;
    if (!known)
        *reader = (struct reader){.pid = opened->pid};
    reader->used = ++upcoming->clock;
    if (known && reader->version == opened->version && reader->row == opened->row) {
        reader->streams |= bit;
    } else {
        move(upcoming, reader, opened);
        reader->row = opened->row;
        reader->before = reader->streams;
        reader->streams = bit;
        uint64_t others = reader->before & bit ? reader->before & ~bit : 0;
        if (others)
            ret[count++] = (struct upcoming_clip){.row = opened->row, .streams = others};
        count += list_ahead(reader, others | bit, ret + count);
    }
    pthread_mutex_unlock(&upcoming->lock);
    return count;
}
