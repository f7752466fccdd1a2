// SPDX-License-Identifier: Apache-2.0
/* All that a data set says stands in the page as JSON in which no '<' is left, so it cannot end the element
 * that holds it, and the page's script shows it as text only. Values are texts: a browser's numbers hold 53
 * bits.
 *
 *     {"version":1,"path":"arm=left","clips":8,"list":[
 *     {"key":"ep000000","files":[["ep000000.top.mp4",1234]],"labels":[["arm","left"],["tags","a","b"]],
 *      "events":[["grasp",0.5,1.25,"anna"]]},
 *     ...]}
 */
#include "query/report/page.h"

#include <inttypes.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/json.h"
#include "query/coming.h"
#include "query/files.h"
#include "query/report/page_html.h"

struct page {
    struct catalog_reader *reader;
    const struct query *query;
    struct buf *buf;
    const char *separator; /* before the next element */
    bool any_value;        /* of the clip so far */
    uint32_t attribute;    /* whose values were last, if any */
    size_t start, shown;   /* where the list begins, and how many clips it has */
};

static void write_text(struct buf *buf, const char *text, size_t len)
{
    CLEANUP_BUF struct buf json = BUF_INIT;
    json_write_text(&json, text, len);
    for (size_t i = 0; i < json.len; i++)
        if (json.data[i] == '<' || json.data[i] == '>' || json.data[i] == '&')
            buf_printf(buf, "\\u%04x", json.data[i]);
        else
            buf_u8(buf, json.data[i]);
}

/* "[1,2,...]": nobody reads the numbers of an embedding here. */
static void cut_list(struct buf *text)
{
    enum { SHOWN_BYTES = 200 };
    size_t len = SHOWN_BYTES;
    if (text->len <= SHOWN_BYTES)
        return;
    while (text->data[len - 1] != ',')
        len--;
    buf_truncate(text, len);
    buf_text_append(text, "...]");
}

static void write_value(struct buf *buf, const struct value *value)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    value_print(&text, value);
    if (value->type == VALUE_LIST)
        cut_list(&text);
    write_text(buf, buf_text(&text), text.len);
}

/* ---- a clip ---- */

static int add_file(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct page *page = ctx;
    buf_printf(page->buf, "%s[", page->separator);
    write_text(page->buf, entry->name, strlen(entry->name));
    buf_printf(page->buf, ",%" PRIu64 "]", entry->size);
    page->separator = ",";
    return 0;
}

static int add_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                     struct error *err)
{
    struct page *page = ctx;
    if (!strcmp(attribute->name, "event"))
        return 0; /* the events themselves are shown */
    if (!page->any_value || attribute->id != page->attribute) {
        buf_text_append(page->buf, page->any_value ? "],[" : "[");
        write_text(page->buf, attribute->name, strlen(attribute->name));
    }
    buf_u8(page->buf, ',');
    write_value(page->buf, value);
    page->attribute = attribute->id;
    page->any_value = true;
    return 0;
}

static int add_event(void *ctx, const struct catalog_event *event, struct error *err)
{
    struct page *page = ctx;
    buf_printf(page->buf, "%s[", page->separator);
    write_value(page->buf, &event->label);
    buf_u8(page->buf, ',');
    duration_print(page->buf, event->start_ns);
    buf_u8(page->buf, ',');
    duration_print(page->buf, event->end_ns);
    buf_u8(page->buf, ',');
    write_text(page->buf, event->origin.setter, strlen(event->origin.setter));
    buf_u8(page->buf, ']');
    page->separator = ",";
    return 0;
}

static int add_clip(struct page *page, uint32_t row, struct error *err)
{
    struct catalog_clip clip;
    int rc = catalog_clip(page->reader, row, &clip, err);
    if (rc < 0)
        return rc;
    buf_text_append(page->buf, "{\"key\":");
    write_text(page->buf, clip.key, strlen(clip.key));
    buf_text_append(page->buf, ",\"files\":[");
    page->separator = "";
    rc = files_of_clip(page->reader, page->query, row, add_file, page, err);
    buf_text_append(page->buf, "],\"labels\":[");
    page->any_value = false;
    if (rc >= 0)
        rc = catalog_clip_values(page->reader, row, add_value, page, err);
    buf_text_append(page->buf, page->any_value ? "]],\"events\":[" : "],\"events\":[");
    page->separator = "";
    if (rc >= 0)
        rc = catalog_events(page->reader, row, add_event, page, err);
    buf_text_append(page->buf, "]}");
    return rc < 0 ? rc : 0;
}

/* ---- the page ---- */

static int add_head(struct page *page, const struct query *query, uint64_t clips, struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    struct catalog_info info;
    int rc = catalog_info(page->reader, &info, err);
    if (rc < 0)
        return rc;
    query_canonical(query, &path);
    buf_printf(page->buf, "{\"version\":%" PRIu32 ",\"path\":", info.version);
    write_text(page->buf, buf_text(&path), path.len);
    buf_printf(page->buf, ",\"clips\":%" PRIu64 ",\"list\":[", clips);
    return 0;
}

/* 1: no more. */
static int add_row(void *ctx, uint32_t row, struct error *err)
{
    struct page *page = ctx;
    if (page->buf->len - page->start > PAGE_BYTES_MAX)
        return 1;
    buf_text_append(page->buf, page->shown++ ? ",\n" : "\n");
    return add_clip(page, row, err);
}

int page_append(const struct query *query, struct catalog_reader *reader, struct buf *buf, struct error *err)
{
    CLEANUP_SET struct set *result = NULL;
    struct page page = {.reader = reader, .query = query, .buf = buf};
    size_t start = buf->len;
    int rc = query_run(query, reader, &result, err);
    buf_append(buf, page_html_head, page_html_head_len);
    if (!rc)
        rc = add_head(&page, query, set_count(result), err);
    page.start = buf->len;
    CLEANUP_SET struct set *shown = rc ? NULL : set_new_every(result, 0, 1, PAGE_CLIPS_MAX);
    if (!rc)
        rc = coming_each(shown, reader, CATALOG_COMING_VALUES, add_row, &page, err);
    buf_text_append(buf, "]}");
    buf_append(buf, page_html_tail, page_html_tail_len);
    if (rc < 0)
        buf_truncate(buf, start);
    return rc < 0 ? rc : 0;
}
