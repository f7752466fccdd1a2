// SPDX-License-Identifier: Apache-2.0
/*
 * What programs hold open: the kernel does not release it any more when the connection ends, so it is listed
 * to be closed then. Locks itself.
 */
#pragma once

#include <pthread.h>

struct handle {
    void (*close)(struct handle *handle); /* frees it; taken out of the list before */
    struct handle *next, **link;          /* the list's own */
};

struct handles {
    pthread_mutex_t lock; /* guards what follows and all `next` and `link` */
    struct handle *first;
};

void handles_init(struct handles *handles);
void handles_done(struct handles *handles); /* closes all */
void handles_add(struct handles *handles, struct handle *handle);
void handles_close(struct handles *handles, struct handle *handle);
