// SPDX-License-Identifier: Apache-2.0
/* One table says how each operation is spelled and when it may come, so that writing, reading and checking
 * cannot differ. */
#include "index/commit/changeset_operations.h"

#include <errno.h>
#include <string.h>

enum field_type {
    FIELD_END,
    FIELD_ID,             /* uint32_t: the number the operation gives to what it declares */
    FIELD_ROOT,           /* uint32_t: the number of one that was declared before; */
    FIELD_OBJECT,         /* the same; */
    FIELD_OBJECT_OR_NONE, /* the same, one more, or 0 for CHANGESET_NO_OBJECT; */
    FIELD_SOURCE,         /* the same; */
    FIELD_ATTRIBUTE,      /* the same, into `id`; `text` gets its name */
    FIELD_TEXT,           /* const char * */
    FIELD_REASON,         /* const char *, of less than SLICE_REASON_BYTES */
    FIELD_VARINT,         /* uint64_t */
    FIELD_SIGNED,         /* int64_t */
    FIELD_TIME,           /* int64_t, of fixed width */
    FIELD_U8,             /* unsigned, or an enum */
    FIELD_FLAG,           /* bool */
    FIELD_FINGERPRINT,    /* uint8_t[SHA256_BYTES] */
    FIELD_BYTES,          /* bytes and len */
    FIELD_VALUE,          /* value; of the attribute before it */
    FIELD_PIECES,         /* pieces and piece_count; `size` gets their sum */
};
_Static_assert(sizeof(enum value_type) == sizeof(unsigned), "FIELD_U8");
_Static_assert(CHANGESET_NO_OBJECT + 1 == 0, "FIELD_OBJECT_OR_NONE");

enum {
    NEEDS_CLIP = 1, /* its own, or that its labels are for */
    NEEDS_NO_CLIP = 2,
    NEEDS_SETTER = 4,
    NEEDS_NO_SETTER = 8,
    NEEDS_LABELS = 16, /* the set holds labels; */
    NEEDS_NO_LABELS = 32,
    NEEDS_NO_IMPORT = 64, /* clips given or removed */
    NEEDS_NO_ATTRIBUTE = 128,
    NEEDS_EVENTS = 256, /* a label of events is under way */
    NEEDS_NO_EXTRA = 512,
    NEEDS_NOT_HIDDEN = 1024,
    NEEDS_SOURCE = 2048,    /* a source was declared */
    NEEDS_NO_SOURCE = 4096, /* it is not said yet of which the clip is */
};
/* What is wrong if one is not met: the first of these. */
static const struct {
    unsigned need;
    const char *what;
} unmet[] = {
    {NEEDS_CLIP, "comes before the clip it belongs to"},
    {NEEDS_NO_CLIP, "comes behind a clip"},
    {NEEDS_SETTER, "it is not said who sets the labels"},
    {NEEDS_NO_SETTER, "who sets the values is said already"},
    {NEEDS_LABELS, "comes before the labels it belongs to"},
    {NEEDS_NO_LABELS | NEEDS_NO_IMPORT, "a change set holds clips or labels, not both"},
    {NEEDS_NO_ATTRIBUTE, "comes behind the declaration of an attribute"},
    {NEEDS_EVENTS, "comes before the label of its events"},
    {NEEDS_NO_EXTRA, "the clip has one already"},
    {NEEDS_NOT_HIDDEN, "the clip is hidden already"},
    {NEEDS_SOURCE, "comes before the source it belongs to"},
    {NEEDS_NO_SOURCE, "the clip is of a source already"},
};

enum { FIELDS_MAX = 8 };
struct field {
    enum field_type type;
    size_t member; /* its offset in struct changeset_op */
};
struct operation {
    const char *name;
    struct field fields[FIELDS_MAX + 1];
    unsigned needs;
};
#define F(type, member)                                                                                      \
    {                                                                                                        \
        FIELD_##type, offsetof(struct changeset_op, member)                                                  \
    }
#define FIELDS(...)                                                                                          \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define NO_FIELDS                                                    FIELDS(F(END, kind))
#define OPERATION(kind, number, name, fields, needs, replay, intake) [number] = {name, fields, needs},
static const struct operation operations[] = {
#include "index/commit/operations.def"
};
#undef OPERATION

/* ---- needs ---- */

static unsigned lacks(const struct changeset *set, enum changeset_kind kind)
{
    size_t sources = strmap_count(set->sources);
    bool imports = changeset_clips(set) || changeset_removals(set) || sources;
    unsigned has = (set->key_at ? NEEDS_CLIP : 0) | (set->clips.count ? 0 : NEEDS_NO_CLIP) |
                   (set->has_setter ? NEEDS_SETTER : NEEDS_NO_SETTER) |
                   (set->has_labels ? NEEDS_LABELS : NEEDS_NO_LABELS) |
                   (set->has_labels || !imports ? NEEDS_NO_IMPORT : 0) |
                   (strmap_count(set->attributes) ? 0 : NEEDS_NO_ATTRIBUTE) |
                   (set->label_at ? NEEDS_EVENTS : 0) | (set->has_extra ? 0 : NEEDS_NO_EXTRA) |
                   (set->hidden ? 0 : NEEDS_NOT_HIDDEN) | (sources ? NEEDS_SOURCE : 0) |
                   (set->has_source ? 0 : NEEDS_NO_SOURCE);
    return operations[kind].needs & ~has;
}

bool changeset_allows(const struct changeset *set, enum changeset_kind kind)
{
    return !lacks(set, kind);
}

int changeset_check(const struct changeset *set, enum changeset_kind kind, struct error *err)
{
    unsigned lacking = lacks(set, kind);
    if (!lacking)
        return spool_check(&set->log, err);
    size_t i = 0;
    while (!(unmet[i].need & lacking))
        i++;
    return error_set(err, EINVAL, "%s", unmet[i].what);
}

const char *changeset_operation_name(enum changeset_kind kind)
{
    return operations[kind].name;
}

/* ---- writing ---- */

static size_t append_text(struct buf *log, const char *text)
{
    size_t len = strlen(text);
    buf_varint(log, len);
    size_t at = log->len;
    buf_append(log, text, len + 1);
    return at;
}

static void append_pieces(struct buf *log, const struct changeset_op *op)
{
    buf_varint(log, op->piece_count);
    for (size_t i = 0; i < op->piece_count; i++) {
        buf_u8(log, (uint8_t)op->pieces[i].kind);
        buf_varint(log, op->pieces[i].offset);
        buf_varint(log, op->pieces[i].len);
    }
}

/* All but texts. */
static void append_field(struct buf *log, const struct field *field, const struct changeset_op *op)
{
    const void *member = (const char *)op + field->member;
    switch (field->type) {
    case FIELD_ID:
    case FIELD_ROOT:
    case FIELD_OBJECT:
    case FIELD_SOURCE:
    case FIELD_ATTRIBUTE:
        buf_varint(log, *(const uint32_t *)member);
        break;
    case FIELD_OBJECT_OR_NONE:
        buf_varint(log, *(const uint32_t *)member + 1);
        break;
    case FIELD_VARINT:
        buf_varint(log, *(const uint64_t *)member);
        break;
    case FIELD_SIGNED:
        value_encode_signed(log, *(const int64_t *)member);
        break;
    case FIELD_TIME:
        buf_le64(log, (uint64_t) * (const int64_t *)member);
        break;
    case FIELD_U8:
        buf_u8(log, (uint8_t) * (const unsigned *)member);
        break;
    case FIELD_FLAG:
        buf_u8(log, *(const bool *)member);
        break;
    case FIELD_FINGERPRINT:
        buf_append(log, member, SHA256_BYTES);
        break;
    case FIELD_BYTES:
        buf_varint(log, op->len);
        buf_append(log, op->bytes, op->len);
        break;
    case FIELD_VALUE:
        value_encode(log, &op->value);
        break;
    case FIELD_PIECES:
        append_pieces(log, op);
        break;
    case FIELD_TEXT:
    case FIELD_REASON:
    case FIELD_END:
        break;
    }
}

struct changeset_texts changeset_append(struct changeset *set, const struct changeset_op *op)
{
    struct changeset_texts texts = {{0}};
    struct buf *bytes = &set->operation;
    size_t count = 0, at = set->log.bytes.len;
    buf_clear(bytes);
    buf_u8(bytes, (uint8_t)op->kind);
    for (const struct field *field = operations[op->kind].fields; field->type != FIELD_END; field++)
        if (field->type == FIELD_TEXT || field->type == FIELD_REASON)
            texts.at[count++] =
                at +
                append_text(bytes, *(const char *const *)(const void *)((const char *)op + field->member));
        else
            append_field(bytes, field, op);
    spool_append(&set->log, bytes->data, bytes->len);
    return texts;
}

/* ---- reading ---- */

static const char *parse_text(struct cursor *c)
{
    uint64_t len = cursor_varint(c);
    const char *text = (const char *)cursor_bytes(c, len);
    if (!text || cursor_u8(c) != 0 || memchr(text, 0, len))
        c->failed = true;
    return c->failed ? "" : text;
}

static const char *parse_reason(struct cursor *c)
{
    const char *reason = parse_text(c);
    if (strlen(reason) >= SLICE_REASON_BYTES)
        c->failed = true;
    return reason;
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

static void parse_fingerprint(struct cursor *c, struct changeset_op *op)
{
    const uint8_t *fingerprint = cursor_bytes(c, SHA256_BYTES);
    if (fingerprint)
        memcpy(op->fingerprint, fingerprint, SHA256_BYTES);
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

static void parse_number_field(const struct changeset *set, struct cursor *c, enum field_type type,
                               uint32_t *ret)
{
    size_t objects = strmap_count(set->objects);
    if (type == FIELD_ID)
        *ret = parse_number(c, UINT32_MAX);
    else if (type == FIELD_ROOT)
        *ret = parse_number(c, strmap_count(set->roots));
    else if (type == FIELD_SOURCE)
        *ret = parse_number(c, strmap_count(set->sources));
    else if (type == FIELD_OBJECT)
        *ret = parse_number(c, objects);
    else
        *ret = parse_number(c, objects + 1) - 1;
}

static void parse_attribute(const struct changeset *set, struct cursor *c, struct changeset_op *op)
{
    op->id = parse_number(c, strmap_count(set->attributes));
    op->text = c->failed ? "" : set->attribute_list[op->id].name;
}

static void parse_field(struct changeset_reader *reader, struct cursor *c, const struct field *field,
                        struct changeset_op *op)
{
    const struct changeset *set = reader->set;
    void *member = (char *)op + field->member;
    switch (field->type) {
    case FIELD_ID:
    case FIELD_ROOT:
    case FIELD_OBJECT:
    case FIELD_OBJECT_OR_NONE:
    case FIELD_SOURCE:
        parse_number_field(set, c, field->type, member);
        break;
    case FIELD_ATTRIBUTE:
        parse_attribute(set, c, op);
        break;
    case FIELD_TEXT:
        *(const char **)member = parse_text(c);
        break;
    case FIELD_REASON:
        *(const char **)member = parse_reason(c);
        break;
    case FIELD_VARINT:
        *(uint64_t *)member = cursor_varint(c);
        break;
    case FIELD_SIGNED:
        *(int64_t *)member = value_decode_signed(c);
        break;
    case FIELD_TIME:
        *(int64_t *)member = (int64_t)cursor_le64(c);
        break;
    case FIELD_U8:
        *(unsigned *)member = cursor_u8(c);
        break;
    case FIELD_FLAG:
        *(bool *)member = parse_flag(c);
        break;
    case FIELD_FINGERPRINT:
        parse_fingerprint(c, op);
        break;
    case FIELD_BYTES:
        parse_bytes(c, op);
        break;
    case FIELD_VALUE: /* its writer checks it, or has done so */
        value_decode_unchecked(c, set->attribute_list[op->id].type, &op->value);
        break;
    case FIELD_PIECES:
        parse_pieces(c, reader, op);
        break;
    case FIELD_END:
        break;
    }
}

bool changeset_parse(struct changeset_reader *reader, struct cursor *c, struct changeset_op *ret)
{
    uint8_t kind = cursor_u8(c);
    if (kind >= sizeof operations / sizeof *operations || !operations[kind].name)
        return false;
    *ret = (struct changeset_op){.kind = (enum changeset_kind)kind};
    for (const struct field *field = operations[kind].fields; field->type != FIELD_END && !c->failed; field++)
        parse_field(reader, c, field, ret);
    return !c->failed;
}
