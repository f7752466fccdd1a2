// SPDX-License-Identifier: Apache-2.0
/* How long something has been garbage is told by marks alone: none of them is changed, and their age is told
 * by who keeps them. */
#include "index/house/garbage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

void garbage_item_done(struct garbage_item *item)
{
    free(item->path);
    *item = (struct garbage_item){0};
}

void garbage_done(struct garbage *garbage)
{
    for (size_t i = 0; i < garbage->count; i++)
        garbage_item_done(&garbage->list[i]);
    free(garbage->list);
    *garbage = (struct garbage){0};
}

void garbage_add(struct garbage *garbage, enum gc_kind kind, const char *path, uint64_t bytes)
{
    if (!mark_may_name(path))
        return;
    mem_grow(&garbage->list, &garbage->cap, garbage->count + 1, sizeof *garbage->list);
    garbage->list[garbage->count++] =
        (struct garbage_item){.path = mem_text(path), .bytes = bytes, .kind = kind};
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct garbage_item *)a)->path, ((const struct garbage_item *)b)->path);
}

void garbage_sort(struct garbage *garbage)
{
    if (garbage->count)
        qsort(garbage->list, garbage->count, sizeof *garbage->list, by_path);
}

bool garbage_has(const struct garbage *garbage, enum gc_kind kind)
{
    for (size_t i = 0; i < garbage->count; i++)
        if (garbage->list[i].kind == kind)
            return true;
    return false;
}

void garbage_count(const struct garbage *garbage, struct gc_amount ret[GC_KINDS])
{
    for (size_t i = 0; i < garbage->count; i++) {
        ret[garbage->list[i].kind].count++;
        ret[garbage->list[i].kind].bytes += garbage->list[i].bytes;
    }
}

void garbage_mark(const struct garbage *garbage, uint32_t seq, bool claims, struct mark *ret)
{
    size_t len = 0;
    ret->seq = seq;
    for (size_t i = 0; i < garbage->count; i++) {
        const struct garbage_item *item = &garbage->list[i];
        len += item->freed ? 0 : strlen(item->path) + 2;
        if (!item->freed && (len < MARK_TEXT_MAX || item->claimed))
            mark_add(ret, item->path, item->claimed || (claims && item->due));
    }
}

/* ---- marks ---- */

static void drop_marks(struct history *history)
{
    for (size_t i = 0; i < history->mark_count; i++)
        mark_done(&history->marks[i]);
    free(STEAL(history->marks));
    history->mark_count = 0;
}

void history_done(struct history *history)
{
    drop_marks(history);
    free(history->seen);
    *history = (struct history){0};
}

static int read_from(struct layout *layout, struct history *history, size_t first, struct error *err)
{
    drop_marks(history);
    history->marks = mem_zero((history->count - first + 1) * sizeof *history->marks);
    int rc = 0;
    for (size_t i = first; !rc && i < history->count; i++) {
        struct error why = {0};
        struct mark *mark = &history->marks[history->mark_count++];
        rc = mark_read(layout, history->seen[i].seq, mark, &why);
        if (rc == -EUCLEAN)
            rc = 0;
        else if (rc < 0)
            error_copy(err, &why);
        mark->seq = history->seen[i].seq;
    }
    return rc;
}

int history_read(struct layout *layout, struct history *ret, struct error *err)
{
    CLEANUP_HISTORY struct history history = {0};
    int rc = marks_list(layout, &history.seen, &history.count, err);
    history.first = history.count;
    history.next = history.count ? history.seen[history.count - 1].seq + 1 : 1;
    if (!rc && history.count)
        rc = read_from(layout, &history, history.count - 1, err);
    if (rc < 0)
        return rc;
    *ret = history;
    history = (struct history){0};
    return 0;
}

int history_read_since(struct layout *layout, struct history *history, int64_t now_ns, int64_t grace_ns,
                       struct error *err)
{
    size_t first = history->count;
    while (first && now_ns - history->seen[first - 1].modified_ns < grace_ns)
        first--;
    history->first = first ? first - 1 : history->count;
    return read_from(layout, history, first ? first - 1 : history->count ? history->count - 1 : 0, err);
}

/* ---- what they say ---- */

static bool named_in_all(const struct history *history, const char *path)
{
    for (size_t i = 0; i < history->mark_count; i++)
        if (!mark_find(&history->marks[i], path))
            return false;
    return true;
}

/* Bytes of "parts/<import>/". */
static size_t import_len(const char *path)
{
    const char *id = path + strlen("parts/");
    return strlen("parts/") + strcspn(id, "/");
}

static void judge_parts(struct garbage *garbage)
{
    for (size_t from = 0, to; from < garbage->count; from = to) {
        const char *path = garbage->list[from].path;
        bool all = true;
        to = from + 1;
        if (garbage->list[from].kind != GC_PARTS)
            continue;
        size_t len = import_len(path);
        while (to < garbage->count && !strncmp(garbage->list[to].path, path, len) &&
               import_len(garbage->list[to].path) == len)
            to++;
        for (size_t i = from; i < to; i++)
            all &= garbage->list[i].due;
        for (size_t i = from; i < to; i++)
            garbage->list[i].due = all || garbage->list[i].claimed;
    }
}

void garbage_judge(struct garbage *garbage, const struct history *history)
{
    const struct mark *newest = history->mark_count ? &history->marks[history->mark_count - 1] : NULL;
    for (size_t i = 0; newest && i < garbage->count; i++) {
        struct garbage_item *item = &garbage->list[i];
        const struct mark_entry *entry = mark_find(newest, item->path);
        item->claimed = entry && entry->claimed;
        item->due = item->claimed || (history->first < history->count && named_in_all(history, item->path));
    }
    judge_parts(garbage);
}
