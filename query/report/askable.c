// SPDX-License-Identifier: Apache-2.0
/* Of all clips the statistics tell how many; where values are many only the first few are read. */
#include "query/report/askable.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cache/base/json.h"

enum { FEW_VALUES = 1000 }; /* of so many it is told which are frequent */

struct asking {
    struct catalog_reader *reader;
    const struct rowset *rows;
    bool all; /* the rows are all there are */
    askable_fn *each;
    void *ctx;
};

static int count_clips(const struct asking *asking, uint32_t id, struct askable *to, struct error *err)
{
    const struct catalog_literal literal = {.attribute = id, .op = CATALOG_HAS};
    struct catalog_counts counts;
    if (!asking->all)
        return facets_count_clips(asking->reader, asking->rows, &literal, &to->clips, err);
    int rc = catalog_attribute_counts(asking->reader, id, &counts, err);
    if (!rc)
        to->clips = counts.clips, to->values = counts.distinct;
    return rc;
}

static int read_values(const struct asking *asking, struct askable *to, struct facets *facets,
                       struct error *err)
{
    const struct facets_asked asked = {asking->reader, asking->rows, to->attribute};
    size_t most = asking->all && to->values > FEW_VALUES ? ASKABLE_EXAMPLES : FEW_VALUES;
    int rc = facets_least(&asked, most, facets, err);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        to->values = facets->count;
        facets_sort(facets);
        return 0;
    }
    for (size_t i = 0; i < facets->count; i++)
        facets->list[i].clips = 0;
    return asking->all ? 0 : facets_count_values(&asked, &to->values, err);
}

static int ask(const struct asking *asking, const struct catalog_attribute *attribute, struct error *err)
{
    struct askable askable = {.attribute = attribute};
    CLEANUP_FACETS struct facets facets = {0};
    CLEANUP_BUF struct buf description = BUF_INIT;
    int rc = count_clips(asking, attribute->id, &askable, err);
    if (rc || (!askable.clips && !asking->all))
        return rc;
    if (attribute->type != VALUE_LIST)
        rc = read_values(asking, &askable, &facets, err);
    if (!rc)
        rc = catalog_description(asking->reader, attribute->id, &description, err);
    if (rc)
        return rc;
    askable.description = buf_text(&description);
    askable.examples = facets.list;
    askable.example_count = facets.count < ASKABLE_EXAMPLES ? facets.count : ASKABLE_EXAMPLES;
    return asking->each(asking->ctx, &askable, err);
}

struct attributes {
    struct catalog_attribute *list;
    size_t count, cap;
};

static int note(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct attributes *attributes = ctx;
    (void)err;
    mem_grow(&attributes->list, &attributes->cap, attributes->count + 1, sizeof *attributes->list);
    attributes->list[attributes->count++] = *attribute;
    return 0;
}

static void ask_ahead(const struct asking *asking, const struct attributes *attributes, bool again)
{
    const struct facets_attributes of = {asking->reader, asking->rows, attributes->list, attributes->count};
    facets_has_ahead(&of, again);
    facets_values_ahead(&of, again);
}

static int ask_all(const struct asking *asking, struct error *err)
{
    struct attributes attributes = {0};
    int rc = catalog_attributes(asking->reader, note, &attributes, err);
    if (!rc && !catalog_reader_nowait(asking->reader))
        ask_ahead(asking, &attributes, false);
    for (size_t i = 0; !rc && i < attributes.count; i++)
        rc = ask(asking, &attributes.list[i], err);
    if (rc == -EAGAIN)
        ask_ahead(asking, &attributes, true);
    free(attributes.list);
    return rc;
}

int askable_each(const struct query *query, struct catalog_reader *reader, askable_fn *each, void *ctx,
                 struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    struct catalog_info info;
    int rc = query_rows(query, reader, &rows, err);
    if (!rc)
        rc = catalog_info(reader, &info, err);
    if (rc)
        return rc;
    struct asking asking = {reader, rows, rowset_count(rows) == info.clips, each, ctx};
    return ask_all(&asking, err);
}

/* ---- as JSON ---- */

void askable_print_json(const struct askable *askable, struct buf *buf)
{
    const struct catalog_attribute *attribute = askable->attribute;
    buf_text_append(buf, "{\"name\":");
    json_write_text(buf, attribute->name, strlen(attribute->name));
    buf_printf(buf, ",\"type\":\"%s\",\"several\":%s,\"clips\":%" PRIu64 ",\"values\":",
               value_type_name(attribute->type), attribute->multi ? "true" : "false", askable->clips);
    if (attribute->type == VALUE_LIST)
        buf_text_append(buf, "null");
    else
        buf_printf(buf, "%" PRIu64, askable->values);
    buf_text_append(buf, ",\"examples\":[");
    for (size_t i = 0; i < askable->example_count; i++) {
        buf_text_append(buf, i ? "," : "");
        value_print_json(buf, &askable->examples[i].value);
    }
    buf_text_append(buf, "],\"description\":");
    json_write_text(buf, askable->description, strlen(askable->description));
    buf_u8(buf, '}');
}

static int add_to_schema(void *ctx, const struct askable *askable, struct error *err)
{
    struct buf *buf = ctx;
    if (buf->data[buf->len - 1] != '[')
        buf_u8(buf, ',');
    askable_print_json(askable, buf);
    return 0;
}

int askable_schema(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                   struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT, text = BUF_INIT;
    struct catalog_info info;
    uint64_t clips;
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = query_count(query, reader, &clips, err);
    if (rc)
        return rc;
    query_canonical(query, &path);
    buf_printf(&text, "{\"version\":%" PRIu32 ",\"path\":", info.version);
    json_write_text(&text, buf_text(&path), path.len);
    buf_printf(&text, ",\"clips\":%" PRIu64 ",\"attributes\":[", clips);
    rc = askable_each(query, reader, add_to_schema, &text, err);
    if (rc)
        return rc;
    buf_text_append(&text, "]}\n");
    buf_append(buf, text.data, text.len);
    return 0;
}
