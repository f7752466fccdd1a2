// SPDX-License-Identifier: Apache-2.0
/* Pages of their own, since only whole pages can be marked; explicit_bzero, which no compiler leaves out. */
#include "cache/store/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *secret_new(size_t len)
{
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    madvise(memory, len, MADV_DONTDUMP);
    return memory;
}

void secret_free(void *memory, size_t len)
{
    if (!memory)
        return;
    explicit_bzero(memory, len);
    munmap(memory, len);
}

void secret_buf_done(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->cap);
    buf_done(buf);
}
