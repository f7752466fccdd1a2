// SPDX-License-Identifier: Apache-2.0
/* Leaves that were named stand in a list until they are asked for. */
#include "index/catalog/ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[AHEAD_TABLES] = {
    [AHEAD_NAMES] = "names",         [AHEAD_SIZES] = "sizes",     [AHEAD_GROWN] = "grown",
    [AHEAD_GROWTH] = "growth",       [AHEAD_DICT] = "dict",       [AHEAD_BLOCK] = "block",
    [AHEAD_POSTING] = "posting",     [AHEAD_CODES] = "codes",     [AHEAD_RUN] = "run",
    [AHEAD_FORWARD] = "forward",     [AHEAD_LATE] = "late",       [AHEAD_LIST] = "list",
    [AHEAD_EVENT] = "event",         [AHEAD_HASH] = "hash",       [AHEAD_MEMBERS] = "members",
    [AHEAD_ATTRIBUTE] = "attribute", [AHEAD_STATE] = "state",     [AHEAD_FILE] = "file",
    [AHEAD_SOURCE] = "source",       [AHEAD_SOURCED] = "sourced", [AHEAD_EXTRA] = "extra",
    [AHEAD_STREAM] = "stream",
};

void ahead_done(struct ahead *ahead)
{
    free(ahead->list);
    free(ahead->asked);
    *ahead = (struct ahead){0};
}

static int note_root(struct ahead *ahead, struct db *db, sqlite3_stmt *stmt, uint32_t pages)
{
    const char *name;
    int64_t root;
    int rc = db_column_text(db, stmt, 0, &name, NULL);
    if (!rc)
        rc = db_column_number(db, stmt, 1, 1, &root, NULL);
    for (size_t i = 0; !rc && i < AHEAD_TABLES; i++)
        if (root <= pages && !strcmp(names[i], name))
            ahead->tables[i].root = (uint32_t)root - 1;
    return rc;
}

static int find_roots(struct ahead *ahead, struct db *db, uint32_t pages)
{
    sqlite3_stmt *stmt;
    int rc = ahead->known ? 0 : db_query(db, QUERY_ROOTS, &stmt, NULL);
    if (rc || ahead->known)
        return rc;
    while ((rc = db_step(db, stmt, NULL)) == 1)
        if (note_root(ahead, db, stmt, pages))
            break;
    sqlite3_reset(stmt);
    ahead->known = !rc;
    return rc;
}

static int read_here(void *ctx, uint32_t page, void *to, struct error *err)
{
    struct pages *pages = ctx;
    const struct catalog_patience here = {.nowait = true, .local = true};
    struct page_range range = {.page = page, .len = pages_top(pages)->page_bytes};
    return pages_read(pages, &range, to, &here, err);
}

struct naming {
    struct ahead *ahead;
    size_t end; /* the list may get as long as this */
};

static int add_leaf(void *ctx, uint32_t page, enum btree_kind kind, struct error *err)
{
    struct naming *naming = ctx;
    struct ahead *ahead = naming->ahead;
    if (ahead->count && ahead->list[ahead->count - 1] == page)
        return 0;
    if (ahead->count >= naming->end)
        return -E2BIG;
    mem_grow(&ahead->list, &ahead->cap, ahead->count + 1, sizeof *ahead->list);
    ahead->list[ahead->count++] = page;
    return 0;
}

size_t ahead_rows(struct ahead *ahead, struct db *db, enum ahead_table table, const int64_t ids[2],
                  size_t most)
{
    struct pages *pages = db_pages(db);
    size_t before = ahead->count, room = AHEAD_ALL - before;
    if (!pages || find_roots(ahead, db, pages_top(pages)->pages) || !ahead->tables[table].root)
        return 0;
    struct btree_file file = {pages_top(pages)->page_bytes, pages_top(pages)->pages, read_here, pages};
    struct naming naming = {ahead, before + (most < room ? most : room)};
    int rc = btree_leaves(&file, &ahead->tables[table], ids, add_leaf, &naming, NULL);
    if (rc && !(rc == -E2BIG && most == AHEAD_ALL))
        ahead->count = before;
    return ahead->count - before;
}

void ahead_ask(struct ahead *ahead, struct db *db)
{
    if (ahead->count)
        pages_want(db_pages(db), ahead->list, ahead->count, db_patience(db), NULL);
    ahead->count = 0;
}

static uint64_t *asked_set(const struct ahead *ahead, uint64_t question)
{
    return ahead->asked + question % (AHEAD_ASKED / AHEAD_ASKED_WAYS) * AHEAD_ASKED_WAYS;
}

void ahead_note(struct ahead *ahead, uint64_t question)
{
    if (!ahead->asked)
        ahead->asked = mem_zero(AHEAD_ASKED * sizeof *ahead->asked);
    uint64_t *set = asked_set(ahead, question);
    memmove(set + 1, set, (AHEAD_ASKED_WAYS - 1) * sizeof *set);
    *set = question;
}

bool ahead_noted(const struct ahead *ahead, uint64_t question)
{
    for (size_t i = 0; ahead->asked && i < AHEAD_ASKED_WAYS; i++)
        if (asked_set(ahead, question)[i] == question)
            return true;
    return false;
}
