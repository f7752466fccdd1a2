// SPDX-License-Identifier: Apache-2.0
/* One bounds check for all parsers. */
#include "index/containers/recording.h"

#include <errno.h>
#include <string.h>

int recording_read(const struct recording *recording, uint64_t offset, size_t len, void *to,
                   struct error *err)
{
    if (offset > recording->size || len > recording->size - offset)
        return error_set(err, EINVAL, "%s: truncated: %zu bytes are needed at offset %llu, but it has %llu",
                         recording->name, len, (unsigned long long)offset,
                         (unsigned long long)recording->size);
    return len ? recording->read(recording->ctx, offset, len, to, err) : 0;
}

static int memory_read(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    const struct memory_recording *memory = ctx;
    memcpy(to, memory->bytes + offset, len);
    return 0;
}

void recording_of_memory(struct memory_recording *ret, const char *name, const void *bytes, size_t len)
{
    *ret = (struct memory_recording){
        .recording = {.name = name, .size = len, .read = memory_read, .ctx = ret}, .bytes = bytes};
}
