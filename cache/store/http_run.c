// SPDX-License-Identifier: Apache-2.0
/* The blocking form of a request. */
#include <errno.h>
#include <pthread.h>

#include "cache/store/http.h"

struct wait {
    struct buf *buf;
    size_t max_bytes, got;
    int rc;
    struct error err;
    bool done; /* guarded by `lock` */
    pthread_mutex_t lock;
    pthread_cond_t ended;
};

static int collect(struct http_request *request, const void *bytes, size_t len, struct error *err)
{
    struct wait *wait = request->ctx;
    if (len > wait->max_bytes - wait->got)
        return error_set(err, EFBIG, "the reply is larger than %zu bytes", wait->max_bytes);
    buf_append(wait->buf, bytes, len);
    wait->got += len;
    return 0;
}

static void end(struct http_request *request, int rc, const struct error *err)
{
    struct wait *wait = request->ctx;
    pthread_mutex_lock(&wait->lock);
    wait->rc = rc;
    wait->err = *err;
    wait->done = true;
    pthread_cond_signal(&wait->ended);
    pthread_mutex_unlock(&wait->lock);
}

int http_run(struct http *http, struct http_request *request, size_t max_bytes, struct buf *buf,
             struct error *err)
{
    struct wait wait = {.buf = buf, .max_bytes = max_bytes};
    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.ended, NULL);
    request->on_head = NULL;
    request->on_body = collect;
    request->on_done = end;
    request->ctx = &wait;
    http_start(http, request);
    pthread_mutex_lock(&wait.lock);
    while (!wait.done)
        pthread_cond_wait(&wait.ended, &wait.lock);
    pthread_mutex_unlock(&wait.lock);
    pthread_mutex_destroy(&wait.lock);
    pthread_cond_destroy(&wait.ended);
    return wait.rc < 0 ? error_copy(err, &wait.err) : 0;
}
