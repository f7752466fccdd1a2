// SPDX-License-Identifier: Apache-2.0
/* One pass: hash what comes, unpack it in small steps, hash and write what comes out. */
#include "index/pages/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"

enum { STEP_BYTES = 128 << 10, MEMORY_BYTES_MAX = 1 << 30 };

struct unpack {
    const char *name;
    const struct manifest_catalog *catalog;
    struct spool *spool;
    ZSTD_DCtx *zstd;
    struct sha256 *pack_sha, *catalog_sha;
    uint64_t received, unpacked;
    bool frame_ended;
    struct error failed; /* code 0: not yet */
    uint8_t step[STEP_BYTES];
};

struct spool *spool_ref(struct spool *spool)
{
    atomic_fetch_add(&spool->refs, 1);
    return spool;
}

void spool_unref(struct spool *spool)
{
    if (!spool || atomic_fetch_sub(&spool->refs, 1) != 1)
        return;
    close(spool->fd);
    free(spool);
}

static int memory_file(uint64_t size)
{
    if (size > MEMORY_BYTES_MAX)
        return -EFBIG;
    int fd = memfd_create("elidefs-catalog", MFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int spool_new(const char *folder, uint64_t size, struct spool **ret, struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/.catalog.XXXXXX", folder);
    int on_disk = mkostemp(path, O_CLOEXEC), code = errno;
    int fd = on_disk < 0 ? memory_file(size) : on_disk;
    if (fd < 0)
        return error_set(err, code, "%s: %s", path, strerror(code));
    if (on_disk >= 0)
        unlink(path);
    struct spool *spool = MEM_NEW(struct spool);
    atomic_init(&spool->refs, 1);
    spool->fd = fd;
    spool->in_memory = on_disk < 0;
    *ret = spool;
    return 0;
}

/* Carries what the disk has taken so far, which is `len` bytes, over to memory. */
static int spool_move_to_memory(struct spool *spool, uint64_t len, uint64_t size)
{
    CLEANUP_CLOSE int fd = memory_file(size);
    CLEANUP_FREE uint8_t *bytes = mem_alloc(STEP_BYTES);
    if (fd < 0)
        return fd;
    for (uint64_t at = 0; at < len;) {
        ssize_t got =
            pread(spool->fd, bytes, len - at < STEP_BYTES ? (size_t)(len - at) : STEP_BYTES, (off_t)at);
        int rc = got > 0 ? file_write_all(fd, bytes, (size_t)got) : -EIO;
        if (rc < 0)
            return rc;
        at += (uint64_t)got;
    }
    close(spool->fd);
    spool->fd = steal_fd(&fd);
    spool->in_memory = true;
    return 0;
}

int unpack_new(const char *name, const struct manifest_catalog *catalog, const char *folder,
               struct unpack **ret, struct error *err)
{
    struct spool *spool = NULL;
    int rc = spool_new(folder, catalog->size, &spool, err);
    if (rc < 0)
        return rc;
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (!zstd) {
        spool_unref(spool);
        return error_set(err, ENOMEM, "%s: no memory to unpack it", name);
    }
    struct unpack *unpack = MEM_NEW(struct unpack);
    unpack->name = name;
    unpack->catalog = catalog;
    unpack->spool = spool;
    unpack->zstd = zstd;
    unpack->pack_sha = sha256_new();
    unpack->catalog_sha = sha256_new();
    *ret = unpack;
    return 0;
}

void unpack_free(struct unpack *unpack)
{
    uint8_t ignored[SHA256_BYTES];
    if (!unpack)
        return;
    if (unpack->pack_sha)
        sha256_finish(unpack->pack_sha, ignored);
    if (unpack->catalog_sha)
        sha256_finish(unpack->catalog_sha, ignored);
    ZSTD_freeDCtx(unpack->zstd);
    spool_unref(unpack->spool);
    free(unpack);
}

uint64_t unpack_received(const struct unpack *unpack)
{
    return unpack->received;
}

static int damaged(const struct unpack *unpack, struct error *err, const char *why)
{
    return error_set(err, EUCLEAN, "%s is damaged: %s %s", unpack->name, unpack->catalog->pack, why);
}

static int write_step(struct unpack *unpack, size_t len, struct error *err)
{
    if (len > unpack->catalog->size - unpack->unpacked)
        return damaged(unpack, err, "unpacks to more than its manifest says");
    struct spool *spool = unpack->spool;
    int rc = file_write_all(spool->fd, unpack->step, len);
    if (rc < 0 && !spool->in_memory &&
        spool_move_to_memory(spool, unpack->unpacked, unpack->catalog->size) == 0)
        rc = file_write_all(spool->fd, unpack->step, len);
    if (rc < 0)
        return error_set(err, -rc, "%s: cannot be unpacked into the cache folder: %s", unpack->name,
                         strerror(-rc));
    sha256_add(unpack->catalog_sha, unpack->step, len);
    unpack->unpacked += len;
    return 0;
}

static int add(struct unpack *unpack, const void *bytes, size_t len, struct error *err)
{
    ZSTD_inBuffer in = {.src = bytes, .size = len};
    bool full = false; /* the last step filled its room: more may be waiting inside */
    while (in.pos < in.size || full) {
        ZSTD_outBuffer out = {.dst = unpack->step, .size = STEP_BYTES};
        if (unpack->frame_ended)
            return damaged(unpack, err, "has bytes behind its end");
        size_t left = ZSTD_decompressStream(unpack->zstd, &out, &in);
        if (ZSTD_isError(left))
            return damaged(unpack, err, ZSTD_getErrorName(left));
        int rc = write_step(unpack, out.pos, err);
        if (rc < 0)
            return rc;
        unpack->frame_ended = left == 0;
        full = left && out.pos == out.size;
    }
    return 0;
}

int unpack_check(const struct unpack *unpack, struct error *err)
{
    return unpack->failed.code ? error_copy(err, &unpack->failed) : 0;
}

int unpack_add(struct unpack *unpack, const void *bytes, size_t len, struct error *err)
{
    if (unpack->failed.code)
        return unpack_check(unpack, err);
    if (len > unpack->catalog->pack_size - unpack->received) {
        damaged(unpack, &unpack->failed, "is longer than its manifest says");
        return unpack_check(unpack, err);
    }
    sha256_add(unpack->pack_sha, bytes, len);
    unpack->received += len;
    add(unpack, bytes, len, &unpack->failed);
    return unpack_check(unpack, err);
}

static int check_sha(struct sha256 **sha, const uint8_t want[SHA256_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    sha256_finish(STEAL(*sha), digest);
    return memcmp(digest, want, SHA256_BYTES);
}

int unpack_finish(struct unpack *unpack, struct spool **ret, struct error *err)
{
    const struct manifest_catalog *catalog = unpack->catalog;
    if (unpack->failed.code)
        return unpack_check(unpack, err);
    if (unpack->received != catalog->pack_size)
        return damaged(unpack, err, "is shorter than its manifest says");
    if (check_sha(&unpack->pack_sha, catalog->pack_sha256))
        return damaged(unpack, err, "has another SHA-256 than its manifest says");
    if (!unpack->frame_ended || unpack->unpacked != catalog->size)
        return damaged(unpack, err, "unpacks to less than its manifest says");
    if (check_sha(&unpack->catalog_sha, catalog->sha256))
        return damaged(unpack, err, "unpacks to other bytes than its manifest says");
    *ret = spool_ref(unpack->spool);
    return 0;
}
