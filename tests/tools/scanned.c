// SPDX-License-Identifier: Apache-2.0
/* Files are put into a folder, imported without a data set, and the change set is printed. */
#include "tests/tools/scanned.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/base/name.h"

static void must(int rc, const struct error *err)
{
    if (rc)
        abort();
    (void)err;
}

void scanned_init(struct scanned *ret)
{
    *ret = (struct scanned){.notes = notes_new()};
    must(file_make_temp_folder(NULL, "elidefs-scan", &ret->folder, &ret->err), &ret->err);
}

void scanned_done(struct scanned *s)
{
    must(file_remove_tree(s->folder, &s->err), &s->err);
    free(s->folder);
    notes_free(s->notes);
}

static void put(const char *root, const char *path, const char *text)
{
    CLEANUP_FREE char *full = mem_printf("%s/%s", root, path);
    char *slash = strrchr(full, '/');
    *slash = 0;
    must(file_make_folders(full, 0755, NULL), NULL);
    *slash = '/';
    must(file_replace(full, text, strlen(text), 0644, NULL), NULL);
}

void scanned_put(const struct scanned *s, const char *path, const char *text)
{
    CLEANUP_FREE char *source = mem_printf("%s/source", s->folder);
    put(source, path, text);
}

void scanned_remove(const struct scanned *s, const char *path)
{
    CLEANUP_FREE char *full = mem_printf("%s/source/%s", s->folder, path);
    must(file_remove_tree(full, NULL), NULL);
}

char *scanned_table(const struct scanned *s, const char *text)
{
    put(s->folder, "table.csv", text);
    return mem_printf("%s/table.csv", s->folder);
}

static char *shown(const struct changeset *set)
{
    struct changeset_reader reader = CHANGESET_READER(set);
    struct changeset_op op;
    CLEANUP_BUF struct buf out = BUF_INIT, values = BUF_INIT;
    CLEANUP_FREE char *key = NULL;
    while (changeset_next(&reader, &op) > 0) {
        if (op.kind == CHANGESET_CLIP) {
            if (key)
                buf_printf(&out, "%s\n", buf_text(&values));
            buf_clear(&values);
            free(key);
            key = mem_text(op.text);
            buf_printf(&out, "%s:", key);
        } else if (op.kind == CHANGESET_STREAM) {
            buf_u8(&out, ' ');
            must(name_file(&out, key, op.text, op.ext, NULL), NULL);
        } else if (op.kind == CHANGESET_VALUE) {
            buf_printf(&values, " %s=", op.text);
            value_print(&values, &op.value);
        }
    }
    if (key)
        buf_printf(&out, "%s\n", buf_text(&values));
    changeset_reader_done(&reader);
    return (char *)buf_steal(&out);
}

/* Temporary names differ from run to run. */
static void rename_folder(struct scanned *s, const char *source)
{
    for (char *at = s->err.text; (at = strstr(at, source)) != NULL;) {
        memcpy(at, "SRC", 3);
        memmove(at + 3, at + strlen(source), strlen(at + strlen(source)) + 1);
    }
}

char *scanned_import(struct scanned *s, struct import_request request)
{
    CLEANUP_FREE char *source = mem_printf("%s/source", s->folder);
    struct changeset *set = NULL;
    struct import_counts counts;
    struct stores *stores = NULL;
    struct stores_options options = {.config_path = "/dev/null"};
    s->err = (struct error){0};
    must(stores_new(&options, &stores, &s->err), &s->err);
    request.stores = stores;
    request.source = source;
    request.notes = s->notes;
    int rc = import_scan(&request, &set, &counts, &s->err);
    stores_free(stores);
    rename_folder(s, source);
    if (rc)
        return NULL;
    char *text = shown(set);
    changeset_free(set);
    return text;
}
