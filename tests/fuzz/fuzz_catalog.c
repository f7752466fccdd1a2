// SPDX-License-Identifier: Apache-2.0
/*
 * A small catalog with some of its bytes changed: every function of a reader answers or fails, and none
 * crashes or hangs; and apply() on it, too. Input: patches of (u32 offset, u8 length, bytes), little endian;
 * the same input is also read as each kind of group of rows.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "cache/base/cursor.h"
#include "cache/base/file.h"
#include "index/base/clip.h"
#include "index/catalog/groups/ident.h"
#include "index/catalog/groups/json_growth.h"
#include "index/catalog/groups/names.h"
#include "index/catalog/groups/newest.h"
#include "index/catalog/groups/sizes.h"
#include "index/catalog/groups/streams.h"
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

/* ---- groups of rows ---- */

static void decode_names(const uint8_t *data, size_t size)
{
    static struct names names;
    struct names_template template;
    if (!names_decode(data, size, &names))
        for (uint32_t i = names.rows; i--;)
            names_key(&names, i);
    if (!names_template_decode(data, size, &template))
        names_template_done(&template);
}

static void decode_sizes(const uint8_t *data, size_t size)
{
    static struct catalog_file files[CLIP_STREAMS_MAX];
    uint32_t changed[SIZES_ROWS], rows;
    struct ident_row ident;
    for (uint32_t i = 0; i < SIZES_ROWS; i += 15) {
        struct sizes_row row = {.files = files};
        sizes_decode(data, size, i, &row);
        ident_decode(data, size, i, &ident);
    }
    sizes_changed(data, size, false, changed, &rows);
}

static void decode_streams(const uint8_t *data, size_t size)
{
    struct streams_row rows[STREAMS_ROWS];
    struct streams_entry entry;
    for (uint32_t i = 0; i < STREAMS_ROWS; i += 7)
        for (uint32_t number = 0; number < 3; number++)
            if (!streams_decode(data, size, i, number, &entry)) {
                struct catalog_stream stream = {.size = 906, .object = entry.object};
                streams_give_pieces(&entry, &stream);
                streams_reads(&entry);
                catalog_stream_done(&stream);
            }
    if (!streams_decode_all(data, size, rows))
        streams_rows_done(rows);
}

static void decode_growth(const uint8_t *data, size_t size)
{
    static uint32_t versions[NEWEST_GROUPS];
    struct json_growth growth = {0};
    struct json_growth_head head;
    struct json_growth_entry entry;
    struct grown grown;
    uint32_t groups;
    json_growth_decode(data, size, 30, &head, &growth);
    json_growth_settle(&growth);
    json_growth_done(&growth);
    if (!grown_decode(data, size, &grown))
        for (uint32_t i = 0; i < GROWN_ROWS; i++)
            grown_find(&grown, i, &entry);
    newest_decode(data, size, versions, &groups);
}

/* Whatever is wrong is said as damage. That SQLite finds itself cut off, or runs out of patience, is not. */
static void ask(const char *path)
{
    struct asked asked = {0};
    ask_path(path, 7, &asked);
    if (asked.strange.code) {
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
    decode_names(data, size);
    decode_sizes(data, size);
    decode_streams(data, size);
    decode_growth(data, size);
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
