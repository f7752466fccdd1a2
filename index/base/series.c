// SPDX-License-Identifier: Apache-2.0
/*
 * Following costs a round trip an object, one after the other, unless it is guessed where a series ends:
 * where one more object is expected, the one behind it is asked for at once, and is missing as a rule.
 */
#include "index/base/series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/meanwhile.h"

enum { AT_ONCE = 32 };

void series_list_done(struct series_list *series)
{
    for (size_t i = 0; i < series->count; i++)
        buf_done(&series->list[i].bytes);
    free(series->list);
    *series = (struct series_list){0};
}

struct series *series_add(struct series_list *series, const char *name, uint32_t seq, bool expected)
{
    mem_grow(&series->list, &series->cap, series->count + 1, sizeof *series->list);
    struct series *one = &series->list[series->count++];
    *one = (struct series){.seq = seq, .expected = expected};
    snprintf(one->name, sizeof one->name, "%s", name);
    return one;
}

void series_path(const char *kind, const char *name, uint32_t seq, char ret_path[LAYOUT_PATH_BYTES])
{
    snprintf(ret_path, LAYOUT_PATH_BYTES, "elidefs/%s/%s/%u", kind, name, seq);
}

/* ---- which there are ---- */

/* A canonical decimal from 1 to UINT32_MAX, else 0. */
static uint32_t parse_seq(const char *text)
{
    char *end;
    if (*text < '1' || *text > '9')
        return 0;
    errno = 0;
    unsigned long long seq = strtoull(text, &end, 10);
    return *end || errno || seq > UINT32_MAX ? 0 : (uint32_t)seq;
}

struct listing {
    size_t prefix_len;
    struct series_list *series;
};

/* A listing keeps a series together. */
static int take_object(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct listing *listing = ctx;
    struct series_list *series = listing->series;
    if (strlen(path) <= listing->prefix_len)
        return 0;
    const char *rest = path + listing->prefix_len, *slash = strchr(rest, '/');
    uint32_t seq = slash ? parse_seq(slash + 1) : 0;
    if (!seq || slash - rest >= LAYOUT_NAME_BYTES)
        return 0;
    char name[LAYOUT_NAME_BYTES];
    snprintf(name, sizeof name, "%.*s", (int)(slash - rest), rest);
    struct series *last = series->count ? &series->list[series->count - 1] : NULL;
    if (!last || strcmp(last->name, name) != 0)
        series_add(series, name, seq, false);
    else if (seq > last->seq)
        last->seq = seq;
    return 0;
}

int series_list(struct layout *layout, const char *kind, struct series_list *ret, struct error *err)
{
    char prefix[LAYOUT_PATH_BYTES];
    int len = snprintf(prefix, sizeof prefix, "elidefs/%s/", kind);
    if (atomic_load(&layout->blind) || atomic_load(&layout->away))
        return error_set(err, EACCES, "%s/%s: may not be listed", store_url(layout->store), prefix);
    CLEANUP_SERIES struct series_list found = {0};
    struct listing listing = {.prefix_len = (size_t)len, .series = &found};
    int rc = store_list(layout->store, prefix, take_object, &listing, err);
    if (rc < 0 && rc != -ENOENT) /* that: a folder that nothing was put into yet */
        return rc;
    *ret = found;
    found = (struct series_list){0};
    return 0;
}

struct series_listing {
    struct layout *layout;
    const char *kind;
    struct meanwhile meanwhile;
    struct series_list found;
    int rc;
    struct error err;
};

static void run_listing(void *ctx)
{
    struct series_listing *listing = ctx;
    listing->rc = series_list(listing->layout, listing->kind, &listing->found, &listing->err);
}

struct series_listing *series_list_begin(struct layout *layout, const char *kind)
{
    struct series_listing *listing = MEM_NEW(struct series_listing);
    listing->layout = layout;
    listing->kind = kind;
    meanwhile_begin(&listing->meanwhile, run_listing, listing);
    return listing;
}

int series_list_end(struct series_listing *listing, struct series_list *ret, struct error *err)
{
    meanwhile_end(&listing->meanwhile);
    int rc = listing->rc < 0 ? error_copy(err, &listing->err) : 0;
    *ret = listing->found;
    free(listing);
    return rc;
}

void series_list_drop(struct series_listing *listing)
{
    CLEANUP_SERIES struct series_list unused = {0};
    if (listing)
        series_list_end(listing, &unused, NULL);
}

/* ---- how far they go ---- */

/* While the store is away, what was noted last is the newest: "<seq>\n<bytes>". */
static void follow_noted(struct layout *layout, const char *kind, struct series *series)
{
    CLEANUP_BUF struct buf note = BUF_INIT;
    CLEANUP_FREE char *name = mem_printf("%s/%s", kind, series->name);
    char *end;
    if (layout_noted(layout, name, SERIES_BYTES_MAX + 16, &note))
        return;
    unsigned long seq = strtoul(buf_text(&note), &end, 10);
    if (*end != '\n' || seq <= series->seq || seq > UINT32_MAX)
        return;
    const uint8_t *bytes = (const uint8_t *)end + 1;
    series->seq = (uint32_t)seq;
    series->moved = true;
    buf_clear(&series->bytes);
    buf_append(&series->bytes, bytes, (size_t)(note.data + note.len - bytes));
}

static void note(struct layout *layout, const char *kind, const struct series *series)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    CLEANUP_FREE char *name = mem_printf("%s/%s", kind, series->name);
    buf_printf(&text, "%u\n", series->seq);
    buf_append(&text, series->bytes.data, series->bytes.len);
    layout_note(layout, name, text.data, text.len);
}

static void begin_next(struct layout *layout, const char *kind, const struct series *series,
                       struct layout_reading two[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        two[i] = (struct layout_reading){.max_bytes = SERIES_BYTES_MAX, .unnoted = true};
        if (series->seq > UINT32_MAX - 2 || (i && !series->expected))
            continue;
        series_path(kind, series->name, series->seq + 1 + i, two[i].path);
        layout_read_begin(layout, &two[i]);
    }
}

/* 1: one more was there, 0: none, and this is its end. */
static int end_next(struct layout *layout, struct layout_reading *next, struct series *series,
                    struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (!next->whole)
        return 0;
    int rc = layout_read_end(layout, next, PATIENCE_ENDLESS, &bytes, err);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    buf_done(&series->bytes);
    series->bytes = bytes;
    bytes = BUF_INIT;
    series->seq++;
    series->moved = series->expected = true;
    return 1;
}

static void drop_two(struct layout_reading two[2])
{
    layout_read_drop(&two[0]);
    layout_read_drop(&two[1]);
}

/* 1: it may go on. */
static int end_two(struct layout *layout, struct layout_reading two[2], struct series *series,
                   struct error *err)
{
    bool both = two[1].whole;
    int rc = end_next(layout, &two[0], series, err);
    if (rc > 0 && both)
        rc = end_next(layout, &two[1], series, err);
    drop_two(two);
    return rc;
}

/* Asks all that are open together; those that moved twice stay open. How many do, or -errno. */
static int follow_once(struct layout *layout, const char *kind, struct series *list, size_t count, bool *open,
                       struct error *err)
{
    struct layout_reading two[AT_ONCE][2];
    int rc = 0, left = 0;
    for (size_t i = 0; i < count; i++)
        if (open[i])
            begin_next(layout, kind, &list[i], two[i]);
    for (size_t i = 0; i < count; i++) {
        if (!open[i])
            continue;
        int more = rc < 0 ? 0 : end_two(layout, two[i], &list[i], err);
        if (rc < 0)
            drop_two(two[i]);
        rc = more < 0 ? more : rc;
        open[i] = more > 0;
        left += open[i];
    }
    return rc < 0 ? rc : left;
}

static int follow_some(struct layout *layout, const char *kind, struct series *list, size_t count,
                       struct error *err)
{
    bool open[AT_ONCE];
    int left;
    memset(open, true, sizeof open);
    while ((left = follow_once(layout, kind, list, count, open, err)) > 0)
        ;
    return left;
}

int series_follow(struct layout *layout, const char *kind, struct series_list *series, struct error *err)
{
    bool away = atomic_load(&layout->away);
    int rc = 0;
    for (size_t i = 0; away && i < series->count; i++)
        follow_noted(layout, kind, &series->list[i]);
    for (size_t i = 0; !away && !rc && i < series->count; i += AT_ONCE) {
        size_t left = series->count - i;
        rc = follow_some(layout, kind, series->list + i, left < AT_ONCE ? left : AT_ONCE, err);
    }
    for (size_t i = 0; !away && !rc && i < series->count; i++)
        if (series->list[i].moved)
            note(layout, kind, &series->list[i]);
    return rc;
}
