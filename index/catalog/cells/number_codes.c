// SPDX-License-Identifier: Apache-2.0
/* An open-addressed table of numbers, at most three quarters full; hashed by a random odd factor, of whose
 * product the highest bits count. */
#include "index/catalog/cells/number_codes.h"

#include <stdbool.h>
#include <stdlib.h>

#include "cache/base/hash.h"
#include "cache/base/memory.h"

enum { FIRST_SLOTS = 64, WORD_BITS = 64 };

struct number_code {
    uint64_t number;
    uint32_t code; /* 0: the slot is free */
};

void number_codes_done(struct number_codes *codes)
{
    free(codes->slots);
    *codes = (struct number_codes){0};
}

/* The slot that holds the number, or the free one where it would go. */
static struct number_code *slot_of(const struct number_codes *codes, uint64_t number)
{
    unsigned bits = (unsigned)__builtin_ctzll(codes->slot_count);
    for (size_t at = number * codes->factor >> (WORD_BITS - bits);; at++) {
        struct number_code *slot = &codes->slots[at & (codes->slot_count - 1)];
        if (!slot->code || slot->number == number)
            return slot;
    }
}

static void grow(struct number_codes *codes)
{
    struct number_code *old = codes->slots;
    size_t count = codes->slot_count;
    codes->slot_count = count ? 2 * count : FIRST_SLOTS;
    codes->slots = mem_zero(codes->slot_count * sizeof *codes->slots);
    if (!count)
        random_bytes(&codes->factor, sizeof codes->factor);
    codes->factor |= 1;
    for (size_t i = 0; i < count; i++)
        if (old[i].code)
            *slot_of(codes, old[i].number) = old[i];
    free(old);
}

uint32_t *number_codes_of(struct number_codes *codes, uint64_t number)
{
    if (4 * codes->count >= 3 * codes->slot_count)
        grow(codes);
    struct number_code *slot = slot_of(codes, number);
    if (!slot->code) {
        slot->number = number;
        codes->count++;
    }
    return &slot->code;
}
