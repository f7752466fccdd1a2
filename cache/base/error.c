// SPDX-License-Identifier: Apache-2.0
/* Errors are fixed buffers: reporting that memory or disk is exhausted must need neither. */
#include "cache/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/utf8.h"

/* What reaches a terminal or a log may quote hostile bytes: no escape sequences, no second line, only
 * well-formed UTF-8. */
static void text_clean(char *text)
{
    for (size_t len = strlen(text), n; len > 0; text += n, len -= n) {
        n = utf8_char(text, len);
        uint32_t code = n ? utf8_code_point(text, n) : 0;
        if (code >= 0x20 && (code < 0x7f || code > 0x9f))
            continue;
        n = n ? n : 1;
        memset(text, '?', n);
    }
}

static void text_format(char *text, const char *format, va_list args)
{
    int len = vsnprintf(text, ERROR_TEXT_BYTES, format, args);
    if (len < 0)
        strcpy(text, "(unprintable error)");
    else if (len >= ERROR_TEXT_BYTES)
        strcpy(text + ERROR_TEXT_BYTES - 4, "...");
    text_clean(text);
}

int error_set(struct error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->code = code;
        text_format(err->text, format, args);
        va_end(args);
    }
    return -code;
}

int error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return -EIO;
    char old[ERROR_TEXT_BYTES], context[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    text_format(context, format, args);
    va_end(args);
    memcpy(old, err->text, sizeof old);
    return error_set(err, err->code ? err->code : EIO, "%s: %s", context, old);
}

int error_within(struct error *err, int rc, const char *format, ...)
{
    char context[ERROR_TEXT_BYTES];
    va_list args;
    if (!err)
        return rc;
    va_start(args, format);
    text_format(context, format, args);
    va_end(args);
    error_prefix(err, "%s", context);
    return rc;
}

int error_recode(struct error *err, int code)
{
    if (err)
        err->code = code;
    return -code;
}

int error_copy(struct error *to, const struct error *from)
{
    if (to && to != from)
        *to = *from;
    return -from->code;
}
