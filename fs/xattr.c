// SPDX-License-Identifier: Apache-2.0
/* Both calls walk over all attributes of the clip: one collects names, the other the values of one name. */
#include "fs/xattr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/buf.h"
#include "cache/base/instant.h"
#include "fs/reply.h"
#include "fs/scope.h"
#include "query/files.h"

enum { XATTR_MAX_BYTES = 65536 }; /* the kernel's limit of a value and of a list */

#define PREFIX        "user."
#define SYSTEM_PREFIX "user.elidefs."

/* ---- user.elidefs.* ---- */

struct clip_view {
    struct fs *fs;
    struct catalog_reader *reader;
    struct node_clip clip;
    struct catalog_stream stream;
};

static int put_source(const struct clip_view *view, struct buf *buf, struct error *err)
{
    return dataset_stream_source(view->fs->dataset, view->reader, view->clip.row, view->clip.stream, buf,
                                 err);
}

static int put_range(const struct clip_view *view, struct buf *buf, struct error *err)
{
    for (size_t i = 0; i < view->stream.piece_count; i++) {
        const struct catalog_piece *piece = &view->stream.pieces[i];
        if (piece->kind == EXTENT_OBJECT)
            buf_printf(buf, "%s%llu-%llu", buf->len ? "," : "", (unsigned long long)piece->offset,
                       (unsigned long long)(piece->offset + piece->len - 1));
    }
    return 0;
}

static int put_preroll(const struct clip_view *view, struct buf *buf, struct error *err)
{
    if (view->stream.preroll_ns > 0)
        duration_print(buf, view->stream.preroll_ns);
    return 0;
}

static int put_reason(const struct clip_view *view, struct buf *buf, struct error *err)
{
    buf_text_append(buf, view->stream.reason);
    return 0;
}

/* An empty value: the file has no such attribute. */
static const struct system_attribute {
    const char *name;
    int (*put)(const struct clip_view *view, struct buf *buf, struct error *err);
} system_attributes[] = {
    {SYSTEM_PREFIX "source", put_source},
    {SYSTEM_PREFIX "range", put_range},
    {SYSTEM_PREFIX "preroll", put_preroll},
    {SYSTEM_PREFIX "reason", put_reason},
};
enum { SYSTEM_ATTRIBUTES = sizeof system_attributes / sizeof *system_attributes };

static int view_open(struct task *task, struct catalog_reader *reader, struct clip_view *ret,
                     struct error *err)
{
    struct clip_view view = {.fs = task->fs, .reader = reader, .clip = node_clip(task->ino)};
    int rc = catalog_stream(reader, view.clip.row, view.clip.stream, &view.stream, err);
    if (rc == 0)
        *ret = view;
    return rc;
}

/* One of them by name, or all names if `name` is NULL. */
static int walk_system(struct task *task, struct catalog_reader *reader, const char *name, struct buf *buf,
                       struct error *err)
{
    struct clip_view view;
    if (node_clip(task->ino).stream == FILES_STREAM_JSON)
        return 0; /* made from the catalog: it has no source */
    int rc = view_open(task, reader, &view, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < SYSTEM_ATTRIBUTES && rc == 0; i++) {
        CLEANUP_BUF struct buf value = BUF_INIT;
        if (name && strcmp(name, system_attributes[i].name) != 0)
            continue;
        rc = system_attributes[i].put(&view, &value, err);
        if (rc == 0 && value.len && name)
            buf_append(buf, value.data, value.len);
        else if (rc == 0 && value.len)
            buf_append(buf, system_attributes[i].name, strlen(system_attributes[i].name) + 1);
    }
    catalog_stream_done(&view.stream);
    return rc < 0 ? rc : 0;
}

/* ---- user.<attribute> ---- */

static int add_name(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                    struct error *err)
{
    struct buf *buf = ctx;
    size_t len = strlen(attribute->name) + sizeof PREFIX; /* with the NUL byte */
    if (buf->len >= len && strcmp((char *)buf->data + buf->len - len + strlen(PREFIX), attribute->name) == 0)
        return 0; /* another value of the same */
    buf_text_append(buf, PREFIX);
    buf_append(buf, attribute->name, len - strlen(PREFIX));
    return buf->len > XATTR_MAX_BYTES ? error_set(err, E2BIG, "too many attributes for one list") : 0;
}

struct wanted {
    const char *name;
    struct buf *buf;
    bool several; /* as a JSON list */
};

static int add_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                     struct error *err)
{
    struct wanted *wanted = ctx;
    if (strcmp(attribute->name, wanted->name) != 0)
        return 0;
    if (attribute->multi)
        buf_text_append(wanted->buf, wanted->several ? "," : "[");
    wanted->several = attribute->multi;
    if (attribute->multi)
        value_print_json(wanted->buf, value);
    else
        value_print(wanted->buf, value);
    return wanted->buf->len > XATTR_MAX_BYTES
               ? error_set(err, E2BIG, "%s: too long for an xattr", wanted->name)
               : 0;
}

static int get_attribute(struct task *task, struct catalog_reader *reader, struct buf *buf, struct error *err)
{
    struct wanted wanted = {.name = task->name + strlen(PREFIX), .buf = buf};
    int rc = catalog_clip_values(reader, node_clip(task->ino).row, add_value, &wanted, err);
    if (rc == 0 && wanted.several)
        buf_text_append(buf, "]");
    return rc;
}

int xattr_get(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    CLEANUP_BUF struct buf value = BUF_INIT;
    /* security.* and ACLs: a file system without them says so, and ls(1) asks no second file. */
    if (strncmp(task->name, PREFIX, strlen(PREFIX)) != 0)
        return -EOPNOTSUPP;
    if (!node_is_clip(task->ino))
        return -ENODATA;
    int rc = scope_open(task->fs, node_clip(task->ino).version, patience, &scope, err);
    if (rc < 0)
        return rc;
    if (strncmp(task->name, SYSTEM_PREFIX, strlen(SYSTEM_PREFIX)) == 0)
        rc = walk_system(task, scope.reader, task->name, &value, err);
    else
        rc = get_attribute(task, scope.reader, &value, err);
    if (rc < 0)
        return rc;
    if (!value.data)
        return -ENODATA;
    reply_xattr(task->req, value.data, value.len, task->size);
    return 0;
}

int xattr_list(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    CLEANUP_BUF struct buf names = BUF_INIT;
    if (node_is_clip(task->ino)) {
        int rc = scope_open(task->fs, node_clip(task->ino).version, patience, &scope, err);
        if (rc == 0)
            rc = catalog_clip_values(scope.reader, node_clip(task->ino).row, add_name, &names, err);
        if (rc == 0)
            rc = walk_system(task, scope.reader, NULL, &names, err);
        if (rc < 0)
            return rc;
    }
    reply_xattr(task->req, names.data, names.len, task->size);
    return 0;
}
