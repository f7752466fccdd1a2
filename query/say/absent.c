// SPDX-License-Identifier: Apache-2.0
/*
 * A list of questions, from the most certain to the vaguest: does the clip exist but not meet the path, has
 * it no such file, was it a condition in another language, what is spelt nearly so? The first that has an
 * answer is the reason.
 */
#include "query/say/absent.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "query/clause.h"
#include "query/files.h"
#include "query/say/hint.h"
#include "query/say/keys.h"
#include "query/say/mend.h"
#include "query/say/nearest.h"
#include "query/say/where.h"
#include "query/show.h"

enum { VALUES_MAX = 5 };

struct absent {
    const struct query *query;
    struct catalog_reader *reader;
    const char *name;
    size_t len, key_len; /* the key is what stands before the first dot */
    struct buf text;     /* the sentence */
};

static void show_name(struct absent *absent)
{
    buf_u8(&absent->text, '\'');
    show_append(&absent->text, absent->name, absent->len);
    buf_u8(&absent->text, '\'');
}

/* ---- the clip is there, but outside of the path ---- */

/* What asks for the clips that have a list: its numbers are not asked for. */
static void print_has(const struct catalog_attribute *attribute, struct buf *text)
{
    struct value no = {.type = VALUE_INT};
    struct literal literal = {
        .name = (char *)(uintptr_t)attribute->name, .op = &op_null, .values = &no, .count = 1};
    literal_print(&literal, text);
}

struct having { /* the values of one attribute of a clip, as literals */
    uint32_t attribute;
    struct buf *text;
    bool any;
};

static int add_having(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                      struct error *err)
{
    struct having *having = ctx;
    if (attribute->id != having->attribute)
        return 0;
    struct value copy = *value;
    struct literal literal = {
        .name = (char *)(uintptr_t)attribute->name, .op = &op_eq, .values = &copy, .count = 1};
    buf_text_append(having->text, having->any ? ", " : " ");
    if (value->type == VALUE_LIST)
        print_has(attribute, having->text);
    else
        literal_print(&literal, having->text);
    having->any = true;
    return 0;
}

static int tell_values(struct absent *absent, const struct clause *clause, uint32_t row, struct error *err)
{
    buf_text_append(&absent->text, clause->count ? ": its clip has" : "");
    for (size_t i = 0; i < clause->count; i++) {
        struct having having = {.attribute = clause->literals[i].attribute, .text = &absent->text};
        if (i > 0 && having.attribute == clause->literals[i - 1].attribute)
            continue;
        buf_text_append(&absent->text, i ? "," : "");
        int rc = catalog_clip_values(absent->reader, row, add_having, &having, err);
        if (rc < 0)
            return rc;
        if (!having.any) {
            buf_text_append(&absent->text, " no '");
            show_append(&absent->text, clause->literals[i].name, strlen(clause->literals[i].name));
            buf_u8(&absent->text, '\'');
        }
    }
    return 1;
}

/* What the condition leaves of all clips; what a barrier leaves of those before it. */
static int tell_apart(const struct absent *absent, const struct clause *clause, size_t at, struct set **ret,
                      struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    if (clause_is_barrier(clause))
        return query_run_through(absent->query, at + 1, absent->reader, ret, err);
    int rc = clause_select(clause, absent->reader, NULL, &rows, err);
    if (!rc)
        *ret = set_new_rows(rows);
    return rc;
}

/* The first condition that the clip does not meet: 1 if there is one. */
static int tell_filtered(struct absent *absent, uint32_t row, struct error *err)
{
    size_t count;
    struct clause *const *clauses = query_clauses(absent->query, &count);
    for (size_t i = 0; i < count; i++) {
        CLEANUP_SET struct set *set = NULL;
        int rc = tell_apart(absent, clauses[i], i, &set, err);
        if (rc < 0)
            return rc;
        if (set_has(set, row))
            continue;
        show_name(absent);
        buf_printf(&absent->text, " is not among %s", clauses[i]->text);
        return tell_values(absent, clauses[i], row, err);
    }
    return 0;
}

/* ---- the clip is there, but has no such file ---- */

/* Without the key, which is right. */
static int offer_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    const char *dot = strchr(entry->name, '.');
    if (dot)
        nearest_offer(ctx, dot, strlen(dot));
    return 0;
}

static int list_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    buf_printf(ctx, "%s%s", ((struct buf *)ctx)->len ? ", " : "", entry->name);
    return 0;
}

static int tell_stream(struct absent *absent, uint32_t row, struct error *err)
{
    CLEANUP_NEAREST struct nearest nearest;
    CLEANUP_BUF struct buf list = BUF_INIT;
    CLEANUP_FREE char *key = mem_copy(absent->name, absent->key_len);
    nearest_init(&nearest, absent->name + absent->key_len, absent->len - absent->key_len);
    bool alone = absent->key_len == absent->len; /* the key */
    int rc = files_of_clip(absent->reader, absent->query, row, offer_file, &nearest, err);
    if (rc >= 0 && (alone || !nearest.count))
        rc = files_of_clip(absent->reader, absent->query, row, list_file, &list, err);
    if (rc < 0)
        return rc;
    if (alone) {
        show_name(absent);
        buf_printf(&absent->text, " is a clip; its files are %s", buf_text(&list));
        return 1;
    }
    buf_text_append(&absent->text, "its clip has no file ");
    show_name(absent);
    nearest_print(&nearest, key, &absent->text);
    if (list.len)
        buf_printf(&absent->text, ": it has %s", buf_text(&list));
    return 1;
}

/* ---- there is no such clip ---- */

/* Does the path mean something? Then ": a condition is written PATH". */
static int offer_path(struct absent *absent, const struct buf *path, struct error *err)
{
    CLEANUP_QUERY struct query *all = query_all(), *query = NULL;
    int rc = query_narrow(all, buf_text(path), path->len, absent->reader, &query, err);
    if (rc)
        return rc == -ENOENT || rc == -E2BIG ? 0 : rc;
    buf_text_append(&absent->text, ": a condition is written ");
    query_canonical(query, &absent->text);
    return 1;
}

/* "length>100", "arm:left", "arm left": a condition in another language. */
static int tell_condition(struct absent *absent, struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    CLEANUP_FREE char *copy = mem_copy(absent->name, absent->len);
    if (!where_parse(copy, absent->len, &path, NULL))
        return offer_path(absent, &path, err);
    char *separator = strpbrk(copy, ": ~");
    if (!separator || separator == copy)
        return 0;
    *separator = '=';
    if (where_parse(copy, absent->len, &path, NULL))
        return 0;
    return offer_path(absent, &path, err);
}

struct listing { /* the values of an attribute, as literals */
    const struct catalog_attribute *attribute;
    struct buf *text;
    size_t count;
};

static int list_value(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct listing *listing = ctx;
    struct value copy = *value;
    struct literal literal = {
        .name = (char *)(uintptr_t)listing->attribute->name, .op = &op_eq, .values = &copy, .count = 1};
    if (!clips)
        return 0;
    buf_text_append(listing->text, listing->count ? ", " : "");
    if (listing->count++ == VALUES_MAX) {
        buf_text_append(listing->text, "...");
        return 1;
    }
    literal_print(&literal, listing->text);
    return 0;
}

/* "arm": only a name. */
static int tell_attribute(struct absent *absent, struct error *err)
{
    struct catalog_attribute attribute;
    int rc = catalog_attribute_find(absent->reader, absent->name, absent->len, &attribute, err);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    if (attribute.type == VALUE_LIST) {
        buf_text_append(&absent->text, ": it is an attribute, so ask for the clips that have it: ");
        print_has(&attribute, &absent->text);
        return 1;
    }
    buf_text_append(&absent->text, ": it is an attribute, so ask for a value of it: ");
    struct listing listing = {&attribute, &absent->text, 0};
    rc = catalog_values(absent->reader, attribute.id, list_value, &listing, err);
    return rc < 0 ? rc : 1;
}

/* "left": only a value. */
static int tell_value(struct absent *absent, struct error *err)
{
    struct grammar_text none = {(char *)(uintptr_t) "", 0};
    struct grammar_literal literal = {
        .key = {(char *)(uintptr_t)absent->name, absent->len}, .op = &op_eq, .args = &none, .arg_count = 1};
    struct grammar_component component = {.literals = &literal, .literal_count = 1};
    return mend_key(&(struct hint_place){.component = &component}, absent->reader, &absent->text, err);
}

/* "ep3", "3" for "ep000003": 1 if there is one. */
static int tell_key(struct absent *absent, struct error *err)
{
    CLEANUP_BUF struct buf key = BUF_INIT;
    int rc = keys_pad(absent->reader, absent->name, absent->key_len, &key, err);
    if (rc <= 0)
        return rc;
    buf_append(&key, absent->name + absent->key_len, absent->len - absent->key_len);
    if (absent->key_len == absent->len)
        buf_text_append(&key, ".json");
    buf_text_append(&absent->text, ": did you mean '");
    show_append(&absent->text, buf_text(&key), key.len);
    buf_text_append(&absent->text, "'?");
    return 1;
}

/* 1 if something near was found. */
static int tell_no_clip(struct absent *absent, struct error *err)
{
    static int (*const near[])(struct absent * absent, struct error * err) = {tell_attribute, tell_condition,
                                                                              tell_value, tell_key};
    buf_text_append(&absent->text, "no file ");
    show_name(absent);
    buf_text_append(&absent->text, " here");
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        int rc = near[i](absent, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int tell(struct absent *absent, struct error *err)
{
    uint32_t row;
    int rc = catalog_clip_find(absent->reader, absent->name, absent->key_len, &row, err);
    if (rc == -ENOENT)
        return tell_no_clip(absent, err);
    if (rc >= 0)
        rc = tell_filtered(absent, row, err);
    return rc ? rc : tell_stream(absent, row, err);
}

int absent_file(const struct query *query, struct catalog_reader *reader, const char *name, size_t len,
                bool *ret_telling, struct error *err)
{
    CLEANUP_FREE char *own = mem_copy(name, len);
    const char *dot = memchr(own, '.', len);
    struct absent absent = {.query = query,
                            .reader = reader,
                            .name = own,
                            .len = len,
                            .key_len = dot ? (size_t)(dot - own) : len};
    int rc = tell(&absent, err);
    if (rc >= 0) {
        if (ret_telling)
            *ret_telling = rc > 0;
        rc = error_set(err, ENOENT, "%s", buf_text(&absent.text));
    }
    buf_done(&absent.text);
    return rc;
}
