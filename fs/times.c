// SPDX-License-Identifier: Apache-2.0
/* An array by version. Two threads that look for the same version at once find the same time. */
#include "fs/times.h"

#include <stdbool.h>
#include <stdlib.h>

#include "cache/base/memory.h"

#define TIMES_UNKNOWN INT64_MIN

void times_init(struct times *times)
{
    *times = (struct times){0};
    pthread_mutex_init(&times->lock, NULL);
}

void times_done(struct times *times)
{
    free(times->ns);
    pthread_mutex_destroy(&times->lock);
}

static bool recall(struct times *times, uint32_t version, int64_t *ret_ns)
{
    pthread_mutex_lock(&times->lock);
    bool known = version < times->count && times->ns[version] != TIMES_UNKNOWN;
    if (known)
        *ret_ns = times->ns[version];
    pthread_mutex_unlock(&times->lock);
    return known;
}

static void remember(struct times *times, uint32_t version, int64_t ns)
{
    pthread_mutex_lock(&times->lock);
    mem_grow(&times->ns, &times->cap, (size_t)version + 1, sizeof *times->ns);
    while (times->count <= version)
        times->ns[times->count++] = TIMES_UNKNOWN;
    times->ns[version] = ns;
    pthread_mutex_unlock(&times->lock);
}

int times_of_version(struct times *times, struct catalog_reader *reader, uint32_t version, int64_t *ret_ns,
                     struct error *err)
{
    int64_t ns;
    if (!recall(times, version, &ns)) {
        int rc = catalog_commit_time(reader, version, &ns, err);
        if (rc < 0)
            return rc;
        remember(times, version, ns);
    }
    *ret_ns = ns;
    return 0;
}
