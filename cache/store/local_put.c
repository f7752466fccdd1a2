// SPDX-License-Identifier: Apache-2.0
/*
 * Writing: a temporary file beside the target, synced, then given its name in one step, then the folder
 * synced. So a reader sees the whole object or none, and what store_put() said is there stays there after a
 * power cut. Clones and links come about in the same way.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/hash.h"
#include "cache/store/local.h"
#include "cache/store/pin.h"
#include "cache/store/stores.h"

#define TEMP_PREFIX ".elidefs-temp-"
enum { TEMP_ID_BYTES = 8, TEMP_NAME_BYTES = sizeof TEMP_PREFIX + 2 * TEMP_ID_BYTES };

/* A file on its way to `path`. */
struct draft {
    const struct store *store;
    const char *path, *name; /* `name`: the last component of `path` */
    int folder, fd;
    char temp[TEMP_NAME_BYTES]; /* "" once it has gone */
};

bool local_name_is_temporary(const char *name)
{
    size_t prefix = sizeof TEMP_PREFIX - 1;
    return !strncmp(name, TEMP_PREFIX, prefix) && strlen(name) == TEMP_NAME_BYTES - 1 &&
           strspn(name + prefix, "0123456789abcdef") == 2 * TEMP_ID_BYTES;
}

static int fail(const struct draft *draft, int code, struct error *err)
{
    return local_fail(draft->store, draft->path, code, err);
}

/* Makes each missing folder above the last component; every new entry is synced. */
static int make_parents(const struct store *store, const char *path, struct error *err)
{
    int rc = file_make_folders(store->url, 0777, err);
    CLEANUP_FREE char *parent = mem_text(".");
    for (const char *start = path, *slash; rc >= 0 && (slash = strchr(start, '/')); start = slash + 1) {
        CLEANUP_CLOSE int fd = local_open(store, parent, O_RDONLY | O_DIRECTORY, err);
        CLEANUP_FREE char *name = mem_copy(start, (size_t)(slash - start));
        if (fd < 0)
            return fd;
        if (!mkdirat(fd, name, 0777))
            rc = fsync(fd) ? local_fail(store, path, errno, err) : 0;
        else if (errno != EEXIST)
            return local_fail(store, path, errno, err);
        free(parent);
        parent = mem_copy(path, (size_t)(slash - path));
    }
    return rc;
}

static int open_parent(const struct store *store, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    CLEANUP_FREE char *parent = slash ? mem_copy(path, (size_t)(slash - path)) : mem_text(".");
    int fd = local_open(store, parent, O_RDONLY | O_DIRECTORY, err);
    if (fd != -ENOENT)
        return fd;
    int rc = make_parents(store, path, err);
    return rc < 0 ? rc : local_open(store, parent, O_RDONLY | O_DIRECTORY, err);
}

static void drop_temp(struct draft *draft)
{
    if (*draft->temp)
        unlinkat(draft->folder, draft->temp, 0);
    *draft->temp = 0;
}

static void draft_done(struct draft *draft)
{
    drop_temp(draft);
    cleanup_close(&draft->fd);
    cleanup_close(&draft->folder);
}

/* Finds the folder and a name; there is no file yet. */
static int draft_place(struct draft *draft, struct store *store, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    uint8_t id[TEMP_ID_BYTES];
    *draft = (struct draft){.store = store, .path = path, .name = slash ? slash + 1 : path, .fd = -1};
    draft->folder = open_parent(store, path, err);
    if (draft->folder < 0)
        return draft->folder;
    random_bytes(id, sizeof id);
    strcpy(draft->temp, TEMP_PREFIX);
    hex_print(id, sizeof id, draft->temp + sizeof TEMP_PREFIX - 1);
    return 0;
}

static int draft_begin(struct draft *draft, struct store *store, const char *path, struct error *err)
{
    int rc = draft_place(draft, store, path, err);
    if (rc < 0)
        return rc;
    draft->fd =
        openat(draft->folder, draft->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (draft->fd >= 0)
        return 0;
    int code = errno;
    *draft->temp = 0;
    draft_done(draft);
    return fail(draft, code, err);
}

/* A hard link fails if the name is taken. Where a file system has none, renameat2() can do the same. */
static int name_if_absent(struct draft *draft, struct error *err)
{
    if (!linkat(draft->folder, draft->temp, draft->folder, draft->name, 0))
        return 0;
    if (errno != EEXIST) {
        if (!syscall(SYS_renameat2, draft->folder, draft->temp, draft->folder, draft->name,
                     1 /* NOREPLACE */)) {
            *draft->temp = 0;
            return 0;
        }
        if (errno == EINVAL || errno == ENOSYS || errno == EPERM)
            return error_set(err, ENOTSUP, "%s: its file system has neither link() nor RENAME_NOREPLACE",
                             draft->store->url);
    }
    if (errno == EEXIST)
        return error_set(err, EEXIST, "%s/%s: exists already", draft->store->url, draft->path);
    return fail(draft, errno, err);
}

static int name_replacing(struct draft *draft, struct error *err)
{
    if (renameat(draft->folder, draft->temp, draft->folder, draft->name))
        return fail(draft, errno, err);
    *draft->temp = 0;
    return 0;
}

static int draft_commit(struct draft *draft, enum store_put_mode mode, struct store_object *ret,
                        struct error *err)
{
    struct stat st;
    if (fsync(draft->fd))
        return fail(draft, errno, err);
    int rc = 0;
    if (*draft->temp) /* else it has its name since an earlier try */
        rc = mode == STORE_PUT_IF_ABSENT ? name_if_absent(draft, err) : name_replacing(draft, err);
    if (rc < 0)
        return rc;
    drop_temp(draft);
    if (fsync(draft->folder) || fstat(draft->fd, &st)) /* a name that comes or goes changes the ctime */
        return fail(draft, errno, err);
    local_object(&st, ret);
    return 0;
}

static int check_stop(struct store *store, const char *path, struct error *err)
{
    if (stores_stopped(store->stores))
        return error_set(err, ECANCELED, "%s/%s: cancelled", store->url, path);
    stores_count(store->stores, STORE_REQUESTS, 1);
    return 0;
}

static int draft_write(struct draft *draft, const void *bytes, size_t len, struct error *err)
{
    int rc = file_write_all(draft->fd, bytes, len);
    stores_count(draft->store->stores, STORE_SENT, rc ? 0 : len);
    return rc < 0 ? fail(draft, -rc, err) : 0;
}

int local_put(struct store *store, const struct store_put *put, struct store_object *ret, struct error *err)
{
    struct draft draft;
    int rc = check_stop(store, put->path, err);
    if (!rc)
        rc = draft_begin(&draft, store, put->path, err);
    if (rc < 0)
        return rc;
    rc = draft_write(&draft, put->bytes, put->len, err);
    if (!rc)
        rc = draft_commit(&draft, put->mode, ret, err);
    draft_done(&draft);
    return rc;
}

/* ---- large objects ---- */

struct local_upload {
    struct store_upload base;
    struct draft draft;
    unsigned number;     /* of the last part */
    uint64_t start, end; /* of it */
};

int local_upload_begin(struct store *store, const char *path, struct store_upload **ret, struct error *err)
{
    int rc = check_stop(store, path, err);
    if (rc < 0)
        return rc;
    struct local_upload *upload = MEM_NEW(struct local_upload);
    store_upload_init(&upload->base, store, path);
    rc = draft_begin(&upload->draft, store, upload->base.path, err);
    if (rc < 0) {
        store_upload_done(&upload->base);
        free(upload);
        return rc;
    }
    *ret = &upload->base;
    return 0;
}

/* A part that is sent again takes the place of its first try. */
int local_upload_part(struct store_upload *base, unsigned number, const void *bytes, size_t len,
                      struct error *err)
{
    struct local_upload *upload = (struct local_upload *)base;
    struct draft *draft = &upload->draft;
    int rc = check_stop(base->store, base->path, err);
    if (rc < 0)
        return rc;
    if (number != upload->number)
        upload->start = upload->end;
    upload->number = number;
    upload->end = upload->start + len;
    if (ftruncate(draft->fd, (off_t)upload->start) || lseek(draft->fd, (off_t)upload->start, SEEK_SET) < 0)
        return fail(draft, errno, err);
    return draft_write(draft, bytes, len, err);
}

int local_upload_finish(struct store_upload *base, struct store_object *ret, struct error *err)
{
    struct local_upload *upload = (struct local_upload *)base;
    return draft_commit(&upload->draft, STORE_PUT_REPLACE, ret, err);
}

void local_upload_free(struct store_upload *base, bool abort)
{
    struct local_upload *upload = (struct local_upload *)base;
    draft_done(&upload->draft);
    store_upload_done(base);
    free(upload);
}

/* ---- copies ---- */

bool local_may_copy(const struct store *store, const struct store *from, enum store_copy_how how)
{
    (void)how;
    return from->ops == store->ops; /* the file systems are asked by trying */
}

/* What the source is now, if it is as it was pinned, or of the same inode and time where `touched`. */
static int check_source(const struct store_copy *copy, int fd, bool touched, struct error *err)
{
    struct stat st;
    struct store_object now;
    if (fstat(fd, &st))
        return local_fail(copy->from, copy->from_path, errno, err);
    int rc = local_check_regular(copy->from, copy->from_path, &st, err);
    if (rc < 0)
        return rc;
    local_object(&st, &now);
    enum pin_relation relation = pin_relate(copy->pinned->pin, now.pin);
    bool same = relation == PIN_SAME || (touched && relation == PIN_TOUCHED);
    if (same && now.size == copy->pinned->size)
        return 0;
    return error_set(err, ESTALE, "%s/%s: the file has changed since it was pinned", copy->from->url,
                     copy->from_path);
}

static int clone(struct draft *draft, const struct store_copy *copy, struct error *err)
{
    CLEANUP_CLOSE int fd = local_open(copy->from, copy->from_path, O_RDONLY, err);
    if (fd < 0)
        return fd;
    int rc = check_source(copy, fd, false, err);
    if (rc < 0)
        return rc;
    if (ioctl(draft->fd, FICLONE, fd)) {
        bool full = errno == ENOSPC || errno == EDQUOT || errno == EIO;
        return full ? fail(draft, errno, err)
                    : error_set(err, ENOTSUP, "%s: its file system cannot share blocks with %s/%s",
                                draft->store->url, copy->from->url, copy->from_path);
    }
    return check_source(copy, fd, false, err);
}

/* The highest folder above `path` on the same device: where its file system is mounted. */
static char *mount_point(const char *path)
{
    char *at = mem_text(path);
    struct stat here, above;
    for (char *slash; !stat(at, &here) && (slash = strrchr(at, '/')) && slash[1];) {
        CLEANUP_FREE char *parent = slash == at ? mem_text("/") : mem_copy(at, (size_t)(slash - at));
        if (stat(parent, &above) || above.st_dev != here.st_dev)
            break;
        free(at);
        at = STEAL(parent);
    }
    return at;
}

static int link_failed(const struct draft *draft, const struct store_copy *copy, int code, struct error *err)
{
    if (code == EXDEV) {
        CLEANUP_FREE char *from = mount_point(copy->from->url), *to = mount_point(draft->store->url);
        return error_set(err, ENOTSUP,
                         "%s/%s lies in the file system mounted at %s, and %s in the one at %s: a hard link "
                         "cannot reach from one to another",
                         copy->from->url, copy->from_path, from, draft->store->url, to);
    }
    if (code == EPERM || code == EMLINK || code == EOPNOTSUPP)
        return error_set(err, ENOTSUP, "%s/%s: no hard link can be made of it: %s%s", copy->from->url,
                         copy->from_path, strerror(code),
                         code == EPERM ? " (the file is somebody else's, or its file system has none)" : "");
    return local_fail(copy->from, copy->from_path, code, err);
}

static int name_link(struct draft *draft, const struct store_copy *copy, struct error *err)
{
    const char *slash = strrchr(copy->from_path, '/');
    CLEANUP_FREE char *parent =
        slash ? mem_copy(copy->from_path, (size_t)(slash - copy->from_path)) : mem_text(".");
    CLEANUP_CLOSE int folder = local_open(copy->from, parent, O_PATH | O_DIRECTORY, err);
    CLEANUP_CLOSE int fd = local_open(copy->from, copy->from_path, O_PATH, err);
    if (folder < 0 || fd < 0)
        return folder < 0 ? folder : fd;
    int rc = check_source(copy, fd, false, err);
    if (rc < 0)
        return rc;
    if (linkat(folder, slash ? slash + 1 : copy->from_path, draft->folder, draft->temp, 0)) {
        int code = errno;
        *draft->temp = 0;
        return link_failed(draft, copy, code, err);
    }
    return 0;
}

/* rename(2) does nothing with two names of one file. */
static bool has_its_name(const struct draft *draft)
{
    struct stat ours, there;
    return !fstat(draft->fd, &ours) && !fstatat(draft->folder, draft->name, &there, AT_SYMLINK_NOFOLLOW) &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static int link_source(struct draft *draft, const struct store_copy *copy, struct error *err)
{
    int rc = name_link(draft, copy, err);
    if (rc < 0)
        return rc;
    draft->fd = openat(draft->folder, draft->temp, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (draft->fd < 0)
        return fail(draft, errno, err);
    if (has_its_name(draft))
        drop_temp(draft);
    return check_source(copy, draft->fd, true, err);
}

int local_copy(struct store *store, const struct store_copy *copy, struct store_object *ret,
               struct error *err)
{
    struct draft draft;
    bool links = copy->how == STORE_COPY_LINK;
    int rc = check_stop(store, copy->to_path, err);
    if (!rc)
        rc = links ? draft_place(&draft, store, copy->to_path, err)
                   : draft_begin(&draft, store, copy->to_path, err);
    if (rc < 0)
        return rc;
    rc = links ? link_source(&draft, copy, err) : clone(&draft, copy, err);
    if (!rc)
        rc = draft_commit(&draft, STORE_PUT_REPLACE, ret, err);
    draft_done(&draft);
    return rc;
}
