// SPDX-License-Identifier: Apache-2.0
/* A list of files in the order of their first touch, a mark on each that was touched since, and a hand. */
#include "cache/sieve.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"

void sieve_done(struct sieve *sieve)
{
    for (struct sieve_file *file = sieve->oldest, *newer; file; file = newer) {
        newer = file->newer;
        free(file);
    }
    keytable_done(&sieve->files);
    *sieve = (struct sieve){0};
}

struct sieve_file *sieve_file(struct sieve *sieve, const uint8_t key[SHA256_BYTES], bool *ret_new)
{
    struct sieve_file *file = (struct sieve_file *)keytable_find(&sieve->files, key);
    *ret_new = !file;
    if (file)
        return file;
    file = MEM_NEW(struct sieve_file);
    memcpy(file->node.key, key, SHA256_BYTES);
    keytable_add(&sieve->files, &file->node);
    file->older = sieve->newest;
    if (sieve->newest)
        sieve->newest->newer = file;
    else
        sieve->oldest = file;
    sieve->newest = file;
    return file;
}

void sieve_resize(struct sieve *sieve, struct sieve_file *file, uint64_t bytes)
{
    sieve->bytes += bytes - file->bytes;
    file->bytes = bytes;
}

struct sieve_file *sieve_next(struct sieve *sieve)
{
    struct sieve_file *file = sieve->hand ? sieve->hand : sieve->oldest;
    while (file && file->touched) {
        file->touched = false;
        file = file->newer ? file->newer : sieve->oldest;
    }
    sieve->hand = file ? file->newer : NULL;
    return file;
}

void sieve_remove(struct sieve *sieve, struct sieve_file *file)
{
    if (sieve->hand == file)
        sieve->hand = file->newer;
    if (file->newer)
        file->newer->older = file->older;
    else
        sieve->newest = file->older;
    if (file->older)
        file->older->newer = file->newer;
    else
        sieve->oldest = file->newer;
    sieve->bytes -= file->bytes;
    keytable_remove(&sieve->files, &file->node);
    free(file);
}
