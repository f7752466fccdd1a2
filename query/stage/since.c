// SPDX-License-Identifier: Apache-2.0
/*
 * @since=vN[,KEY]: clips that are new or changed since version N; with KEY, those whose values of that
 * attribute are others than in version N (a clip that was not there had none). In a version before N nothing
 * is changed since N.
 *
 * Which clips changed at all, the newer catalog tells; only those are compared with the older one, by what
 * their values look like, so an attribute that was widened from integer to float has not changed.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/version.h"
#include "query/grammar.h"
#include "query/refusal.h"
#include "query/set.h"
#include "query/show.h"
#include "query/stage/stage.h"

struct since {
    uint32_t version;
    bool by_attribute;
    struct catalog_attribute attribute;
};

/* ---- binding ---- */

static int refuse_version(const struct grammar_text *text, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, text->bytes, text->len);
    return error_set(err, ENOENT,
                     "@since: '%s' is not the number of a version: it is written v9 or v9,ATTRIBUTE",
                     buf_text(&shown));
}

static int bind_version(const struct grammar_text *text, uint32_t newest, uint32_t *ret, struct error *err)
{
    uint32_t number;
    if (!version_parse(text->bytes, text->len, &number) || !number)
        return refuse_version(text, err);
    if (number > newest)
        return error_set(err, ENOENT, "@since: there is no %s before v%" PRIu32, text->bytes, newest);
    *ret = number;
    return 0;
}

static int refuse_attribute(const struct grammar_text *text, uint32_t newest, struct refusal *why,
                            struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, text->bytes, text->len);
    why->kind = REFUSAL_ATTRIBUTE;
    why->arg = 1;
    return error_set(err, ENOENT, "@since: no attribute '%s' in v%" PRIu32, buf_text(&shown), newest);
}

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct since since = {.by_attribute = count > 1};
    struct catalog_info info;
    if (count > 2)
        return error_set(err, ENOENT, "@since: at most one attribute: it is written v9 or v9,ATTRIBUTE");
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        rc = bind_version(&args[0], info.version, &since.version, err);
    if (rc >= 0 && since.by_attribute) {
        rc = catalog_attribute_find(reader, args[1].bytes, args[1].len, &since.attribute, err);
        if (rc == -ENOENT)
            rc = refuse_attribute(&args[1], info.version, why, err);
    }
    if (rc < 0)
        return rc;
    *ret = mem_copy(&since, sizeof since);
    return 0;
}

static void print(const void *bound, struct buf *buf)
{
    const struct since *since = bound;
    stage_print(buf, "v%" PRIu32, since->version);
    if (since->by_attribute)
        stage_print(buf, "%s", since->attribute.name);
}

/* ---- selecting ---- */

struct printing { /* the values of one attribute of one clip, each ended by a NUL */
    uint32_t attribute;
    struct buf *buf;
};

static int print_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                       struct error *err)
{
    struct printing *printing = ctx;
    (void)err;
    if (attribute->id == printing->attribute) {
        value_print(printing->buf, value);
        buf_u8(printing->buf, 0);
    }
    return 0;
}

static int print_event(void *ctx, const struct catalog_event *event, struct error *err)
{
    struct printing *printing = ctx;
    (void)err;
    value_print(printing->buf, &event->label);
    buf_printf(printing->buf, " %" PRId64 " %" PRId64, event->start_ns, event->end_ns);
    buf_u8(printing->buf, 0);
    return 0;
}

static int values_of(const struct since *since, struct catalog_reader *reader, uint32_t row, struct buf *buf,
                     struct error *err)
{
    CLEANUP_ROWSET struct rowset *live = NULL;
    struct printing printing = {since->attribute.id, buf};
    buf_clear(buf);
    int rc = catalog_live(reader, &live, err);
    if (rc < 0 || !rowset_contains(live, row))
        return rc < 0 ? rc : 0;
    if (!strcmp(since->attribute.name, "event"))
        return catalog_events(reader, row, print_event, &printing, err);
    return catalog_clip_values(reader, row, print_value, &printing, err);
}

/* Takes the rows whose values are the same in both versions out of the set. */
static int drop_same(const struct since *since, struct catalog_reader *reader, struct catalog_reader *older,
                     struct rowset *rows, struct error *err)
{
    CLEANUP_BUF struct buf now = BUF_INIT, then = BUF_INIT;
    CLEANUP_ROWSET struct rowset *same = rowset_new();
    uint32_t row;
    for (uint64_t at = 0; rowset_rows(rows, at, &row, 1); at = (uint64_t)row + 1) {
        int rc = values_of(since, reader, row, &now, err);
        if (!rc)
            rc = values_of(since, older, row, &then, err);
        if (rc < 0)
            return rc;
        if (now.len == then.len && (!now.len || !memcmp(now.data, then.data, now.len)))
            rowset_add(same, row);
    }
    rowset_andnot(rows, same);
    return 0;
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    const struct since *since = bound;
    CLEANUP_ROWSET struct rowset *changed = NULL, *rows = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *older = NULL;
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        rc = catalog_changed_since(reader, since->version, since->by_attribute, &changed, err);
    if (rc < 0)
        return rc;
    CLEANUP_ROWSET struct rowset *all = set_rows(set);
    rows = rowset_copy(changed);
    rowset_and(rows, all);
    if (since->by_attribute && info.version > since->version && !rowset_empty(rows)) {
        rc = catalog_reader_sibling(reader, since->version, &older, err);
        if (rc >= 0)
            rc = drop_same(since, reader, older, rows, err);
    }
    if (rc < 0)
        return rc;
    *ret = set_new_kept(set, rows);
    return 0;
}

const struct stage stage_since = {
    .name = "since",
    .usage = "vN[,ATTRIBUTE]",
    .help = "new or changed since that version",
    .narrows = true,
    .bind = bind,
    .print = print,
    .apply = apply,
};
