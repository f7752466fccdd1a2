// SPDX-License-Identifier: Apache-2.0
#include "fs/special.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/buf.h"
#include "fs/scope.h"
#include "fs/stats.h"
#include "query/report.h"

#define REPORT_MAX_BYTES (UINT64_C(1) << 30)

enum live_file { LIVE_ERRORS, LIVE_STATS, LIVE_COUNT };
static const char *const live_names[LIVE_COUNT] = {[LIVE_ERRORS] = "errors", [LIVE_STATS] = "stats"};

static size_t count_of(const struct node *dir)
{
    return dir->kind == NODE_HIDDEN ? report_name_count : LIVE_COUNT;
}

static const char *name_at(const struct node *dir, size_t i)
{
    return dir->kind == NODE_HIDDEN ? report_names[i].name : live_names[i];
}

int special_find(const struct node *dir, const char *name, struct node *ret)
{
    for (unsigned i = 0; i < count_of(dir); i++)
        if (strcmp(name_at(dir, i), name) == 0) {
            ret->kind = dir->kind == NODE_HIDDEN ? NODE_REPORT : NODE_LIVE;
            ret->which = i;
            return 0;
        }
    return -ENOENT;
}

void special_names(const struct node *dir, struct names *names)
{
    for (size_t i = 0; i < count_of(dir); i++)
        names_add(names, name_at(dir, i), S_IFREG);
}

int special_size(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 uint64_t *ret, struct error *err)
{
    if (node->kind == NODE_LIVE) {
        *ret = SPECIAL_LIVE_BYTES;
        return 0;
    }
    CLEANUP_SCOPE struct scope scope = {0};
    int rc = scope_open(fs, node->version, patience, &scope, err);
    if (rc < 0)
        return rc;
    return report_size(report_names[node->which].kind, node->query, scope.reader, ret, err);
}

static void read_live(struct fs *fs, unsigned which, uid_t uid, struct buf *buf)
{
    if (which == LIVE_ERRORS)
        errors_append(fs->errors, uid, SPECIAL_LIVE_BYTES, buf);
    else
        stats_append(fs, buf);
    if (buf->len > SPECIAL_LIVE_BYTES)
        buf->len = SPECIAL_LIVE_BYTES;
    size_t pad = SPECIAL_LIVE_BYTES - buf->len;
    memset(buf_room(buf, pad), '\n', pad);
    buf->len += pad;
}

int special_read(struct fs *fs, const struct node *node, uid_t uid, const struct catalog_patience *patience,
                 struct buf *buf, struct error *err)
{
    if (node->kind == NODE_LIVE) {
        read_live(fs, node->which, uid, buf);
        return 0;
    }
    CLEANUP_SCOPE struct scope scope = {0};
    enum report_kind kind = report_names[node->which].kind;
    uint64_t size = 0;
    int rc = scope_open(fs, node->version, patience, &scope, err);
    if (rc == 0)
        rc = report_size(kind, node->query, scope.reader, &size, err);
    if (rc < 0)
        return rc;
    if (size > REPORT_MAX_BYTES)
        return error_set(err, EFBIG, "%s: of this many clips it would be %llu bytes; narrow the path",
                         node->name, (unsigned long long)size);
    return report_append(kind, node->query, scope.reader, buf, err);
}
