// SPDX-License-Identifier: Apache-2.0
/*
 * Whatever is asked of a small data set of two versions as a path of conditions, stages and names in `.by/`:
 * a reason why it means nothing, or a query whose printed form means the same: it prints the same, and finds
 * the same clips in the same order. So does its alias; every name that `.by/` lists below it finds clips; and
 * the four questions agree.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/alias.h"
#include "query/query.h"
#include "query/say/browse.h"
#include "query/say/hint.h"
#include "tests/query/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIPS_MAX = 16 };

static void must(bool holds, const char *path, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "'%s': %s\n", path, what);
    __builtin_trap();
}

struct sets { /* made once: it takes longer than all the rest */
    struct world first, second;
    struct world_catalog v1, v2;
};

static void make_sets(struct sets *sets)
{
    char lines[][128] = {
        "ep000 arm=left outcome=fail tags=cube length=250 force=inf day=2026-03-01T00:00:00.5Z",
        "ep008 arm=right outcome=ok tags=a/b,@empty length=251 ok=false duration=0.001"};
    world_kitchen(&sets->first, &sets->v1);
    sets->second = (struct world){.attributes = world_kitchen_attributes};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        world_add_line(&sets->second, lines[i]);
    world_value(&sets->second, &sets->second.clips[1], "task", "");
    world_value(&sets->second, &sets->second.clips[1], "_odd+name", "%41 = .. \xc3\xa9");
    world_open_next(&sets->second, &sets->v1, &sets->v2);
}

/* ---- what a query finds ---- */

struct found {
    uint32_t rows[CLIPS_MAX];
    size_t count;
};

static int add_row(void *ctx, uint32_t row, struct error *err)
{
    struct found *found = ctx;
    must(found->count < CLIPS_MAX, "", "there are not so many clips");
    found->rows[found->count++] = row;
    return 0;
}

/* The four questions, and the rows one by one. */
static void ask(const struct query *query, struct catalog_reader *reader, const char *path, struct found *ret)
{
    CLEANUP_SET struct set *set = NULL, *first = NULL;
    struct found each = {0};
    struct error err = {0};
    uint64_t count;
    bool exists;
    must(!query_run(query, reader, &set, &err), path, err.text);
    must(!query_each(query, reader, add_row, &each, &err), path, err.text);
    must(!query_count(query, reader, &count, &err), path, err.text);
    must(!query_exists(query, reader, &exists, &err), path, err.text);
    must(!query_first(query, 2, reader, &first, &err), path, err.text);
    must(set_count(set) == each.count && count == each.count && exists == (count > 0), path, "counts differ");
    for (size_t i = 0; i < each.count; i++) {
        must(set_at(set, i) == each.rows[i], path, "a clip stands elsewhere when all are asked for");
        must(i >= 2 || set_at(first, i) == each.rows[i], path, "the first clips are others");
    }
    *ret = each;
}

static void check_same(const struct found *found, const struct query *again, struct catalog_reader *reader,
                       const char *path)
{
    struct found same;
    ask(again, reader, path, &same);
    must(same.count == found->count && !memcmp(same.rows, found->rows, found->count * sizeof *found->rows),
         path, "what is printed finds other clips");
}

/* ---- names in .by/ ---- */

struct browsing {
    const struct query *query;
    struct catalog_reader *reader;
    const char *key;
};

static int check_value(void *ctx, const char *name, struct error *err)
{
    const struct browsing *browsing = ctx;
    CLEANUP_QUERY struct query *below = NULL;
    bool exists = false;
    must(!browse_extend(browsing->query, browsing->key, name, browsing->reader, &below, err), name,
         err->text);
    must(!query_exists(below, browsing->reader, &exists, err), name, err->text);
    must(exists, name, "is listed and has no clip");
    return 0;
}

static int check_key(void *ctx, const char *key, struct error *err)
{
    struct browsing browsing = *(struct browsing *)ctx;
    browsing.key = key;
    must(!browse_values(browsing.query, key, browsing.reader, check_value, &browsing, err), key, err->text);
    return 0;
}

static void check_names(const struct query *query, struct catalog_reader *reader, const char *path)
{
    struct browsing browsing = {query, reader, NULL};
    struct error err = {0};
    must(!browse_keys(query, reader, check_key, &browsing, &err), path, err.text);
}

/* ---- paths ---- */

/* Refused with a reason, or as too long; of a component of the path it is found what was meant. */
static void check_refusal(int rc, const char *component, struct catalog_reader *reader, struct error *err)
{
    must(rc == -ENOENT || rc == -E2BIG, component, err->text);
    if (rc == -ENOENT && strcmp(component, ".by") != 0)
        must(hint_component(component, strlen(component), reader, err) == -ENOENT, component, err->text);
    must(*err->text, component, "is refused without a reason");
}

/* ".by" takes a key and a name from the rest. */
static int extend_by(const struct query *query, char **rest, struct catalog_reader *reader,
                     struct query **ret, struct error *err)
{
    const char *key = strsep(rest, "/"), *name = strsep(rest, "/");
    return name ? browse_extend(query, key, name, reader, ret, err)
                : error_set(err, ENOENT, "below .by stand a key and a value");
}

/* NULL: `text`, which is changed, means nothing. */
static struct query *read_path(char *text, struct catalog_reader *reader)
{
    struct query *query = query_all();
    for (char *part, *rest = text; query && (part = strsep(&rest, "/"));) {
        struct query *narrowed = NULL;
        struct error err = {0};
        int rc = !strcmp(part, ".by") ? extend_by(query, &rest, reader, &narrowed, &err)
                                      : query_narrow(query, part, strlen(part), reader, &narrowed, &err);
        if (rc)
            check_refusal(rc, part, reader, &err);
        query_unref(query);
        query = narrowed;
    }
    return query;
}

static void check_printed(const struct query *query, struct catalog_reader *reader)
{
    CLEANUP_QUERY struct query *again = NULL;
    CLEANUP_BUF struct buf printed = BUF_INIT, repeated = BUF_INIT, letters = BUF_INIT, path = BUF_INIT;
    struct found found;
    struct error err = {0};
    query_canonical(query, &printed);
    ask(query, reader, buf_text(&printed), &found);
    must(!query_parse(buf_text(&printed), printed.len, reader, &again, &err), buf_text(&printed), err.text);
    query_canonical(again, &repeated);
    must(!strcmp(buf_text(&printed), buf_text(&repeated)), buf_text(&printed), buf_text(&repeated));
    check_same(&found, again, reader, buf_text(&printed));
    alias_append(buf_text(&printed), printed.len, &letters);
    if (printed.len) /* a path has a version, and so at least a byte */
        must(!alias_decode(buf_text(&letters), letters.len, &path, &err), buf_text(&printed), err.text);
    must(!strcmp(buf_text(&printed), buf_text(&path)), buf_text(&printed), "its alias is another path");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sets sets;
    if (!sets.v2.reader)
        make_sets(&sets);
    CLEANUP_FREE char *text = mem_copy(data, size);
    CLEANUP_QUERY struct query *query = read_path(text, sets.v2.reader);
    if (!query)
        return 0;
    check_printed(query, sets.v2.reader);
    check_names(query, sets.v2.reader, "");
    return 0;
}
