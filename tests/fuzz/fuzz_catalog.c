// SPDX-License-Identifier: Apache-2.0
/*
 * A small catalog with some of its bytes changed: every function of a reader answers or fails, and none
 * crashes or hangs; and apply() on it, too. Input: patches of (u32 offset, u8 length, bytes), little endian.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "cache/base/cursor.h"
#include "cache/base/file.h"
#include "index/base/clip.h"
#include "tests/catalog/asked.h"
#include "tests/catalog/everything.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIPS = 60 };

static void make_base(struct buf *base)
{
    struct versions v;
    everything_make(&v, CLIPS);
    CLEANUP_FREE char *path = versions_path(&v, v.head);
    if (file_read(path, 1 << 24, base, &v.err))
        __builtin_trap();
    versions_done(&v);
}

/* Whatever is wrong is said as damage; that it took too long on a busy machine, is not. */
static void ask(const char *path)
{
    struct asked asked = {0};
    ask_path(path, 7, &asked);
    if (asked.strange.code && asked.strange.code != ETIMEDOUT) {
        fprintf(stderr, "%s\n", asked.strange.text);
        __builtin_trap();
    }
}

static void apply_to(const char *path, struct changeset *set)
{
    CLEANUP_OVERLAY struct overlay *file = NULL;
    struct apply_counts counts;
    struct error err;
    if (set && !overlay_new_plain(path, SCHEMA_PAGE_BYTES, &file, &err)) {
        struct apply_options options = {.file = file, .version = 100};
        apply(&options, set, &counts, &err);
    }
    changeset_free(set);
}

static void patch(struct buf *file, const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(data, size);
    while (cursor_left(&c)) {
        uint32_t offset = cursor_le32(&c) % (uint32_t)file->len;
        uint8_t len = cursor_u8(&c);
        const uint8_t *bytes = cursor_bytes(&c, len);
        if (!bytes || c.failed)
            return;
        if (len <= file->len - offset)
            memcpy(file->data + offset, bytes, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buf base; /* made once: it takes longer than all the rest */
    if (!base.len)
        make_base(&base);
    CLEANUP_BUF struct buf file = BUF_INIT;
    buf_append(&file, base.data, base.len);
    patch(&file, data, size);
    CLEANUP_CLOSE int fd = memfd_create("catalog", MFD_CLOEXEC);
    if (fd < 0 || file_write_all(fd, file.data, file.len))
        return 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ask(path);
    apply_to(path, everything_clips(CLIPS, 2, VALUE_TEXT));
    apply_to(path, everything_labels("net-7"));
    apply_to(path, everything_attributes());
    return 0;
}
