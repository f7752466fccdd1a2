// SPDX-License-Identifier: Apache-2.0
/* Canonical means: unescaping and escaping again gives the same bytes. So there is one rule, in char_raw().
 */
#include "index/base/name.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/utf8.h"

enum { ATTRIBUTE_MAX = 200 };

/* It has a meaning in paths and file names. */
static bool is_special(unsigned char c)
{
    return c == '.' || c == '/' || c == '=' || c == ',' || c == '%';
}

/* Length of the character at `at` if it stands as itself in a key or stream name, else 0. */
static size_t char_raw(const char *raw, size_t len, size_t at)
{
    unsigned char c = (unsigned char)raw[at];
    if (c >= 0x80) {
        size_t n = utf8_char(raw + at, len - at);
        return n && utf8_code_point(raw + at, n) > 0xa0 ? n : 0;
    }
    if (c < 0x20 || c == 0x7f || is_special(c) || (at == 0 && (c == '@' || c == '_')))
        return 0;
    return 1;
}

void name_escape(struct buf *buf, const char *raw, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = char_raw(raw, len, at);
        if (n)
            buf_append(buf, raw + at, n);
        else
            buf_printf(buf, "%%%02X", (unsigned char)raw[at]);
        at += n ? n : 1;
    }
}

/* Most names need no escape at all. */
static bool is_plain(const char *name, size_t len)
{
    for (size_t at = 0, n; at < len; at += n)
        if (!(n = char_raw(name, len, at)))
            return false;
    return true;
}

int name_check(const char *name, size_t len, struct error *err)
{
    int shown = len < NAME_FILE_MAX ? (int)len : NAME_FILE_MAX;
    if (!len)
        return error_set(err, EINVAL, "a name is empty");
    if (len > NAME_FILE_MAX)
        return error_set(err, EINVAL, "the name '%.*s...' has more than %d bytes", shown, name,
                         NAME_FILE_MAX);
    if (is_plain(name, len))
        return 0;
    CLEANUP_BUF struct buf raw = BUF_INIT, again = BUF_INIT;
    int rc = escape_decode(&raw, name, len, err);
    if (rc) {
        error_prefix(err, "the name '%.*s'", shown, name);
        return rc;
    }
    name_escape(&again, buf_text(&raw), raw.len);
    if (again.len != len || memcmp(again.data, name, len) != 0)
        return error_set(err, EINVAL, "the name '%.*s' is not escaped as a name must be: '%s'", shown, name,
                         buf_text(&again));
    return raw.len && memchr(raw.data, 0, raw.len)
               ? error_set(err, EINVAL, "the name '%.*s' holds a NUL byte", shown, name)
               : 0;
}

int name_file(struct buf *buf, const char *key, const char *stream, const char *ext, struct error *err)
{
    size_t len = strlen(key) + (*stream ? 1 + strlen(stream) : 0) + (*ext ? 1 + strlen(ext) : 0);
    if (len > NAME_FILE_MAX)
        return error_set(err, ENAMETOOLONG, "the file name '%s%s%s%s%s' has %zu bytes, %d are allowed", key,
                         *stream ? "." : "", stream, *ext ? "." : "", ext, len, NAME_FILE_MAX);
    buf_text_append(buf, key);
    if (*stream)
        buf_u8(buf, '.'), buf_text_append(buf, stream);
    if (*ext)
        buf_u8(buf, '.'), buf_text_append(buf, ext);
    return 0;
}

enum name_kind name_kind(const char *name, size_t len)
{
    if (len && *name == '@')
        return NAME_STAGE;
    if (len && *name == '.')
        return NAME_HIDDEN;
    return len && memchr(name, '=', len) ? NAME_COMPONENT : NAME_FILE;
}

static bool is_reserved(const char *column, size_t len)
{
    static const char *const reserved[] = {"event", "key", "files"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (len == strlen(reserved[i]) && !memcmp(column, reserved[i], len))
            return true;
    return false;
}

int name_attribute(struct buf *buf, const char *column, size_t len, struct error *err)
{
    int shown = len < ATTRIBUTE_MAX ? (int)len : ATTRIBUTE_MAX;
    if (!len)
        return error_set(err, EINVAL, "an attribute's name is empty");
    if (len > ATTRIBUTE_MAX)
        return error_set(err, EINVAL, "the attribute's name '%.*s...' has more than %d bytes", shown, column,
                         ATTRIBUTE_MAX);
    if (!utf8_valid(column, len))
        return error_set(err, EINVAL, "the attribute's name '%.*s' is not UTF-8", shown, column);
    if (is_reserved(column, len))
        return error_set(err, EINVAL, "'%.*s' is no name for an attribute: it has a meaning of its own",
                         shown, column);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)column[i] < 0x20 || column[i] == 0x7f)
            return error_set(err, EINVAL, "the attribute's name '%.*s' holds a control byte", shown, column);
    for (size_t i = 0; i < len; i++)
        buf_u8(buf, column[i] == '/' || column[i] == '.' ? '_' : (uint8_t)column[i]);
    return 0;
}
