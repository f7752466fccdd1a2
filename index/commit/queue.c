// SPDX-License-Identifier: Apache-2.0
/* A file is whole, and its owner's lock is on it, before it has its name. */
#include "index/commit/queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"

enum { NAME_BYTES = LAYOUT_ID_BYTES + 8 };

struct queue {
    char *path;
    int folder, lock;
    bool leads;
    char id[LAYOUT_ID_BYTES]; /* of what is put down; "": nothing */
    int own;
};

static int failed(const struct queue *queue, const char *name, struct error *err)
{
    int code = errno;
    return error_set(err, code, "%s/%s: %s", queue->path, name, strerror(code));
}

static void name_of(char ret[NAME_BYTES], const char *id, const char *kind)
{
    snprintf(ret, NAME_BYTES, "%s.%s", id, kind);
}

int queue_open(const char *folder, struct queue **ret, struct error *err)
{
    CLEANUP_QUEUE struct queue *queue = MEM_NEW(struct queue);
    struct stat at;
    queue->path = mem_text(folder);
    queue->lock = queue->own = -1;
    int rc = file_make_folders(folder, 0700, err);
    queue->folder = rc ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (rc)
        return rc;
    if (queue->folder < 0 || fstat(queue->folder, &at))
        return failed(queue, ".", err);
    if (at.st_uid != geteuid() || at.st_mode & 077)
        return error_set(err, EPERM, "%s: belongs to somebody else, or others may look into it", folder);
    queue->lock = openat(queue->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (queue->lock < 0)
        return failed(queue, "lock", err);
    *ret = STEAL(queue);
    return 0;
}

static void remove_both(struct queue *queue, const char *id)
{
    char name[NAME_BYTES];
    name_of(name, id, "set");
    unlinkat(queue->folder, name, 0);
    name_of(name, id, "end");
    unlinkat(queue->folder, name, 0);
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    queue_take_back(queue);
    cleanup_close(&queue->lock);
    cleanup_close(&queue->folder);
    free(queue->path);
    free(queue);
}

void queue_take_back(struct queue *queue)
{
    if (*queue->id)
        remove_both(queue, queue->id);
    *queue->id = '\0';
    cleanup_close(&queue->own);
    queue->own = -1;
}

static int lock_file(int fd)
{
    int rc;
    do
        rc = flock(fd, LOCK_EX | LOCK_NB);
    while (rc && errno == EINTR);
    return rc ? (errno == EWOULDBLOCK ? 0 : -errno) : 1;
}

static bool has_answer(const struct queue *queue)
{
    char name[NAME_BYTES];
    name_of(name, queue->id, "end");
    return *queue->id && !faccessat(queue->folder, name, F_OK, 0);
}

/* In steps: flock(2) knows no deadline. */
int queue_lead(struct queue *queue, int64_t wait_ns, struct error *err)
{
    enum { SHORTEST_NS = 500000, LONGEST_NS = 16000000 };
    int64_t end = clock_now_ns() + wait_ns, step = SHORTEST_NS;
    int rc;
    while (!(rc = lock_file(queue->lock)) && !has_answer(queue) && clock_now_ns() < end) {
        nanosleep(&(struct timespec){.tv_nsec = step}, NULL);
        step = 2 * step < LONGEST_NS ? 2 * step : LONGEST_NS;
    }
    queue->leads = rc == 1;
    return rc < 0 ? failed(queue, "lock", err) : rc;
}

void queue_leave(struct queue *queue)
{
    if (queue->leads)
        flock(queue->lock, LOCK_UN);
    queue->leads = false;
}

/* ---- files ---- */

/* `lock`: the caller holds the file from before it has its name; *ret_fd is its own. */
static int write_file(struct queue *queue, const char *id, const char *kind, const struct buf *bytes,
                      bool lock, int *ret_fd, struct error *err)
{
    char fresh[NAME_BYTES], name[NAME_BYTES];
    name_of(fresh, id, "new");
    name_of(name, id, kind);
    CLEANUP_CLOSE int fd =
        openat(queue->folder, fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(queue, fresh, err);
    bool held = !lock || lock_file(fd) == 1;
    int rc = held ? file_write_all(fd, bytes->data, bytes->len) : -EAGAIN;
    errno = -rc;
    if (!rc && !renameat(queue->folder, fresh, queue->folder, name)) {
        *ret_fd = fd;
        fd = -1;
        return 0;
    }
    rc = failed(queue, name, err);
    unlinkat(queue->folder, fresh, 0);
    return rc;
}

static int read_file(struct queue *queue, int fd, const char *name, struct buf *buf, struct error *err)
{
    struct stat at;
    if (fstat(fd, &at))
        return failed(queue, name, err);
    if (at.st_size > QUEUE_SET_BYTES_MAX)
        return error_set(err, EFBIG, "%s/%s: is too large", queue->path, name);
    size_t len = (size_t)at.st_size;
    uint8_t *to = buf_room(buf, len);
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(fd, to + done, len - done, (off_t)done);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return got ? failed(queue, name, err)
                       : error_set(err, EIO, "%s/%s: became shorter", queue->path, name);
        done += got > 0 ? (size_t)got : 0;
    }
    buf->len += len;
    buf->data[buf->len] = 0;
    return 0;
}

int queue_put(struct queue *queue, const char *id, const struct buf *bytes, struct error *err)
{
    if (bytes->len > QUEUE_SET_BYTES_MAX)
        return error_set(err, EFBIG, "the set has %zu bytes", bytes->len);
    int rc = write_file(queue, id, "set", bytes, true, &queue->own, err);
    if (!rc)
        snprintf(queue->id, sizeof queue->id, "%s", id);
    return rc;
}

int queue_answer(struct queue *queue, struct buf *buf, struct error *err)
{
    char name[NAME_BYTES];
    name_of(name, queue->id, "end");
    CLEANUP_CLOSE int fd = openat(queue->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : failed(queue, name, err);
    int rc = read_file(queue, fd, name, buf, err);
    return rc ? rc : 1;
}

int queue_end(struct queue *queue, const char *id, const struct buf *bytes, struct error *err)
{
    CLEANUP_CLOSE int fd = -1;
    return write_file(queue, id, "end", bytes, false, &fd, err);
}

/* ---- those that wait ---- */

struct waiting {
    char id[LAYOUT_ID_BYTES];
    struct timespec since;
};

static int compare_waiting(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;
    if (x->since.tv_sec != y->since.tv_sec)
        return x->since.tv_sec < y->since.tv_sec ? -1 : 1;
    if (x->since.tv_nsec != y->since.tv_nsec)
        return x->since.tv_nsec < y->since.tv_nsec ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* Is it ID.KIND? */
static bool is_name(const char *name, const char *kind, char ret_id[LAYOUT_ID_BYTES])
{
    size_t len = strspn(name, "0123456789abcdef");
    if (len != LAYOUT_ID_BYTES - 1 || name[len] != '.' || strcmp(name + len + 1, kind) != 0)
        return false;
    memcpy(ret_id, name, len);
    ret_id[len] = '\0';
    return true;
}

/* Whose owner has ended: nobody holds it. One that has no name yet may not be held yet. */
static bool is_orphan(struct queue *queue, const char *name, bool is_new)
{
    enum { YOUNG_S = 60 };
    struct stat at;
    CLEANUP_CLOSE int fd = openat(queue->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool young = is_new && fd >= 0 && !fstat(fd, &at) && at.st_mtime > time(NULL) - YOUNG_S;
    return fd >= 0 && !young && lock_file(fd) == 1;
}

static void look_at(struct queue *queue, const char *name, struct waiting **list, size_t *count, size_t *cap)
{
    char id[LAYOUT_ID_BYTES], set[NAME_BYTES];
    struct stat at;
    bool is_set = is_name(name, "set", id), is_new = is_name(name, "new", id),
         is_end = is_name(name, "end", id);
    name_of(set, id, "set");
    if (is_end && faccessat(queue->folder, set, F_OK, 0) && errno == ENOENT)
        unlinkat(queue->folder, name, 0);
    if ((!is_set && !is_new) || !strcmp(id, queue->id))
        return;
    if (is_orphan(queue, name, is_new)) {
        unlinkat(queue->folder, name, 0);
        remove_both(queue, id);
    } else if (is_set && !fstatat(queue->folder, name, &at, AT_SYMLINK_NOFOLLOW)) {
        mem_grow(list, cap, *count + 1, sizeof **list);
        struct waiting *to = &(*list)[(*count)++];
        memcpy(to->id, id, sizeof id);
        to->since = at.st_mtim;
    }
}

static int find_waiting(struct queue *queue, struct waiting **list, size_t *count, struct error *err)
{
    size_t cap = 0;
    int again = openat(queue->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *all = again < 0 ? NULL : fdopendir(again);
    if (!all) {
        int rc = failed(queue, ".", err);
        cleanup_close(&again);
        return rc;
    }
    for (const struct dirent *entry; (entry = readdir(all));)
        look_at(queue, entry->d_name, list, count, &cap);
    closedir(all);
    if (*count)
        qsort(*list, *count, sizeof **list, compare_waiting);
    return 0;
}

static int give_one(struct queue *queue, const char *id, queue_fn *each, void *ctx, struct error *err)
{
    char set[NAME_BYTES], end[NAME_BYTES];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    name_of(set, id, "set");
    name_of(end, id, "end");
    CLEANUP_CLOSE int fd = openat(queue->folder, set, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || !faccessat(queue->folder, end, F_OK, 0))
        return 0; /* it has gone meanwhile, or has its answer */
    int rc = read_file(queue, fd, set, &bytes, err);
    return rc ? rc : each(ctx, id, &bytes, err);
}

int queue_each(struct queue *queue, queue_fn *each, void *ctx, struct error *err)
{
    CLEANUP_FREE struct waiting *list = NULL;
    size_t count = 0;
    int rc = find_waiting(queue, &list, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = give_one(queue, list[i].id, each, ctx, err);
    return rc;
}
