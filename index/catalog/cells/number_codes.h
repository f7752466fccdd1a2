// SPDX-License-Identifier: Apache-2.0
/*
 * Which code a number has: of attributes of which nearly each clip has another one there are millions. Thread
 * rule: one thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct number_codes { /* zero is empty */
    struct number_code *slots;
    size_t count, slot_count;
    uint64_t factor; /* random, so that nobody can choose numbers that meet */
};
void number_codes_done(struct number_codes *codes);

/* Where the number's code stands; 0 if it has none yet, and then it must be given one. Valid until the next
 * call. */
uint32_t *number_codes_of(struct number_codes *codes, uint64_t number);
