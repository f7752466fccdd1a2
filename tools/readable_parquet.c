// SPDX-License-Identifier: Apache-2.0
/* What a file is, its first and last bytes tell: a name is anybody's. */
#include "tools/readable_parquet.h"

#include <errno.h>
#include <string.h>

#include "index/containers/parquet/parquet.h"

static const char magic[] = "PAR1";
enum { MAGIC_BYTES = sizeof magic - 1, LEAST_BYTES = 12 };

static int read_range(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    const struct dataset_object *object = ctx;
    return store_read(object->store, object->path, &object->pinned, offset, len, to, err);
}

/* 1, 0 or -errno. */
static int is_parquet(const struct recording *recording, struct error *err)
{
    char bytes[2 * MAGIC_BYTES] = {0};
    if (recording->size < LEAST_BYTES)
        return 0;
    int rc = recording_read(recording, 0, MAGIC_BYTES, bytes, err);
    if (!rc && !memcmp(bytes, magic, MAGIC_BYTES))
        rc = recording_read(recording, recording->size - MAGIC_BYTES, MAGIC_BYTES, bytes + MAGIC_BYTES, err);
    return rc ? rc : !memcmp(bytes, "PAR1PAR1", sizeof bytes);
}

int readable_parquet(const struct dataset_object *object, struct error *err)
{
    CLEANUP_FREE char *name = mem_printf("%s/%s", store_url(object->store), object->path);
    struct recording recording = {
        .name = name, .size = object->pinned.size, .read = read_range, .ctx = (void *)object};
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    int rc = is_parquet(&recording, err);
    if (rc <= 0)
        return rc;
    rc = parquet_open(&recording, &parquet, err);
    if (rc)
        return rc == -ENOTSUP ? 0 : rc;
    return parquet_check(parquet, err);
}
