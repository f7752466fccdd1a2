// SPDX-License-Identifier: Apache-2.0
/*
 * Nouns that end in a consonant and y get "ies", all others "s": the few nouns of our messages need no more.
 */
#include "cache/base/count.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct count_text count_of(uint64_t count, const char *noun)
{
    struct count_text ret;
    size_t len = strlen(noun);
    bool is_y = len > 1 && noun[len - 1] == 'y' && !strchr("aeiou", noun[len - 2]);
    const char *plural = count == 1 ? "" : is_y ? "ies" : "s";
    int kept = (int)(len - (is_y && count != 1));
    snprintf(ret.text, sizeof ret.text, "%llu %.*s%s", (unsigned long long)count, kept, noun, plural);
    return ret;
}
