// SPDX-License-Identifier: Apache-2.0
/* One request to a service that gives out keys, with its answer in memory that is wiped. */
#include "cache/store/credentials_http.h"

#include <errno.h>

#include "cache/base/instant.h"
#include "cache/store/stores.h"

enum { ANSWER_BYTES = 32768 };

int credentials_ask(const struct credential_lookup *lookup, const char *name, struct http_request *request,
                    int limit_s, struct buf *buf, struct error *err)
{
    struct http *http;
    struct error why = {0};
    int rc = stores_http(lookup->stores, &http, &why);
    buf_room(buf, ANSWER_BYTES); /* no copies of secrets by growing */
    request->deadline_ns = clock_now_ns() + limit_s * INT64_C(1000000000);
    if (!rc)
        rc = http_run(http, request, ANSWER_BYTES, buf, &why);
    int status = request->reply.status;
    http_request_done(request);
    if (rc == -EAGAIN || rc == -ECONNREFUSED || rc == -ETIMEDOUT) {
        error_set(err, ENOENT, "%s: %s", name, why.text);
        return -ENOENT;
    }
    if (rc < 0)
        return error_set(err, -rc, "%s: %s", name, why.text);
    if (status != 200)
        return error_set(err, EACCES, "%s: refused with status %d", name, status);
    return 0;
}
