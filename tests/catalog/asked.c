// SPDX-License-Identifier: Apache-2.0
/*
 * Asks all that a reader can be asked, and mixes all answers into one number; an error that is no damage is
 * strange.
 */
#include "tests/catalog/asked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/base/clip.h"
#include "index/catalog/catalog_known.h"

enum { PATIENCE_NS = 2000000000 };

struct asking {
    struct catalog_reader *reader;
    struct asked *asked;
};

static void mix(struct asked *asked, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        asked->answers = (asked->answers ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
}

static void mix_number(struct asked *asked, int64_t number)
{
    mix(asked, &number, sizeof number);
}

static void mix_text(struct asked *asked, const char *text)
{
    mix(asked, text, strlen(text) + 1);
}

static void mix_value(struct asked *asked, const struct value *value)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    value_print(&text, value);
    mix(asked, text.data, text.len);
}

static void strange(struct asked *asked, const char *question, int code, const char *what)
{
    if (!asked->strange.code)
        error_set(&asked->strange, code, "%s: %s", question, what);
}

/* How a question ended; true: with an answer. That something is not there is one, too. */
static bool answered(struct asked *asked, const char *question, int rc, const struct error *err)
{
    if (rc >= 0 || rc == -ENOENT) {
        mix_number(asked, rc);
        return rc >= 0;
    }
    if (rc != -EUCLEAN || err->code != EUCLEAN)
        strange(asked, question, err->code ? err->code : EPROTO, err->text);
    else if (strncmp(err->text, "catalog ", 8) != 0 || !strstr(err->text, " is damaged: "))
        strange(asked, question, err->code ? err->code : EPROTO, err->text);
    else if (!asked->damaged++)
        asked->said = *err;
    return false;
}

/* ---- attributes ---- */

static int take_value(void *ctx, const struct value *value, uint64_t count, struct error *err)
{
    mix_value(ctx, value);
    mix_number(ctx, (int64_t)count);
    return 0;
}

static void ask_select(struct asking *asking, const struct catalog_literal *literal)
{
    struct error err = {0};
    struct rowset *rows = NULL;
    uint64_t guess;
    if (answered(asking->asked, "select", catalog_select(asking->reader, literal, &rows, &err), &err)) {
        uint32_t list[256];
        size_t got;
        for (uint64_t from = 0; (got = rowset_rows(rows, from, list, 256)) > 0; from = list[got - 1] + 1ull)
            mix(asking->asked, list, got * sizeof *list);
        rowset_unref(rows);
    }
    answered(asking->asked, "estimate", catalog_estimate(asking->reader, literal, &guess, &err), &err);
}

static int take_value_rows(void *ctx, const struct value *value, const struct rowset *rows, struct error *err)
{
    mix_value(ctx, value);
    mix_number(ctx, (int64_t)rowset_count(rows));
    return 0;
}

static void ask_values(struct asking *asking, uint32_t attribute)
{
    struct error err = {0};
    CLEANUP_ROWSET struct rowset *live = NULL;
    struct asked *asked = asking->asked;
    answered(asked, "values", catalog_values(asking->reader, attribute, take_value, asked, &err), &err);
    if (answered(asked, "live", catalog_live(asking->reader, &live, &err), &err))
        answered(asked, "values within",
                 catalog_values_within(asking->reader, attribute, live, take_value_rows, asked, &err), &err);
}

static int ask_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *ret_err)
{
    struct asking *asking = ctx;
    struct asked *asked = asking->asked;
    struct value values[2] = {{.type = attribute->type, .text = "lift", .len = 4},
                              {.type = attribute->type, .text = "push", .len = 4}};
    struct value prefix = {.type = VALUE_TEXT, .text = "1", .len = 1};
    struct catalog_counts counts;
    struct error err = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    if (attribute->type == VALUE_FLOAT)
        values[0].real = 0.25, values[1].real = 8;
    else if (attribute->type == VALUE_BOOL)
        values[0].boolean = false, values[1].boolean = true;
    else if (attribute->type != VALUE_TEXT)
        values[0].integer = 1, values[1].integer = 30;
    mix_text(asked, attribute->name);
    mix_number(asked, attribute->type * 2 + attribute->multi);
    bool list = attribute->type == VALUE_LIST;
    for (int op = CATALOG_EQ; op <= CATALOG_HAS; op++) {
        if (list && op < CATALOG_NULL)
            continue;
        struct catalog_literal literal = {.attribute = attribute->id,
                                          .op = (enum catalog_op)op,
                                          .values = op >= CATALOG_PREFIX ? &prefix : values,
                                          .count = 1};
        ask_select(asking, &literal);
        literal.open_low = true; /* wider, which is looked up elsewhere */
        if (op == CATALOG_RANGE)
            ask_select(asking, &literal);
    }
    ask_values(asking, attribute->id);
    if (answered(asked, "counts", catalog_attribute_counts(asking->reader, attribute->id, &counts, &err),
                 &err))
        mix_number(asked, (int64_t)(counts.clips * 7 + counts.distinct));
    if (answered(asked, "description", catalog_description(asking->reader, attribute->id, &text, &err), &err))
        mix(asked, text.data, text.len);
    return 0;
}

/* ---- clips ---- */

static int take_clip_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                           struct error *err)
{
    mix_text(ctx, attribute->name);
    return 0;
}

static int take_blame(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                      const struct catalog_origin *origin, struct error *err)
{
    mix_text(ctx, origin->setter);
    mix_number(ctx, origin->version);
    return 0;
}

static int take_event(void *ctx, const struct catalog_event *event, struct error *err)
{
    mix_value(ctx, &event->label);
    mix_number(ctx, event->start_ns);
    mix_number(ctx, event->end_ns);
    mix_text(ctx, event->origin.setter);
    return 0;
}

static void ask_object(struct asking *asking, uint32_t id)
{
    struct catalog_object object;
    struct evidence evidence;
    struct error err = {0};
    CLEANUP_BUF struct buf buf = BUF_INIT;
    if (!answered(asking->asked, "object", catalog_object(asking->reader, id, &object, &err), &err))
        return;
    mix_text(asking->asked, object.path);
    mix_text(asking->asked, object.pin);
    mix_number(asking->asked, object.root);
    answered(asking->asked, "recording", catalog_known_recording(asking->reader, id, "mp4", &buf, &err),
             &err);
    mix(asking->asked, buf.data, buf.len);
    if (catalog_known_evidence(asking->reader, id, object.size, &evidence, &err) == -EUCLEAN)
        answered(asking->asked, "evidence", -EUCLEAN, &err);
    catalog_object_done(&object);
}

static void ask_streams(struct asking *asking, uint32_t row)
{
    struct error err = {0};
    int rc = 0;
    for (uint32_t number = 0; !rc && number < CLIP_STREAMS_MAX; number++) {
        struct catalog_stream stream;
        rc = catalog_stream(asking->reader, row, number, &stream, &err);
        if (!answered(asking->asked, "stream", rc, &err))
            continue;
        mix_number(asking->asked, (int64_t)stream.size);
        for (size_t i = 0; i < stream.piece_count; i++) {
            mix_number(asking->asked, (int64_t)stream.pieces[i].offset);
            mix_number(asking->asked, (int64_t)stream.pieces[i].len);
        }
        mix(asking->asked, stream.inline_bytes.data, stream.inline_bytes.len);
        mix_text(asking->asked, stream.reason);
        if (stream.object != CATALOG_NO_OBJECT)
            ask_object(asking, stream.object);
        catalog_stream_done(&stream);
    }
}

/* The size that a listing gives is that of the file. */
static void ask_json(struct asking *asking, uint32_t row, const struct catalog_clip *clip)
{
    struct error err = {0};
    CLEANUP_BUF struct buf buf = BUF_INIT;
    uint64_t size = clip->json_size;
    if (!answered(asking->asked, "json", catalog_json(asking->reader, row, &buf, &err), &err))
        return;
    mix(asking->asked, buf.data, buf.len);
    if (buf.len != size)
        strange(asking->asked, "json", EPROTO, "is not as long as it was said");
}

static int take_source(void *ctx, const struct catalog_source *source, struct error *err)
{
    mix_number(ctx, (int64_t)((uint64_t)source->root << 32 | source->changed));
    mix_text(ctx, source->folder);
    return 0;
}

static int take_file_name(void *ctx, const char *name, uint64_t size, struct error *err)
{
    mix_text(ctx, name);
    mix_number(ctx, (int64_t)size);
    return 0;
}

static void ask_source(struct asking *asking, uint32_t row)
{
    struct catalog_reader *reader = asking->reader;
    struct asked *asked = asking->asked;
    struct error err = {0};
    CLEANUP_BUF struct buf buf = BUF_INIT;
    uint32_t source;
    if (!answered(asked, "source", catalog_clip_source(reader, row, &source, &err), &err))
        return;
    mix_number(asked, source);
    answered(asked, "one source", catalog_source(reader, source, take_source, asked, &err), &err);
    answered(asked, "files", catalog_source_files(reader, source, take_file_name, asked, &err), &err);
    if (answered(asked, "file", catalog_source_file(reader, source, "meta/info.json", &buf, &err), &err))
        mix(asked, buf.data, buf.len);
}

static void ask_clip(struct asking *asking, uint32_t row)
{
    struct catalog_reader *reader = asking->reader;
    struct asked *asked = asking->asked;
    struct error err = {0};
    struct catalog_clip clip;
    struct catalog_span span;
    CLEANUP_BUF struct buf buf = BUF_INIT;
    if (answered(asked, "clip", catalog_clip(reader, row, &clip, &err), &err)) {
        mix_text(asked, clip.key);
        for (uint32_t i = 0; i < clip.file_count; i++) {
            mix_text(asked, clip.files[i].name);
            mix_text(asked, clip.files[i].ext);
            mix_number(asked, (int64_t)clip.files[i].size);
            mix_number(asked, clip.files[i].changed);
        }
        mix_number(asked, clip.json_changed);
        ask_json(asking, row, &clip);
    }
    if (answered(asked, "span", catalog_span(reader, row, &span, &err), &err))
        mix(asked, &span, sizeof span);
    if (answered(asked, "extra", catalog_extra(reader, row, &buf, &err), &err))
        mix(asked, buf.data, buf.len);
    ask_source(asking, row);
    answered(asked, "clip values", catalog_clip_values(reader, row, take_clip_value, asked, &err), &err);
    answered(asked, "blame", catalog_blame(reader, row, take_blame, asked, &err), &err);
    answered(asked, "events", catalog_events(reader, row, take_event, asked, &err), &err);
    ask_streams(asking, row);
}

/* ---- what an import and a comparison ask ---- */

static int take_known(void *ctx, const char *key, const struct catalog_known *known, struct error *err)
{
    mix_text(ctx, key);
    return 0;
}

static int take_stream(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    mix_number(ctx, (int64_t)row << 32 | object);
    return 0;
}

static int take_object(void *ctx, uint32_t id, const struct catalog_object *object, struct error *err)
{
    mix_number(ctx, id);
    return 0;
}

static void ask_key(struct asking *asking, const char *key)
{
    struct catalog_known known;
    struct error err = {0};
    uint8_t fingerprint[SHA256_BYTES] = {0};
    uint32_t row;
    if (answered(asking->asked, "find", catalog_clip_find(asking->reader, key, strlen(key), &row, &err),
                 &err))
        mix_number(asking->asked, row);
    int rc = catalog_known_key(asking->reader, key, &known, &err);
    if (!answered(asking->asked, "known key", rc, &err) || !rc)
        return;
    memcpy(fingerprint, known.print, sizeof known.print);
    answered(asking->asked, "known content",
             catalog_known_content(asking->reader, fingerprint, take_known, asking->asked, &err), &err);
}

static void ask_known(struct asking *asking)
{
    static const char *const names[] = {"length", "size", "none"};
    struct catalog_reader *reader = asking->reader;
    struct asked *asked = asking->asked;
    struct error err = {0};
    uint32_t found;
    uint8_t fingerprint[SHA256_BYTES] = {0};
    memset(fingerprint, 9, 8);
    answered(asked, "content", catalog_known_content(reader, fingerprint, take_known, asked, &err), &err);
    answered(asked, "object", catalog_known_object(reader, 0, "a.mp4", 0, NULL, &found, &err), &err);
    answered(asked, "objects", catalog_known_objects(reader, 1, "a.mp4", take_object, asked, &err), &err);
    answered(asked, "streams", catalog_known_streams(reader, take_stream, asked, &err), &err);
    answered(asked, "reads", catalog_known_reads(reader, take_stream, asked, &err), &err);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct catalog_attribute attribute;
        answered(asked, "known attribute", catalog_known_attribute(reader, names[i], &attribute, &err), &err);
    }
}

static int take_hash(void *ctx, uint32_t row, uint32_t hash, struct error *err)
{
    struct asked *asked = ctx;
    asked->answers += (uint64_t)row << 32 ^ hash; /* in any order */
    return 0;
}

/* Of all, and of few, which are found in another way. */
static void ask_hashes(struct asking *asking)
{
    struct error err = {0};
    CLEANUP_ROWSET struct rowset *rows = NULL;
    uint32_t row;
    if (!answered(asking->asked, "live", catalog_live(asking->reader, &rows, &err), &err))
        return;
    answered(asking->asked, "hashes",
             catalog_key_hashes(asking->reader, rows, take_hash, asking->asked, &err), &err);
    CLEANUP_ROWSET struct rowset *few = rowset_new();
    for (uint64_t from = 0; rowset_rows(rows, from, &row, 1); from = row + UINT64_C(64))
        rowset_add(few, row);
    answered(asking->asked, "hashes", catalog_key_hashes(asking->reader, few, take_hash, asking->asked, &err),
             &err);
}

static void ask_changes(struct asking *asking, uint32_t version)
{
    struct error err = {0};
    int64_t time;
    for (uint32_t since = 0; since < version && since < 12; since++) {
        struct rowset *rows = NULL;
        int rc = catalog_changed_since(asking->reader, since, since % 2, &rows, &err);
        if (answered(asking->asked, "changes", rc, &err)) {
            mix_number(asking->asked, (int64_t)rowset_count(rows));
            rowset_unref(rows);
        }
        rc = catalog_commit_time(asking->reader, since + 1, &time, &err);
        if (answered(asking->asked, "time", rc, &err))
            mix_number(asking->asked, time);
    }
}

void ask_all(struct catalog_reader *reader, uint32_t step, struct asked *asked)
{
    struct asking asking = {reader, asked};
    struct catalog_info info = {0};
    struct error err = {0};
    if (answered(asked, "info", catalog_info(reader, &info, &err), &err)) {
        mix_number(asked, info.rows);
        mix_number(asked, (int64_t)info.clips);
    }
    answered(asked, "attributes", catalog_attributes(reader, ask_attribute, &asking, &err), &err);
    for (uint32_t row = 0; row <= info.rows && row / step < 1000; row += step)
        ask_clip(&asking, row);
    ask_key(&asking, "ep07");
    ask_key(&asking, "ep33");
    ask_key(&asking, "none");
    ask_known(&asking);
    ask_hashes(&asking);
    ask_changes(&asking, info.version);
}

void ask_path(const char *path, uint32_t step, struct asked *asked)
{
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct catalog_patience patience = {.deadline_ns = clock_now_ns() + PATIENCE_NS};
    struct error err = {0};
    if (!answered(asked, "open", catalog_open_path(path, &catalog, &err), &err))
        return;
    if (answered(asked, "acquire", catalog_reader_acquire(catalog, &patience, &reader, &err), &err)) {
        ask_all(reader, step, asked);
        catalog_reader_release(reader);
    }
    catalog_unref(catalog);
}
