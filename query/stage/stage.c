// SPDX-License-Identifier: Apache-2.0
/* The table, and what rows use to read and print their arguments. */
#include "query/stage/stage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"

#define LATER(called) (&(const struct stage){.name = called}) /* the name is kept free */

static const struct stage *const table[] = {
    &stage_key,   LATER("near"),  &stage_text,    LATER("cut"),  LATER("at"),    LATER("align"),
    &stage_sort,  &stage_skip,    &stage_head,    &stage_sample, &stage_shuffle, &stage_shard,
    &stage_split, &stage_balance, LATER("dedup"), &stage_since,  &stage_streams, LATER("snap"),
};
enum { COUNT = sizeof table / sizeof *table };

const struct stage *stage_at(size_t i)
{
    return i < COUNT ? table[i] : NULL;
}

const struct stage *stage_find(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strlen(table[i]->name) == len && !memcmp(table[i]->name, name, len))
            return table[i];
    return NULL;
}

static char *print_into(const char *format, va_list args)
{
    char *text;
    if (vasprintf(&text, format, args) < 0)
        abort();
    return text;
}

void stage_print(struct buf *buf, const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    va_list args;
    va_start(args, format);
    text = print_into(format, args);
    va_end(args);
    if (buf->len && buf->data[buf->len - 1] != '=')
        buf_u8(buf, ',');
    escape_append(buf, text, strlen(text), NULL, 1);
}

int stage_refuse(const struct stage *stage, struct error *err, const char *format, ...)
{
    CLEANUP_FREE char *reason = NULL;
    va_list args;
    va_start(args, format);
    reason = print_into(format, args);
    va_end(args);
    return error_set(err, ENOENT, "@%s: %s: it is written @%s=%s", stage->name, reason, stage->name,
                     stage->usage);
}
