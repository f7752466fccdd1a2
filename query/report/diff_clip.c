// SPDX-License-Identifier: Apache-2.0
/* Values are compared as JSON, by the attribute's id, so neither a new name nor a wider type is a difference
 * of a clip. Files are compared by content: one that was replaced by its like has not changed. */
#include "query/report/diff_clip.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/json.h"
#include "query/files.h"
#include "query/report/digest.h"

#define EVENTS UINT32_MAX /* in place of an attribute's id */

struct held { /* what one clip has of one attribute */
    uint32_t id;
    char *name, *json, *by;
    bool multi;
};
struct held_file {
    char *name;
    uint64_t size;
    uint32_t changed, stream;
};
struct side {
    struct held *held;
    size_t count, cap;
    struct held_file *files;
    size_t file_count, file_cap;
};
struct diff_sides {
    const struct diff *diff;
    struct side older, newer;
    struct diff_value *values;
    size_t value_cap;
    struct diff_file *files;
    size_t file_cap;
};

static void side_clear(struct side *side)
{
    for (size_t i = 0; i < side->count; i++) {
        free(side->held[i].name);
        free(side->held[i].json);
        free(side->held[i].by);
    }
    for (size_t i = 0; i < side->file_count; i++)
        free(side->files[i].name);
    side->count = side->file_count = 0;
}

static void side_done(struct side *side)
{
    side_clear(side);
    free(side->held);
    free(side->files);
}

struct diff_sides *diff_sides_new(const struct diff *diff)
{
    struct diff_sides *sides = MEM_NEW(struct diff_sides);
    sides->diff = diff;
    return sides;
}

void diff_sides_free(struct diff_sides *sides)
{
    side_done(&sides->older);
    side_done(&sides->newer);
    free(sides->values);
    free(sides->files);
    free(sides);
}

/* ---- what a clip has ---- */

static struct held *add_held(struct side *side, uint32_t id, const char *name)
{
    mem_grow(&side->held, &side->cap, side->count + 1, sizeof *side->held);
    struct held *held = &side->held[side->count++];
    *held = (struct held){.id = id, .name = mem_text(name)};
    return held;
}

/* `json` is added to the array that `held` has, or becomes its only value. */
static void add_json(struct held *held, const char *json, bool array)
{
    char *old = held->json;
    size_t len = old ? strlen(old) : 0;
    held->json = old     ? mem_printf("%.*s,%s]", (int)len - 1, old, json)
                 : array ? mem_printf("[%s]", json)
                         : mem_text(json);
    free(old);
}

static int take_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                      const struct catalog_origin *origin, struct error *err)
{
    struct side *side = ctx;
    CLEANUP_BUF struct buf json = BUF_INIT;
    struct held *held = side->count ? &side->held[side->count - 1] : NULL;
    if (!held || held->id != attribute->id) {
        held = add_held(side, attribute->id, attribute->name);
        held->by = mem_text(origin->setter);
    }
    value_print_json(&json, value);
    add_json(held, buf_text(&json), attribute->multi);
    return 0;
}

static int take_event(void *ctx, const struct catalog_event *event, struct error *err)
{
    struct side *side = ctx;
    struct value start = {.type = VALUE_DURATION, .integer = event->start_ns},
                 end = {.type = VALUE_DURATION, .integer = event->end_ns};
    CLEANUP_BUF struct buf json = BUF_INIT;
    struct held *held = side->count ? &side->held[side->count - 1] : NULL;
    if (!held || held->id != EVENTS)
        held = add_held(side, EVENTS, "event");
    free(held->by);
    held->by = mem_text(event->origin.setter);
    buf_text_append(&json, "{\"label\":");
    value_print_json(&json, &event->label);
    buf_text_append(&json, ",\"start\":");
    value_print_json(&json, &start);
    buf_text_append(&json, ",\"end\":");
    value_print_json(&json, &end);
    buf_u8(&json, '}');
    add_json(held, buf_text(&json), true);
    return 0;
}

static int take_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct side *side = ctx;
    if (entry->stream == FILES_STREAM_JSON)
        return 0;
    mem_grow(&side->files, &side->file_cap, side->file_count + 1, sizeof *side->files);
    side->files[side->file_count++] =
        (struct held_file){mem_text(entry->name), entry->size, entry->changed, entry->stream};
    return 0;
}

static int read_side(struct side *side, struct catalog_reader *reader, uint32_t row, struct error *err)
{
    int rc = catalog_blame(reader, row, take_value, side, err);
    return rc ? rc : catalog_events(reader, row, take_event, side, err);
}

/* Most clips get other labels and keep their files: 1 if these are the same without a look at what they hold.
 */
static int same_files(const struct diff *diff, uint32_t row, struct error *err)
{
    struct catalog_clip was, is;
    int rc = catalog_clip(diff->older, row, &was, err);
    if (!rc)
        rc = catalog_clip(diff->newer, row, &is, err);
    if (rc || was.file_count != is.file_count)
        return rc;
    for (uint32_t i = 0; i < is.file_count; i++) {
        const struct catalog_file *a = &was.files[i], *b = &is.files[i];
        if (a->changed != b->changed || a->size != b->size || strcmp(a->name, b->name) != 0 ||
            strcmp(a->ext, b->ext) != 0)
            return 0;
    }
    return 1;
}

/* ---- how it differs ---- */

static const struct held *find_held(const struct side *side, uint32_t id)
{
    for (size_t i = 0; i < side->count; i++)
        if (side->held[i].id == id)
            return &side->held[i];
    return NULL;
}

static void add_difference(struct diff_sides *sides, const struct held *was, const struct held *is,
                           struct diff_clip *clip)
{
    mem_grow(&sides->values, &sides->value_cap, clip->value_count + 1, sizeof *sides->values);
    sides->values[clip->value_count++] = (struct diff_value){.attribute = is ? is->name : was->name,
                                                             .was = was ? was->json : NULL,
                                                             .is = is ? is->json : NULL,
                                                             .by = is ? is->by : NULL};
}

static int compare_values(const void *a, const void *b)
{
    return strcmp(((const struct diff_value *)a)->attribute, ((const struct diff_value *)b)->attribute);
}

/* One that was dropped and another that got its name: what the json of the clip says of that name is told
 * once.
 */
static void merge_names(struct diff_value *values, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct diff_value *last = kept ? &values[kept - 1] : NULL, *value = &values[i];
        bool one = last && !strcmp(last->attribute, value->attribute);
        if (one && !last->is && !value->was)
            *last = (struct diff_value){value->attribute, last->was, value->is, value->by};
        else if (one && !last->was && !value->is)
            last->was = value->was;
        else
            values[kept++] = *value;
        if (one && last->was && last->is && !strcmp(last->was, last->is))
            kept--;
    }
    *count = kept;
}

static void compare_held(struct diff_sides *sides, struct diff_clip *clip)
{
    for (size_t i = 0; i < sides->newer.count; i++) {
        const struct held *is = &sides->newer.held[i], *was = find_held(&sides->older, is->id);
        if (!was || strcmp(was->json, is->json) != 0)
            add_difference(sides, was, is, clip);
    }
    for (size_t i = 0; i < sides->older.count; i++)
        if (!find_held(&sides->newer, sides->older.held[i].id))
            add_difference(sides, &sides->older.held[i], NULL, clip);
    if (clip->value_count)
        qsort(sides->values, clip->value_count, sizeof *sides->values, compare_values);
    merge_names(sides->values, &clip->value_count);
    clip->values = sides->values;
}

static void add_file(struct diff_sides *sides, enum diff_op op, const char *name, struct diff_clip *clip)
{
    mem_grow(&sides->files, &sides->file_cap, clip->file_count + 1, sizeof *sides->files);
    sides->files[clip->file_count++] = (struct diff_file){op, name};
}

static size_t find_file(const struct side *side, const char *name)
{
    size_t i = 0;
    while (i < side->file_count && strcmp(side->files[i].name, name) != 0)
        i++;
    return i;
}

/* 1, 0 or -errno. */
static int same_content(const struct diff *diff, uint32_t row, const struct held_file *was,
                        const struct held_file *is, struct error *err)
{
    uint8_t old[SHA256_BYTES], new[SHA256_BYTES];
    if (is->changed == was->changed && is->size == was->size)
        return 1;
    int rc = digest_file(diff->older, row, was->stream, old, err);
    if (!rc)
        rc = digest_file(diff->newer, row, is->stream, new, err);
    return rc ? rc : !memcmp(old, new, sizeof old);
}

static int read_files(struct diff_sides *sides, uint32_t row, struct error *err)
{
    const struct diff *diff = sides->diff;
    int rc = files_of_clip(diff->older, diff->query, row, take_file, &sides->older, err);
    return rc ? rc : files_of_clip(diff->newer, diff->query, row, take_file, &sides->newer, err);
}

static int compare_files(struct diff_sides *sides, uint32_t row, struct diff_clip *clip, struct error *err)
{
    const struct side *older = &sides->older, *newer = &sides->newer;
    int all_same = same_files(sides->diff, row, err);
    int rc = all_same ? all_same : read_files(sides, row, err);
    if (rc)
        return rc < 0 ? rc : 0;
    for (size_t i = 0; i < newer->file_count; i++) {
        size_t was = find_file(older, newer->files[i].name);
        int same = was < older->file_count
                       ? same_content(sides->diff, row, &older->files[was], &newer->files[i], err)
                       : 0;
        if (same < 0)
            return same;
        if (!same)
            add_file(sides, was < older->file_count ? DIFF_CHANGED : DIFF_ADDED, newer->files[i].name, clip);
    }
    for (size_t i = 0; i < older->file_count; i++)
        if (find_file(newer, older->files[i].name) == newer->file_count)
            add_file(sides, DIFF_REMOVED, older->files[i].name, clip);
    clip->files = sides->files;
    return 0;
}

int diff_sides_compare(struct diff_sides *sides, uint32_t row, struct diff_clip *clip, struct error *err)
{
    int rc = 0;
    side_clear(&sides->older);
    side_clear(&sides->newer);
    bool labels = clip->op != DIFF_CHANGED || query_shows(sides->diff->query, "", "json");
    if (labels)
        rc = read_side(&sides->older, sides->diff->older, row, err);
    if (labels && !rc)
        rc = read_side(&sides->newer, sides->diff->newer, row, err);
    if (rc)
        return rc;
    compare_held(sides, clip);
    return compare_files(sides, row, clip, err);
}
