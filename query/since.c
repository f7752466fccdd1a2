// SPDX-License-Identifier: Apache-2.0
/* Which clips changed at all, the newer catalog tells; only those are compared with the older one, by what
 * their values look like, so an attribute that was widened from integer to float has not changed. */
#include "query/since.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/version.h"
#include "query/nearest.h"
#include "query/show.h"

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

static int offer_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    (void)err;
    nearest_offer(ctx, attribute->name, strlen(attribute->name));
    return 0;
}

static int refuse_attribute(const struct grammar_text *text, uint32_t newest, struct catalog_reader *reader,
                            struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    CLEANUP_NEAREST struct nearest nearest;
    nearest_init(&nearest, text->bytes, text->len);
    int rc = catalog_attributes(reader, offer_attribute, &nearest, err);
    if (rc < 0)
        return rc;
    buf_text_append(&shown, "@since: no attribute '");
    show_append(&shown, text->bytes, text->len);
    buf_printf(&shown, "' in v%" PRIu32, newest);
    nearest_print(&nearest, "", &shown);
    return error_set(err, ENOENT, "%s", buf_text(&shown));
}

int since_bind(const struct grammar_component *component, struct catalog_reader *reader, struct since **ret,
               struct error *err)
{
    struct since since = {.by_attribute = component->arg_count > 1};
    struct catalog_info info;
    if (component->arg_count > 2)
        return error_set(err, ENOENT, "@since: at most one attribute: it is written v9 or v9,ATTRIBUTE");
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        rc = bind_version(&component->args[0], info.version, &since.version, err);
    if (rc >= 0 && since.by_attribute) {
        const struct grammar_text *name = &component->args[1];
        rc = catalog_attribute_find(reader, name->bytes, name->len, &since.attribute, err);
        if (rc == -ENOENT)
            rc = refuse_attribute(name, info.version, reader, err);
    }
    if (rc < 0)
        return rc;
    *ret = mem_copy(&since, sizeof since);
    return 0;
}

void since_free(struct since *since)
{
    free(since);
}

void since_print(const struct since *since, struct buf *buf)
{
    CLEANUP_FREE char *version = mem_printf("v%" PRIu32, since->version);
    struct grammar_text args[] = {{version, strlen(version)},
                                  {(char *)(uintptr_t)since->attribute.name, strlen(since->attribute.name)}};
    struct grammar_component component = {.kind = GRAMMAR_KIND_STAGE,
                                          .stage = GRAMMAR_SINCE,
                                          .args = args,
                                          .arg_count = since->by_attribute ? 2 : 1};
    grammar_print(buf, &component);
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

int since_select(const struct since *since, struct catalog_reader *reader, struct rowset **ret,
                 struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *older = NULL;
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        rc = catalog_changed_since(reader, since->version, since->by_attribute, &rows, err);
    if (rc >= 0 && since->by_attribute && info.version > since->version && !rowset_empty(rows)) {
        rc = catalog_reader_sibling(reader, since->version, &older, err);
        if (rc >= 0)
            rc = drop_same(since, reader, older, rows, err);
    }
    if (rc < 0)
        return rc;
    *ret = STEAL(rows);
    return 0;
}
