// SPDX-License-Identifier: Apache-2.0
/*
 * A table from the names that are asked for to the new ones. What was never met is a mistake, and is told
 * with the names that there are.
 */
#include "tools/import/stream_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/base/name.h"
#include "tools/import/draft.h"

struct rename {
    char *spec; /* "A=B" as it was typed */
    char *to;   /* escaped */
    bool used;
};

struct stream_names {
    struct strmap *by_name; /* A, escaped -> index into renames */
    struct rename *renames;
    size_t count;
};

/* What is escaped already stays as it is: people copy names from a mount. */
static char *escaped(const char *name, size_t len)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    if (!name_check(name, len, NULL))
        return mem_copy(name, len);
    name_escape(&buf, name, len);
    return (char *)buf_steal(&buf);
}

static int add(struct stream_names *names, const char *spec, struct error *err)
{
    const char *equals = strchr(spec, '=');
    if (!equals || equals == spec || !equals[1])
        return error_set(err, EINVAL, "--stream '%s': expected OLD=NEW", spec);
    CLEANUP_FREE char *from = escaped(spec, (size_t)(equals - spec));
    bool is_new;
    struct strmap_entry *entry = strmap_put(names->by_name, from, strlen(from), &is_new);
    if (!is_new)
        return error_set(err, EEXIST, "--stream '%s': '%s' was renamed already, by '%s'", spec, from,
                         names->renames[entry->value].spec);
    entry->value = names->count;
    names->renames[names->count++] =
        (struct rename){.spec = mem_text(spec), .to = escaped(equals + 1, strlen(equals + 1))};
    return 0;
}

int stream_names_new(const char *const *specs, size_t count, struct stream_names **ret, struct error *err)
{
    CLEANUP_STREAM_NAMES struct stream_names *names = MEM_NEW(struct stream_names);
    names->by_name = strmap_new();
    names->renames = mem_zero(count * sizeof *names->renames);
    for (size_t i = 0; i < count; i++) {
        int rc = add(names, specs[i], err);
        if (rc)
            return rc;
    }
    *ret = STEAL(names);
    return 0;
}

void stream_names_free(struct stream_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->renames[i].spec);
        free(names->renames[i].to);
    }
    free(names->renames);
    strmap_free(names->by_name);
    free(names);
}

static struct rename *find_escaped(struct stream_names *names, const char *name)
{
    const struct strmap_entry *entry = strmap_find(names->by_name, name, strlen(name));
    return entry ? &names->renames[entry->value] : NULL;
}

const char *stream_names_find(struct stream_names *names, const char *name)
{
    if (!names || !names->count)
        return NULL;
    CLEANUP_BUF struct buf escaped_name = BUF_INIT;
    name_escape(&escaped_name, name, strlen(name));
    struct rename *rename = find_escaped(names, buf_text(&escaped_name));
    if (!rename)
        return NULL;
    rename->used = true;
    return rename->to;
}

static int check_distinct(const struct draft *clip, struct error *err)
{
    for (size_t i = 0; i < clip->stream_count; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(clip->streams[i].name, clip->streams[k].name) &&
                !strcmp(clip->streams[i].ext, clip->streams[k].ext))
                return error_set(err, EEXIST,
                                 "%s: with --stream two of the clip's streams would be '%s.%s.%s'",
                                 clip->source, clip->key, clip->streams[i].name, clip->streams[i].ext);
    return 0;
}

static int rename_streams(struct stream_names *names, struct drafts *drafts, struct draft *clip,
                          struct error *err)
{
    bool renamed = false;
    for (size_t i = 0; i < clip->stream_count; i++) {
        struct draft_stream *stream = &clip->streams[i];
        struct rename *rename = stream->renamed ? NULL : find_escaped(names, stream->name);
        if (!rename)
            continue;
        CLEANUP_BUF struct buf file = BUF_INIT;
        if (name_file(&file, clip->key, rename->to, stream->ext, err))
            return error_prefix(err, "%s", clip->source);
        stream->name = drafts_text(drafts, rename->to);
        stream->renamed = rename->used = renamed = true;
    }
    return renamed ? check_distinct(clip, err) : 0;
}

/* "top, wrist and 3 more". */
static void list_streams(const struct drafts *drafts, struct buf *to)
{
    enum { SHOWN = 8 };
    CLEANUP_STRMAP struct strmap *seen = strmap_new();
    for (size_t i = 0; i < drafts->count; i++)
        for (size_t k = 0; k < drafts->clips[i].stream_count; k++)
            if (*drafts->clips[i].streams[k].name)
                strmap_put(seen, drafts->clips[i].streams[k].name, strlen(drafts->clips[i].streams[k].name),
                           NULL);
    for (size_t i = 0; i < strmap_count(seen) && i < SHOWN; i++)
        buf_printf(to, "%s%s", i ? ", " : "", strmap_at(seen, i)->key);
    if (strmap_count(seen) > SHOWN)
        buf_printf(to, " and %zu more", strmap_count(seen) - SHOWN);
}

int stream_names_apply(struct stream_names *names, struct drafts *drafts, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; names->count && !rc && i < drafts->count; i++)
        rc = rename_streams(names, drafts, &drafts->clips[i], err);
    for (size_t i = 0; !rc && i < names->count; i++) {
        CLEANUP_BUF struct buf known = BUF_INIT;
        if (names->renames[i].used)
            continue;
        list_streams(drafts, &known);
        rc = error_set(err, ENOENT, "--stream '%s': no stream has this name; there are: %s",
                       names->renames[i].spec, known.len ? buf_text(&known) : "none");
    }
    return rc;
}
