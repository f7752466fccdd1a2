// SPDX-License-Identifier: Apache-2.0
/*
 * @streams=front,state: the same clips, of each only these files, so that what is walked or copied is no more
 * than that. A file is called by its stream name, a plain one by its extension, the labels "json".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/name.h"
#include "query/set.h"
#include "query/show.h"
#include "query/stage/read.h"

struct streams {
    size_t count;
    char *list[]; /* sorted, no two equal */
};

static void free_streams(void *bound)
{
    struct streams *streams = bound;
    for (size_t i = 0; i < streams->count; i++)
        free(streams->list[i]);
    free(streams);
}

static bool shows(const void *bound, const char *name, const char *ext)
{
    const struct streams *streams = bound;
    const char *wanted = *name ? name : ext;
    return bsearch(&wanted, streams->list, streams->count, sizeof *streams->list, read_compare_texts);
}

struct search {
    const struct grammar_text *wanted;
    struct buf known; /* ", front, state, " */
};

static int look(void *ctx, const char *name, const char *ext, struct error *err)
{
    enum { KNOWN_MAX = 200 };
    struct search *search = ctx;
    const char *called = *name ? name : ext;
    CLEANUP_FREE char *listed = mem_printf(", %s, ", called);
    (void)err;
    if (strlen(called) == search->wanted->len && !memcmp(called, search->wanted->bytes, search->wanted->len))
        return 1;
    if (!strstr(buf_text(&search->known), listed) && search->known.len < KNOWN_MAX)
        buf_text_append(&search->known, search->known.len ? listed + strlen(", ") : listed);
    return 0;
}

/* 1: some clip has a file that is called so. */
static int is_known(struct search *search, struct catalog_reader *reader, struct error *err)
{
    int rc = look(search, "", "json", err);
    return rc ? rc : catalog_file_names(reader, look, search, err);
}

/* The argument is a name, or escaped it is one: as the catalog has it. */
static int read_name(const struct grammar_text *arg, struct catalog_reader *reader, char **ret,
                     struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT, escaped = BUF_INIT;
    struct grammar_text name = *arg;
    struct search search = {&name, BUF_INIT};
    int rc = is_known(&search, reader, err);
    if (!rc) {
        name_escape(&escaped, arg->bytes, arg->len);
        name = (struct grammar_text){(char *)(uintptr_t)buf_text(&escaped), escaped.len};
        rc = is_known(&search, reader, err);
    }
    show_append(&shown, arg->bytes, arg->len);
    if (rc > 0)
        *ret = mem_copy(name.bytes, name.len);
    else if (!rc)
        rc = stage_refuse(&stage_streams, err, "no file is called '%s'; there are %.*s", buf_text(&shown),
                          (int)search.known.len - 4, buf_text(&search.known) + 2);
    buf_done(&search.known);
    return rc < 0 ? rc : 0;
}

static int bind(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err)
{
    struct streams *streams = mem_zero(sizeof *streams + count * sizeof *streams->list);
    (void)why;
    for (size_t i = 0; i < count; i++) {
        int rc = read_name(&args[i], reader, &streams->list[i], err);
        streams->count += !rc;
        if (rc) {
            free_streams(streams);
            return rc;
        }
    }
    streams->count = read_sort_texts(streams->list, count);
    *ret = streams;
    return 0;
}

static void print(const void *bound, struct buf *buf)
{
    const struct streams *streams = bound;
    for (size_t i = 0; i < streams->count; i++)
        stage_print(buf, "%s", streams->list[i]);
}

static int apply(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err)
{
    (void)bound, (void)reader, (void)err;
    *ret = set_ref(set);
    return 0;
}

const struct stage stage_streams = {
    .name = "streams",
    .usage = "NAME,...",
    .help = "of each clip only these files",
    .narrows = true,
    .bind = bind,
    .free = free_streams,
    .print = print,
    .shows = shows,
    .apply = apply,
};
