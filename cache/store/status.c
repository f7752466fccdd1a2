// SPDX-License-Identifier: Apache-2.0
/* A table of statuses and what each means to whoever asked. */
#include "cache/store/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"

enum { HOLD_S = 60 };

static const struct {
    int status, meaning;
    const char *sentence;
} statuses[] = {
    {401, EACCES, "access denied"},
    {403, EACCES, "access denied"},
    {404, ENOENT, "no such object or bucket"},
    {408, EAGAIN, "the store waited too long for the request"},
    {409, EAGAIN, "another operation was under way"},
    {410, ENOENT, "no such object any more"},
    {412, ESTALE, "the object is not the one that was pinned; it has been overwritten"},
    {416, EINVAL, "the range lies behind the object's end"},
    {425, EAGAIN, "too early"},
    {429, EAGAIN, "the store asks to slow down"},
    {500, EAGAIN, "the store failed inside"},
    {501, ENOTSUP, "the store cannot do this"},
    {502, EAGAIN, "bad gateway"},
    {503, EAGAIN, "the store is busy"},
    {504, EAGAIN, "gateway timeout"},
};

int status_meaning(int status, struct error *err)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return error_set(err, statuses[i].meaning, "%s", statuses[i].sentence);
    return error_set(err, status >= 500 ? EAGAIN : EIO, "refused");
}

void status_obey_retry_after(struct store *store, const struct http_reply *reply)
{
    char value[32];
    if (!http_reply_header(reply, "retry-after", value, sizeof value))
        return;
    int64_t wait_ns, most = HOLD_S * INT64_C(1000000000);
    if (value[0] < '0' || value[0] > '9')
        wait_ns = http_date(value) - instant_now();
    else
        wait_ns = strlen(value) > 5 ? most : strtoll(value, NULL, 10) * 1000000000;
    if (wait_ns > 0)
        atomic_store(&store->hold_until_ns, clock_now_ns() + (wait_ns < most ? wait_ns : most));
}
