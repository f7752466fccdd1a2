// SPDX-License-Identifier: Apache-2.0
/* Differences as lines of JSON, with keys in one order. */
#include <inttypes.h>
#include <string.h>

#include "cache/base/json.h"
#include "query/report/diff.h"

static void text(struct buf *buf, const char *before, const char *value)
{
    buf_text_append(buf, before);
    json_write_text(buf, value, strlen(value));
}

void diff_print_attribute(const struct diff_attribute *attribute, struct buf *buf)
{
    text(buf, "{\"attribute\":", attribute->name);
    text(buf, ",\"op\":", diff_op_name(attribute->op));
    text(buf, ",\"type\":", value_type_name(attribute->type));
    if (attribute->op == DIFF_RENAMED)
        text(buf, ",\"old_name\":", attribute->old_name);
    if (attribute->type != attribute->old_type)
        text(buf, ",\"old_type\":", value_type_name(attribute->old_type));
    if (strcmp(attribute->description, attribute->old_description) != 0) {
        text(buf, ",\"description\":", attribute->description);
        text(buf, ",\"old_description\":", attribute->old_description);
    }
    buf_text_append(buf, "}\n");
}

void diff_print_source(const struct diff_source *source, struct buf *buf)
{
    buf_printf(buf, "{\"source\":%" PRIu32, source->source);
    text(buf, ",\"folder\":", source->folder);
    text(buf, ",\"file\":", source->file);
    text(buf, ",\"op\":", diff_op_name(source->op));
    buf_printf(buf, ",\"version\":%" PRIu32 "}\n", source->version);
}

static void print_values(struct buf *buf, const struct diff_clip *clip)
{
    for (size_t i = 0; i < clip->value_count; i++) {
        const struct diff_value *value = &clip->values[i];
        text(buf, i ? "," : ",\"attributes\":{", value->attribute);
        buf_printf(buf, ":{\"was\":%s,\"is\":%s", value->was ? value->was : "null",
                   value->is ? value->is : "null");
        if (value->by && *value->by)
            text(buf, ",\"by\":", value->by);
        buf_u8(buf, '}');
    }
    if (clip->value_count)
        buf_u8(buf, '}');
}

void diff_print_clip(const struct diff_clip *clip, struct buf *buf)
{
    text(buf, "{\"key\":", clip->key);
    text(buf, ",\"op\":", diff_op_name(clip->op));
    buf_printf(buf, ",\"version\":%" PRIu32, clip->version);
    print_values(buf, clip);
    for (size_t i = 0; i < clip->file_count; i++) {
        text(buf, i ? "," : ",\"files\":{", clip->files[i].name);
        text(buf, ":", diff_op_name(clip->files[i].op));
    }
    buf_text_append(buf, clip->file_count ? "}}\n" : "}\n");
}

static int append_attribute(void *ctx, const struct diff_attribute *attribute, struct error *err)
{
    (void)err;
    diff_print_attribute(attribute, ctx);
    return 0;
}

static int append_source(void *ctx, const struct diff_source *source, struct error *err)
{
    (void)err;
    diff_print_source(source, ctx);
    return 0;
}

static int append_clip(void *ctx, const struct diff_clip *clip, struct error *err)
{
    (void)err;
    diff_print_clip(clip, ctx);
    return 0;
}

int diff_append(const struct diff *diff, struct buf *buf, struct error *err)
{
    size_t start = buf->len;
    struct diff_visitor visitor = {append_attribute, append_source, append_clip, buf};
    int rc = diff_run(diff, &visitor, err);
    if (rc)
        buf_truncate(buf, start);
    return rc;
}
