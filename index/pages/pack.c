// SPDX-License-Identifier: Apache-2.0
/* Writing a pack in one pass: read, hash, compress, hash, send in parts as large as a store likes them. */
#include "index/pages/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "cache/base/memory.h"
#include "index/base/layout.h"

enum { READ_BYTES = 1 << 20, PART_BYTES = 8 << 20, HEADER_BYTES = 100 };

struct packing {
    struct store *store;
    const char *path; /* of the SQLite file */
    int fd;
    struct manifest_catalog *catalog; /* filled in as we go */
    ZSTD_CCtx *zstd;
    struct sha256 *catalog_sha, *pack_sha;
    struct buf part;             /* packed bytes not sent yet */
    struct store_upload *upload; /* NULL as long as one part suffices */
    uint8_t *bytes;              /* READ_BYTES */
};

static int local_fail(const struct packing *p, struct error *err)
{
    return error_set(err, errno, "%s: %s", p->path, strerror(errno));
}

/* The page size stands big-endian at byte 16 of the file, 1 meaning 65536 (SQLite file format, section 1.3).
 */
static int read_header(struct packing *p, struct error *err)
{
    uint8_t header[HEADER_BYTES];
    struct stat st;
    if (fstat(p->fd, &st))
        return local_fail(p, err);
    ssize_t got = pread(p->fd, header, sizeof header, 0);
    if (got < 0)
        return local_fail(p, err);
    if (got != HEADER_BYTES || memcmp(header, "SQLite format 3", 16))
        return error_set(err, EINVAL, "%s: is no SQLite database", p->path);
    uint32_t page_size = (uint32_t)header[16] << 8 | header[17];
    p->catalog->page_size = page_size == 1 ? 65536 : page_size;
    p->catalog->size = (uint64_t)st.st_size;
    return 0;
}

static int send_part(struct packing *p, struct error *err)
{
    int rc = p->upload ? 0 : store_upload_begin(p->store, p->catalog->pack, &p->upload, err);
    if (!rc)
        rc = store_upload_part(p->upload, p->part.data, p->part.len, err);
    buf_clear(&p->part);
    return rc;
}

static int pack_bytes(struct packing *p, size_t len, bool last, struct error *err)
{
    ZSTD_inBuffer in = {.src = p->bytes, .size = len};
    size_t left;
    do {
        size_t room = ZSTD_CStreamOutSize();
        ZSTD_outBuffer out = {.dst = buf_room(&p->part, room), .size = room};
        left = ZSTD_compressStream2(p->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return error_set(err, EIO, "%s: cannot be packed: %s", p->path, ZSTD_getErrorName(left));
        sha256_add(p->pack_sha, out.dst, out.pos);
        p->part.len += out.pos;
        p->catalog->pack_size += out.pos;
        int rc = p->part.len >= PART_BYTES ? send_part(p, err) : 0;
        if (rc < 0)
            return rc;
    } while (last ? left > 0 : in.pos < in.size);
    return 0;
}

/* A large catalog is compressed beside hashing and reading it; a library without threads refuses, and goes
 * on. */
static void use_threads(struct packing *p)
{
    enum { WORKERS = 2, LARGE_BYTES = 32 << 20 };
    if (p->catalog->size >= LARGE_BYTES)
        ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_nbWorkers, WORKERS);
}

static int read_and_pack(struct packing *p, struct error *err)
{
    uint64_t left = p->catalog->size;
    use_threads(p);
    int rc = 0;
    while (!rc && left) {
        size_t want = left < READ_BYTES ? (size_t)left : READ_BYTES;
        ssize_t got = read(p->fd, p->bytes, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return local_fail(p, err);
        if (!got)
            return error_set(err, EIO, "%s: became shorter while it was read", p->path);
        left -= (size_t)got;
        sha256_add(p->catalog_sha, p->bytes, (size_t)got);
        rc = pack_bytes(p, (size_t)got, !left, err);
    }
    return rc;
}

static int send_rest(struct packing *p, struct error *err)
{
    if (!p->upload)
        return store_put(p->store, p->catalog->pack, p->part.data, p->part.len, STORE_PUT_REPLACE, NULL, err);
    int rc = p->part.len ? send_part(p, err) : 0;
    return rc < 0 ? rc : store_upload_finish(STEAL(p->upload), NULL, err);
}

static int packing_run(struct packing *p, struct error *err)
{
    char id[LAYOUT_ID_BYTES];
    layout_random_id(id);
    layout_pack_path(id, p->catalog->pack);
    int rc = read_header(p, err);
    if (!rc)
        rc = read_and_pack(p, err);
    if (!rc)
        rc = send_rest(p, err);
    return rc;
}

static void packing_done(struct packing *p)
{
    sha256_finish(p->catalog_sha, p->catalog->sha256);
    sha256_finish(p->pack_sha, p->catalog->pack_sha256);
    if (p->upload)
        store_upload_abort(p->upload);
    ZSTD_freeCCtx(p->zstd);
    buf_done(&p->part);
    free(p->bytes);
    cleanup_close(&p->fd);
}

int pack_write(struct store *store, const char *path, struct manifest_catalog *ret, struct error *err)
{
    struct manifest_catalog catalog = {0};
    struct packing p = {.store = store, .path = path, .catalog = &catalog};
    p.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (p.fd < 0)
        return local_fail(&p, err);
    p.zstd = ZSTD_createCCtx();
    p.catalog_sha = sha256_new();
    p.pack_sha = sha256_new();
    p.bytes = mem_alloc(READ_BYTES);
    int rc = p.zstd ? packing_run(&p, err) : error_set(err, ENOMEM, "%s: no memory to pack it", path);
    packing_done(&p);
    if (rc < 0)
        store_remove(store, catalog.pack, NULL); /* its name is our own: nobody else can have written it */
    else
        *ret = catalog;
    return rc;
}

void pack_key(const char *uuid, const uint8_t manifest_sha256[SHA256_BYTES], uint8_t ret_key[SHA256_BYTES])
{
    char hex[SHA256_HEX_BYTES], text[32 + MANIFEST_UUID_BYTES + SHA256_HEX_BYTES];
    hex_print(manifest_sha256, SHA256_BYTES, hex);
    int len = snprintf(text, sizeof text, "elidefs catalog\n%s\n%s\n", uuid, hex);
    sha256_of(text, (size_t)len, ret_key);
}
