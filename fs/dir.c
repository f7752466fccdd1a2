// SPDX-License-Identifier: Apache-2.0
/* A listing is a walk over a set from where an offset says, window by window, until the reply is full. */
#include "fs/dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/as.h"
#include "fs/attr.h"
#include "fs/names.h"
#include "fs/reply.h"
#include "fs/scope.h"
#include "fs/top.h"
#include "fs/upcoming.h"
#include "fs/view.h"
#include "query/files.h"

enum {
    FIRST_OFFSET = 2, /* behind "." and ".." */
    STREAM_BITS = 10,
    STREAM_MASK = 1023,
    KERNEL_CACHES_CLIPS = 1000, /* up to this many clips the kernel keeps the listing */
    KERNEL_KNOWS_CLIPS =
        100000,              /* up to this many a listing also makes inodes (1.1 KiB of kernel memory each) */
    FULL = 1,                /* the reply has no more room */
    UNKNOWN_INO = 0xffffffff /* as libfuse shows it for nodes that have no number yet */
};

struct dir {
    struct handle handle;
    struct names names;     /* of what is no query: a snapshot, so that offsets stay */
    struct view_plan *plan; /* below .as/NAME, else NULL */
    uint32_t windows;       /* of a query, else 0 */
    pthread_mutex_t lock;   /* guards what follows */
    uint32_t window;        /* that was read last, */
    struct set *set;        /* and its clips; NULL: none yet */
};

/* One reply being filled. */
struct listing {
    struct task *task;
    char *bytes;
    size_t used;
    bool nodes; /* READDIRPLUS: entries come with their node */
};

static int list_add(struct listing *listing, const char *name, const struct fuse_entry_param *entry,
                    uint64_t next_offset)
{
    struct task *task = listing->task;
    char *to = listing->bytes + listing->used;
    size_t left = task->size - listing->used, need;
    if (task->plus)
        need = fuse_add_direntry_plus(task->req, to, left, name, entry, (off_t)next_offset);
    else
        need = fuse_add_direntry(task->req, to, left, name, &entry->attr, (off_t)next_offset);
    if (need > left)
        return FULL;
    listing->used += need;
    return 0;
}

static int list_name(struct listing *listing, const char *name, mode_t type, uint64_t ino,
                     uint64_t next_offset)
{
    struct fuse_entry_param entry = {.attr = {.st_ino = ino, .st_mode = type}};
    return list_add(listing, name, &entry, next_offset);
}

static int list_dots(struct listing *listing, const struct node *node)
{
    uint64_t offset = (uint64_t)listing->task->offset;
    int rc = 0;
    if (offset == 0)
        rc = list_name(listing, ".", S_IFDIR, node->id, 1);
    if (offset <= 1 && rc == 0)
        rc = list_name(listing, "..", S_IFDIR, node->parent ? node->parent : node->id, FIRST_OFFSET);
    return rc;
}

static int list_names(struct listing *listing, const struct names *names, uint64_t position)
{
    int rc = 0;
    for (uint64_t i = position; i < names->count && rc == 0; i++)
        rc = list_name(listing, names->entries[i].name, names->entries[i].type, UNKNOWN_INO,
                       FIRST_OFFSET + i + 1);
    return rc;
}

/* The files of one clip. */
struct walk {
    struct listing *listing;
    struct catalog_reader *reader;
    const struct query *query;
    uint32_t version, first_stream;
    uint64_t cursor, next_cursor;
};

static int list_clip_file(struct walk *walk, const struct files_entry *file, uint64_t next_offset,
                          struct error *err)
{
    struct listing *listing = walk->listing;
    struct fuse_entry_param entry = {.attr_timeout = FS_FOREVER, .entry_timeout = FS_FOREVER};
    if (listing->nodes) {
        int rc = attr_of_file(listing->task->fs, walk->reader, walk->version, file, &entry.attr, err);
        if (rc < 0)
            return rc;
        entry.ino = entry.attr.st_ino;
    } else {
        struct node_clip clip = {.version = walk->version, .row = file->row, .stream = file->stream};
        entry.attr.st_ino = node_number(&clip);
        entry.attr.st_mode = S_IFREG;
    }
    return list_add(listing, file->name, &entry, next_offset);
}

static int list_file(void *ctx, const struct files_entry *file, struct error *err)
{
    struct walk *walk = ctx;
    if (file->stream < walk->first_stream)
        return 0;
    bool last = file->stream == FILES_STREAM_JSON;
    uint64_t next =
        last ? walk->next_cursor << STREAM_BITS : walk->cursor << STREAM_BITS | (file->stream + 1);
    return list_clip_file(walk, file, FIRST_OFFSET + next, err);
}

enum { AHEAD_FIRST = 128, AHEAD = 512 }; /* clips; many a listing is left after its first names */

/* A listing that waits has found that something is not here: what the next clips need is asked for at once.
 * How many these are. */
static size_t ask_ahead(const struct set *set, const struct walk *walk)
{
    uint32_t rows[AHEAD];
    uint64_t next;
    size_t count = set_read(set, walk->cursor, rows, walk->cursor ? AHEAD : AHEAD_FIRST, &next);
    catalog_clips_ahead(walk->reader, rows, count);
    return count;
}

/* The clips of one window: a reference. */
static int window_set(struct fs *fs, const struct node *node, struct dir *dir, uint32_t window,
                      struct catalog_reader *reader, struct set **ret, struct error *err)
{
    const struct query_asked asked = {.version = node->version,
                                      .window = window,
                                      .purge = dataset_purge_seq(fs->dataset),
                                      .query = node->query};
    pthread_mutex_lock(&dir->lock);
    struct set *set = dir->window == window && dir->set ? set_ref(dir->set) : NULL;
    pthread_mutex_unlock(&dir->lock);
    int rc = set ? 0 : query_results_get(fs->results, &asked, reader, &set, err);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&dir->lock);
    struct set *before = dir->set;
    dir->set = set_ref(set);
    dir->window = window;
    pthread_mutex_unlock(&dir->lock);
    if (before)
        set_unref(before);
    upcoming_seen(fs->upcoming, node->version, set);
    *ret = set;
    return 0;
}

/* What a reader that waits does not come to is for the next call. 1: it has done enough. */
static int list_set(struct walk *walk, const struct set *set, bool waits, struct error *err)
{
    uint32_t row;
    int rc = 0;
    struct listing *listing = walk->listing;
    listing->nodes = listing->task->plus && set_count(set) <= KERNEL_KNOWS_CLIPS;
    size_t asked;
    do { /* a reply with no name would be the end of the folder */
        size_t left = asked = waits ? ask_ahead(set, walk) : 0;
        while (rc == 0 && (!asked || left--) &&
               set_read(set, walk->cursor, &row, 1, &walk->next_cursor) == 1) {
            rc = files_of_clip(walk->reader, walk->query, row, list_file, walk, err);
            rc = rc == -ENOENT ? 0 : rc; /* it was purged since the set was made */
            walk->cursor = walk->next_cursor;
            walk->first_stream = 0;
        }
    } while (rc == 0 && asked && !listing->used);
    return rc ? rc : asked > 0;
}

static int list_clips(struct listing *listing, const struct node *node, struct dir *dir,
                      const struct catalog_patience *patience, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    uint64_t offset = (uint64_t)listing->task->offset;
    uint64_t position = offset > FIRST_OFFSET ? offset - FIRST_OFFSET : 0;
    struct walk walk = {.listing = listing,
                        .version = node->version,
                        .query = node->query,
                        .cursor = position >> STREAM_BITS,
                        .first_stream = position & STREAM_MASK};
    int rc = scope_open(listing->task->fs, node->version, patience, &scope, err);
    walk.reader = scope.reader;
    for (uint32_t window = query_window(node->query, walk.cursor); rc == 0 && window < dir->windows;
         window++) {
        CLEANUP_SET struct set *set = NULL;
        rc = window_set(listing->task->fs, node, dir, window, scope.reader, &set, err);
        if (rc == 0)
            rc = list_set(&walk, set, !patience->nowait, err);
        if (rc == 0)
            walk.cursor = query_window_end(node->query, window);
    }
    return rc;
}

/* ---- below .as/NAME ---- */

static int list_entry(void *ctx, const struct view_entry *entry, uint64_t next_cursor,
                      struct catalog_reader *reader, struct error *err)
{
    struct walk *walk = ctx;
    struct files_entry file = {.name = entry->name,
                               .row = entry->place.row,
                               .stream = entry->place.stream,
                               .size = entry->size,
                               .changed = entry->changed};
    if (entry->kind == VIEW_CLIP_FILE) {
        walk->reader = reader;
        return list_clip_file(walk, &file, FIRST_OFFSET + next_cursor, err);
    }
    return list_name(walk->listing, entry->name, entry->kind == VIEW_DIR ? S_IFDIR : S_IFREG, UNKNOWN_INO,
                     FIRST_OFFSET + next_cursor);
}

static int list_view(struct listing *listing, const struct node *node, struct dir *dir,
                     const struct catalog_patience *patience, struct error *err)
{
    uint64_t offset = (uint64_t)listing->task->offset;
    struct walk walk = {.listing = listing, .version = node->version};
    const struct view_asked asked = {.fs = listing->task->fs, .dir = node, .patience = patience};
    const struct as_listing from = {.plan = dir->plan,
                                    .cursor = offset > FIRST_OFFSET ? offset - FIRST_OFFSET : 0,
                                    .each = list_entry,
                                    .ctx = &walk};
    listing->nodes = listing->task->plus && set_count(dir->plan->set) <= KERNEL_KNOWS_CLIPS;
    return as_list_on(&asked, &from, err);
}

static int list(struct listing *listing, struct dir *dir, const struct catalog_patience *patience,
                struct error *err)
{
    struct task *task = listing->task;
    const struct node *node = nodes_get(task->fs->nodes, task->ino);
    int rc = node ? list_dots(listing, node) : -ESTALE;
    if (rc != 0)
        return rc;
    if (dir->windows)
        return list_clips(listing, node, dir, patience, err);
    if (dir->plan)
        return list_view(listing, node, dir, patience, err);
    uint64_t offset = (uint64_t)task->offset;
    return list_names(listing, &dir->names, offset > FIRST_OFFSET ? offset - FIRST_OFFSET : 0);
}

int dir_read(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    struct dir *dir = (struct dir *)(uintptr_t)task->fi.fh;
    if (task->size > FS_READ_BYTES)
        task->size = FS_READ_BYTES;
    CLEANUP_FREE char *bytes = mem_alloc(task->size);
    struct listing listing = {.task = task, .bytes = bytes};
    int rc = list(&listing, dir, patience, err);
    if (rc < 0 && listing.used == 0)
        return rc;
    reply_bytes(task->req, bytes, listing.used); /* an error comes again with the next call */
    return 0;
}

/* The first window at once, so that what is wrong with the query is told by opening. *ret_few: these are all,
 * and so few that the kernel keeps them. */
static int open_query(struct fs *fs, const struct node *node, struct dir *dir,
                      const struct catalog_patience *patience, bool *ret_few, struct error *err)
{
    CLEANUP_SCOPE struct scope scope = {0};
    CLEANUP_SET struct set *set = NULL;
    int rc = scope_open(fs, node->version, patience, &scope, err);
    if (rc == 0)
        rc = query_windows(node->query, scope.reader, &dir->windows, err);
    if (rc == 0)
        rc = window_set(fs, node, dir, 0, scope.reader, &set, err);
    if (rc == 0)
        *ret_few = dir->windows == 1 && set_count(set) <= KERNEL_CACHES_CLIPS;
    return rc;
}

static void free_dir(struct handle *handle)
{
    struct dir *dir = (struct dir *)handle;
    if (dir->set)
        set_unref(dir->set);
    view_plan_unref(dir->plan);
    names_done(&dir->names);
    pthread_mutex_destroy(&dir->lock);
    free(dir);
}

int dir_open(struct task *task, const struct catalog_patience *patience, struct error *err)
{
    const struct node *node = nodes_get(task->fs->nodes, task->ino);
    const struct view_asked asked = {
        .fs = task->fs, .dir = node, .patience = patience, .uid = fuse_req_ctx(task->req)->uid};
    struct dir *dir = MEM_NEW(struct dir);
    bool few = false;
    int rc = 0;
    pthread_mutex_init(&dir->lock, NULL);
    if (!node)
        rc = -ESTALE;
    else if (node->kind == NODE_QUERY)
        rc = open_query(task->fs, node, dir, patience, &few, err);
    else if (node->kind == NODE_ROOT)
        rc = top_names(task->fs, &dir->names, err);
    else if (node->kind == NODE_VIEW && node->as)
        rc = as_plan(task->fs, node, patience, &dir->plan, err);
    else if (node->kind == NODE_VIEW)
        rc = node->view->list(&asked, &dir->names, err);
    else
        rc = -ENOTDIR;
    if (rc < 0) {
        free_dir(&dir->handle);
        return rc;
    }
    dir->handle.close = free_dir;
    handles_add(&task->fs->handles, &dir->handle);
    task->fi.fh = (uintptr_t)dir;
    task->fi.cache_readdir = few;
    task->fi.keep_cache = task->fi.cache_readdir;
    if (reply_open(task->req, &task->fi) < 0)
        handles_close(&task->fs->handles, &dir->handle);
    return 0;
}

void dir_close(struct fs *fs, struct fuse_file_info *fi)
{
    handles_close(&fs->handles, &((struct dir *)(uintptr_t)fi->fh)->handle);
}
