// SPDX-License-Identifier: Apache-2.0
/*
 * Progress on standard error: a bar with rate and time left on a terminal, a line per finished item
 * otherwise. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress;

/* `unit`: "B" (shown as KiB, MiB ...) or a plural noun. total 0: unknown. Both texts are borrowed. All others
 * do nothing with NULL: who works need not know whether anybody watches. */
struct progress *progress_new(const char *what, const char *unit, uint64_t total);
void progress_expect(struct progress *progress, uint64_t total);
void progress_add(struct progress *progress, uint64_t amount);
/* One item is finished: the next step where items are what is counted. */
void progress_item(struct progress *progress, const char *name);
void progress_free(struct progress *progress); /* erases the bar */
