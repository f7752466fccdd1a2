// SPDX-License-Identifier: Apache-2.0
/* `elidefs blame`: of one clip, who set each value and event, and in which version. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/json.h"
#include "query/say/place.h"
#include "tools/commands.h"
#include "tools/meant.h"
#include "tools/mount_list.h"
#include "tools/session.h"

static const struct option_spec options[] = {
    {"json", 0, NULL, false, "print each value and event as a line of JSON"},
    {NULL, 0, NULL, false, NULL},
};

struct blame {
    struct dataset *dataset;
    const char *attribute; /* NULL: all */
    bool json, found;
    const char *key;
};

/* Versions that are not readable any more, or are forgotten and gone, have no author to name. */
static const char *author_of(struct blame *blame, uint32_t version, struct buf *time)
{
    const struct manifest *manifest;
    if (!version || dataset_manifest(blame->dataset, version, &manifest, NULL) || manifest->stub)
        return "";
    instant_print(time, manifest->time_ns - manifest->time_ns % 1000000000);
    return manifest->author;
}

static void print_json(struct blame *blame, const char *name, const char *value,
                       const struct catalog_origin *origin)
{
    CLEANUP_BUF struct buf line = BUF_INIT, time = BUF_INIT;
    const char *author = author_of(blame, origin->version, &time);
    buf_text_append(&line, "{\"key\":");
    json_write_text(&line, blame->key, strlen(blame->key));
    buf_text_append(&line, ",\"attribute\":");
    json_write_text(&line, name, strlen(name));
    buf_printf(&line, ",\"value\":%s,\"by\":", value);
    json_write_text(&line, origin->setter, strlen(origin->setter));
    if (origin->version)
        buf_printf(&line, ",\"version\":%u,\"time\":\"%s\",\"author\":", origin->version, buf_text(&time));
    else
        buf_text_append(&line, ",\"version\":null,\"time\":null,\"author\":");
    json_write_text(&line, author, strlen(author));
    buf_u8(&line, '}');
    puts(buf_text(&line));
}

/* A line such as: outcome=fail   anna   v3   2026-03-01T12:00:00Z ada@lab */
static void print_text(struct blame *blame, const char *what, const struct catalog_origin *origin)
{
    CLEANUP_BUF struct buf time = BUF_INIT;
    const char *author = author_of(blame, origin->version, &time);
    if (origin->version)
        printf("%-40s %-16s v%-5u %s %s\n", what, origin->setter, origin->version, buf_text(&time), author);
    else
        printf("%-40s %-16s %s\n", what, origin->setter, "before that was recorded");
}

static int print_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                       const struct catalog_origin *origin, struct error *err)
{
    struct blame *blame = ctx;
    CLEANUP_BUF struct buf text = BUF_INIT;
    (void)err;
    if (blame->attribute && strcmp(blame->attribute, attribute->name) != 0)
        return 0;
    blame->found = true;
    if (blame->json) {
        value_print_json(&text, value);
        print_json(blame, attribute->name, buf_text(&text), origin);
    } else {
        buf_printf(&text, "%s=", attribute->name);
        value_print(&text, value);
        print_text(blame, buf_text(&text), origin);
    }
    return 0;
}

static int print_event(void *ctx, const struct catalog_event *event, struct error *err)
{
    struct blame *blame = ctx;
    struct value start = {.type = VALUE_DURATION, .integer = event->start_ns},
                 end = {.type = VALUE_DURATION, .integer = event->end_ns};
    CLEANUP_BUF struct buf text = BUF_INIT;
    (void)err;
    blame->found = true;
    if (blame->json) {
        buf_text_append(&text, "{\"label\":");
        value_print_json(&text, &event->label);
        buf_text_append(&text, ",\"start\":");
        value_print_json(&text, &start);
        buf_text_append(&text, ",\"end\":");
        value_print_json(&text, &end);
        buf_u8(&text, '}');
        print_json(blame, "event", buf_text(&text), &event->origin);
    } else {
        buf_text_append(&text, "event=");
        value_print(&text, &event->label);
        buf_u8(&text, ' ');
        value_print(&text, &start);
        buf_text_append(&text, "..");
        value_print(&text, &end);
        print_text(blame, buf_text(&text), &event->origin);
    }
    return 0;
}

static int refuse_attribute(struct catalog_reader *reader, const char *name, struct error *err)
{
    CLEANUP_BUF struct buf meant = BUF_INIT;
    meant_attribute(reader, name, &meant);
    return error_set(err, ENOENT, "there is no attribute '%s'%s", name, buf_text(&meant));
}

static int blame_clip(struct blame *blame, struct catalog_reader *reader, uint32_t row, struct error *err)
{
    struct catalog_clip clip;
    struct catalog_attribute attribute;
    int rc = catalog_clip(reader, row, &clip, err);
    if (!rc && blame->attribute)
        rc = catalog_attribute_find(reader, blame->attribute, strlen(blame->attribute), &attribute, err);
    if (rc == -ENOENT)
        return refuse_attribute(reader, blame->attribute, err);
    if (rc)
        return rc;
    CLEANUP_FREE char *key = mem_text(clip.key);
    blame->key = key;
    rc = catalog_blame(reader, row, print_value, blame, err);
    if (!rc && (!blame->attribute || !strcmp(blame->attribute, "event")))
        rc = catalog_events(reader, row, print_event, blame, err);
    if (!rc && blame->attribute && !blame->found)
        rc = error_set(err, ENOENT, "the clip '%s' has no '%s'", key, blame->attribute);
    blame->key = NULL;
    return rc;
}

/* As the file of its labels would be refused, which names the nearest. */
static int refuse_clip(struct session *session, const struct place *place, const char *key,
                       const struct error *why, struct error *err)
{
    CLEANUP_PLACE struct place file = {0};
    CLEANUP_FREE char *path = mem_printf("v%" PRIu32 "/%s.json", place->version, key);
    if (why)
        return error_copy(err, why);
    if (!*key)
        return error_set(err, EINVAL,
                         "of which clip? PATH is its file or its key: v12/ep000123.json, ep000123");
    int rc = place_resolve(session->dataset, path, &file, err);
    return rc ? rc : error_set(err, ENOENT, "there is no clip '%s'", key);
}

/* The file of a clip, or its key: v3/ep000001.json, ep000001. */
static int find_clip(struct session *session, struct place *place, struct catalog_reader **ret_reader,
                     uint32_t *ret_row, struct error *err)
{
    const char *slash = strrchr(session->path, '/'), *key = slash ? slash + 1 : session->path;
    struct error why = {0};
    int rc = place_resolve(session->dataset, session->path, place, &why);
    CLEANUP_FREE char *folder = mem_copy(session->path, slash ? (size_t)(slash - session->path) : 0);
    bool by_key = rc == -ENOENT || (!rc && !place->is_file);
    if (by_key) {
        place_done(place);
        *place = (struct place){0};
        if (place_resolve(session->dataset, folder, place, NULL))
            return rc ? error_copy(err, &why) : error_set(err, EINVAL, "%s: is no clip", session->path);
    } else if (rc) {
        return error_copy(err, &why);
    }
    rc = catalog_reader_acquire(place->catalog, PATIENCE_ENDLESS, ret_reader, err);
    *ret_row = place->row;
    if (rc || !by_key)
        return rc;
    rc = catalog_clip_find(*ret_reader, key, strlen(key), ret_row, err);
    return rc == -ENOENT ? refuse_clip(session, place, key, why.code && slash ? &why : NULL, err) : rc;
}

/* DATASET PATH [ATTRIBUTE], or a path inside a mount for the first two. */
static int open_clip(const struct arguments *arguments, struct session *session, const char **ret_attribute,
                     struct error *err)
{
    struct arguments typed = *arguments;
    CLEANUP_MOUNT_LIST struct mount_list mounts = {0};
    CLEANUP_FREE char *rest = NULL;
    bool inside = arguments->count == 2 && !mount_list_read(&mounts, NULL) &&
                  mount_list_find(&mounts, arguments->positional[0], &rest) && *rest;
    if (inside || arguments->count == 3) {
        *ret_attribute = arguments->positional[arguments->count - 1];
        typed.count--;
    }
    return session_open_path(&typed, session, err);
}

static int run(const struct arguments *arguments, struct error *err)
{
    CLEANUP_SESSION struct session session = {0};
    CLEANUP_PLACE struct place place = {0};
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    struct blame blame = {.json = arguments_flag(arguments, "json")};
    uint32_t row;
    int rc = open_clip(arguments, &session, &blame.attribute, err);
    blame.dataset = session.dataset;
    if (!rc)
        rc = find_clip(&session, &place, &reader, &row, err);
    return rc ? rc : blame_clip(&blame, reader, row, err);
}

static const struct command_example examples[] = {
    {"elidefs blame s3://lab-data/kitchen ep000123 outcome", "Who set this outcome"},
    {"elidefs blame /mnt/kitchen/v12/arm=left/ep000123.json", "Who set what, by a path inside a mount"},
    {NULL, NULL},
};

const struct command command_blame = {
    .name = "blame",
    .synopsis = "DATASET PATH [ATTRIBUTE] [OPTION]...",
    .summary = "tells who set the values of a clip, and in which version",
    .description =
        "PATH is a clip's file or its key, behind a version and a query or not: v12/ep000123.json, ep000123. "
        "Prints a line for each value and event: what it is, who set it (a person, a model, or import), the "
        "version in which it last changed, and when and by whom that was committed. A path inside a mount "
        "stands for DATASET PATH.",
    .options = options,
    .store_options = true,
    .cache_options = true,
    .least = 1,
    .most = 3,
    .examples = examples,
    .run = run,
};
