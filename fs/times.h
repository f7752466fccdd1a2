// SPDX-License-Identifier: Apache-2.0
/* When versions were committed, remembered: every stat needs one. Locks itself; reads nothing under its lock.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "index/catalog/catalog.h"

struct times {
    pthread_mutex_t lock; /* guards what follows */
    int64_t *ns;          /* by version; TIMES_UNKNOWN */
    size_t count, cap;
};

void times_init(struct times *times);
void times_done(struct times *times);
int times_of_version(struct times *times, struct catalog_reader *reader, uint32_t version, int64_t *ret_ns,
                     struct error *err);
