// SPDX-License-Identifier: Apache-2.0
/* Reads are copies out of memory, counted, and can be made to fail. */
#include "tests/parquet/opened.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/base/file.h"

static int counted_read(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    struct opened *opened = ctx;
    if (++opened->requests == opened->fail_at)
        return error_set(err, EIO, "the store went away");
    memcpy(to, opened->bytes.data + offset, len);
    opened->bytes_read += len;
    return 0;
}

bool opened_load(struct opened *opened, const char *path)
{
    *opened = (struct opened){0};
    if (file_read(path, 64 << 20, &opened->bytes, NULL))
        return false;
    const char *slash = strrchr(path, '/');
    opened->recording = (struct recording){
        .name = slash ? slash + 1 : path, .size = opened->bytes.len, .read = counted_read, .ctx = opened};
    return true;
}

void opened_load_bytes(struct opened *opened, const char *name, const void *bytes, size_t len)
{
    *opened = (struct opened){.recording = {.name = name, .size = len, .read = counted_read, .ctx = opened}};
    buf_append(&opened->bytes, bytes, len);
}

void opened_init(struct opened *opened, const char *name)
{
    CLEANUP_FREE char *path = mem_printf("%s/data/%s.parquet", PARQUET_TESTS, name);
    struct error err = {0};
    cr_assert(opened_load(opened, path), "%s is not there", path);
    opened->recording.name = name;
    cr_assert_eq(parquet_open(&opened->recording, &opened->parquet, &err), 0, "%s", err.text);
}

void opened_done(struct opened *opened)
{
    parquet_free(opened->parquet);
    buf_done(&opened->bytes);
}
