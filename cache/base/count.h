// SPDX-License-Identifier: Apache-2.0
/* Numbers of things in messages: "1 clip", "14 clips", "2 copies". Immutable. */
#pragma once

#include <stdint.h>

enum { COUNT_TEXT_BYTES = 64 };

struct count_text {
    char text[COUNT_TEXT_BYTES];
};

/* `noun` in the singular: it gets an s, its -y becomes -ies. A text that is too long is cut. */
struct count_text count_of(uint64_t count, const char *noun);
/* The text, which lives as long as the expression it stands in: the arguments of one printf(). */
#define COUNT(count, noun) (count_of((count), (noun)).text)
