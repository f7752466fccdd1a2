// SPDX-License-Identifier: Apache-2.0
/* A thread for one call: for two or three waits at once, where a pool would be more to keep than to gain. */
#include "cache/base/meanwhile.h"

#include <signal.h>

static void *run_thread(void *ctx)
{
    struct meanwhile *meanwhile = ctx;
    meanwhile->run(meanwhile->ctx);
    return NULL;
}

void meanwhile_begin(struct meanwhile *meanwhile, void (*run)(void *ctx), void *ctx)
{
    sigset_t all, old;
    *meanwhile = (struct meanwhile){.run = run, .ctx = ctx};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    meanwhile->started = !pthread_create(&meanwhile->thread, NULL, run_thread, meanwhile);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!meanwhile->started)
        run(ctx);
}

void meanwhile_end(struct meanwhile *meanwhile)
{
    if (meanwhile->started)
        pthread_join(meanwhile->thread, NULL);
    meanwhile->started = false;
}
