// SPDX-License-Identifier: Apache-2.0
/*
 * Nodes lie in one array and name each other by index: 16 bytes each, so that the footer of a wide file stays
 * small, and one free() ends them. Node 0 is the "none" that absent fields answer with.
 */
#include "index/containers/parquet/thrift.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

enum {
    NODES_MAX = 8 << 20, /* 128 MiB of nodes */
    NESTING_MAX = 32,    /* parquet.thrift needs 8 */
    FIELDS_MAX = 100, /* of one struct; parquet.thrift needs 17. Bounds the search for fields named twice */
};

struct thrift_node {
    thrift_id next; /* sibling, 0: last */
    int16_t field;  /* of a member of a struct */
    uint8_t type;   /* enum thrift_type; THRIFT_NONE: removed */
    uint8_t inner;  /* list, set: type of elements; map: types as on the wire */
    union {
        int64_t integer; /* integers, booleans */
        struct {
            uint32_t at, len;
        } bytes; /* binary, double, uuid */
        struct {
            thrift_id first;
            uint32_t count; /* list, set, map */
        } children;         /* of a map: key, value, key ... */
        struct {
            thrift_id first;
            uint32_t at;
        } record;
    };
};

struct parser {
    struct thrift *tree;
    struct cursor *c;
    const char *reason; /* first failure */
};

void thrift_done(struct thrift *tree)
{
    free(tree->nodes);
    *tree = THRIFT_INIT;
}

static struct thrift_node *node_at(const struct thrift *tree, thrift_id id)
{
    return &tree->nodes[id];
}

static enum thrift_type type_of(const struct thrift *tree, thrift_id id)
{
    return id ? (enum thrift_type)node_at(tree, id)->type : THRIFT_NONE;
}

static thrift_id new_node(struct thrift *tree, enum thrift_type type)
{
    mem_grow(&tree->nodes, &tree->cap, tree->count + 1, sizeof *tree->nodes);
    tree->nodes[tree->count] = (struct thrift_node){.type = (uint8_t)type};
    return (thrift_id)tree->count++;
}

static int64_t read_zigzag(struct cursor *c)
{
    uint64_t value = cursor_varint(c);
    return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

enum thrift_type thrift_read_field(struct cursor *c, int16_t *last_field)
{
    uint8_t head = cursor_u8(c);
    enum thrift_type type = head & 15;
    if (c->failed || type == THRIFT_NONE)
        return THRIFT_NONE;
    int64_t field = head >> 4 ? *last_field + (head >> 4) : read_zigzag(c);
    if (field < INT16_MIN || field > INT16_MAX || type > THRIFT_UUID)
        c->failed = true;
    if (c->failed)
        return THRIFT_NONE;
    *last_field = (int16_t)field;
    return type;
}

enum thrift_type thrift_read_list(struct cursor *c, uint32_t *ret_count)
{
    uint8_t head = cursor_u8(c);
    enum thrift_type type = head & 15;
    uint64_t count = head >> 4 == 15 ? cursor_varint(c) : head >> 4;
    /* every element takes a byte at least, so the bytes left bound what a count may claim */
    if (count > cursor_left(c) || type > THRIFT_UUID || (type == THRIFT_NONE && count))
        c->failed = true;
    *ret_count = c->failed ? 0 : (uint32_t)count;
    return c->failed ? THRIFT_NONE : type;
}

static void fail(struct parser *p, const char *reason)
{
    if (!p->c->failed)
        p->reason = reason;
    p->c->failed = true;
}

static thrift_id parse_value(struct parser *p, enum thrift_type type, bool element, unsigned depth);

static void link_node(struct thrift *tree, thrift_id parent, thrift_id *last, thrift_id child)
{
    if (*last)
        node_at(tree, *last)->next = child;
    else
        node_at(tree, parent)->children.first = child;
    *last = child;
}

static void parse_struct(struct parser *p, thrift_id id, unsigned depth)
{
    node_at(p->tree, id)->record.at = (uint32_t)p->c->at;
    int16_t field = 0, before = 0;
    thrift_id last = 0;
    enum thrift_type type;
    for (unsigned fields = 0; (type = thrift_read_field(p->c, &field)) != THRIFT_NONE; fields++) {
        if (fields == FIELDS_MAX)
            fail(p, "a struct has too many fields");
        if (field <= before && thrift_field(p->tree, id, field))
            fail(p, "a field is there twice");
        before = field;
        thrift_id child = parse_value(p, type, false, depth + 1);
        if (!child)
            return;
        node_at(p->tree, child)->field = field;
        link_node(p->tree, id, &last, child);
    }
}

static void parse_elements(struct parser *p, thrift_id id, uint64_t count, unsigned depth)
{
    uint8_t inner = node_at(p->tree, id)->inner;
    bool map = node_at(p->tree, id)->type == THRIFT_MAP;
    thrift_id last = 0;
    for (uint64_t i = 0; i < count && !p->c->failed; i++) {
        enum thrift_type type = map ? (i % 2 ? inner & 15 : inner >> 4) : inner;
        thrift_id child = parse_value(p, type, true, depth + 1);
        if (child)
            link_node(p->tree, id, &last, child);
    }
}

static void parse_list(struct parser *p, thrift_id id, unsigned depth)
{
    uint32_t count = 0;
    enum thrift_type type = thrift_read_list(p->c, &count);
    node_at(p->tree, id)->inner = (uint8_t)type;
    node_at(p->tree, id)->children.count = count;
    parse_elements(p, id, count, depth);
}

static void parse_map(struct parser *p, thrift_id id, unsigned depth)
{
    uint64_t count = cursor_varint(p->c);
    if (count > cursor_left(p->c) / 2)
        fail(p, "a map is longer than what is left");
    uint8_t inner = count ? cursor_u8(p->c) : 0;
    if (p->c->failed)
        return;
    node_at(p->tree, id)->inner = inner;
    node_at(p->tree, id)->children.count = (uint32_t)count;
    parse_elements(p, id, 2 * count, depth);
}

static void parse_bytes(struct parser *p, thrift_id id, uint64_t len)
{
    size_t at = p->c->at;
    if (!cursor_bytes(p->c, len))
        return;
    node_at(p->tree, id)->bytes.at = (uint32_t)at;
    node_at(p->tree, id)->bytes.len = (uint32_t)len;
}

static void parse_bool(struct parser *p, thrift_id id, enum thrift_type type, bool element)
{
    node_at(p->tree, id)->integer = element ? cursor_u8(p->c) == 1 : type == THRIFT_TRUE;
}

static void parse_into(struct parser *p, thrift_id id, enum thrift_type type, unsigned depth)
{
    switch (type) {
    case THRIFT_I8:
        node_at(p->tree, id)->integer = (int8_t)cursor_u8(p->c);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        node_at(p->tree, id)->integer = read_zigzag(p->c);
        break;
    case THRIFT_DOUBLE:
        parse_bytes(p, id, 8);
        break;
    case THRIFT_UUID:
        parse_bytes(p, id, 16);
        break;
    case THRIFT_BINARY:
        parse_bytes(p, id, cursor_varint(p->c));
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        parse_list(p, id, depth);
        break;
    case THRIFT_MAP:
        parse_map(p, id, depth);
        break;
    case THRIFT_STRUCT:
        parse_struct(p, id, depth);
        break;
    default:
        fail(p, "an unknown type");
    }
}

/* The new node, or 0 after a failure. */
static thrift_id parse_value(struct parser *p, enum thrift_type type, bool element, unsigned depth)
{
    if (depth > NESTING_MAX)
        fail(p, "nested too deep");
    if (p->tree->count >= NODES_MAX)
        fail(p, "too many values");
    if (p->c->failed)
        return 0;
    thrift_id id = new_node(p->tree, type);
    if (type == THRIFT_TRUE || type == THRIFT_FALSE)
        parse_bool(p, id, type, element);
    else
        parse_into(p, id, type, depth);
    return p->c->failed ? 0 : id;
}

int thrift_parse(struct thrift *tree, struct cursor *c, thrift_id *ret_root, struct error *err)
{
    if (c->len > UINT32_MAX)
        return error_set(err, EFBIG, "%zu bytes of Thrift are too many", c->len);
    tree->data = c->data;
    tree->count = 0;
    new_node(tree, THRIFT_NONE);
    struct parser p = {.tree = tree, .c = c, .reason = "the bytes end in the middle of a value"};
    thrift_id root = parse_value(&p, THRIFT_STRUCT, false, 0);
    if (!root)
        return error_set(err, EINVAL, "offset %zu: %s", c->at, p.reason);
    *ret_root = root;
    return 0;
}

bool thrift_skip(struct cursor *c, enum thrift_type type)
{
    CLEANUP_THRIFT struct thrift scratch = {.data = c->data};
    struct parser p = {.tree = &scratch, .c = c};
    bool list = type == THRIFT_LIST || type == THRIFT_SET;
    uint32_t count = 1;
    enum thrift_type element = list ? thrift_read_list(c, &count) : type;
    for (uint32_t i = 0; i < count && !c->failed && c->len <= UINT32_MAX; i++) {
        scratch.count = 0; /* a long list takes the memory of its longest element only */
        new_node(&scratch, THRIFT_NONE);
        parse_value(&p, element, list, 0);
    }
    return !c->failed && c->len <= UINT32_MAX;
}

thrift_id thrift_field(const struct thrift *tree, thrift_id record, int field)
{
    if (type_of(tree, record) != THRIFT_STRUCT)
        return 0;
    thrift_id id = node_at(tree, record)->record.first;
    while (id && (node_at(tree, id)->field != field || node_at(tree, id)->type == THRIFT_NONE))
        id = node_at(tree, id)->next;
    return id;
}

thrift_id thrift_path(const struct thrift *tree, thrift_id record, ...)
{
    va_list fields;
    va_start(fields, record);
    int field;
    while ((field = va_arg(fields, int)) != 0)
        record = thrift_field(tree, record, field);
    va_end(fields);
    return record;
}

static bool is_list(const struct thrift *tree, thrift_id id)
{
    return type_of(tree, id) == THRIFT_LIST || type_of(tree, id) == THRIFT_SET;
}

thrift_id thrift_first(const struct thrift *tree, thrift_id list)
{
    return is_list(tree, list) ? node_at(tree, list)->children.first : 0;
}

thrift_id thrift_next(const struct thrift *tree, thrift_id element)
{
    return element ? node_at(tree, element)->next : 0;
}

size_t thrift_count(const struct thrift *tree, thrift_id list)
{
    return is_list(tree, list) ? node_at(tree, list)->children.count : 0;
}

bool thrift_integer(const struct thrift *tree, thrift_id node, int64_t *ret)
{
    enum thrift_type type = type_of(tree, node);
    if (type < THRIFT_TRUE || type > THRIFT_I64)
        return false;
    *ret = node_at(tree, node)->integer;
    return true;
}

int64_t thrift_integer_or(const struct thrift *tree, thrift_id record, int field, int64_t otherwise)
{
    int64_t value = otherwise;
    thrift_integer(tree, thrift_field(tree, record, field), &value);
    return value;
}

bool thrift_binary(const struct thrift *tree, thrift_id node, const uint8_t **ret, size_t *ret_len)
{
    if (type_of(tree, node) != THRIFT_BINARY)
        return false;
    *ret = tree->data + node_at(tree, node)->bytes.at;
    *ret_len = node_at(tree, node)->bytes.len;
    return true;
}

size_t thrift_offset(const struct thrift *tree, thrift_id record)
{
    return type_of(tree, record) == THRIFT_STRUCT ? node_at(tree, record)->record.at : 0;
}

void thrift_set_integer(struct thrift *tree, thrift_id node, int64_t value)
{
    enum thrift_type type = type_of(tree, node);
    if (type < THRIFT_I8 || type > THRIFT_I64)
        return;
    node_at(tree, node)->integer = value;
    if (type == THRIFT_I8 && value != (int8_t)value) /* the only one whose bytes bound its value */
        node_at(tree, node)->type = THRIFT_I16;
}

void thrift_remove(struct thrift *tree, thrift_id record, int field)
{
    thrift_id id = thrift_field(tree, record, field);
    if (id)
        node_at(tree, id)->type = THRIFT_NONE;
}

void thrift_write_integer(struct buf *buf, int64_t value)
{
    buf_varint(buf, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void thrift_write_field(struct buf *buf, int16_t *last_field, int16_t field, enum thrift_type type)
{
    int delta = field - *last_field;
    if (delta >= 1 && delta <= 15) {
        buf_u8(buf, (uint8_t)(delta << 4 | type));
    } else {
        buf_u8(buf, (uint8_t)type);
        thrift_write_integer(buf, field);
    }
    *last_field = field;
}

void thrift_write_list(struct buf *buf, enum thrift_type element, uint32_t count)
{
    buf_u8(buf, (uint8_t)((count < 15 ? count << 4 : 0xf0) | element));
    if (count >= 15)
        buf_varint(buf, count);
}

static void write_value(const struct thrift *tree, thrift_id id, struct buf *buf);

static void write_members(const struct thrift *tree, thrift_id first, struct buf *buf)
{
    int16_t last = 0;
    for (thrift_id id = first; id; id = node_at(tree, id)->next) {
        const struct thrift_node *node = node_at(tree, id);
        if (node->type == THRIFT_NONE)
            continue;
        bool boolean = node->type == THRIFT_TRUE || node->type == THRIFT_FALSE;
        thrift_write_field(buf, &last, node->field, node->type);
        if (!boolean)
            write_value(tree, id, buf);
    }
    buf_u8(buf, THRIFT_NONE);
}

static void write_children(const struct thrift *tree, const struct thrift_node *node, struct buf *buf)
{
    if (node->type != THRIFT_MAP) {
        thrift_write_list(buf, node->inner, node->children.count);
    } else {
        buf_varint(buf, node->children.count);
        if (node->children.count)
            buf_u8(buf, node->inner);
    }
    for (thrift_id id = node->children.first; id; id = node_at(tree, id)->next)
        write_value(tree, id, buf);
}

static void write_value(const struct thrift *tree, thrift_id id, struct buf *buf)
{
    const struct thrift_node *node = node_at(tree, id);
    switch (node->type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE: /* as an element: 1 is true, 2 false, which also readers of the old "0" take */
        buf_u8(buf, node->integer ? 1 : 2);
        break;
    case THRIFT_I8:
        buf_u8(buf, (uint8_t)node->integer);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        thrift_write_integer(buf, node->integer);
        break;
    case THRIFT_BINARY:
        buf_varint(buf, node->bytes.len);
        buf_append(buf, tree->data + node->bytes.at, node->bytes.len);
        break;
    case THRIFT_DOUBLE:
    case THRIFT_UUID:
        buf_append(buf, tree->data + node->bytes.at, node->bytes.len);
        break;
    case THRIFT_STRUCT:
        write_members(tree, node->record.first, buf);
        break;
    default:
        write_children(tree, node, buf);
    }
}

void thrift_write(const struct thrift *tree, thrift_id record, struct buf *buf)
{
    write_value(tree, record, buf);
}
