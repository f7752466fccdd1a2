// SPDX-License-Identifier: Apache-2.0
/* A mark is text: a line that is its own, so that a lost reply is told from another's mark, and a line for
 * each path. */
#include "index/base/marks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"

enum { MARK_BYTES_MAX = 2 * MARK_TEXT_MAX, TRIES = 100 };
static const char magic[] = "elidefs gc 1 ", folder[] = "elidefs/gc/";

void mark_done(struct mark *mark)
{
    buf_done(&mark->text);
    free(mark->list);
    *mark = (struct mark){0};
}

void mark_add(struct mark *mark, const char *path, bool claimed)
{
    mem_grow(&mark->list, &mark->cap, mark->count + 1, sizeof *mark->list);
    mark->list[mark->count++] = (struct mark_entry){path, claimed};
}

bool mark_may_name(const char *path)
{
    static const char *const below[] = {"data/", "packs/", "parts/", "versions/"};
    bool good = false;
    for (size_t i = 0; i < sizeof below / sizeof *below; i++)
        good |= !strncmp(path, below[i], strlen(below[i])) && path[strlen(below[i])];
    return good && !strstr(path, "//") && !strstr(path, "/.") && !strchr(path, '\n');
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct mark_entry *)a)->path, ((const struct mark_entry *)b)->path);
}

const struct mark_entry *mark_find(const struct mark *mark, const char *path)
{
    struct mark_entry key = {.path = path};
    return mark->count ? bsearch(&key, mark->list, mark->count, sizeof *mark->list, by_path) : NULL;
}

void mark_path(uint32_t seq, char ret_path[LAYOUT_PATH_BYTES])
{
    snprintf(ret_path, LAYOUT_PATH_BYTES, "%s%u", folder, seq);
}

/* ---- which there are ---- */

struct listing {
    struct mark_seen *list;
    size_t count, cap;
};

/* A canonical decimal from 1 on, else 0. */
static uint32_t parse_seq(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long long seq =
        digits && digits < 11 && *text != '0' && !text[digits] ? strtoull(text, NULL, 10) : 0;
    return seq < UINT32_MAX ? (uint32_t)seq : 0;
}

static int take_mark(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct listing *listing = ctx;
    uint32_t seq = strlen(path) < sizeof folder ? 0 : parse_seq(path + sizeof folder - 1);
    if (!seq)
        return 0;
    mem_grow(&listing->list, &listing->cap, listing->count + 1, sizeof *listing->list);
    listing->list[listing->count++] = (struct mark_seen){seq, object->modified_ns};
    return 0;
}

static int by_seq(const void *a, const void *b)
{
    const struct mark_seen *x = a, *y = b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

int marks_list(struct layout *layout, struct mark_seen **ret, size_t *ret_count, struct error *err)
{
    struct listing listing = {0};
    struct error why = {0};
    int rc = store_list(layout->store, folder, take_mark, &listing, &why);
    if (rc < 0 && rc != -ENOENT) {
        free(listing.list);
        return error_copy(err, &why);
    }
    if (listing.count)
        qsort(listing.list, listing.count, sizeof *listing.list, by_seq);
    *ret = listing.list;
    *ret_count = listing.count;
    return 0;
}

int marks_last(struct layout *layout, uint32_t *ret, struct error *err)
{
    CLEANUP_FREE struct mark_seen *seen = NULL;
    size_t count = 0;
    int rc = marks_list(layout, &seen, &count, err);
    if (rc < 0)
        return rc;
    *ret = count ? seen[count - 1].seq : 0;
    return 0;
}

/* ---- one of them ---- */

static int parse(struct mark *mark)
{
    char *line = (char *)mark->text.data, *end = line ? strchr(line, '\n') : NULL;
    if (!end || strlen(line) != mark->text.len || strncmp(line, magic, sizeof magic - 1) != 0)
        return -EUCLEAN;
    for (line = end + 1; *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end || (*line != ' ' && *line != '!'))
            return -EUCLEAN;
        *end = 0;
        if (!mark_may_name(line + 1) ||
            (mark->count && strcmp(mark->list[mark->count - 1].path, line + 1) >= 0))
            return -EUCLEAN;
        mark_add(mark, line + 1, *line == '!');
    }
    return 0;
}

int mark_read(struct layout *layout, uint32_t seq, struct mark *ret, struct error *err)
{
    char path[LAYOUT_PATH_BYTES];
    struct mark mark CLEANUP(mark_done) = {.seq = seq};
    mark_path(seq, path);
    int rc = store_read_all(layout->store, path, MARK_BYTES_MAX, &mark.text, NULL, err);
    if (!rc && parse(&mark) < 0)
        rc = error_set(err, EUCLEAN,
                       "%s/%s: is damaged: it is no list of what nobody needs; `elidefs gc` writes another",
                       store_url(layout->store), path);
    if (rc < 0)
        return rc;
    *ret = mark;
    mark = (struct mark){0};
    return 0;
}

/* It is there: is it ours, of which only the reply was lost? */
static int settle(struct layout *layout, const char *path, const struct buf *ours, struct error *err)
{
    CLEANUP_BUF struct buf is = BUF_INIT;
    int rc = store_read_all(layout->store, path, MARK_BYTES_MAX, &is, NULL, err);
    if (!rc && (is.len != ours->len || memcmp(is.data, ours->data, is.len) != 0))
        rc = error_set(err, EEXIST, "%s/%s: somebody was faster", store_url(layout->store), path);
    return rc;
}

static int put(struct layout *layout, const struct mark *mark, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    char path[LAYOUT_PATH_BYTES], id[LAYOUT_ID_BYTES];
    struct error why = {0};
    layout_random_id(id);
    mark_path(mark->seq, path);
    buf_printf(&text, "%s%s\n", magic, id);
    for (size_t i = 0; i < mark->count; i++)
        buf_printf(&text, "%c%s\n", mark->list[i].claimed ? '!' : ' ', mark->list[i].path);
    int rc = store_put(layout->store, path, text.data, text.len, STORE_PUT_IF_ABSENT, NULL, &why);
    if (rc == -EEXIST)
        return settle(layout, path, &text, err);
    return rc < 0 ? error_copy(err, &why) : 0;
}

int mark_put(struct layout *layout, const struct mark *mark, struct error *err)
{
    uint32_t last = 0;
    int rc = put(layout, mark, err);
    if (!rc)
        rc = marks_last(layout, &last, err);
    if (!rc && last != mark->seq)
        rc = error_set(err, EEXIST, "%s/%s%u: somebody has written a later one, %u", store_url(layout->store),
                       folder, mark->seq, last);
    return rc;
}

/* ---- who wants to refer to something ---- */

static bool is_among(const char *const *paths, size_t count, const char *path)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(paths[middle], path);
        if (!order)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int check_free(struct layout *layout, const struct mark *newest, const char *const *paths,
                      size_t count, bool *ret_named, struct error *err)
{
    *ret_named = false;
    for (size_t i = 0; i < count; i++) {
        const struct mark_entry *entry = mark_find(newest, paths[i]);
        *ret_named |= entry != NULL;
        if (entry && entry->claimed)
            return error_set(err, EBUSY,
                             "%s/elidefs/%s: no version needed it, and `elidefs gc` is freeing it: try again "
                             "when it has ended",
                             store_url(layout->store), paths[i]);
    }
    return 0;
}

/* -EAGAIN: somebody was faster. */
static int keep_once(struct layout *layout, const char *const *paths, size_t count, struct error *err)
{
    CLEANUP_FREE struct mark_seen *seen = NULL;
    struct mark newest CLEANUP(mark_done) = {0}, next CLEANUP(mark_done) = {0};
    struct error why = {0};
    size_t marks;
    bool named = false;
    int rc = marks_list(layout, &seen, &marks, err);
    if (rc < 0 || !marks)
        return rc;
    rc = mark_read(layout, seen[marks - 1].seq, &newest, err);
    if (rc == -ENOENT) /* there are newer ones */
        return error_recode(err, EAGAIN);
    if (!rc)
        rc = check_free(layout, &newest, paths, count, &named, err);
    if (rc < 0 || !named)
        return rc < 0 ? rc : 1;
    next.seq = newest.seq + 1;
    for (size_t i = 0; i < newest.count; i++)
        if (!is_among(paths, count, newest.list[i].path))
            mark_add(&next, newest.list[i].path, newest.list[i].claimed);
    rc = mark_put(layout, &next, &why);
    if (rc < 0)
        error_copy(err, &why);
    return rc == -EEXIST ? error_recode(err, EAGAIN) : rc < 0 ? rc : 1;
}

int marks_keep(struct layout *layout, const char *const *paths, size_t count, struct error *err)
{
    struct error why = {0};
    int rc = -EAGAIN;
    for (int i = 0; rc == -EAGAIN && i < TRIES; i++)
        rc = keep_once(layout, paths, count, &why);
    if (rc == -EAGAIN)
        error_recode(&why, EBUSY);
    return rc < 0 ? error_copy(err, &why) : rc;
}
