// SPDX-License-Identifier: Apache-2.0
/*
 * Following costs a round trip an object, one after the other, unless it is guessed where a series ends:
 * where one more object is expected, the one behind it is asked for at once, and is missing as a rule. What a
 * listing names by number and pin, and was read before, is not read again.
 */
#include "index/base/series.h"

#include <errno.h>
#include <pthread.h>
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

struct series *series_add_listed(struct series_list *series, const struct series *listed)
{
    struct series *one = series_add(series, listed->name, listed->seq - 1, false);
    one->listed = true;
    memcpy(one->pin, listed->pin, sizeof one->pin);
    return one;
}

static const char below[] = "elidefs/series/";
static const char *const kinds[SERIES_KINDS] = {"tags", "roots", "forgotten", "purges"};

void series_path(enum series_kind kind, const char *name, uint32_t seq, char ret_path[LAYOUT_PATH_BYTES])
{
    snprintf(ret_path, LAYOUT_PATH_BYTES, "%s%s/%s/%u", below, kinds[kind], name, seq);
}

/* ---- which there are ---- */

/* A canonical decimal from 1 to UINT32_MAX - 2, so that there may be another one; else 0. */
static uint32_t parse_seq(const char *text)
{
    char *end;
    if (*text < '1' || *text > '9')
        return 0;
    errno = 0;
    unsigned long long seq = strtoull(text, &end, 10);
    return *end || errno || seq > UINT32_MAX - 2 ? 0 : (uint32_t)seq;
}

struct series_listing {
    struct layout *layout;
    struct meanwhile meanwhile;
    pthread_mutex_t lock; /* guards `ended` */
    pthread_cond_t end;
    bool ended; /* what follows is not changed any more */
    struct series_list found[SERIES_KINDS];
    int rc;
    struct error err;
};

/* NULL: of no kind that is known. *rest is what follows the kind's folder. */
static struct series_list *list_of(struct series_listing *listing, const char *path, const char **rest)
{
    const char *folder = path + sizeof below - 1;
    for (unsigned kind = 0; strlen(path) >= sizeof below && kind < SERIES_KINDS; kind++) {
        size_t len = strlen(kinds[kind]);
        *rest = folder + len + 1;
        if (!strncmp(folder, kinds[kind], len) && folder[len] == '/')
            return &listing->found[kind];
    }
    return NULL;
}

static void keep_last(struct series *last, uint32_t seq, const struct store_object *object)
{
    uint8_t digest[SHA256_BYTES];
    last->seq = seq;
    sha256_of(object->pin, strlen(object->pin), digest);
    hex_print(digest, SHA256_BYTES, last->pin);
}

/* A listing keeps a series together. */
static int take_object(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    const char *rest = NULL;
    struct series_list *series = list_of(ctx, path, &rest);
    const char *slash = series ? strchr(rest, '/') : NULL;
    uint32_t seq = slash ? parse_seq(slash + 1) : 0;
    if (!seq || slash - rest >= LAYOUT_NAME_BYTES)
        return 0;
    char name[LAYOUT_NAME_BYTES];
    snprintf(name, sizeof name, "%.*s", (int)(slash - rest), rest);
    struct series *last = series->count ? &series->list[series->count - 1] : NULL;
    if (!last || strcmp(last->name, name) != 0)
        last = series_add(series, name, 0, false);
    if (seq > last->seq)
        keep_last(last, seq, object);
    return 0;
}

static int may_not_list(const char *url, struct error *err)
{
    return error_set(err, EACCES, "%s/%s: may not be listed", url, below);
}

static int list_all(struct series_listing *listing, struct error *err)
{
    struct layout *layout = listing->layout;
    if (atomic_load(&layout->blind) || atomic_load(&layout->away))
        return may_not_list(store_url(layout->store), err);
    int rc = store_list(layout->store, below, take_object, listing, err);
    return rc == -ENOENT ? 0 : rc; /* a folder that nothing was put into yet */
}

static void run_listing(void *ctx)
{
    struct series_listing *listing = ctx;
    listing->rc = list_all(listing, &listing->err);
    pthread_mutex_lock(&listing->lock);
    listing->ended = true;
    pthread_cond_broadcast(&listing->end);
    pthread_mutex_unlock(&listing->lock);
}

struct series_listing *series_listing_begin(struct layout *layout)
{
    struct series_listing *listing = MEM_NEW(struct series_listing);
    listing->layout = layout;
    pthread_mutex_init(&listing->lock, NULL);
    pthread_cond_init(&listing->end, NULL);
    meanwhile_begin(&listing->meanwhile, run_listing, listing);
    return listing;
}

int series_listed(struct series_listing *listing, enum series_kind kind, const struct series_list **ret,
                  struct error *err)
{
    if (!listing)
        return may_not_list("", err);
    pthread_mutex_lock(&listing->lock);
    while (!listing->ended)
        pthread_cond_wait(&listing->end, &listing->lock);
    pthread_mutex_unlock(&listing->lock);
    *ret = &listing->found[kind];
    return listing->rc < 0 ? error_copy(err, &listing->err) : 0;
}

void series_listing_free(struct series_listing *listing)
{
    if (!listing)
        return;
    meanwhile_end(&listing->meanwhile);
    for (unsigned kind = 0; kind < SERIES_KINDS; kind++)
        series_list_done(&listing->found[kind]);
    pthread_cond_destroy(&listing->end);
    pthread_mutex_destroy(&listing->lock);
    free(listing);
}

/* ---- how far they go ---- */

/* What was read last is noted as "<seq>\n<pin>\n<bytes>". */
static bool read_note(struct layout *layout, enum series_kind kind, const struct series *series,
                      struct series *ret)
{
    CLEANUP_BUF struct buf note = BUF_INIT;
    char name[LAYOUT_PATH_BYTES], *end;
    series_path(kind, series->name, 0, name);
    if (layout_noted(layout, name, SERIES_BYTES_MAX + sizeof ret->pin + 16, &note))
        return false;
    unsigned long seq = strtoul(buf_text(&note), &end, 10);
    const char *pin = end + (*end == '\n');
    size_t len = strspn(pin, "0123456789abcdef");
    if (*end != '\n' || pin[len] != '\n' || len >= sizeof ret->pin || seq > UINT32_MAX)
        return false;
    ret->seq = (uint32_t)seq;
    snprintf(ret->pin, sizeof ret->pin, "%.*s", (int)len, pin);
    buf_append(&ret->bytes, pin + len + 1, (size_t)((char *)note.data + note.len - (pin + len + 1)));
    return true;
}

static void note(struct layout *layout, enum series_kind kind, const struct series *series)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    char name[LAYOUT_PATH_BYTES];
    series_path(kind, series->name, 0, name);
    buf_printf(&text, "%u\n%s\n", series->seq, series->listed ? series->pin : "");
    buf_append(&text, series->bytes.data, series->bytes.len);
    layout_note(layout, name, text.data, text.len);
}

/* While the store is away, what was noted is the newest; else only the very object that is listed. */
static void take_noted(struct layout *layout, enum series_kind kind, struct series *series, bool away)
{
    struct series noted = {0};
    if (read_note(layout, kind, series, &noted) && noted.seq > series->seq &&
        (away || (noted.seq == series->seq + 1 && !strcmp(noted.pin, series->pin)))) {
        series->seq = noted.seq;
        series->moved = series->noted = true;
        buf_done(&series->bytes);
        series->bytes = noted.bytes;
        noted.bytes = BUF_INIT;
    }
    buf_done(&noted.bytes);
}

static void begin_next(struct layout *layout, enum series_kind kind, const struct series *series,
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
    return series->listed && rc > 0 ? 0 : rc;
}

/* Asks all that are open together; those that moved twice stay open. How many do, or -errno. */
static int follow_once(struct layout *layout, enum series_kind kind, struct series *list, size_t count,
                       bool *open, struct error *err)
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

static int follow_some(struct layout *layout, enum series_kind kind, struct series *list, size_t count,
                       struct error *err)
{
    bool open[AT_ONCE];
    int left;
    for (size_t i = 0; i < count; i++)
        open[i] = !list[i].noted;
    while ((left = follow_once(layout, kind, list, count, open, err)) > 0)
        ;
    return left;
}

int series_follow(struct layout *layout, enum series_kind kind, struct series_list *series, struct error *err)
{
    bool away = atomic_load(&layout->away);
    int rc = 0;
    for (size_t i = 0; i < series->count; i++)
        if (away || series->list[i].listed)
            take_noted(layout, kind, &series->list[i], away);
    for (size_t i = 0; !away && !rc && i < series->count; i += AT_ONCE) {
        size_t left = series->count - i;
        rc = follow_some(layout, kind, series->list + i, left < AT_ONCE ? left : AT_ONCE, err);
    }
    for (size_t i = 0; !away && !rc && i < series->count; i++)
        if (series->list[i].moved && !series->list[i].noted)
            note(layout, kind, &series->list[i]);
    return rc;
}
