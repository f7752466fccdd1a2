// SPDX-License-Identifier: Apache-2.0
/*
 * What lies in the cache folder, and its size limits. One background thread looks through the folder after
 * the start (and now and then: other processes may share it), evicts files by SIEVE, and tries to write again
 * what could not be written.
 *
 *     bytes on disk   0 ......... 80 % ..... 90 % ..... limit
 *                                  ^ evict down to | evict from here; nothing more is written at the limit
 *
 * Thread rule: locks itself. Private to cache/.
 */
#pragma once

#include <stdint.h>

#include "cache/parts.h"

struct keeper;

/* `size_bytes`, `keep_free_percent`: as in struct cache_options. */
int keeper_new(struct cache *cache, uint64_t size_bytes, unsigned keep_free_percent, struct keeper **ret,
               struct error *err);
void keeper_stop(struct keeper *keeper); /* ends the thread */
void keeper_free(struct keeper *keeper);

/* A file was opened that has `bytes` on disk; returns how often it was since the start. */
unsigned keeper_opened(struct keeper *keeper, const uint8_t key[SHA256_BYTES], uint64_t bytes);
/* May `bytes` more be written? 0, -EDQUOT (the cache is full), -ENOSPC (the file system is). */
int keeper_room(struct keeper *keeper, uint64_t bytes);
/* Around each write: the first asks like keeper_room() and, if it says 0, holds the room until the second,
 * which is told how the write ended. */
int keeper_write_begins(struct keeper *keeper, const uint8_t key[SHA256_BYTES], uint64_t bytes);
void keeper_write_ended(struct keeper *keeper, const uint8_t key[SHA256_BYTES], uint64_t bytes, int rc);
void keeper_stats(struct keeper *keeper, struct cache_stats *ret);
