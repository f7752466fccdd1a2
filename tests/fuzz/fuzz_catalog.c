// SPDX-License-Identifier: Apache-2.0
/*
 * A small catalog with some of its bytes changed: every function of a reader answers or fails, and none
 * crashes or hangs; and apply() on it, too. Input: patches of (u32 offset, u8 length, bytes), little endian;
 * the same input is also read as each kind of group of rows.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "cache/base/cursor.h"
#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "index/base/clip.h"
#include "index/catalog/catalog_known.h"
#include "index/catalog/groups/ident.h"
#include "index/catalog/groups/json_growth.h"
#include "index/catalog/groups/names.h"
#include "index/catalog/groups/newest.h"
#include "index/catalog/groups/sizes.h"
#include "index/catalog/groups/streams.h"
#include "tests/catalog/versions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIPS = 60, PATIENCE_NS = 2000000000 };

/* As many clips, and one that they do not have in common with other sets. */
static struct changeset *clips(int print, enum value_type force)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "task", VALUE_TEXT, true);
    set_attribute(set, "length", VALUE_INT, false);
    set_attribute(set, "force", force, false);
    set_attribute(set, "box", VALUE_LIST, false);
    for (int i = 0; i < CLIPS; i++) {
        char key[16], text[16];
        snprintf(key, sizeof key, "ep%02d", i);
        snprintf(text, sizeof text, "%d", i * 7 % 40);
        set_clip(set, key, i + print);
        set_value(set, "task", VALUE_TEXT, i % 9 ? "lift" : "push");
        set_value(set, "length", VALUE_INT, text);
        if (i % 3)
            set_value(set, "force", force, "0.25");
        if (i % 4)
            set_value(set, "box", VALUE_LIST, print % 2 ? "[40,10.5,null]" : "[40]");
        set_stream(set, "front", "a.mp4", 100, 900);
    }
    changeset_extra(set, "extra", 5);
    set_clip(set, print == 1 ? "one" : print == 2 ? "two" : "three", CLIPS + print);
    set_value(set, "task", VALUE_TEXT, "push");
    return set;
}

static struct changeset *labels(const char *setter)
{
    static const double spans[] = {0.5, 1, 2, 3, -1};
    struct changeset *set = labels_by(setter, CHANGESET_ALL);
    set_attribute(set, "task", VALUE_TEXT, true);
    set_attribute(set, "box", VALUE_LIST, false);
    set_labels(set, "ep07", 1);
    set_value(set, "task", VALUE_TEXT, setter);
    set_value(set, "box", VALUE_LIST, "[]");
    set_events(set, "grasp", spans);
    set_labels(set, "ep40", 2);
    set_events(set, "slip", spans);
    return set;
}

/* With as many runs of hashes as merge when one more comes. */
static int add_runs(struct versions *v)
{
    int rc = 0;
    for (int i = 0; !rc && i < 6; i++) {
        char key[16];
        struct changeset *set = changeset_new();
        snprintf(key, sizeof key, "more%d", i);
        set_clip(set, key, 100 + i);
        set_stream(set, "front", key, 100, 900);
        rc = versions_apply(v, set);
    }
    return rc;
}

static void make_base(struct buf *base)
{
    struct versions v;
    struct error err;
    static const struct apply_limits at_once = {
        .tail_rows = CLIPS + 1}; /* so that there are groups of growth, and runs */
    struct changeset *late = changeset_new();
    changeset_to_text(late, "force", NULL);
    versions_init(&v);
    v.limits = &at_once;
    if (versions_apply(&v, clips(1, VALUE_FLOAT)) || versions_apply(&v, late) ||
        versions_apply(&v, labels("anna")))
        __builtin_trap();
    v.limits = NULL;
    if (versions_apply(&v, labels("lena")) || versions_apply(&v, clips(3, VALUE_TEXT)) || add_runs(&v))
        __builtin_trap();
    CLEANUP_FREE char *path = versions_path(&v, v.head);
    if (file_read(path, 1 << 24, base, &err))
        __builtin_trap();
    versions_done(&v);
}

static int count_value(void *ctx, const struct value *value, uint64_t count, struct error *err)
{
    return 0;
}

static int count_clip_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                            struct error *err)
{
    return 0;
}

static int count_blame(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                       const struct catalog_origin *origin, struct error *err)
{
    return 0;
}

static int count_event(void *ctx, const struct catalog_event *event, struct error *err)
{
    return 0;
}

static int ask_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct catalog_reader *reader = ctx;
    struct value values[2] = {{.type = attribute->type, .text = "lift", .len = 4},
                              {.type = attribute->type, .text = "push", .len = 4}};
    struct value prefix = {.type = VALUE_TEXT, .text = "1", .len = 1};
    if (attribute->type == VALUE_FLOAT)
        values[0].real = 0.25, values[1].real = 8;
    else if (attribute->type != VALUE_TEXT)
        values[0].integer = 1, values[1].integer = 20;
    for (int op = CATALOG_EQ; op <= CATALOG_HAS; op++) {
        struct catalog_literal literal = {.attribute = attribute->id,
                                          .op = (enum catalog_op)op,
                                          .values = op == CATALOG_PREFIX ? &prefix : values,
                                          .count = 1};
        struct rowset *rows = NULL;
        uint64_t guess;
        if (!catalog_select(reader, &literal, &rows, NULL))
            rowset_unref(rows);
        catalog_estimate(reader, &literal, &guess, NULL);
    }
    catalog_values(reader, attribute->id, count_value, NULL, NULL);
    return 0;
}

static void ask_clip(struct catalog_reader *reader, uint32_t row)
{
    struct catalog_clip clip;
    struct catalog_stream stream;
    struct catalog_object object;
    CLEANUP_BUF struct buf buf = BUF_INIT;
    catalog_clip(reader, row, &clip, NULL);
    catalog_json(reader, row, &buf, NULL);
    catalog_extra(reader, row, &buf, NULL);
    catalog_clip_values(reader, row, count_clip_value, NULL, NULL);
    catalog_blame(reader, row, count_blame, NULL, NULL);
    catalog_events(reader, row, count_event, NULL, NULL);
    if (catalog_stream(reader, row, 0, &stream, NULL))
        return;
    if (!catalog_object(reader, stream.object, &object, NULL))
        catalog_object_done(&object);
    catalog_stream_done(&stream);
}

static int count_known(void *ctx, const char *key, const struct catalog_known *known, struct error *err)
{
    return 0;
}

static int count_stream(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    return 0;
}

static int count_object(void *ctx, uint32_t id, const struct catalog_object *object, struct error *err)
{
    return 0;
}

static void ask_known(struct catalog_reader *reader)
{
    struct catalog_known known;
    uint32_t found;
    uint8_t fingerprint[SHA256_BYTES] = {0};
    memset(fingerprint, 9, 8);
    catalog_known_key(reader, "ep07", &known, NULL);
    catalog_known_key(reader, "none", &known, NULL);
    catalog_known_content(reader, fingerprint, count_known, NULL, NULL);
    catalog_known_object(reader, 0, "a.mp4", 0, NULL, &found, NULL);
    catalog_known_objects(reader, 1, "a.mp4", count_object, NULL, NULL);
}

static void ask_rows(struct catalog_reader *reader)
{
    struct rowset *rows = NULL;
    struct catalog_known known;
    for (uint32_t since = 0; since < 3; since++)
        if (!catalog_changed_since(reader, since, since == 1, &rows, NULL))
            rowset_unref(rows);
    catalog_known_key(reader, "ep33", &known, NULL);
    catalog_known_streams(reader, count_stream, NULL, NULL);
    catalog_known_reads(reader, count_stream, NULL, NULL);
}

/* ---- groups of rows ---- */

static void decode_names(const uint8_t *data, size_t size)
{
    static struct names names;
    struct names_template template;
    if (!names_decode(data, size, &names))
        for (uint32_t i = names.rows; i--;)
            names_key(&names, i);
    if (!names_template_decode(data, size, &template))
        names_template_done(&template);
}

static void decode_sizes(const uint8_t *data, size_t size)
{
    static struct catalog_file files[CLIP_STREAMS_MAX];
    uint32_t changed[SIZES_ROWS], rows;
    struct ident_row ident;
    for (uint32_t i = 0; i < SIZES_ROWS; i += 15) {
        struct sizes_row row = {.files = files};
        sizes_decode(data, size, i, &row);
        ident_decode(data, size, i, &ident);
    }
    sizes_changed(data, size, false, changed, &rows);
}

static void decode_streams(const uint8_t *data, size_t size)
{
    struct streams_row rows[STREAMS_ROWS];
    struct streams_entry entry;
    for (uint32_t i = 0; i < STREAMS_ROWS; i += 7)
        for (uint32_t number = 0; number < 3; number++)
            if (!streams_decode(data, size, i, number, &entry)) {
                struct catalog_stream stream = {.size = 906, .object = entry.object};
                streams_give_pieces(&entry, &stream);
                streams_reads(&entry);
                catalog_stream_done(&stream);
            }
    if (!streams_decode_all(data, size, rows))
        streams_rows_done(rows);
}

static void decode_growth(const uint8_t *data, size_t size)
{
    static uint32_t versions[NEWEST_GROUPS];
    struct json_growth growth = {0};
    struct json_growth_head head;
    struct json_growth_entry entry;
    struct grown grown;
    uint32_t groups;
    json_growth_decode(data, size, 30, &head, &growth);
    json_growth_settle(&growth);
    json_growth_done(&growth);
    if (!grown_decode(data, size, &grown))
        for (uint32_t i = 0; i < GROWN_ROWS; i++)
            grown_find(&grown, i, &entry);
    newest_decode(data, size, versions, &groups);
}

static void ask(const char *path)
{
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct catalog_patience patience = {.deadline_ns = clock_now_ns() + PATIENCE_NS};
    struct error err;
    if (catalog_open_path(path, &catalog, &err))
        return;
    if (!catalog_reader_acquire(catalog, &patience, &reader, &err)) {
        uint32_t row;
        int64_t time;
        catalog_attributes(reader, ask_attribute, reader, NULL);
        for (row = 0; row < CLIPS; row += 7)
            ask_clip(reader, row);
        catalog_clip_find(reader, "ep33", 4, &row, NULL);
        ask_known(reader);
        catalog_commit_time(reader, 1, &time, NULL);
        ask_rows(reader);
        catalog_reader_release(reader);
    }
    catalog_unref(catalog);
}

static void apply_to(const char *path, struct changeset *set)
{
    CLEANUP_OVERLAY struct overlay *file = NULL;
    struct apply_counts counts;
    struct error err;
    if (set && !overlay_new_plain(path, SCHEMA_PAGE_BYTES, &file, &err)) {
        struct apply_options options = {.file = file, .version = 100};
        apply(&options, set, &counts, &err);
    }
    changeset_free(set);
}

static struct changeset *drop_task(void)
{
    struct changeset *set = changeset_new();
    changeset_drop(set, "task", NULL);
    changeset_to_text(set, "box", NULL);
    changeset_rename(set, "length", "size", NULL);
    return set;
}

static void patch(struct buf *file, const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(data, size);
    while (cursor_left(&c)) {
        uint32_t offset = cursor_le32(&c) % (uint32_t)file->len;
        uint8_t len = cursor_u8(&c);
        const uint8_t *bytes = cursor_bytes(&c, len);
        if (!bytes || c.failed)
            return;
        if (len <= file->len - offset)
            memcpy(file->data + offset, bytes, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buf base; /* made once: it takes longer than all the rest */
    if (!base.len)
        make_base(&base);
    decode_names(data, size);
    decode_sizes(data, size);
    decode_streams(data, size);
    decode_growth(data, size);
    CLEANUP_BUF struct buf file = BUF_INIT;
    buf_append(&file, base.data, base.len);
    patch(&file, data, size);
    CLEANUP_CLOSE int fd = memfd_create("catalog", MFD_CLOEXEC);
    if (fd < 0 || file_write_all(fd, file.data, file.len))
        return 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ask(path);
    apply_to(path, clips(2, VALUE_TEXT));
    apply_to(path, labels("net-7"));
    apply_to(path, drop_task());
    return 0;
}
