// SPDX-License-Identifier: Apache-2.0
/* A name becomes the component it stands for as text, so that what it means, and why it means nothing, is
 * said by the one place that says so of paths. */
#include "query/say/browse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "query/bucket.h"
#include "query/facets.h"
#include "query/say/hint.h"
#include "query/say/nearest.h"
#include "query/show.h"

/* ---- names ---- */

static void append_name(struct buf *buf, const char *text, size_t len)
{
    if (!len)
        buf_text_append(buf, BROWSE_EMPTY);
    else if (*text == '.') { /* would hide it, or be the directory itself */
        buf_text_append(buf, "%2E");
        escape_append(buf, text + 1, len - 1, NULL, 1);
    } else {
        escape_append(buf, text, len, NULL, 1);
    }
}

/* What the name says, without escapes; -ENOENT: it is none that is written here. */
static int read_name(const char *name, struct buf *ret, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT, shown = BUF_INIT;
    if (strcmp(name, BROWSE_EMPTY) != 0 && escape_decode(&text, name, strlen(name), NULL) < 0) {
        show_append(&shown, name, strlen(name));
        return error_set(err, ENOENT, "'%s': behind a %% stand two hex digits", buf_text(&shown));
    }
    *ret = text;
    text = BUF_INIT;
    return 0;
}

static int find_key(const char *key, struct catalog_reader *reader, struct catalog_attribute *ret,
                    struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    int rc = read_name(key, &name, err);
    return rc ? rc : catalog_attribute_find(reader, buf_text(&name), name.len, ret, err);
}

static int offer_key(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    (void)err;
    nearest_offer(ctx, attribute->name, strlen(attribute->name));
    return 0;
}

/* "arm=left": people go on as they are used to. */
static int refuse_condition(const char *key, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    size_t equals = strcspn(key, "=");
    show_append(&shown, key, equals);
    buf_u8(&shown, '/');
    show_append(&shown, key + equals + 1, strlen(key + equals + 1));
    return error_set(err, ENOENT, "here a value is a folder of its own (%s)", buf_text(&shown));
}

static int refuse_key(const char *key, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    CLEANUP_NEAREST struct nearest nearest;
    size_t len = strlen(key);
    nearest_init(&nearest, key, len);
    int rc = catalog_attributes(reader, offer_key, &nearest, err);
    if (rc < 0)
        return rc;
    buf_text_append(&shown, "no attribute '");
    show_append(&shown, key, len);
    buf_u8(&shown, '\'');
    nearest_print(&nearest, "", &shown);
    return error_set(err, ENOENT, "%s", buf_text(&shown));
}

int browse_find_key(const char *key, struct catalog_reader *reader, struct catalog_attribute *ret,
                    struct error *err)
{
    int rc = find_key(key, reader, ret, err);
    if (rc == -ENOENT)
        return strchr(key, '=') ? refuse_condition(key, err) : refuse_key(key, reader, err);
    if (!rc && ret->type == VALUE_LIST)
        rc = error_set(err, ENOENT, "%s: a list is not compared, so its values are not told", ret->name);
    return rc;
}

void browse_print_key(const struct catalog_attribute *attribute, struct buf *buf)
{
    append_name(buf, attribute->name, strlen(attribute->name));
}

/* "200..299" of numbers: its ends. */
static bool is_range(const struct catalog_attribute *attribute, const char *text, const char **ret_high)
{
    const char *dots = strstr(text, "..");
    if (!dots || attribute->type == VALUE_TEXT || attribute->type == VALUE_BOOL)
        return false;
    *ret_high = dots + strlen("..");
    return true;
}

int browse_extend(const struct query *query, const char *key, const char *name, struct catalog_reader *reader,
                  struct query **ret, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT, component = BUF_INIT;
    struct catalog_attribute attribute;
    const char *high;
    int rc = find_key(key, reader, &attribute, err);
    if (!rc)
        rc = read_name(name, &text, err);
    if (rc)
        return rc;
    escape_append(&component, attribute.name, strlen(attribute.name), NULL, 1);
    if (is_range(&attribute, buf_text(&text), &high)) {
        buf_text_append(&component, ".rng=");
        escape_append(&component, buf_text(&text), (size_t)(high - buf_text(&text)) - strlen(".."), NULL, 1);
        buf_text_append(&component, "..");
        escape_append(&component, high, strlen(high), NULL, 1);
    } else {
        buf_u8(&component, '=');
        escape_append(&component, buf_text(&text), text.len, NULL, 1);
    }
    rc = query_extend(query, buf_text(&component), component.len, reader, ret, err);
    if (rc == -ENOENT)
        rc = hint_component(buf_text(&component), component.len, reader, err);
    return rc == -EINVAL ? -ENOENT : rc; /* what cannot be parsed is no name of anything */
}

/* ---- what there is ---- */

struct browsing {
    struct catalog_reader *reader;
    struct rowset *rows;
    struct catalog_attribute attribute; /* whose values are asked for */
    browse_fn *each;
    void *ctx;
};

static int take_key(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct browsing *browsing = ctx;
    CLEANUP_BUF struct buf name = BUF_INIT;
    int rc = facets_divide(&(struct facets_asked){browsing->reader, browsing->rows, attribute}, err);
    if (rc <= 0)
        return rc;
    browse_print_key(attribute, &name);
    return browsing->each(browsing->ctx, buf_text(&name), err);
}

/* `each` of catalog_attributes() may not use the reader. */
struct keys {
    struct catalog_attribute *list;
    size_t count, cap;
};

static int note_key(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct keys *keys = ctx;
    (void)err;
    mem_grow(&keys->list, &keys->cap, keys->count + 1, sizeof *keys->list);
    keys->list[keys->count++] = *attribute;
    return 0;
}

/* All that tells which of them divide. */
static void ask_keys(const struct browsing *browsing, const struct keys *keys, bool again)
{
    const struct facets_attributes of = {browsing->reader, browsing->rows, keys->list, keys->count};
    facets_has_ahead(&of, again);
    facets_divide_ahead(&of, again);
}

static int take_keys(struct browsing *browsing, const struct keys *keys, struct error *err)
{
    int rc = 0;
    if (!catalog_reader_nowait(browsing->reader))
        ask_keys(browsing, keys, false);
    for (size_t i = 0; !rc && i < keys->count; i++)
        rc = take_key(browsing, &keys->list[i], err);
    if (rc == -EAGAIN)
        ask_keys(browsing, keys, true);
    return rc;
}

int browse_keys(const struct query *query, struct catalog_reader *reader, browse_fn *each, void *ctx,
                struct error *err)
{
    struct browsing browsing = {.reader = reader, .each = each, .ctx = ctx};
    struct keys keys = {0};
    int rc = query_rows(query, reader, &browsing.rows, err);
    if (!rc)
        rc = catalog_attributes(reader, note_key, &keys, err);
    if (!rc)
        rc = take_keys(&browsing, &keys, err);
    rowset_unref(browsing.rows);
    free(keys.list);
    return rc;
}

static int give_value(struct browsing *browsing, const struct value *value, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT, name = BUF_INIT;
    value_print(&text, value);
    append_name(&name, buf_text(&text), text.len);
    if (name.len > BROWSE_NAME_MAX)
        return error_set(err, EFBIG,
                         "%s: a value of %zu bytes, longer than any file name; ask for its beginning by "
                         "%s.prefix=",
                         browsing->attribute.name, text.len, browsing->attribute.name);
    return browsing->each(browsing->ctx, buf_text(&name), err);
}

/* Of infinity, which is in no range, and is there. */
static int give_infinity(struct browsing *browsing, double real, struct error *err)
{
    const struct value value = {.type = VALUE_FLOAT, .real = real};
    const struct catalog_literal literal = {
        .attribute = browsing->attribute.id, .op = CATALOG_EQ, .values = &value, .count = 1};
    uint64_t count;
    int rc = facets_count_clips(browsing->reader, browsing->rows, &literal, &count, err);
    return rc || !count ? rc : give_value(browsing, &value, err);
}

static bool is_number(enum value_type type)
{
    return type != VALUE_TEXT && type != VALUE_BOOL && type != VALUE_LIST;
}

static int refuse(const struct browsing *browsing, struct error *err)
{
    const char *name = browsing->attribute.name;
    if (is_number(browsing->attribute.type))
        return error_set(
            err, EFBIG,
            "%s: its values are too many to list, and too far apart for ranges; ask by %s.rng=", name, name);
    return error_set(
        err, EFBIG,
        "%s: more than %d values, which are not listed; narrow the path first, or ask by %s.prefix=", name,
        BROWSE_MOST, name);
}

/* ---- ranges ---- */

static int give_bucket(struct browsing *browsing, const struct bucket *bucket, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT, name = BUF_INIT;
    bucket_print_end(&text, &bucket->low);
    buf_text_append(&text, "..");
    bucket_print_end(&text, &bucket->high);
    append_name(&name, buf_text(&text), text.len);
    return browsing->each(browsing->ctx, buf_text(&name), err);
}

static struct catalog_literal in_bucket(const struct browsing *browsing, const struct bucket *bucket,
                                        struct value ends[2])
{
    ends[0] = bucket->low;
    ends[1] = bucket->high;
    return (struct catalog_literal){.attribute = browsing->attribute.id,
                                    .op = CATALOG_RANGE,
                                    .values = ends,
                                    .count = 2,
                                    .inclusive_low = true,
                                    .inclusive_high = bucket->low.type == VALUE_INT};
}

struct buckets {
    struct bucket list[BUCKET_MOST];
    size_t count;
};

static void ask_buckets(const struct browsing *browsing, const struct buckets *buckets, bool again)
{
    struct catalog_literal literals[BUCKET_MOST];
    struct value ends[BUCKET_MOST][2];
    for (size_t i = 0; i < buckets->count; i++)
        literals[i] = in_bucket(browsing, &buckets->list[i], ends[i]);
    (again ? catalog_select_ahead : catalog_select_ahead_once)(browsing->reader, literals, buckets->count);
}

/* Has one of the values, in their order, a place in it? */
static bool is_met(const struct bucket *bucket, const struct facets *values)
{
    size_t i = 0;
    while (i < values->count && value_compare(&values->list[i].value, &bucket->low) < 0)
        i++;
    int order = i < values->count ? value_compare(&values->list[i].value, &bucket->high) : 1;
    return order < 0 || (!order && bucket->low.type == VALUE_INT);
}

static int give_met(struct browsing *browsing, const struct buckets *buckets, const struct facets *values,
                    struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < buckets->count; i++)
        if (is_met(&buckets->list[i], values))
            rc = give_bucket(browsing, &buckets->list[i], err);
    return rc;
}

/* Those that have clips, as the index says. */
static int give_counted(struct browsing *browsing, const struct buckets *buckets, struct error *err)
{
    int rc = 0;
    if (!catalog_reader_nowait(browsing->reader))
        ask_buckets(browsing, buckets, false);
    for (size_t i = 0; !rc && i < buckets->count; i++) {
        struct value ends[2];
        const struct catalog_literal literal = in_bucket(browsing, &buckets->list[i], ends);
        uint64_t count;
        rc = facets_count_clips(browsing->reader, browsing->rows, &literal, &count, err);
        if (!rc && count)
            rc = give_bucket(browsing, &buckets->list[i], err);
    }
    if (rc == -EAGAIN)
        ask_buckets(browsing, buckets, true);
    return rc;
}

/* Of clips that are read one by one, their values tell. */
static int give_buckets(struct browsing *browsing, const struct facets_asked *asked,
                        const struct buckets *buckets, struct error *err)
{
    CLEANUP_FACETS struct facets values = {0};
    bool by_clips;
    int rc = catalog_values_by_clips(asked->reader, asked->attribute->id, asked->rows, &by_clips, err);
    if (rc || !by_clips)
        return rc ? rc : give_counted(browsing, buckets, err);
    rc = facets_least(asked, SIZE_MAX, &values, err);
    return rc ? rc : give_met(browsing, buckets, &values, err);
}

static int give_ranges(struct browsing *browsing, const struct facets_asked *asked, struct error *err)
{
    struct buckets buckets;
    struct facets_bounds bounds;
    int rc = facets_bounds(asked, &bounds, err);
    if (rc)
        return rc;
    buckets.count = bounds.numbers ? bucket_split(&bounds.least, &bounds.greatest, buckets.list) : 0;
    if (!buckets.count)
        return refuse(browsing, err);
    if (bounds.minus_infinity)
        rc = give_infinity(browsing, -HUGE_VAL, err);
    if (!rc)
        rc = give_buckets(browsing, asked, &buckets, err);
    if (!rc && bounds.infinity)
        rc = give_infinity(browsing, HUGE_VAL, err);
    return rc;
}

static int give_values(struct browsing *browsing, struct error *err)
{
    const struct facets_asked asked = {browsing->reader, browsing->rows, &browsing->attribute};
    bool numbers = is_number(browsing->attribute.type);
    CLEANUP_FACETS struct facets facets = {0};
    int rc = facets_of(&asked, numbers ? BROWSE_PLAIN : BROWSE_MOST, &facets, err);
    if (rc == -E2BIG)
        return numbers ? give_ranges(browsing, &asked, err) : refuse(browsing, err);
    for (size_t i = 0; !rc && i < facets.count; i++)
        rc = give_value(browsing, &facets.list[i].value, err);
    return rc;
}

int browse_values(const struct query *query, const char *key, struct catalog_reader *reader, browse_fn *each,
                  void *ctx, struct error *err)
{
    struct browsing browsing = {.reader = reader, .each = each, .ctx = ctx};
    int rc = find_key(key, reader, &browsing.attribute, err);
    if (!rc)
        rc = query_rows(query, reader, &browsing.rows, err);
    if (!rc)
        rc = give_values(&browsing, err);
    rowset_unref(browsing.rows);
    return rc;
}
