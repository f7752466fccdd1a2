// SPDX-License-Identifier: Apache-2.0
/* A model in plain arrays, from which the change set is made that a real catalog is built of. */
#include "tests/query/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/hash.h"
#include "index/catalog/schema.h"
#include "index/commit/apply/apply.h"
#include "index/commit/changeset.h"

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "world: %s\n", err->text);
    abort();
}

void world_done(struct world *world)
{
    for (size_t i = 0; i < world->text_count; i++)
        free(world->texts[i]);
    free(world->texts);
    free(world->clips);
    *world = (struct world){0};
}

struct world_clip *world_add(struct world *world, const char *key)
{
    if (!world->clips)
        world->clips = mem_zero(WORLD_CLIPS_MAX * sizeof *world->clips);
    struct world_clip *clip = &world->clips[world->count++];
    snprintf(clip->key, sizeof clip->key, "%s", key);
    return clip;
}

void world_value(struct world *world, struct world_clip *clip, const char *attribute, const char *text)
{
    struct error err;
    struct value value;
    struct buf list = BUF_INIT;
    size_t i = 0;
    while (strcmp(world->attributes[i].name, attribute) != 0)
        i++;
    mem_grow(&world->texts, &world->text_cap, world->text_count + 1, sizeof *world->texts);
    text = world->texts[world->text_count++] = mem_text(text);
    must(value_parse_in(&list, world->attributes[i].type, text, strlen(text), &value, &err), &err);
    if (value.type == VALUE_LIST) {
        mem_grow(&world->texts, &world->text_cap, world->text_count + 1, sizeof *world->texts);
        value.text = world->texts[world->text_count++] = (char *)buf_steal(&list);
    }
    for (size_t k = 0; k < clip->values[i].count; k++)
        if (value_compare(&clip->values[i].list[k], &value) == 0)
            return;
    clip->values[i].list[clip->values[i].count++] = value;
}

void world_add_line(struct world *world, char *line)
{
    char *word, *rest = line, *value;
    struct world_clip *clip = world_add(world, strsep(&rest, " "));
    while ((word = strsep(&rest, " "))) {
        char *name = strsep(&word, "=");
        while ((value = strsep(&word, ",")))
            world_value(world, clip, name, value);
    }
}

static void add_stream(struct changeset *set, uint32_t object, const char *name, const char *ext, size_t len)
{
    struct error err;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    slice_add_range(&slice, 0, len);
    struct changeset_stream stream = {
        .name = name, .ext = ext, .container = ext, .object = object, .slice = &slice};
    must(changeset_stream(set, &stream, &err), &err);
}

static void add_clip(struct changeset *set, const struct world *world, const struct world_clip *from,
                     uint32_t object)
{
    struct error err;
    struct changeset_clip clip = {
        .key = from->key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "world"};
    sha256_of(from->key, strlen(from->key), clip.fingerprint);
    must(changeset_clip(set, &clip, &err), &err);
    for (size_t i = 0; world->attributes[i].name; i++)
        for (size_t k = 0; k < from->values[i].count; k++)
            must(changeset_value(set, world->attributes[i].name, &from->values[i].list[k], &err), &err);
    size_t len = strlen(from->key);
    add_stream(set, object, "front", "mp4", 1000 + len);
    add_stream(set, object, "wrist", "mp4", 2000 + len);
    add_stream(set, object, "state", "parquet", 300 + len);
}

static int root_id(void *ctx, const char *url, uint32_t *ret, struct error *err)
{
    *ret = 1;
    return 0;
}

static bool anyone_has(const struct world *world, size_t attribute)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->clips[i].values[attribute].count)
            return true;
    return false;
}

struct changeset *world_changeset(const struct world *world)
{
    struct error err;
    struct changeset *set = changeset_new();
    uint32_t object, root = changeset_root(set, "file:///recordings");
    must(changeset_object(set, root, "all.mp4", 100000, "pin", &object, &err), &err);
    for (size_t i = 0; world->attributes[i].name; i++)
        if (anyone_has(world, i))
            must(changeset_attribute(set, world->attributes[i].name, world->attributes[i].type,
                                     world->attributes[i].multi, &err),
                 &err);
    for (size_t i = 0; i < world->count; i++)
        add_clip(set, world, &world->clips[i], object);
    return set;
}

static int open_parent(void *ctx, uint32_t version, const struct catalog_patience *patience,
                       struct catalog **ret, struct error *err)
{
    const struct world_catalog *parent = ctx;
    if (version != 1)
        return error_set(err, ENOENT, "there is no v%u", version);
    *ret = catalog_ref(parent->catalog);
    return 0;
}

void world_open(const struct world *world, struct world_catalog *ret)
{
    world_open_next(world, NULL, ret);
}

void world_open_next(const struct world *world, const struct world_catalog *parent, struct world_catalog *ret)
{
    struct error err;
    CLEANUP_CHANGESET struct changeset *set = world_changeset(world);
    *ret = (struct world_catalog){0};
    must(file_make_temp_folder(NULL, "world", &ret->folder, &err), &err);
    ret->path = mem_printf("%s/catalog.db", ret->folder);
    CLEANUP_OVERLAY struct overlay *file = NULL;
    must(parent ? overlay_new_plain(parent->path, SCHEMA_PAGE_BYTES, &file, &err)
                : overlay_new(NULL, SCHEMA_PAGE_BYTES, &file, &err),
         &err);
    struct apply_options options = {
        .file = file, .version = parent ? 2 : 1, .time_ns = 1000000000, .root_id = root_id};
    struct apply_counts counts;
    must(apply(&options, set, &counts, &err), &err);
    must(overlay_save(file, ret->path, &(struct catalog_patience){0}, &err), &err);
    must(catalog_open_path(ret->path, &ret->catalog, &err), &err);
    if (parent)
        catalog_set_siblings(ret->catalog, open_parent, (void *)(uintptr_t)parent);
    must(catalog_reader_acquire(ret->catalog, &(struct catalog_patience){0}, &ret->reader, &err), &err);
}

void world_close(struct world_catalog *open)
{
    catalog_reader_release(open->reader);
    catalog_unref(open->catalog);
    file_remove_tree(open->folder, NULL);
    free(open->folder);
    free(open->path);
    *open = (struct world_catalog){0};
}

const struct world_attribute world_kitchen_attributes[] = {
    {"arm", VALUE_TEXT, false},       {"day", VALUE_TIME, false},    {"duration", VALUE_DURATION, false},
    {"force", VALUE_FLOAT, false},    {"length", VALUE_INT, false},  {"ok", VALUE_BOOL, false},
    {"outcome", VALUE_TEXT, false},   {"tags", VALUE_TEXT, true},    {"task", VALUE_TEXT, false},
    {"_odd+name", VALUE_TEXT, false}, {"joints", VALUE_LIST, false}, {NULL, VALUE_BOOL, false},
};

void world_kitchen(struct world *ret, struct world_catalog *ret_open)
{
    char lines[][128] = {
        "ep000 arm=left outcome=ok tags=cube,red length=250 force=1.5 day=2026-03-01 duration=2.5 ok=true",
        "ep001 arm=left outcome=fail tags=cube length=260 force=2.5 day=2026-03-01T12:00 duration=3 ok=false",
        "ep002 arm=right outcome=ok tags=ball,red length=250 day=2026-03-02 duration=2500ms ok=true",
        "ep003 arm=right outcome=drop length=9 force=-1 day=2026-04-01",
        "ep004 arm=both outcome=fail tags=cube,blue length=10",
        "ep005 outcome=ok length=-5",
        "ep006 arm=left outcome=fail tags=ball force=1e3",
        "ep007 arm=right outcome=ok",
    };
    *ret = (struct world){.attributes = world_kitchen_attributes};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        world_add_line(ret, lines[i]);
        world_value(ret, &ret->clips[i], "task", i < 3 ? "pick up the cube" : "put it down");
    }
    world_value(ret, &ret->clips[7], "_odd+name", "a/b, c..d");
    world_value(ret, &ret->clips[0], "joints", "[0.5,-1.5,0.5]");
    world_value(ret, &ret->clips[1], "joints", "[]");
    world_open(ret, ret_open);
}
