// SPDX-License-Identifier: Apache-2.0
/* What can be looked up is looked up; else some keys are read and compared, not all of a large version. */
#include "query/say/keys.h"

#include <errno.h>
#include <string.h>

enum { DIGITS = 6, READ_MOST = 4096 };

int keys_pad(struct catalog_reader *reader, const char *typed, size_t len, struct buf *ret, struct error *err)
{
    CLEANUP_BUF struct buf key = BUF_INIT;
    size_t digits = 0;
    uint32_t row;
    while (digits < len && typed[len - digits - 1] >= '0' && typed[len - digits - 1] <= '9')
        digits++;
    size_t head = len - digits;
    if (!digits || digits >= DIGITS)
        return 0;
    buf_append(&key, head ? typed : "ep", head ? head : 2);
    for (size_t i = digits; i < DIGITS; i++)
        buf_u8(&key, '0');
    buf_append(&key, typed + head, digits);
    int rc = catalog_clip_find(reader, buf_text(&key), key.len, &row, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    buf_append(ret, buf_text(&key), key.len);
    return 1;
}

/* "ep000003.top.mp4": 1 if its clip is there. */
static int offer_file(struct catalog_reader *reader, const char *typed, size_t len, struct nearest *nearest,
                      struct error *err)
{
    const char *dot = len ? memchr(typed, '.', len) : NULL;
    size_t before = dot ? (size_t)(dot - typed) : 0;
    uint32_t row;
    if (!before)
        return 0;
    int rc = catalog_clip_find(reader, typed, before, &row, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    nearest_add(nearest, typed, before);
    return 1;
}

static int offer_rows(struct catalog_reader *reader, const struct rowset *rows, struct nearest *nearest,
                      struct error *err)
{
    uint32_t some[256];
    size_t n, seen = 0;
    for (uint64_t at = 0; seen < READ_MOST && (n = rowset_rows(rows, at, some, sizeof some / sizeof *some));
         at = some[n - 1] + UINT64_C(1), seen += n)
        for (size_t i = 0; i < n; i++) {
            struct catalog_clip clip;
            int rc = catalog_clip(reader, some[i], &clip, err);
            if (rc)
                return rc;
            nearest_offer(nearest, clip.key, strlen(clip.key));
        }
    return 0;
}

int keys_offer(struct catalog_reader *reader, const char *typed, size_t len, struct nearest *nearest,
               struct error *err)
{
    CLEANUP_BUF struct buf padded = BUF_INIT;
    CLEANUP_ROWSET struct rowset *live = NULL;
    int rc = offer_file(reader, typed, len, nearest, err);
    if (!rc)
        rc = keys_pad(reader, typed, len, &padded, err);
    if (rc > 0 && padded.len)
        nearest_add(nearest, buf_text(&padded), padded.len);
    if (rc)
        return rc < 0 ? rc : 0;
    rc = catalog_live(reader, &live, err);
    if (rc >= 0)
        rc = offer_rows(reader, live, nearest, err);
    while (nearest->count && nearest->best[nearest->count - 1].distance > nearest->best[0].distance)
        nearest->count--; /* of numbered clips many differ a little */
    return rc < 0 ? rc : 0;
}
