// SPDX-License-Identifier: Apache-2.0
/* The table, and what rows use to read and print their arguments. */
#include "query/stage/stage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "query/grammar.h"
#include "query/show.h"

extern const struct stage stage_since;

#define LATER(called) (&(const struct stage){.name = called}) /* the name is kept free */

static const struct stage *const table[] = {
    LATER("key"),   LATER("near"),    LATER("text"),  LATER("cut"),    LATER("at"),      LATER("align"),
    LATER("sort"),  LATER("skip"),    LATER("head"),  LATER("sample"), LATER("shuffle"), LATER("shard"),
    LATER("split"), LATER("balance"), LATER("dedup"), &stage_since,    LATER("streams"), LATER("snap"),
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

int stage_number(const struct stage *stage, const struct grammar_text *arg, const char *what, uint64_t most,
                 uint64_t *ret, struct error *err)
{
    uint64_t number = 0;
    bool fits = arg->len > 0;
    for (size_t i = 0; fits && i < arg->len; i++) {
        uint64_t digit = (uint64_t)(arg->bytes[i] - '0');
        fits = arg->bytes[i] >= '0' && digit <= 9 && number <= (most - digit) / 10 && digit <= most;
        number = number * 10 + digit;
    }
    if (fits) {
        *ret = number;
        return 0;
    }
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, arg->bytes, arg->len);
    return stage_refuse(stage, err, "'%s' is not %s", buf_text(&shown), what);
}

int stage_arguments(const struct stage *stage, size_t count, size_t least, size_t most, struct error *err)
{
    return count >= least && count <= most ? 0 : stage_refuse(stage, err, "%zu arguments", count);
}
