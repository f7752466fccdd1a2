// SPDX-License-Identifier: Apache-2.0
/* The reading half. A log from outside is replayed operation by operation into a new change set; it is
 * accepted if that makes the very same log, so whatever the writer would not write is refused. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "index/commit/changeset_labels.h"
#include "index/commit/changeset_operations.h"
#include "index/commit/changeset_sources.h"

void changeset_reader_done(struct changeset_reader *reader)
{
    free(reader->pieces);
    *reader = CHANGESET_READER(NULL);
}

/* Of a log in a file, what was read is let go of: more of it than was read comes with each jump. */
static void note_read(struct changeset_reader *reader, size_t from, size_t to)
{
    enum { JUMP_BYTES = 1 << 16, HELD_BYTES = 1 << 25 };
    reader->touched += to - from + (from == reader->last ? 0 : JUMP_BYTES);
    reader->last = to;
    if (reader->touched < HELD_BYTES)
        return;
    spool_forget(&reader->set->log);
    reader->touched = 0;
}

int changeset_next(struct changeset_reader *reader, struct changeset_op *ret)
{
    const struct buf *log = &reader->set->log.bytes;
    struct cursor c = cursor_of(log->data, log->len);
    c.at = reader->at ? reader->at : CHANGESET_MAGIC_BYTES;
    size_t from = c.at;
    if (from == log->len)
        return 0;
    bool good = changeset_parse(reader, &c, ret);
    assert(good);
    (void)good;
    note_read(reader, from, c.at);
    reader->at = c.at;
    return 1;
}

struct changeset_op changeset_operation_of(const struct changeset *set, size_t text_at)
{
    struct changeset_reader reader = CHANGESET_READER(set);
    struct changeset_op op;
    reader.at = changeset_op_of_text(text_at, strlen((const char *)set->log.bytes.data + text_at));
    changeset_next(&reader, &op);
    changeset_reader_done(&reader);
    return op;
}

/* ---- decoding ---- */

static int replay_root(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    changeset_root(set, op->text);
    return 0;
}

static int replay_object(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    uint32_t id;
    return changeset_object(set, op->root, op->text, op->size, op->pin, &id, err);
}

static int replay_table(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    if (strlen(op->text) > CHANGESET_CONTAINER_MAX)
        return error_set(err, EINVAL, "'%s' is no container", op->text);
    changeset_table(set, op->id, op->text, op->bytes, op->len);
    return 0;
}

/* Bytes in another spelling than ours would not be those that are written again. */
static int replay_evidence(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    const struct changeset_object *object = &set->object_list[op->id];
    CLEANUP_BUF struct buf again = BUF_INIT;
    struct evidence evidence;
    bool sound = op->len && evidence_decode(op->bytes, op->len, object->size, &evidence);
    if (sound)
        evidence_encode(&evidence, &again);
    if (!sound || again.len != op->len || memcmp(again.data, op->bytes, op->len) != 0)
        return error_set(err, EINVAL, "object %u has evidence of nothing", op->id);
    if (object->has_evidence)
        return error_set(err, EINVAL, "object %u has evidence twice", op->id);
    changeset_evidence(set, op->id, &evidence);
    return 0;
}

static int replay_attribute(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_attribute(set, op->text, op->type, op->multi, err);
}

static int replay_partial(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    changeset_partial(set, op->text);
    return 0;
}

static int replay_clip(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    struct changeset_clip clip = {
        .key = op->text, .t0_ns = op->t0_ns, .t1_ns = op->t1_ns, .source = op->source};
    memcpy(clip.fingerprint, op->fingerprint, sizeof clip.fingerprint);
    return changeset_clip(set, &clip, err);
}

static int replay_value(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_value(set, op->text, &op->value, err);
}

static int replay_stream(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    struct slice slice = SLICE_INIT;
    slice.pieces = (struct slice_piece *)(uintptr_t)op->pieces; /* borrowed, and only read */
    slice.count = op->piece_count;
    slice.inline_bytes = (struct buf){(uint8_t *)(uintptr_t)op->bytes, op->len, op->len};
    slice.size = op->size;
    slice.preroll_ns = op->preroll_ns;
    slice.reason = (char *)(uintptr_t)op->reason;
    struct changeset_stream stream = {op->text, op->ext, op->container, op->id, &slice};
    return changeset_stream(set, &stream, err);
}

static int replay_extra(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    changeset_extra(set, op->bytes, op->len);
    return 0;
}

static int replay_source(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    uint32_t id;
    return changeset_source_begin(set, op->root, op->text, &id, err);
}

static int replay_file(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_source_file(set, op->text, op->bytes, op->len, err);
}

static int replay_of_source(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    changeset_of_source(set, op->id);
    return 0;
}

static int replay_labels_of(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_labels_of(set, op->text, err);
}

static int replay_hide(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    changeset_hide(set);
    return 0;
}

static int replay_remove(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_remove(set, op->text, err);
}

static int replay_setter(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    struct changeset_setter setter = {op->text, (enum changeset_policy)op->policy, op->other};
    return changeset_setter(set, &setter, err);
}

static int replay_labels(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_labels(set, op->text, op->place, err);
}

static int replay_none(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_none(set, op->text, err);
}

static int replay_events(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_events(set, op->text, err);
}

static int replay_event(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_event(set, op->start_ns, op->end_ns, err);
}

static int replay_rename(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_rename(set, op->text, op->other, err);
}

static int replay_describe(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_describe(set, op->text, op->other, err);
}

static int replay_drop(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_drop(set, op->text, err);
}

static int replay_to_text(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    return changeset_to_text(set, op->text, err);
}

#define OPERATION(kind, number, name, fields, needs, replay, intake) [number] = replay,
static int (*const replays[])(struct changeset *set, const struct changeset_op *op, struct error *err) = {
#include "index/commit/operations.def"
};
#undef OPERATION

static int replay(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    int rc = changeset_check(set, op->kind, err);
    if (!rc)
        rc = replays[op->kind](set, op, err);
    return rc ? error_within(err, rc, "%s", changeset_operation_name(op->kind)) : 0;
}

int changeset_decode(const void *bytes, size_t len, struct changeset **ret, struct error *err)
{
    struct cursor c = cursor_of(bytes, len);
    const uint8_t *magic = cursor_bytes(&c, CHANGESET_MAGIC_BYTES);
    if (!magic || memcmp(magic, CHANGESET_MAGIC, sizeof "elidcs" - 1) != 0)
        return error_set(err, EINVAL, "this is no change set");
    if (memcmp(magic, CHANGESET_MAGIC, CHANGESET_MAGIC_BYTES) != 0)
        return error_set(err, ENOTSUP,
                         "this change set is of another elidefs than this one, " ELIDEFS_VERSION
                         ": make it again here, or commit it there");
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    struct changeset_reader pieces = CHANGESET_READER(set);
    int rc = 0;
    while (!rc && cursor_left(&c)) {
        size_t at = c.at;
        struct changeset_op op;
        if (!changeset_parse(&pieces, &c, &op))
            rc = error_set(err, EINVAL, "change set: no operation at offset %zu", at);
        else if ((rc = replay(set, &op, err)))
            error_prefix(err, "change set: offset %zu", at);
        else if (set->log.bytes.len != c.at || memcmp(set->log.bytes.data + at, c.data + at, c.at - at) != 0)
            rc = error_set(err, EINVAL, "change set: the operation at offset %zu is not in canonical form",
                           at);
    }
    changeset_reader_done(&pieces);
    if (!rc)
        *ret = STEAL(set);
    return rc;
}
