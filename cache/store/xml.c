// SPDX-License-Identifier: Apache-2.0
/* The path and the text of open elements are stacks in two buffers; an element remembers where its part
 * begins. */
#include "cache/store/xml.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "cache/base/buf.h"

enum { DEPTH = 16, NAME_BYTES = 64, TEXT_BYTES = 65536 };

struct reader {
    XML_Parser parser;
    xml_fn *each;
    void *ctx;
    struct buf path, text;
    struct level {
        size_t path_len, text_len;
    } levels[DEPTH];
    size_t depth;
    int rc;
    struct error err;
};

static void stop(struct reader *reader, int rc)
{
    reader->rc = rc;
    XML_StopParser(reader->parser, XML_FALSE);
}

static void cut(struct buf *buf, size_t len)
{
    buf->len = len;
    if (buf->data)
        buf->data[len] = 0;
}

static void begin_element(void *ctx, const char *name, const char **attributes)
{
    struct reader *reader = ctx;
    if (reader->depth == DEPTH || strlen(name) > NAME_BYTES) {
        stop(reader, error_set(&reader->err, EINVAL, "nested too deep, or a name too long"));
        return;
    }
    reader->levels[reader->depth++] =
        (struct level){.path_len = reader->path.len, .text_len = reader->text.len};
    buf_printf(&reader->path, "%s%s", reader->path.len ? "/" : "", name);
}

static void end_element(void *ctx, const char *name)
{
    struct reader *reader = ctx;
    if (reader->rc) /* expat ends an empty element though its begin has stopped it */
        return;
    const struct level *level = &reader->levels[--reader->depth];
    int rc = reader->each(reader->ctx, buf_text(&reader->path), buf_text(&reader->text) + level->text_len,
                          &reader->err);
    cut(&reader->path, level->path_len);
    cut(&reader->text, level->text_len);
    if (rc)
        stop(reader, rc);
}

static void take_text(void *ctx, const char *text, int len)
{
    struct reader *reader = ctx;
    if (reader->rc)
        return;
    if (reader->text.len + (size_t)len > TEXT_BYTES)
        stop(reader, error_set(&reader->err, EINVAL, "a text is too long"));
    else
        buf_append(&reader->text, text, (size_t)len);
}

static void refuse_doctype(void *ctx, const char *name, const char *system_id, const char *public_id,
                           int has_internal_subset)
{
    struct reader *reader = ctx;
    stop(reader, error_set(&reader->err, EINVAL, "a document type, which no store sends"));
}

/* Expat 2.9 deprecates the one that 2.5 has. */
static unsigned long line_of(XML_Parser parser)
{
#if XML_MAJOR_VERSION > 2 || XML_MINOR_VERSION >= 9
    return (unsigned long)XML_GetCurrentLineNumber64(parser);
#else
    return XML_GetCurrentLineNumber(parser);
#endif
}

static int parse(struct reader *reader, const char *name, const void *bytes, size_t len, struct error *err)
{
    bool parsed = XML_Parse(reader->parser, bytes, (int)len, 1) == XML_STATUS_OK;
    unsigned long line = line_of(reader->parser);
    if (reader->rc > 0)
        return reader->rc;
    if (reader->rc < 0)
        return error_set(err, -reader->rc, "%s: line %lu: %s", name, line, reader->err.text);
    if (!parsed)
        return error_set(err, EINVAL, "%s: line %lu: %s", name, line,
                         XML_ErrorString(XML_GetErrorCode(reader->parser)));
    return 0;
}

int xml_read(const char *name, const void *bytes, size_t len, xml_fn *each, void *ctx, struct error *err)
{
    struct reader reader = {.parser = XML_ParserCreate("UTF-8"), .each = each, .ctx = ctx};
    if (!reader.parser)
        return error_set(err, ENOMEM, "%s: cannot make an XML parser", name);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, begin_element, end_element);
    XML_SetCharacterDataHandler(reader.parser, take_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, refuse_doctype);
    int rc =
        len > INT_MAX ? error_set(err, EFBIG, "%s: too large", name) : parse(&reader, name, bytes, len, err);
    XML_ParserFree(reader.parser);
    buf_done(&reader.path);
    buf_done(&reader.text);
    return rc;
}
