// SPDX-License-Identifier: Apache-2.0
/*
 * Which file to evict: SIEVE (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024) over the files of the
 * cache folder, weighed by bytes. Files stand in the order of their first touch; a hand walks from the oldest
 * to the newest, spares each file touched since it last came by and offers the first that was not.
 * Thread rule: one thread at a time. Private to cache/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/keytable.h"

struct sieve_file {
    struct keytable_node node; /* first */
    struct sieve_file *newer, *older;
    uint64_t bytes; /* on disk */
    bool touched;
    uint8_t opens;    /* saturating */
    uint32_t seen;    /* number of the last scan of the folder that found it, or the file was used in */
    uint32_t counted; /* number of the last scan during which `bytes` became known otherwise */
    uint32_t writes;  /* under way */
};

struct sieve {
    struct keytable files;
    struct sieve_file *newest, *oldest, *hand;
    uint64_t bytes;
};

void sieve_done(struct sieve *sieve);
/* The file of this key, made if absent as the newest. */
struct sieve_file *sieve_file(struct sieve *sieve, const uint8_t key[SHA256_BYTES], bool *ret_new);
void sieve_resize(struct sieve *sieve, struct sieve_file *file, uint64_t bytes);
/* Moves the hand to the next file to evict; NULL if there is none at all. May offer any file again: the
 * caller removes it or passes on. */
struct sieve_file *sieve_next(struct sieve *sieve);
void sieve_remove(struct sieve *sieve, struct sieve_file *file); /* frees it */
