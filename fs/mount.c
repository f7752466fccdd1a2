// SPDX-License-Identifier: Apache-2.0
/* Building a mount from its parts, and taking it down in the order in which nothing is left waiting. */
#include "fs/mount.h"

#include <errno.h>
#include <fuse_opt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cache/base/memory.h"
#include "cache/base/workers.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/loop.h"
#include "fs/ops.h"
#include "fs/passthrough.h"
#include "fs/refresh.h"
#include "fs/settings.h"
#include "fs/upcoming.h"
#include "fs/wire.h"
#include "query/query.h"
#include "query/view/plans.h"

enum { POOL_THREADS = 16, THREADS_MIN = 2, THREADS_MAX = 16 };
#define RESULTS_MAX_BYTES ((size_t)40 << 20)
#define PLANS_MAX_BYTES   ((size_t)64 << 20)

static unsigned cores(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < THREADS_MIN ? THREADS_MIN : count > THREADS_MAX ? THREADS_MAX : (unsigned)count;
}

static void fill_options(struct fs *fs, const struct fs_options *options)
{
    fs->options = *options;
    if (options->uid == (uid_t)-1)
        fs->options.uid = getuid();
    if (options->gid == (gid_t)-1)
        fs->options.gid = getgid();
    if (options->threads == 0)
        fs->options.threads = cores();
}

static struct fs *make(struct dataset *dataset, struct cache *cache, const struct fs_options *options)
{
    struct fs *fs = MEM_NEW(struct fs);
    fs->dataset = dataset;
    fs->cache = cache;
    fs->attach.fd = -1;
    fs->stop_fd = -1;
    fill_options(fs, options);
    times_init(&fs->times);
    pthread_mutex_init(&fs->log.lock, NULL);
    pendings_init(&fs->pendings);
    handles_init(&fs->handles);
    fs->nodes = nodes_new();
    fs->errors = errors_new();
    fs->results = query_results_new(RESULTS_MAX_BYTES);
    fs->upcoming = upcoming_new();
    fs->plans = view_plans_new(PLANS_MAX_BYTES);
    return fs;
}

static int start_parts(struct fs *fs, struct error *err)
{
    fs->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fs->stop_fd < 0)
        return error_set(err, errno, "eventfd: %s", strerror(errno));
    int rc = workers_new(POOL_THREADS, &fs->pool, err);
    return rc < 0 ? rc : refresh_new(fs->dataset, fs->options.poll_ms, &fs->refresh, err);
}

static int connect_session(struct fs *fs, struct error *err)
{
    if (fs->options.passthrough && fs->options.opens != FS_OPENS_FREE)
        fs->passthrough = passthrough_new(fs->attach.fd);
    if (wire_take(fs->session, fs->attach.fd))
        return 0;
    close(fs->attach.fd);
    return error_set(err, EIO, "%s: libfuse does not take the connection", fs->attach.path);
}

static int start_session(struct fs *fs, struct error *err)
{
    char max_read[32];
    snprintf(max_read, sizeof max_read, "max_read=%d",
             FS_READ_BYTES); /* what the mount says, too: libfuse compares */
    char *arguments[] = {(char[]){"elidefs"}, (char[]){"-o"}, max_read, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, arguments);
    fs->session = fuse_session_new(&args, &ops_table, sizeof ops_table, fs);
    fuse_opt_free_args(&args);
    if (!fs->session)
        return error_set(err, ENOMEM, "libfuse cannot make a session");
    struct attach_options options = {.mountpoint = fs->options.mountpoint,
                                     .source = dataset_url(fs->dataset),
                                     .allow_other = fs->options.allow_other,
                                     .check_modes = fs->options.allow_other && (fs->options.umask & 0055)};
    int rc = attach_mount(&options, &fs->attach, err);
    if (rc == 0)
        rc = connect_session(fs, err);
    fs->inodes = inodes_new(fs->passthrough);
    if (rc == 0)
        settings_read_ahead(&fs->attach);
    return rc;
}

/* The kernel keeps names below a version for ever, but not those of clips that were purged from it: who looks
 * the version up again finds another directory (node.h), and who works in one lists it anew. */
static void drop_names(void *ctx)
{
    struct fs *fs = ctx;
    struct map_top top;
    CLEANUP_FREE struct node_query *list = NULL;
    for (uint32_t version = 1; version <= dataset_head(fs->dataset); version++) {
        char name[16];
        int len = snprintf(name, sizeof name, "v%u", version);
        if (dataset_is_purged(fs->dataset, version, &top))
            fuse_lowlevel_notify_inval_entry(fs->session, FUSE_ROOT_ID, name, (size_t)len);
    }
    fuse_lowlevel_notify_inval_entry(fs->session, FUSE_ROOT_ID, ".q", strlen(".q"));
    for (size_t i = nodes_queries(fs->nodes, &list); i--;)
        if (dataset_is_purged(fs->dataset, list[i].version, &top))
            fuse_lowlevel_notify_inval_inode(fs->session, list[i].id, 0, 0);
}

int fs_mount(struct dataset *dataset, struct cache *cache, const struct fs_options *options, struct fs **ret,
             struct error *err)
{
    struct fs *fs = make(dataset, cache, options);
    int rc = start_parts(fs, err);
    if (rc == 0)
        rc = start_session(fs, err);
    if (rc < 0) {
        fs_free(fs);
        return rc;
    }
    refresh_tell_purged(fs->refresh, drop_names, fs);
    *ret = fs;
    return 0;
}

int fs_run(struct fs *fs, struct error *err)
{
    return loop_run(fs->session, fs->options.threads, fs->stop_fd, err);
}

void fs_stop(struct fs *fs)
{
    int saved = errno;
    uint64_t one = 1;
    if (write(fs->stop_fd, &one, sizeof one) < 0)
        errno = saved; /* full: it is readable already */
    errno = saved;
}

void fs_free(struct fs *fs)
{
    if (!fs)
        return;
    attach_unmount(&fs->attach); /* first of all, for it waits for nobody */
    pendings_stop(&fs->pendings);
    refresh_free(fs->refresh);
    workers_free(fs->pool);
    if (fs->session)
        fuse_session_destroy(
            fs->session); /* closes the connection: who still waits in the kernel gets ENOTCONN */
    handles_done(&fs->handles);
    inodes_free(fs->inodes);
    passthrough_free(fs->passthrough);
    attach_done(&fs->attach);
    view_plans_free(fs->plans);
    query_results_free(fs->results);
    upcoming_free(fs->upcoming);
    nodes_free(fs->nodes);
    errors_free(fs->errors);
    times_done(&fs->times);
    pthread_mutex_destroy(&fs->log.lock);
    pendings_done(&fs->pendings);
    if (fs->stop_fd >= 0)
        close(fs->stop_fd);
    free(fs);
}
