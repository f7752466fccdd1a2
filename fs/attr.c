// SPDX-License-Identifier: Apache-2.0
/*
 * Sizes and kinds follow from the node, times from the version that changed it last; a number is that of the
 * node, or the place of a clip.
 */
#include "fs/attr.h"

#include <errno.h>
#include <string.h>

#include "cache/base/buf.h"
#include "fs/refresh.h"
#include "fs/scope.h"
#include "fs/special.h"
#include "fs/top.h"

#define LIVE_NUMBERS (UINT64_C(1) << 61) /* above all ids, below all clips */

static void fill(const struct fs *fs, mode_t mode, uint64_t size, int64_t mtime_ns, struct stat *ret)
{
    int64_t seconds = mtime_ns / 1000000000, ns = mtime_ns % 1000000000;
    struct timespec time = {.tv_sec = seconds - (ns < 0), .tv_nsec = ns + (ns < 0 ? 1000000000 : 0)};
    *ret = (struct stat){
        .st_mode = S_ISLNK(mode) ? mode : mode & ~fs->options.umask,
        .st_nlink = 1,
        .st_uid = fs->options.uid,
        .st_gid = fs->options.gid,
        .st_size = (off_t)size,
        .st_blocks = (blkcnt_t)((size + 511) / 512),
        .st_blksize = FS_READ_BYTES,
        .st_atim = time,
        .st_mtim = time,
        .st_ctim = time,
    };
}

static int time_of_version(struct fs *fs, uint32_t version, const struct catalog_patience *patience,
                           int64_t *ret_ns, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    const struct manifest *manifest;
    int rc = scope_open(fs, version, patience, &scope, err);
    if (rc == -ENOTSUP && !dataset_manifest(fs->dataset, version, &manifest, NULL)) {
        *ret_ns = manifest->time_ns; /* of a newer program: it is shown, and refused when it is entered */
        return 0;
    }
    return rc < 0 ? rc : times_of_version(&fs->times, scope.reader, version, ret_ns, err);
}

static int fill_versioned(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                          struct stat *ret, struct error *err)
{
    uint64_t size = 0;
    int64_t mtime_ns;
    int rc = time_of_version(fs, node->version, patience, &mtime_ns, err);
    if (rc == 0 && node->kind == NODE_REPORT)
        rc = special_size(fs, node, patience, &size, err);
    else if (node->kind == NODE_DERIVED)
        size = node->file.size;
    if (rc < 0)
        return rc;
    fill(fs, node->kind == NODE_REPORT || node->kind == NODE_DERIVED ? S_IFREG | 0644 : S_IFDIR | 0755, size,
         mtime_ns, ret);
    return 0;
}

static int fill_link(struct fs *fs, const struct node *node, struct stat *ret, struct error *err)
{
    CLEANUP_BUF struct buf target = BUF_INIT;
    int rc = top_link(fs, node, &target, err);
    if (rc == 0)
        fill(fs, S_IFLNK | 0777, target.len, refresh_head_time_ns(fs->refresh), ret);
    return rc;
}

/* Of a live file, whose node is new at each look-up: cp(1) compares. */
uint64_t attr_number(const struct node *node)
{
    return node->kind == NODE_LIVE ? LIVE_NUMBERS + node->which : node->id;
}

int attr_of_node(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 struct stat *ret, double *ret_timeout, struct error *err)
{
    int rc = 0;
    bool versioned = node->query != NULL;
    if (versioned)
        rc = fill_versioned(fs, node, patience, ret, err);
    else if (node->kind == NODE_LINK)
        rc = fill_link(fs, node, ret, err);
    else if (node->kind == NODE_LIVE)
        fill(fs, S_IFREG | 0644, node->bytes.len, node->time_ns, ret);
    else
        fill(fs, S_IFDIR | 0755, 0, refresh_head_time_ns(fs->refresh), ret);
    if (rc < 0)
        return rc;
    ret->st_ino = attr_number(node);
    *ret_timeout = versioned ? FS_FOREVER : FS_NOT;
    return 0;
}

int attr_of_file(struct fs *fs, struct catalog_reader *reader, uint32_t version,
                 const struct files_entry *file, struct stat *ret, struct error *err)
{
    int64_t mtime_ns = 0;
    int rc = -ENOENT;
    if (file->changed <= version) /* versions index a table, and this number comes from the catalog */
        rc = times_of_version(&fs->times, reader, file->changed, &mtime_ns, err);
    if (rc == -ENOENT) /* never "no such name": the kernel would believe it for ever */
        return error_set(err, EUCLEAN, "v%u of %s is damaged: a file of row %u is said to be changed by v%u",
                         version, dataset_url(fs->dataset), file->row, file->changed);
    if (rc < 0)
        return rc;
    fill(fs, S_IFREG | 0644, file->size, mtime_ns, ret);
    ret->st_ino =
        node_number(&(struct node_clip){.version = version, .row = file->row, .stream = file->stream});
    return 0;
}
