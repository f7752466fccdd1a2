// SPDX-License-Identifier: Apache-2.0
/* A list is read whole, and written whole by the next purge. */
#include "index/dataset/purge_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/json.h"

enum { KEY_BYTES = 8, KEY_DIGITS = 2 * KEY_BYTES, ROWS_AT_ONCE = 256 };

static void event_done(struct purge_event *event)
{
    free(event->author);
    free(event->keys);
    rowset_unref(event->rows);
}

void purge_list_done(struct purge_list *list)
{
    for (size_t i = 0; i < list->event_count; i++)
        event_done(&list->events[i]);
    free(list->events);
    free(list->versions);
    *list = (struct purge_list){0};
}

static size_t place_of(const struct purge_list *list, uint32_t version)
{
    size_t low = 0, high = list->version_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->versions[middle].version < version)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct purge_version *purge_list_find(const struct purge_list *list, uint32_t version)
{
    size_t at = place_of(list, version);
    return at < list->version_count && list->versions[at].version == version ? &list->versions[at] : NULL;
}

void purge_list_put(struct purge_list *list, const struct purge_version *version)
{
    size_t at = place_of(list, version->version);
    bool there = at < list->version_count && list->versions[at].version == version->version;
    if (!there) {
        mem_grow(&list->versions, &list->version_cap, list->version_count + 1, sizeof *list->versions);
        memmove(&list->versions[at + 1], &list->versions[at],
                (list->version_count++ - at) * sizeof *list->versions);
    }
    list->versions[at] = *version;
}

struct rowset *purge_list_rows(const struct purge_list *list)
{
    struct rowset *rows = rowset_new();
    for (size_t i = 0; i < list->event_count; i++)
        rowset_or(rows, list->events[i].rows);
    return rows;
}

struct purge_event *purge_list_add(struct purge_list *list, int64_t time_ns, const char *author)
{
    mem_grow(&list->events, &list->event_cap, list->event_count + 1, sizeof *list->events);
    struct purge_event *event = &list->events[list->event_count++];
    *event = (struct purge_event){.time_ns = time_ns, .author = mem_text(author), .rows = rowset_new()};
    return event;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

const struct purge_event *purge_list_event_of(const struct purge_list *list, uint64_t key_hash)
{
    for (size_t i = list->event_count; i--;) {
        const struct purge_event *event = &list->events[i];
        if (event->key_count &&
            bsearch(&key_hash, event->keys, event->key_count, sizeof *event->keys, compare_keys))
            return event;
    }
    return NULL;
}

uint64_t purge_key_hash(const char *uuid, const char *key, size_t len)
{
    CLEANUP_BUF struct buf what = BUF_INIT;
    uint8_t digest[SHA256_BYTES];
    uint64_t hash = 0;
    buf_printf(&what, "elidefs purge\n%s\n", uuid);
    buf_append(&what, key, len);
    sha256_of(what.data, what.len, digest);
    for (int i = 0; i < KEY_BYTES; i++)
        hash = hash << 8 | digest[i];
    return hash;
}

/* ---- as JSON ---- */

static void print_rows(struct buf *buf, const struct rowset *rows)
{
    uint32_t some[ROWS_AT_ONCE], first = 0, last = 0;
    bool open = false, more = false;
    size_t got;
    for (uint64_t from = 0; (got = rowset_rows(rows, from, some, ROWS_AT_ONCE));
         from = some[got - 1] + UINT64_C(1))
        for (size_t i = 0; i < got; i++) {
            if (open && some[i] == last + 1) {
                last = some[i];
                continue;
            }
            if (open)
                buf_printf(buf, "%s[%" PRIu32 ",%" PRIu32 "]", more ? "," : "", first, last);
            more |= open;
            open = true;
            first = last = some[i];
        }
    if (open)
        buf_printf(buf, "%s[%" PRIu32 ",%" PRIu32 "]", more ? "," : "", first, last);
}

static void print_event(struct buf *buf, const struct purge_event *event)
{
    CLEANUP_BUF struct buf time = BUF_INIT;
    instant_print(&time, event->time_ns);
    buf_printf(buf, "  {\"time\": \"%s\", \"author\": ", buf_text(&time));
    json_write_text(buf, event->author, strlen(event->author));
    buf_text_append(buf, ", \"rows\": [");
    print_rows(buf, event->rows);
    buf_text_append(buf, "],\n   \"keys\": [");
    for (size_t i = 0; i < event->key_count; i++)
        buf_printf(buf, "%s\"%016" PRIx64 "\"", i ? "," : "", event->keys[i]);
    buf_text_append(buf, "]}");
}

void purge_list_print(struct buf *buf, const struct purge_list *list)
{
    buf_printf(buf, "{\"newest\": %" PRIu32 ",\n \"purges\": [", list->newest);
    for (size_t i = 0; i < list->event_count; i++) {
        buf_text_append(buf, i ? ",\n" : "\n");
        print_event(buf, &list->events[i]);
    }
    buf_text_append(buf, "],\n \"versions\": [");
    for (size_t i = 0; i < list->version_count; i++) {
        const struct purge_version *is = &list->versions[i];
        buf_printf(buf,
                   "%s  {\"version\": %" PRIu32 ", \"clips\": %" PRIu64 ", \"catalog\": ", i ? ",\n" : "\n",
                   is->version, is->clips);
        manifest_print_top(buf, &is->top);
        buf_text_append(buf, "}");
    }
    buf_text_append(buf, "]}\n");
}

static bool number_of(const struct json *json, uint64_t max, uint64_t *ret)
{
    *ret = (uint64_t)json_as_integer(json);
    return json_kind(json) == JSON_KIND_INTEGER && json_as_integer(json) >= 0 && *ret <= max;
}

static bool parse_rows(const struct json *rows, struct rowset *ret)
{
    uint64_t first, last, before = 0;
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *range = json_at(rows, i);
        if (json_count(range) != 2 || !number_of(json_at(range, 0), UINT32_MAX - 1, &first) ||
            !number_of(json_at(range, 1), UINT32_MAX - 1, &last) || last < first || (i && first <= before))
            return false;
        rowset_add_range(ret, first, last + 1);
        before = last;
    }
    return json_kind(rows) == JSON_KIND_ARRAY;
}

static bool parse_keys(const struct json *keys, struct purge_event *event)
{
    event->keys = mem_alloc(json_count(keys) * sizeof *event->keys);
    for (size_t i = 0; i < json_count(keys); i++) {
        const char *text = json_as_text(json_at(keys, i));
        if (!text || strlen(text) != KEY_DIGITS || strspn(text, "0123456789abcdef") != KEY_DIGITS)
            return false;
        event->keys[event->key_count++] = strtoull(text, NULL, 16);
        if (i && event->keys[i - 1] >= event->keys[i])
            return false;
    }
    return json_kind(keys) == JSON_KIND_ARRAY;
}

static bool parse_event(const struct json *json, struct purge_list *list)
{
    const char *time = json_get_text(json, "time"), *author = json_get_text(json, "author");
    int64_t time_ns;
    if (!time || !author || instant_parse(time, strlen(time), &time_ns))
        return false;
    struct purge_event *event = purge_list_add(list, time_ns, author);
    manifest_clean_text(event->author);
    return parse_rows(json_get(json, "rows"), event->rows) && parse_keys(json_get(json, "keys"), event);
}

static int bad(const char *name, const char *what, struct error *err)
{
    return error_set(err, EUCLEAN, "%s: '%s' of what was purged is missing or not in order", name, what);
}

static int parse_version(const char *name, const struct json *json, struct purge_list *list,
                         struct error *err)
{
    struct purge_version is = {0};
    uint64_t version;
    if (!number_of(json_get(json, "version"), MANIFEST_VERSION_MAX, &version) || !version ||
        !number_of(json_get(json, "clips"), UINT32_MAX, &is.clips) ||
        (list->version_count && list->versions[list->version_count - 1].version >= version))
        return bad(name, "versions", err);
    is.version = (uint32_t)version;
    int rc = manifest_parse_top(name, json_get(json, "catalog"), &is.top, err);
    if (!rc)
        purge_list_put(list, &is);
    return rc;
}

static int parse(const char *name, const struct json *json, struct purge_list *list, struct error *err)
{
    const struct json *purges = json_get(json, "purges"), *versions = json_get(json, "versions");
    uint64_t newest;
    int rc = 0;
    if (!number_of(json_get(json, "newest"), MANIFEST_VERSION_MAX, &newest))
        return bad(name, "newest", err);
    list->newest = (uint32_t)newest;
    if (json_kind(purges) != JSON_KIND_ARRAY || !json_count(purges))
        return bad(name, "purges", err);
    for (size_t i = 0; i < json_count(purges); i++)
        if (!parse_event(json_at(purges, i), list))
            return bad(name, "purges", err);
    if (json_kind(versions) != JSON_KIND_ARRAY)
        return bad(name, "versions", err);
    for (size_t i = 0; !rc && i < json_count(versions); i++)
        rc = parse_version(name, json_at(versions, i), list, err);
    return rc;
}

int purge_list_parse(const char *name, const void *bytes, size_t len, struct purge_list *ret,
                     struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    CLEANUP_PURGE_LIST struct purge_list list = {0};
    int rc = json_parse(name, bytes, len, &json, err);
    if (rc)
        return error_recode(err, EUCLEAN);
    rc = parse(name, json, &list, err);
    if (rc)
        return rc;
    *ret = list;
    list = (struct purge_list){0};
    return 0;
}
