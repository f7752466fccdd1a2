// SPDX-License-Identifier: Apache-2.0
/* One entry a version and kind of change, in the order they came: there are as many as versions that came in
 * between, and who asks looks from the newest on. */
#include "index/commit/interim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"
#include "index/base/rowset.h"
#include "index/catalog/catalog_known.h"
#include "index/catalog/reader.h"

struct interim_rows {
    uint32_t version;
    uint32_t attribute; /* or INTERIM_CLIPS: these came or went */
    struct rowset *rows;
};
#define INTERIM_CLIPS UINT32_MAX

struct interim_altered { /* renamed or dropped */
    uint32_t version, attribute;
    char *name; /* that it had before */
};

struct interim_names {
    struct catalog_attribute *list; /* by id */
    size_t count, cap;
};

struct interim {
    struct catalog_reader *reader; /* of the base; NULL: there is none */
    uint32_t base, version, base_rows;
    struct rowset *live;                /* of the version */
    struct interim_names before, names; /* of the base, of the version */
    struct interim_rows *rows;
    size_t row_count, row_cap;
    struct interim_altered *altered;
    size_t altered_count, altered_cap;
};

/* ---- attributes ---- */

static int add_name(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct interim_names *names = ctx;
    mem_grow(&names->list, &names->cap, names->count + 1, sizeof *names->list);
    names->list[names->count++] = *attribute;
    (void)err;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    const struct catalog_attribute *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int read_names(struct catalog_reader *reader, struct interim_names *names, struct error *err)
{
    int rc = catalog_attributes(reader, add_name, names, err);
    if (!rc && names->count)
        qsort(names->list, names->count, sizeof *names->list, compare_ids);
    return rc;
}

static void add_altered(struct interim *interim, const struct catalog_attribute *was)
{
    mem_grow(&interim->altered, &interim->altered_cap, interim->altered_count + 1, sizeof *interim->altered);
    interim->altered[interim->altered_count++] =
        (struct interim_altered){interim->version, was->id, mem_text(was->name)};
}

static const struct catalog_attribute *find_id(const struct interim_names *names, uint32_t id)
{
    struct catalog_attribute key = {.id = id};
    return names->count ? bsearch(&key, names->list, names->count, sizeof key, compare_ids) : NULL;
}

static const struct catalog_attribute *find_name(const struct interim_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->list[i].name, name))
            return &names->list[i];
    return NULL;
}

static void compare_names(struct interim *interim, const struct interim_names *old,
                          const struct interim_names *now)
{
    for (size_t i = 0; i < old->count; i++) {
        const struct catalog_attribute *was = &old->list[i], *is = find_id(now, was->id);
        if (!is || strcmp(is->name, was->name) != 0)
            add_altered(interim, was);
    }
}

static uint32_t altered_in(const struct interim *interim, uint32_t attribute)
{
    for (size_t i = interim->altered_count; i-- > 0;)
        if (interim->altered[i].attribute == attribute)
            return interim->altered[i].version;
    return 0;
}

/* One that came since had the name, and has it no more, nor has another. */
static bool lost_name(const struct interim *interim, const char *name, struct interim_change *ret)
{
    if (find_name(&interim->names, name))
        return false;
    for (size_t i = interim->altered_count; i-- > 0;) {
        const struct interim_altered *altered = &interim->altered[i];
        if (strcmp(altered->name, name) != 0 || find_id(&interim->before, altered->attribute))
            continue;
        const struct catalog_attribute *is = find_id(&interim->names, altered->attribute);
        *ret = (struct interim_change){is ? INTERIM_RENAMED : INTERIM_DROPPED, altered->version,
                                       is ? is->name : altered->name};
        return true;
    }
    return false;
}

bool interim_attribute(const struct interim *interim, const char *name, struct interim_change *ret)
{
    const struct catalog_attribute *was = find_name(&interim->before, name),
                                   *is = was ? find_id(&interim->names, was->id) : NULL;
    if (!was)
        return lost_name(interim, name, ret);
    if (is && !strcmp(is->name, name))
        return false;
    *ret = (struct interim_change){is ? INTERIM_RENAMED : INTERIM_DROPPED, altered_in(interim, was->id),
                                   is ? is->name : was->name};
    return true;
}

bool interim_name_taken(const struct interim *interim, const char *name, struct interim_change *ret)
{
    const struct catalog_attribute *is = find_name(&interim->names, name),
                                   *was = is ? find_id(&interim->before, is->id) : NULL;
    if (!was || !strcmp(was->name, name))
        return false;
    *ret = (struct interim_change){INTERIM_TAKEN, altered_in(interim, was->id), was->name};
    return true;
}

/* ---- rows ---- */

static void add_rows(struct interim *interim, uint32_t attribute, struct rowset *rows)
{
    mem_grow(&interim->rows, &interim->row_cap, interim->row_count + 1, sizeof *interim->rows);
    interim->rows[interim->row_count++] = (struct interim_rows){interim->version, attribute, rows};
}

static int add_cells(void *ctx, uint32_t attribute, const struct rowset *rows, struct error *err)
{
    add_rows(ctx, attribute, rowset_copy(rows));
    (void)err;
    return 0;
}

static void compare_live(struct interim *interim, const struct rowset *now)
{
    CLEANUP_ROWSET struct rowset *came = rowset_copy(now), *gone = rowset_copy(interim->live);
    rowset_andnot(came, interim->live);
    rowset_andnot(gone, now);
    rowset_or_spent(came, gone);
    if (!rowset_empty(came))
        add_rows(interim, INTERIM_CLIPS, STEAL(came));
}

static uint32_t find_rows(const struct interim *interim, uint32_t attribute, uint32_t row)
{
    for (size_t i = interim->row_count; i-- > 0;)
        if (interim->rows[i].attribute == attribute && rowset_contains(interim->rows[i].rows, row))
            return interim->rows[i].version;
    return 0;
}

uint32_t interim_clip(const struct interim *interim, uint32_t row)
{
    return find_rows(interim, INTERIM_CLIPS, row);
}

uint32_t interim_cell(const struct interim *interim, uint32_t attribute, uint32_t row)
{
    return find_rows(interim, attribute, row);
}

uint32_t interim_any(const struct interim *interim, uint32_t attribute, const struct rowset *rows)
{
    for (size_t i = interim->row_count; i-- > 0;) {
        const struct interim_rows *changed = &interim->rows[i];
        if ((changed->attribute == attribute || changed->attribute == INTERIM_CLIPS) &&
            rowset_intersects(changed->rows, rows))
            return changed->version;
    }
    return 0;
}

/* ---- the base ---- */

int interim_base_print(const struct interim *interim, uint32_t row, uint8_t ret[CLIP_PRINT_BYTES],
                       struct error *err)
{
    struct ident_row ident;
    int rc = row < interim->base_rows ? clips_ident(interim->reader->db, row, &ident, err) : 0;
    if (rc == 1)
        memcpy(ret, ident.print, CLIP_PRINT_BYTES);
    return rc;
}

int interim_base_events(const struct interim *interim, uint32_t row, catalog_event_fn *each, void *ctx,
                        struct error *err)
{
    int rc = row < interim->base_rows ? catalog_events(interim->reader, row, each, ctx, err) : 0;
    return rc == -ENOENT ? 0 : rc;
}

int interim_base_former(const struct interim *interim, const char *name, uint32_t *ret_id, struct error *err)
{
    return interim->reader ? catalog_known_former(interim->reader, name, ret_id, err) : 0;
}

int interim_base_description(const struct interim *interim, uint32_t attribute, struct buf *buf,
                             struct error *err)
{
    return interim->reader ? catalog_description(interim->reader, attribute, buf, err) : 0;
}

/* ---- versions ---- */

int interim_new(struct catalog_reader *reader, struct interim **ret, struct error *err)
{
    CLEANUP_INTERIM struct interim *interim = MEM_NEW(struct interim);
    struct catalog_info info = {0};
    interim->reader = reader;
    int rc = reader ? catalog_info(reader, &info, err) : 0;
    if (!rc && reader)
        rc = catalog_live(reader, &interim->live, err);
    if (!rc && reader)
        rc = read_names(reader, &interim->before, err);
    if (!rc && reader)
        rc = read_names(reader, &interim->names, err);
    if (rc)
        return rc;
    if (!reader)
        interim->live = rowset_new();
    interim->base = interim->version = info.version;
    interim->base_rows = info.rows;
    *ret = STEAL(interim);
    return 0;
}

int interim_take(struct interim *interim, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_ROWSET struct rowset *live = NULL;
    struct interim_names names = {0};
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = catalog_live(reader, &live, err);
    if (!rc)
        rc = read_names(reader, &names, err);
    size_t rows = interim->row_count;
    uint32_t version = interim->version;
    interim->version = rc ? version : info.version;
    if (!rc)
        rc = catalog_own_cells(reader, add_cells, interim, err);
    if (rc) { /* it can be taken again */
        while (interim->row_count > rows)
            rowset_unref(interim->rows[--interim->row_count].rows);
        interim->version = version;
        free(names.list);
        return rc;
    }
    compare_live(interim, live);
    compare_names(interim, &interim->names, &names);
    rowset_unref(interim->live);
    free(interim->names.list);
    interim->live = STEAL(live);
    interim->names = names;
    return 0;
}

void interim_free(struct interim *interim)
{
    if (!interim)
        return;
    for (size_t i = 0; i < interim->row_count; i++)
        rowset_unref(interim->rows[i].rows);
    for (size_t i = 0; i < interim->altered_count; i++)
        free(interim->altered[i].name);
    catalog_reader_release(interim->reader);
    rowset_unref(interim->live);
    void *const all[] = {interim->rows, interim->altered, interim->before.list, interim->names.list, interim};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

uint32_t interim_base(const struct interim *interim)
{
    return interim->base;
}

uint32_t interim_version(const struct interim *interim)
{
    return interim->version;
}

uint32_t interim_rows(const struct interim *interim)
{
    return interim->base_rows;
}
