// SPDX-License-Identifier: Apache-2.0
/* Cuts windows out of an MP4 file into files of their own, as a mount would show them, for tests with real
 * players.
 *
 *     mp4cut FILE                                      prints what mp4_describe() says, and how much scanning
 * read mp4cut FILE FIRST COUNT exact|key OUT [...]      writes OUT and prints its size, ranges and pre-roll;
 * repeats
 *
 * Every window is cut twice, from the scan and from the sample table read back; they must agree. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"
#include "index/containers/mp4/mp4.h"

struct source {
    int fd;
    uint64_t reads, bytes;
};

static int read_source(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    struct source *source = ctx;
    source->reads++;
    source->bytes += len;
    ssize_t got = pread(source->fd, to, len, (off_t)offset);
    return got == (ssize_t)len ? 0 : error_set(err, EIO, "read at %" PRIu64, offset);
}

static int copy_range(int from, uint64_t offset, uint64_t len, int to)
{
    static uint8_t bytes[1 << 16];
    while (len) {
        size_t want = len < sizeof bytes ? (size_t)len : sizeof bytes;
        if (pread(from, bytes, want, (off_t)offset) != (ssize_t)want || file_write_all(to, bytes, want))
            return -EIO;
        offset += want;
        len -= want;
    }
    return 0;
}

static int write_slice(const struct slice *slice, int from, const char *path, struct error *err)
{
    CLEANUP_CLOSE int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    for (size_t i = 0; i < slice->count; i++) {
        const struct slice_piece *piece = &slice->pieces[i];
        int rc = piece->kind == SLICE_INLINE
                     ? file_write_all(to, slice->inline_bytes.data + piece->offset, (size_t)piece->len)
                     : copy_range(from, piece->offset, piece->len, to);
        if (rc)
            return error_set(err, EIO, "%s: cannot be written", path);
    }
    return 0;
}

static bool equal(const struct slice *a, const struct slice *b)
{
    bool same = a->count == b->count && a->inline_bytes.len == b->inline_bytes.len &&
                !memcmp(a->inline_bytes.data, b->inline_bytes.data, a->inline_bytes.len);
    for (size_t i = 0; same && i < a->count; i++)
        same = a->pieces[i].kind == b->pieces[i].kind && a->pieces[i].offset == b->pieces[i].offset &&
               a->pieces[i].len == b->pieces[i].len;
    return same;
}

static struct mp4_window window_of(char **args)
{
    return (struct mp4_window){.first = strtoull(args[0], NULL, 10),
                               .count = strtoull(args[1], NULL, 10),
                               .snap = strcmp(args[2], "key") ? MP4_SNAP_EXACT : MP4_SNAP_KEY};
}

static int check_table(const struct mp4 *mp4, const struct mp4_window *window, const struct slice *slice,
                       struct error *err)
{
    CLEANUP_BUF struct buf table = BUF_INIT;
    CLEANUP_MP4 struct mp4 *again = NULL;
    CLEANUP_SLICE struct slice other = SLICE_INIT;
    mp4_table_encode(mp4, &table);
    int rc = mp4_table_decode("table", table.data, table.len, &again, err);
    if (!rc)
        rc = mp4_slice(again, window, &other, err);
    if (!rc && !equal(&other, slice))
        rc = error_set(err, EILSEQ, "the table cuts another clip than the scan");
    return rc;
}

static int cut(const struct mp4 *mp4, int fd, char **args, struct error *err)
{
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    struct mp4_window window = window_of(args);
    int rc = mp4_slice(mp4, &window, &slice, err);
    if (!rc)
        rc = check_table(mp4, &window, &slice, err);
    if (!rc)
        rc = write_slice(&slice, fd, args[3], err);
    if (!rc)
        printf("size=%" PRIu64 " header=%zu ranges=%zu preroll_ns=%" PRId64 "\n", slice.size,
               slice.inline_bytes.len, slice.count - 1, slice.preroll_ns);
    return rc;
}

static void describe(const struct mp4 *mp4, const struct source *source)
{
    struct mp4_info info;
    CLEANUP_BUF struct buf table = BUF_INIT;
    mp4_describe(mp4, &info);
    mp4_table_encode(mp4, &table);
    printf("codec=%s frames=%" PRIu64 " timescale=%" PRIu32 " start_ns=%" PRId64 " end_ns=%" PRId64
           " width=%" PRIu32 " height=%" PRIu32 " audio=%d reads=%" PRIu64 " bytes=%" PRIu64 " table=%zu\n",
           info.codec, info.frames, info.timescale, info.start_ns, info.end_ns, info.width, info.height,
           info.has_audio, source->reads, source->bytes, table.len);
}

int main(int argc, char **argv)
{
    if (argc < 2 || (argc - 2) % 4)
        return fputs("usage: mp4cut FILE [FIRST COUNT exact|key OUT]...\n", stderr), 2;
    CLEANUP_CLOSE int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat))
        return perror(argv[1]), 1;
    struct source source = {.fd = fd};
    struct recording recording = {argv[1], (uint64_t)stat.st_size, read_source, &source};
    CLEANUP_MP4 struct mp4 *mp4 = NULL;
    struct error err = {0};
    int rc = mp4_scan(&recording, &mp4, &err);
    if (!rc)
        describe(mp4, &source);
    for (int i = 2; i < argc && !rc; i += 4)
        rc = cut(mp4, fd, argv + i, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    return rc ? 1 : 0;
}
