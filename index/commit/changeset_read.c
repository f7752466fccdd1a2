// SPDX-License-Identifier: Apache-2.0
/* The reading half. A log from outside is replayed operation by operation into a new change set; it is
 * accepted if that makes the very same log, so whatever the writer would not write is refused. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "index/commit/changeset_labels.h"
#include "index/commit/changeset_log.h"

static const char *parse_text(struct cursor *c)
{
    uint64_t len = cursor_varint(c);
    const char *text = (const char *)cursor_bytes(c, len);
    if (!text || cursor_u8(c) != 0 || memchr(text, 0, len))
        c->failed = true;
    return c->failed ? "" : text;
}

static void parse_bytes(struct cursor *c, struct changeset_op *op)
{
    op->len = cursor_varint(c);
    op->bytes = cursor_bytes(c, op->len);
    if (c->failed || op->len > CLIP_BYTES_MAX)
        c->failed = true;
}

static uint32_t parse_number(struct cursor *c, size_t count)
{
    uint64_t number = cursor_varint(c);
    if (number >= count)
        c->failed = true;
    return c->failed ? 0 : (uint32_t)number;
}

static bool parse_flag(struct cursor *c)
{
    uint8_t flag = cursor_u8(c);
    if (flag > 1)
        c->failed = true;
    return flag;
}

static void parse_object(const struct changeset *set, struct cursor *c, struct changeset_op *op)
{
    op->id = parse_number(c, UINT32_MAX);
    op->root = parse_number(c, strmap_count(set->roots));
    op->text = parse_text(c);
    op->size = cursor_varint(c);
    op->pin = parse_text(c);
}

static void parse_clip(struct cursor *c, struct changeset_op *op)
{
    op->text = parse_text(c);
    const uint8_t *fingerprint = cursor_bytes(c, SHA256_BYTES);
    if (fingerprint)
        memcpy(op->fingerprint, fingerprint, SHA256_BYTES);
    op->t0_ns = (int64_t)cursor_le64(c);
    op->t1_ns = (int64_t)cursor_le64(c);
    op->source = parse_text(c);
}

static void parse_value(const struct changeset *set, struct cursor *c, struct changeset_op *op)
{
    op->id = parse_number(c, strmap_count(set->attributes));
    if (c->failed)
        return;
    const struct changeset_attribute *attribute = &set->attribute_list[op->id];
    op->text = attribute->name;
    value_decode_unchecked(c, attribute->type, &op->value); /* changeset_value() checks it, or has done so */
}

static void parse_pieces(struct cursor *c, struct changeset_reader *reader, struct changeset_op *op)
{
    enum { PIECE_BYTES_MIN = 3 };
    uint64_t count = cursor_varint(c);
    if (c->failed || count > cursor_left(c) / PIECE_BYTES_MIN) {
        c->failed = true;
        return;
    }
    mem_grow(&reader->pieces, &reader->cap, count, sizeof *reader->pieces);
    for (uint64_t i = 0; i < count; i++) {
        struct slice_piece *piece = &reader->pieces[i];
        piece->kind = (enum slice_kind)cursor_u8(c);
        piece->offset = cursor_varint(c);
        piece->len = cursor_varint(c);
        op->size += piece->len;
    }
    op->pieces = reader->pieces;
    op->piece_count = count;
}

static void parse_stream(const struct changeset *set, struct cursor *c, struct changeset_reader *reader,
                         struct changeset_op *op)
{
    op->text = parse_text(c);
    op->ext = parse_text(c);
    op->container = parse_text(c);
    uint32_t object = parse_number(c, strmap_count(set->objects) + 1);
    op->id = object ? object - 1 : CHANGESET_NO_OBJECT;
    op->reason = parse_text(c);
    if (strlen(op->reason) >= SLICE_REASON_BYTES)
        c->failed = true;
    op->preroll_ns = value_decode_signed(c);
    parse_bytes(c, op);
    parse_pieces(c, reader, op);
}

static void parse_label_op(const struct changeset *set, struct cursor *c, struct changeset_op *op)
{
    switch (op->kind) {
    case CHANGESET_SETTER:
        op->text = parse_text(c);
        op->policy = cursor_u8(c);
        op->other = parse_text(c);
        break;
    case CHANGESET_LABELS:
        op->text = parse_text(c);
        op->place = cursor_varint(c);
        break;
    case CHANGESET_EVENTS:
    case CHANGESET_DROP:
    case CHANGESET_TO_TEXT:
        op->text = parse_text(c);
        break;
    case CHANGESET_NONE:
    case CHANGESET_PARTIAL:
        op->id = parse_number(c, strmap_count(set->attributes));
        op->text = c->failed ? "" : set->attribute_list[op->id].name;
        break;
    case CHANGESET_EVENT:
        op->start_ns = value_decode_signed(c);
        op->end_ns = value_decode_signed(c);
        break;
    case CHANGESET_RENAME:
    case CHANGESET_DESCRIBE:
        op->text = parse_text(c);
        op->other = parse_text(c);
        break;
    default:
        c->failed = true;
    }
}

/* Parses one operation at the cursor, structure only. False: it is none. */
static bool parse_op(const struct changeset *set, struct cursor *c, struct changeset_reader *pieces,
                     struct changeset_op *ret)
{
    *ret = (struct changeset_op){.kind = (enum changeset_kind)cursor_u8(c)};
    switch (ret->kind) {
    case CHANGESET_ROOT:
        ret->id = parse_number(c, UINT32_MAX);
        ret->text = parse_text(c);
        break;
    case CHANGESET_OBJECT:
        parse_object(set, c, ret);
        break;
    case CHANGESET_TABLE:
        ret->id = parse_number(c, strmap_count(set->objects));
        ret->text = parse_text(c);
        parse_bytes(c, ret);
        break;
    case CHANGESET_EVIDENCE:
        ret->id = parse_number(c, strmap_count(set->objects));
        parse_bytes(c, ret);
        break;
    case CHANGESET_ATTRIBUTE:
        ret->id = parse_number(c, UINT32_MAX);
        ret->text = parse_text(c);
        ret->type = (enum value_type)cursor_u8(c);
        ret->multi = parse_flag(c);
        break;
    case CHANGESET_CLIP:
        parse_clip(c, ret);
        break;
    case CHANGESET_VALUE:
        parse_value(set, c, ret);
        break;
    case CHANGESET_STREAM:
        parse_stream(set, c, pieces, ret);
        break;
    case CHANGESET_EXTRA:
        parse_bytes(c, ret);
        break;
    case CHANGESET_HIDE:
        break;
    case CHANGESET_REMOVE:
    case CHANGESET_LABELS_OF:
        ret->text = parse_text(c);
        break;
    default:
        parse_label_op(set, c, ret);
    }
    return !c->failed;
}

void changeset_reader_done(struct changeset_reader *reader)
{
    free(reader->pieces);
    *reader = CHANGESET_READER(NULL);
}

int changeset_next(struct changeset_reader *reader, struct changeset_op *ret)
{
    const struct buf *log = &reader->set->log;
    struct cursor c = cursor_of(log->data, log->len);
    c.at = reader->at ? reader->at : CHANGESET_MAGIC_BYTES;
    if (c.at == log->len)
        return 0;
    bool good = parse_op(reader->set, &c, reader, ret);
    assert(good);
    (void)good;
    reader->at = c.at;
    return 1;
}

/* ---- decoding ---- */

static int replay_stream(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    struct slice slice = SLICE_INIT;
    slice.pieces = (struct slice_piece *)(uintptr_t)op->pieces; /* borrowed, and only read */
    slice.count = op->piece_count;
    slice.inline_bytes = (struct buf){(uint8_t *)(uintptr_t)op->bytes, op->len, op->len};
    slice.size = op->size;
    slice.preroll_ns = op->preroll_ns;
    memcpy(slice.reason, op->reason, strlen(op->reason) + 1);
    struct changeset_stream stream = {op->text, op->ext, op->container, op->id, &slice};
    return changeset_stream(set, &stream, err);
}

static int replay_labels(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    struct changeset_setter setter = {op->text, (enum changeset_policy)op->policy, op->other};
    switch (op->kind) {
    case CHANGESET_SETTER:
        return changeset_setter(set, &setter, err);
    case CHANGESET_LABELS:
        return changeset_labels(set, op->text, op->place, err);
    case CHANGESET_RENAME:
        return changeset_rename(set, op->text, op->other, err);
    case CHANGESET_DESCRIBE:
        return changeset_describe(set, op->text, op->other, err);
    case CHANGESET_DROP:
        return changeset_drop(set, op->text, err);
    case CHANGESET_TO_TEXT:
        return changeset_to_text(set, op->text, err);
    case CHANGESET_PARTIAL:
        if (set->clips.count)
            return error_set(err, EINVAL, "what is said of '%s' comes behind a clip", op->text);
        changeset_partial(set, op->text);
        return 0;
    default:
        break;
    }
    if (!changeset_key(set) || (!set->has_labels && op->kind != CHANGESET_NONE))
        return error_set(err, EINVAL, "a label comes before the clip it belongs to");
    if (op->kind == CHANGESET_NONE)
        return changeset_none(set, op->text, err);
    return op->kind == CHANGESET_EVENTS ? changeset_events(set, op->text, err)
                                        : changeset_event(set, op->start_ns, op->end_ns, err);
}

static int replay_in_clip(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    if (op->kind >= CHANGESET_SETTER && op->kind != CHANGESET_HIDE)
        return replay_labels(set, op, err);
    if (!changeset_key(set))
        return error_set(err, EINVAL, "a value or stream comes before the first clip");
    if (op->kind == CHANGESET_VALUE)
        return changeset_value(set, op->text, &op->value, err);
    if (set->has_labels)
        return error_set(err, EINVAL, "%s: labels bring no streams", changeset_key(set));
    if (op->kind == CHANGESET_STREAM)
        return replay_stream(set, op, err);
    if (op->kind == CHANGESET_LABELS_OF)
        return changeset_labels_of(set, op->text, err);
    if (op->kind == CHANGESET_HIDE) {
        if (set->hidden)
            return error_set(err, EINVAL, "%s: is hidden twice", changeset_key(set));
        changeset_hide(set);
        return 0;
    }
    if (set->has_extra)
        return error_set(err, EINVAL, "%s: has a second extra", changeset_key(set));
    changeset_extra(set, op->bytes, op->len);
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

static int replay(struct changeset *set, const struct changeset_op *op, struct error *err)
{
    uint32_t id;
    switch (op->kind) {
    case CHANGESET_ROOT:
        changeset_root(set, op->text);
        return 0;
    case CHANGESET_OBJECT:
        return changeset_object(set, op->root, op->text, op->size, op->pin, &id, err);
    case CHANGESET_EVIDENCE:
        return replay_evidence(set, op, err);
    case CHANGESET_TABLE:
        if (strlen(op->text) > CHANGESET_CONTAINER_MAX)
            return error_set(err, EINVAL, "'%s' is no container", op->text);
        changeset_table(set, op->id, op->text, op->bytes, op->len);
        return 0;
    case CHANGESET_ATTRIBUTE:
        return changeset_attribute(set, op->text, op->type, op->multi, err);
    case CHANGESET_CLIP: {
        struct changeset_clip clip = {
            .key = op->text, .t0_ns = op->t0_ns, .t1_ns = op->t1_ns, .source = op->source};
        memcpy(clip.fingerprint, op->fingerprint, sizeof clip.fingerprint);
        return changeset_clip(set, &clip, err);
    }
    case CHANGESET_REMOVE:
        return changeset_remove(set, op->text, err);
    case CHANGESET_VALUE:
    case CHANGESET_STREAM:
    case CHANGESET_EXTRA:
    case CHANGESET_LABELS_OF:
    case CHANGESET_HIDE:
    default:
        break;
    }
    return replay_in_clip(set, op, err);
}

int changeset_decode(const void *bytes, size_t len, struct changeset **ret, struct error *err)
{
    struct cursor c = cursor_of(bytes, len);
    const uint8_t *magic = cursor_bytes(&c, CHANGESET_MAGIC_BYTES);
    if (!magic || memcmp(magic, CHANGESET_MAGIC, CHANGESET_MAGIC_BYTES) != 0)
        return error_set(err, EINVAL, "this is no change set");
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    struct changeset_reader pieces = CHANGESET_READER(set);
    int rc = 0;
    while (!rc && cursor_left(&c)) {
        size_t at = c.at;
        struct changeset_op op;
        if (!parse_op(set, &c, &pieces, &op))
            rc = error_set(err, EINVAL, "change set: no operation at offset %zu", at);
        else if ((rc = replay(set, &op, err)))
            error_prefix(err, "change set: offset %zu", at);
        else if (set->log.len != c.at || memcmp(set->log.data + at, c.data + at, c.at - at) != 0)
            rc = error_set(err, EINVAL, "change set: the operation at offset %zu is not in canonical form",
                           at);
    }
    changeset_reader_done(&pieces);
    if (!rc)
        *ret = STEAL(set);
    return rc;
}
