// SPDX-License-Identifier: Apache-2.0
/* A manifest as JSON, one line a field, so that people can read it and two can be compared. */
#include "index/base/manifest.h"

#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/json.h"

static void print_text(struct buf *buf, const char *key, const char *text)
{
    buf_printf(buf, "  \"%s\": ", key);
    json_write_text(buf, text, strlen(text));
    buf_text_append(buf, ",\n");
}

static void print_extent(struct buf *buf, const struct map_extent *at)
{
    char id[LAYOUT_ID_BYTES];
    hex_print(at->id, MAP_ID_BYTES, id);
    buf_printf(buf, "{\"pack\": \"%s\", \"size\": %u, \"offset\": %u, \"length\": %u", id, at->pack_size,
               at->offset, at->len);
}

void manifest_print_top(struct buf *buf, const struct map_top *top)
{
    char hex[SHA256_HEX_BYTES];
    hex_print(top->sha256, SHA256_BYTES, hex);
    buf_printf(buf, "{\"pages\": %u, \"page_size\": %u,\n    \"map\": ", top->pages, top->page_bytes);
    print_extent(buf, &top->root);
    buf_printf(buf, ",\n      \"sha256\": \"%s\"},\n    \"hot\": [", hex);
    for (unsigned i = 0; i < top->hot_count; i++) {
        buf_text_append(buf, i ? ",\n      " : "\n      ");
        print_extent(buf, &top->hot[i]);
        buf_text_append(buf, "}");
    }
    buf_text_append(buf, "]}");
}

static void print_catalog(struct buf *buf, const struct manifest *m)
{
    if (!m->catalog.pages) {
        buf_text_append(buf, "  \"requires\": [],\n  \"catalog\": null,\n");
        return;
    }
    buf_text_append(buf, "  \"requires\": [\"" MANIFEST_CATALOG
                         "\"],\n  \"program\": \"" MANIFEST_CATALOG_PROGRAM "\",\n  \"catalog\": ");
    manifest_print_top(buf, &m->catalog);
    buf_text_append(buf, ",\n");
}

static void print_purge(struct buf *buf, const struct manifest_purge *purge)
{
    char hex[SHA256_HEX_BYTES];
    hex_print(purge->sha256, SHA256_BYTES, hex);
    if (purge->seq)
        buf_printf(buf, "  \"purge\": {\"seq\": %u, \"sha256\": \"%s\"},\n", purge->seq, hex);
}

static void print_parent(struct buf *buf, const struct manifest *m)
{
    char hex[SHA256_HEX_BYTES];
    hex_print(m->parent_sha256, SHA256_BYTES, hex);
    if (m->version == 0)
        buf_text_append(buf, "  \"parent\": null,\n");
    else
        buf_printf(buf, "  \"parent\": {\"version\": %u, \"sha256\": \"%s\"},\n", m->parent, hex);
}

static void print_when(struct buf *buf, const struct manifest *m)
{
    CLEANUP_BUF struct buf time = BUF_INIT;
    instant_print(&time, m->time_ns);
    print_text(buf, "time", buf_text(&time));
    print_text(buf, "author", m->author);
    print_text(buf, "message", m->message);
}

static void print_stub(struct buf *buf, const struct manifest *m)
{
    char hex[SHA256_HEX_BYTES];
    hex_print(m->sha256, SHA256_BYTES, hex);
    buf_text_append(buf, "  \"forgotten\": {\n");
    print_when(buf, m);
    buf_printf(buf, "  \"sha256\": \"%s\"}\n}\n", hex);
}

static void print_lists(struct buf *buf, const struct manifest *m)
{
    buf_text_append(buf, "  \"tags\": {");
    for (size_t i = 0; i < m->tag_count; i++)
        buf_printf(buf, "%s\"%s\": {\"version\": %u, \"seq\": %u}", i ? ", " : "", m->tags[i].name,
                   m->tags[i].version, m->tags[i].seq);
    for (size_t i = 0; i < m->forgets_count; i++)
        buf_printf(buf, "%s\"%u\": %u", i ? ", " : "},\n  \"forgets\": {", m->forgets[i].first,
                   m->forgets[i].seq);
    buf_text_append(buf, "}\n}\n");
}

void manifest_print(struct buf *buf, const struct manifest *m)
{
    buf_text_append(buf, "{\n");
    print_text(buf, "dataset", m->uuid);
    buf_printf(buf, "  \"version\": %u,\n", m->version);
    print_parent(buf, m);
    if (m->stub) {
        print_text(buf, "commit", m->commit_id);
        print_stub(buf, m);
        return;
    }
    print_when(buf, m);
    if (m->source)
        print_text(buf, "source", m->source);
    print_text(buf, "commit", m->commit_id);
    print_catalog(buf, m);
    buf_printf(buf, "  \"rows\": %llu,\n  \"clips\": %llu,\n", (unsigned long long)m->rows,
               (unsigned long long)m->clips);
    buf_printf(buf, "  \"diff\": {\"added\": %llu, \"replaced\": %llu, \"unchanged\": %llu",
               (unsigned long long)m->added, (unsigned long long)m->replaced,
               (unsigned long long)m->unchanged);
    if (m->removed)
        buf_printf(buf, ", \"removed\": %llu", (unsigned long long)m->removed);
    if (m->labelled)
        buf_printf(buf, ", \"labelled\": %llu", (unsigned long long)m->labelled);
    buf_text_append(buf, "},\n");
    if (m->roots)
        buf_printf(buf, "  \"roots\": %u,\n", m->roots);
    print_purge(buf, &m->purge);
    print_lists(buf, m);
}
