// SPDX-License-Identifier: Apache-2.0
/*
 * A source for tests: the bytes of a file made from a seed, given by threads of its own, with everything that
 * can go wrong on demand. Counts what it is asked. Locks itself.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"

struct test_source_options {
    uint64_t seed, size;
    unsigned delay_us;   /* before each piece */
    size_t piece_bytes;  /* 0: all in one */
    unsigned fail_nth;   /* this fill, counted from 1, fails after half of its bytes; 0: none */
    unsigned fail_every; /* each fill whose number it divides, too */
    bool inside_start;   /* no thread: all from inside start() */
    bool hold;           /* fills wait until test_source_release() */
};

/* Shared by a test and its sources; outlives them. */
struct test_counts {
    atomic_uint fills, cancels, frees, running;
    atomic_uint_fast64_t bytes;
    atomic_bool released;
};

uint8_t test_byte(uint64_t seed, uint64_t offset); /* what stands there */
void test_bytes(uint64_t seed, uint64_t offset, void *to, size_t len);
struct cache_source *test_source(const struct test_source_options *options, struct test_counts *counts);
