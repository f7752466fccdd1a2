// SPDX-License-Identifier: Apache-2.0
/*
 * A small catalog with some of its bytes changed: every function of a reader answers or fails, and none
 * crashes or hangs; and so does apply(). Input: u8 what is done with it (modulo ACTIONS), and patches of (u32
 * place, u8 length, bytes), little endian.
 *
 * A place is the number of a byte that means something: most of a small catalog is room in pages, and what is
 * written there is never looked at. What could be packed is plain, or nearly every patch would end in zstd.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "cache/base/cursor.h"
#include "cache/base/file.h"
#include "index/base/clip.h"
#include "index/catalog/packer.h"
#include "tests/catalog/asked.h"
#include "tests/catalog/everything.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIPS = 60 };
enum action { ASK, APPLY_CLIPS, APPLY_LABELS, APPLY_ATTRIBUTES, ACTIONS };

static void must(int rc, const char *what)
{
    if (rc) {
        fprintf(stderr, "%s\n", what);
        __builtin_trap();
    }
}

/* ---- the catalog ---- */

struct base {
    struct buf bytes;
    uint32_t *places; /* offsets of the bytes that mean something */
    size_t count, cap;
};

/* plain(blob): unpacked, and packed again without zstd */
static void make_plain(sqlite3_context *ctx, int count, sqlite3_value **values)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    const void *bytes = sqlite3_value_blob(values[0]);
    size_t len = (size_t)sqlite3_value_bytes(values[0]);
    buf_u8(&buf, 0);
    must(packer_unpack(sqlite3_user_data(ctx), bytes ? bytes : "", len, 1 << 20, &buf), "it is not packed");
    sqlite3_result_blob(ctx, buf.data, (int)buf.len, SQLITE_TRANSIENT);
}

static void unpack_all(const char *path)
{
    static const char sql[] =
        "PRAGMA journal_mode = OFF;"
        "UPDATE forward SET records = plain(records); UPDATE event SET records = plain(records);"
        "UPDATE list SET records = plain(records); UPDATE extra SET bytes = plain(bytes);"
        "UPDATE inline SET bytes = plain(bytes); UPDATE recording SET bytes = plain(bytes);"
        "UPDATE run SET bytes = plain(bytes); UPDATE codes SET bytes = plain(bytes);"
        "UPDATE file SET bytes = plain(bytes)";
    CLEANUP_PACKER struct packer *packer = packer_new();
    sqlite3 *db;
    must(sqlite3_open(path, &db), path);
    must(sqlite3_create_function(db, "plain", 1, SQLITE_UTF8, packer, make_plain, NULL, NULL), path);
    must(sqlite3_exec(db, sql, NULL, NULL, NULL), sqlite3_errmsg(db));
    must(sqlite3_close(db), path);
}

/* Bytes that are not 0, and what lies close to them. */
static void find_places(struct base *base)
{
    enum { NEAR = 2 };
    size_t at = 0;
    for (size_t i = 0; i < base->bytes.len; i++) {
        if (!base->bytes.data[i])
            continue;
        at = i < at + NEAR ? at : i - NEAR;
        mem_grow(&base->places, &base->cap, base->count + 2 * NEAR + 1, sizeof *base->places);
        for (; at <= i + NEAR && at < base->bytes.len; at++)
            base->places[base->count++] = (uint32_t)at;
    }
}

static void make_base(struct base *base)
{
    struct versions v;
    everything_make(&v, CLIPS);
    CLEANUP_FREE char *path = versions_path(&v, v.head);
    unpack_all(path);
    must(file_read(path, 1 << 24, &base->bytes, &v.err), v.err.text);
    versions_done(&v);
    find_places(base);
}

static void patch(struct buf *file, const struct base *base, struct cursor c)
{
    while (cursor_left(&c)) {
        uint32_t offset = base->places[cursor_le32(&c) % base->count];
        uint8_t len = cursor_u8(&c);
        const uint8_t *bytes = cursor_bytes(&c, len);
        if (!bytes || c.failed)
            return;
        if (len <= file->len - offset)
            memcpy(file->data + offset, bytes, len);
    }
}

/* ---- what is done with it ---- */

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

static void act(enum action action, const char *path)
{
    if (action == ASK)
        ask(path);
    else if (action == APPLY_CLIPS)
        apply_to(path, everything_clips(CLIPS, 2, VALUE_TEXT));
    else if (action == APPLY_LABELS)
        apply_to(path, everything_labels("net-7"));
    else
        apply_to(path, everything_attributes());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct base base; /* made once: it takes longer than all the rest */
    if (!base.count)
        make_base(&base);
    CLEANUP_BUF struct buf file = BUF_INIT;
    struct cursor c = cursor_of(data, size);
    enum action action = cursor_u8(&c) % ACTIONS;
    buf_append(&file, base.bytes.data, base.bytes.len);
    patch(&file, &base, c);
    CLEANUP_CLOSE int fd = memfd_create("catalog", MFD_CLOEXEC);
    if (fd < 0 || file_write_all(fd, file.data, file.len))
        return 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    act(action, path);
    return 0;
}
