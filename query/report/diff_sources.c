// SPDX-License-Identifier: Apache-2.0
/* Of sources that both versions have: the version that last changed one tells which are worth a look. */
#include "query/report/diff_sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct files {
    struct buf names; /* NUL-terminated, ascending */
    uint64_t *sizes;
    size_t count, cap;
};

static void files_done(struct files *files)
{
    buf_done(&files->names);
    free(files->sizes);
}

struct changed {
    uint32_t since; /* the older version */
    struct changed_source {
        uint32_t id, version;
        char *folder;
    } * list;
    size_t count, cap;
};

static void changed_done(struct changed *changed)
{
    for (size_t i = 0; i < changed->count; i++)
        free(changed->list[i].folder);
    free(changed->list);
}

static int take_changed(void *ctx, const struct catalog_source *source, struct error *err)
{
    struct changed *changed = ctx;
    (void)err;
    if (source->changed <= changed->since)
        return 0;
    mem_grow(&changed->list, &changed->cap, changed->count + 1, sizeof *changed->list);
    changed->list[changed->count++] =
        (struct changed_source){source->id, source->changed, mem_text(source->folder)};
    return 0;
}

static int take_file(void *ctx, const char *name, uint64_t size, struct error *err)
{
    struct files *files = ctx;
    (void)err;
    mem_grow(&files->sizes, &files->cap, files->count + 1, sizeof *files->sizes);
    files->sizes[files->count++] = size;
    buf_append(&files->names, name, strlen(name) + 1);
    return 0;
}

/* Of a file that both have: 1 if it has other bytes, 0 or -errno. */
static int differs(const struct diff *diff, uint32_t source, const char *name, struct error *err)
{
    CLEANUP_BUF struct buf was = BUF_INIT, is = BUF_INIT;
    int rc = catalog_source_file(diff->older, source, name, &was, err);
    if (!rc)
        rc = catalog_source_file(diff->newer, source, name, &is, err);
    return rc ? rc : was.len != is.len || (was.len && memcmp(was.data, is.data, was.len) != 0);
}

/* Names that are in one of the two, or in both, in their order. */
static int walk_files(const struct diff *diff, const struct diff_visitor *visitor,
                      const struct changed_source *source, const struct files both[2], struct error *err)
{
    const char *was = buf_text(&both[0].names), *is = buf_text(&both[1].names);
    size_t i = 0, k = 0;
    int rc = 0;
    while (!rc && (i < both[0].count || k < both[1].count)) {
        int order = i == both[0].count ? 1 : k == both[1].count ? -1 : strcmp(was, is);
        struct diff_source found = {order < 0   ? DIFF_REMOVED
                                    : order > 0 ? DIFF_ADDED
                                                : DIFF_CHANGED,
                                    source->id, source->folder, order < 0 ? was : is, source->version};
        rc = order ? 1 : differs(diff, source->id, is, err);
        if (rc == 1)
            rc = visitor->source(visitor->ctx, &found, err);
        if (order <= 0)
            was += strlen(was) + 1, i++;
        if (order >= 0)
            is += strlen(is) + 1, k++;
    }
    return rc;
}

static int walk_source(const struct diff *diff, const struct diff_visitor *visitor,
                       const struct changed_source *source, struct error *err)
{
    struct files both[2] = {{BUF_INIT}, {BUF_INIT}};
    int rc = catalog_source_files(diff->older, source->id, take_file, &both[0], err);
    bool is_new = rc == -ENOENT; /* which its clips tell */
    if (!rc)
        rc = catalog_source_files(diff->newer, source->id, take_file, &both[1], err);
    if (!rc)
        rc = walk_files(diff, visitor, source, both, err);
    files_done(&both[0]);
    files_done(&both[1]);
    return is_new ? 0 : rc;
}

int diff_sources(const struct diff *diff, const struct diff_visitor *visitor, uint32_t since,
                 struct error *err)
{
    struct changed changed CLEANUP(changed_done) = {.since = since};
    int rc = visitor->source ? catalog_sources(diff->newer, take_changed, &changed, err) : 0;
    for (size_t i = 0; !rc && i < changed.count; i++)
        rc = walk_source(diff, visitor, &changed.list[i], err);
    return rc;
}
