// SPDX-License-Identifier: Apache-2.0
/*
 * Copies are written beside their name and renamed, so DEST never holds half a file. A file that is there
 * with the same size and time is left alone: versions do not change, so it is the same file.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/count.h"
#include "cache/base/file.h"
#include "cache/base/workers.h"
#include "query/files.h"
#include "query/say/place.h"
#include "tools/as.h"
#include "tools/commands.h"
#include "tools/progress.h"
#include "tools/session.h"

enum { COPY_THREADS = 8, COPY_CHUNK_BYTES = 1 << 20 };

struct copy {
    struct copies *all;
    char *path; /* in DEST */
    bool is_derived;
    uint64_t id;          /* in the view, of a derived file; */
    uint32_t row, stream; /* else the clip's file */
    uint64_t size;
    int64_t mtime_ns;
};

struct copies {
    struct session *session;
    struct place place;
    struct as_view view; /* plan NULL: the clips' files as they are */
    const char *destination;
    struct copy *list;
    size_t count, cap;
    uint64_t bytes;
    pthread_mutex_t lock; /* guards what follows */
    struct progress *progress;
    uint64_t failed;     /* files that are not copied */
    struct error first;  /* why the first of them is not; code 0: all is well */
    const char *example; /* its path */
    bool ended;          /* nothing more is begun */
};

/* ---- what to copy ---- */

static int add_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct copies *all = ctx;
    (void)err;
    mem_grow(&all->list, &all->cap, all->count + 1, sizeof *all->list);
    all->list[all->count++] = (struct copy){.all = all,
                                            .path = mem_printf("%s/%s", all->destination, entry->name),
                                            .row = entry->row,
                                            .stream = entry->stream,
                                            .size = entry->size,
                                            .mtime_ns = entry->changed}; /* the time is filled in below */
    all->bytes += entry->size;
    return 0;
}

struct adding {
    struct copies *all;
    struct catalog_reader *reader;
};

static int add_clip(void *ctx, uint32_t row, struct error *err)
{
    struct adding *adding = ctx;
    return files_of_clip(adding->reader, adding->all->place.query, row, add_file, adding->all, err);
}

static int add_one(struct copies *all, struct catalog_reader *reader, struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    struct files_entry entry;
    int rc = files_entry(reader, all->place.row, all->place.stream, &name, &entry, err);
    return rc ? rc : add_file(all, &entry, err);
}

/* ---- what to copy of a view ---- */

static int add_entry(void *ctx, const char *path, const struct view_entry *entry, struct error *err)
{
    const struct files_entry file = {.name = path,
                                     .row = entry->place.row,
                                     .stream = entry->place.stream,
                                     .size = entry->size,
                                     .changed = entry->changed};
    struct copies *all = ctx;
    add_file(all, &file, err);
    all->list[all->count - 1].is_derived = entry->kind == VIEW_DERIVED;
    all->list[all->count - 1].id = entry->id;
    return 0;
}

static int add_view(struct copies *all, struct catalog_reader *reader, const char *path, struct error *err)
{
    int rc = all->place.is_file ? error_set(err, ENOTDIR, "what stands before '.as' is a file")
                                : as_open_view(all->session, &all->place, reader, path, &all->view, err);
    return rc ? rc : view_tree_each(all->view.plan, &all->view.ask, &all->view.entry, add_entry, all, err);
}

static int fill_times(struct copies *all, struct catalog_reader *reader, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < all->count; i++)
        rc = catalog_commit_time(reader, (uint32_t)all->list[i].mtime_ns, &all->list[i].mtime_ns, err);
    return rc;
}

/* ---- one file, on a worker ---- */

static bool is_there(const struct copy *copy)
{
    struct stat st;
    return !lstat(copy->path, &st) && S_ISREG(st.st_mode) && (uint64_t)st.st_size == copy->size &&
           st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec == copy->mtime_ns;
}

static void count_bytes(struct copies *all, uint64_t bytes)
{
    pthread_mutex_lock(&all->lock);
    progress_add(all->progress, bytes);
    pthread_mutex_unlock(&all->lock);
}

static int write_json(const struct copy *copy, struct catalog_reader *reader, int fd, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = catalog_json(reader, copy->row, &text, err);
    if (rc)
        return rc;
    rc = file_write_all(fd, text.data, text.len);
    count_bytes(copy->all, text.len);
    return rc ? error_set(err, -rc, "%s: %s", copy->path, strerror(-rc)) : 0;
}

static int open_derived(const struct copy *copy, struct catalog_reader *reader, struct extent_map **ret,
                        struct error *err)
{
    const struct as_view *view = &copy->all->view;
    struct view_ask ask = view->ask;
    const struct view_entry entry = {
        .name = copy->path, .kind = VIEW_DERIVED, .id = copy->id, .size = copy->size};
    ask.reader = reader;
    return view_open(view->plan, &ask, &entry, ret, err);
}

static int write_mapped(const struct copy *copy, struct catalog_reader *reader, int fd, struct error *err)
{
    struct session *session = copy->all->session;
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    CLEANUP_CACHE_FILE struct cache_file *file = NULL;
    int rc = copy->is_derived
                 ? open_derived(copy, reader, &map, err)
                 : dataset_stream_map(session->dataset, reader, copy->row, copy->stream, &map, err);
    if (!rc)
        rc = cache_open_map(session->cache, map, &file, err);
    CLEANUP_FREE char *chunk = mem_alloc(COPY_CHUNK_BYTES);
    for (uint64_t at = 0; !rc && at < copy->size;) {
        size_t len = copy->size - at < COPY_CHUNK_BYTES ? (size_t)(copy->size - at) : COPY_CHUNK_BYTES;
        rc = cache_read_wait(file, at, len, chunk, 0, err);
        if (!rc) {
            int wrote = file_write_all(fd, chunk, len);
            rc = wrote ? error_set(err, -wrote, "%s: %s", copy->path, strerror(-wrote)) : 0;
        }
        at += len;
        count_bytes(copy->all, len);
    }
    return rc;
}

static int write_file(const struct copy *copy, const char *temp, struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_CLOSE int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set(err, errno, "%s: %s", copy->path, strerror(errno));
    int rc = catalog_reader_acquire(copy->all->place.catalog, PATIENCE_ENDLESS, &reader, err);
    if (!rc)
        rc = !copy->is_derived && copy->stream == FILES_STREAM_JSON ? write_json(copy, reader, fd, err)
                                                                    : write_mapped(copy, reader, fd, err);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {copy->mtime_ns / 1000000000, copy->mtime_ns % 1000000000}};
    if (!rc && (futimens(fd, times) || rename(temp, copy->path)))
        rc = error_set(err, errno, "%s: %s", copy->path, strerror(errno));
    if (rc)
        unlink(temp);
    return rc;
}

/* Under the lock. A recording that is gone or was overwritten says nothing of the others; a full disk or a
 * store that does not answer would fail them all. */
static void note_failure(struct copies *all, const struct copy *copy, const struct error *why)
{
    all->ended |= why->code != ESTALE && why->code != ENOENT;
    if (all->failed++)
        return;
    all->first = *why;
    all->example = copy->path;
}

/* True: it is counted as not copied. */
static bool has_ended(struct copies *all)
{
    pthread_mutex_lock(&all->lock);
    bool ended = all->ended;
    all->failed += ended;
    pthread_mutex_unlock(&all->lock);
    return ended;
}

static void copy_file(void *ctx)
{
    struct copy *copy = ctx;
    struct copies *all = copy->all;
    if (has_ended(all))
        return;
    if (is_there(copy)) {
        count_bytes(all, copy->size);
        return;
    }
    CLEANUP_FREE char *temp = mem_printf("%s.part", copy->path);
    struct error err = {0};
    int rc = write_file(copy, temp, &err);
    pthread_mutex_lock(&all->lock);
    if (rc)
        note_failure(all, copy, &err);
    else
        progress_item(all->progress, copy->path);
    pthread_mutex_unlock(&all->lock);
}

/* ---- the command ---- */

/* DEST, and the folders that a view has in it; files of one follow each other. */
static int make_folders(const struct copies *all, struct error *err)
{
    CLEANUP_FREE char *made = mem_text(all->destination);
    int rc = file_make_folders(made, 0755, err);
    for (size_t i = 0; !rc && i < all->count; i++) {
        const char *path = all->list[i].path;
        size_t len = (size_t)(strrchr(path, '/') - path);
        if (strlen(made) == len && !memcmp(made, path, len))
            continue;
        free(made);
        made = mem_copy(path, len);
        rc = file_make_folders(made, 0755, err);
    }
    return rc;
}

static int copy_all(struct copies *all, struct error *err)
{
    struct workers *workers = NULL;
    int rc = make_folders(all, err);
    if (!rc)
        rc = workers_new(COPY_THREADS, &workers, err);
    if (rc)
        return rc;
    all->progress = progress_new("copied", "B", all->bytes);
    for (size_t i = 0; i < all->count; i++)
        workers_submit(workers, copy_file, &all->list[i]);
    workers_free(workers);
    progress_free(all->progress);
    if (!all->failed || all->count == 1)
        return all->failed ? error_copy(err, &all->first) : 0;
    return error_set(err, all->first.code, "%llu of %s could not be copied, such as '%s': %s",
                     (unsigned long long)all->failed, COUNT(all->count, "file"), all->example,
                     all->first.text);
}

static int gather(struct copies *all, struct error *err)
{
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    const char *view = as_split(all->session->path);
    int rc = place_resolve(all->session->dataset, all->session->path, &all->place, err);
    if (!rc)
        rc = catalog_reader_acquire(all->place.catalog, PATIENCE_ENDLESS, &reader, err);
    if (!rc && view)
        rc = add_view(all, reader, view, err);
    else if (!rc)
        rc = all->place.is_file ? add_one(all, reader, err)
                                : query_each_clip(all->place.query, reader, CATALOG_COMING_STREAMS, add_clip,
                                                  &(struct adding){all, reader}, err);
    return rc ? rc : fill_times(all, reader, err);
}

static int run(const struct arguments *arguments, struct error *err)
{
    struct session session = {0};
    struct copies all = {.session = &session, .destination = arguments->positional[arguments->count - 1]};
    pthread_mutex_init(&all.lock, NULL);
    struct arguments source = *arguments; /* all but DEST: DATASET PATH, or a path inside a mount */
    source.count--;
    int rc = session_open_path(&source, &session, err);
    if (!rc)
        rc = gather(&all, err);
    if (!rc)
        rc = copy_all(&all, err);
    for (size_t i = 0; i < all.count; i++)
        free(all.list[i].path);
    free(all.list);
    as_close_view(&all.view);
    place_done(&all.place);
    session_close(&session);
    pthread_mutex_destroy(&all.lock);
    return rc;
}

static const struct command_example examples[] = {
    {"elidefs cp s3://lab-data/kitchen v12/outcome=fail /scratch/failures",
     "The clips of a path, without a mount"},
    {"elidefs cp s3://lab-data/kitchen v12/outcome=fail/.as/webdataset /scratch/tars",
     "The same as tars: a layout of .as/, or a part of one"},
    {NULL, NULL},
};

const struct command command_cp = {
    .name = "cp",
    .synopsis = "DATASET PATH DEST [OPTION]...",
    .summary = "copies the clips of a path into a folder",
    .description =
        "Copies every file that a mount would show at PATH into the folder DEST, which is made if it is "
        "missing. "
        "PATH may go on into another layout of the clips, such as v12/arm=left/.as/webdataset. "
        "The same code and cache as a mount, without one. A file that is there already is left alone. Where "
        "a recording is gone or was overwritten, the files of other recordings are copied all the same, and "
        "the command fails.",
    .store_options = true,
    .cache_options = true,
    .least = 2,
    .most = 3,
    .examples = examples,
    .run = run,
};
