// SPDX-License-Identifier: Apache-2.0
/* A source's files are compared as a whole, and written as a whole: they are few. */
#include "index/commit/apply/apply_sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/groups/clips.h"
#include "index/catalog/source_files.h"
#include "index/commit/interim.h"

struct known_source {
    uint32_t id, version;
};

struct apply_sources {
    struct apply *apply;
    struct strmap *by_place; /* root's id in decimal, '/', folder -> place in `known`; NULL: not read yet */
    struct known_source *known;
    size_t known_cap;
    uint32_t last; /* the highest id */
    uint32_t *ids; /* of the set's sources */
    size_t count, cap;
    /* the one under way; texts and bytes are borrowed from the log */
    struct {
        const char *folder; /* NULL: there is none */
        uint32_t root, id;
        uint32_t was; /* the version that last changed its files; 0: it is new */
        struct source_file files[SOURCE_FILES_MAX];
        const uint8_t *bytes[SOURCE_FILES_MAX];
        size_t count;
    } now;
    /* which clip is of which */
    uint64_t group; /* row >> bits, plus 1; 0: none is entered */
    bool dirty;
    uint32_t sourced[SOURCED_ROWS];
    struct buf buf;
};

struct apply_sources *apply_sources_new(struct apply *apply)
{
    struct apply_sources *sources = MEM_NEW(struct apply_sources);
    sources->apply = apply;
    return sources;
}

void apply_sources_free(struct apply_sources *sources)
{
    if (!sources)
        return;
    strmap_free(sources->by_place);
    free(sources->known);
    free(sources->ids);
    buf_done(&sources->buf);
    free(sources);
}

/* ---- which source it is ---- */

/* The place's entry; a new one for a source that is not there. */
static struct known_source *place_of(struct apply_sources *sources, uint32_t root, const char *folder)
{
    CLEANUP_FREE char *name = mem_printf("%u/%s", root, folder);
    bool is_new;
    struct strmap_entry *entry = strmap_put(sources->by_place, name, strlen(name), &is_new);
    if (is_new) {
        size_t count = strmap_count(sources->by_place);
        entry->value = count - 1;
        mem_grow(&sources->known, &sources->known_cap, count, sizeof *sources->known);
        sources->known[entry->value] = (struct known_source){0};
    }
    return &sources->known[entry->value];
}

static int read_known(struct apply_sources *sources, struct error *err)
{
    struct db *db = sources->apply->db;
    struct source_row row;
    sqlite3_stmt *stmt;
    int rc = sources->by_place ? 0 : db_query(db, QUERY_SOURCES, &stmt, err);
    if (rc || sources->by_place)
        return rc;
    sources->by_place = strmap_new();
    while ((rc = db_step(db, stmt, err)) == 1 && !(rc = source_row_take(db, stmt, &row, err))) {
        *place_of(sources, row.root, row.folder) = (struct known_source){row.id, row.version};
        sources->last = row.id;
    }
    sqlite3_reset(stmt);
    return rc;
}

int apply_sources_begin(struct apply_sources *sources, const struct changeset_op *op, struct error *err)
{
    int rc = apply_sources_end(sources, err);
    if (!rc)
        rc = read_known(sources, err);
    if (rc)
        return rc;
    uint32_t root = sources->apply->source.root_ids[op->root];
    struct known_source *known = place_of(sources, root, op->text);
    if (!known->id && sources->last >= SCHEMA_SOURCES_MAX)
        return error_set(err, EFBIG, "the catalog has too many sources");
    known->id = known->id ? known->id : ++sources->last;
    mem_grow(&sources->ids, &sources->cap, sources->count + 1, sizeof *sources->ids);
    sources->ids[sources->count++] = known->id;
    sources->now.folder = op->text;
    sources->now.root = root;
    sources->now.id = known->id;
    sources->now.was = known->version;
    sources->now.count = 0;
    return 0;
}

void apply_sources_file(struct apply_sources *sources, const struct changeset_op *op)
{
    size_t at = sources->now.count++;
    sources->now.files[at] = (struct source_file){op->text, op->len};
    sources->now.bytes[at] = op->bytes;
}

uint32_t apply_sources_id(const struct apply_sources *sources, uint32_t number)
{
    return sources->ids[number];
}

/* ---- its files ---- */

/* Does the parent say the same? 1, 0 or -errno. */
static int is_same(struct apply_sources *sources, struct error *err)
{
    struct db *db = sources->apply->db;
    CLEANUP_SOURCE_FILES struct source_files was = {0};
    int rc = source_files_read(db, sources->now.id, &was, err);
    bool same = !rc && was.count == sources->now.count;
    for (size_t i = 0; !rc && same && i < was.count; i++) {
        const struct source_file *file = &sources->now.files[i];
        same = was.list[i].size == file->size && !strcmp(was.list[i].name, file->name);
        buf_clear(&sources->buf);
        if (same)
            rc = source_file_read(db, sources->now.id, &was, i, &sources->buf, err);
        if (!rc && file->size)
            same = same && !memcmp(sources->buf.data, sources->now.bytes[i], file->size);
    }
    return rc ? rc : same;
}

static int put_row(struct apply_sources *sources, struct error *err)
{
    struct db *db = sources->apply->db;
    enum { ID = 1, ROOT, FOLDER, VERSION };
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_SOURCE_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, ID, sources->now.id);
    db_bind_number(stmt, ROOT, sources->now.root);
    db_bind_text(stmt, FOLDER, sources->now.folder, strlen(sources->now.folder));
    db_bind_number(stmt, VERSION, sources->apply->source.options->version);
    return db_run(db, stmt, err);
}

static int put_files(struct apply_sources *sources, struct error *err)
{
    struct db *db = sources->apply->db;
    uint32_t id = sources->now.id;
    int rc = sources->now.was ? source_files_drop(db, id, err) : 0;
    buf_clear(&sources->buf);
    source_files_encode(sources->now.files, sources->now.count, &sources->buf);
    if (!rc)
        rc = source_file_put(db, id, 0, sources->buf.data, sources->buf.len, err);
    for (size_t i = 0; !rc && i < sources->now.count; i++)
        rc = source_file_put(db, id, i + 1, sources->now.bytes[i], sources->now.files[i].size, err);
    return rc;
}

/* Which of two is newer only who looks again can tell. */
static int check_late(const struct apply_sources *sources, struct error *err)
{
    const struct interim *interim = sources->apply->source.options->interim;
    if (!interim || sources->now.was <= interim_base(interim))
        return 0;
    return error_set(err, EREMCHG, "the files of the source '%s' were imported by others in v%u",
                     sources->now.folder, sources->now.was);
}

int apply_sources_end(struct apply_sources *sources, struct error *err)
{
    if (!sources->now.folder)
        return 0;
    int rc = sources->now.was ? is_same(sources, err) : 0;
    if (!rc)
        rc = check_late(sources, err);
    else if (rc == 1)
        sources->now.folder = NULL;
    if (!rc)
        rc = put_row(sources, err);
    if (!rc)
        rc = put_files(sources, err);
    sources->apply->output.counts.sources_changed += !rc;
    sources->now.folder = NULL;
    return rc < 0 ? rc : 0;
}

/* ---- which clip is of which ---- */

int apply_sources_flush(struct apply_sources *sources, struct error *err)
{
    struct db *db = sources->apply->db;
    int64_t group = (int64_t)sources->group - 1;
    if (!sources->dirty)
        return 0;
    sources->dirty = false;
    buf_clear(&sources->buf);
    sourced_encode(sources->sourced, &sources->buf);
    return sources->buf.len ? db_put_bytes(db, QUERY_SOURCED_PUT, group, &sources->buf, err)
                            : db_drop_rows(db, QUERY_SOURCED_DROP, group, group, err);
}

static int enter(struct apply_sources *sources, uint32_t row, struct error *err)
{
    uint32_t first = row / SOURCED_ROWS * SOURCED_ROWS;
    if (sources->group == row / SOURCED_ROWS + UINT64_C(1))
        return 0;
    struct sourced was = {0};
    int rc = apply_sources_flush(sources, err);
    sources->group = 0;
    for (uint32_t i = 0; !rc && i < SOURCED_ROWS; i++)
        rc = sourced_get(sources->apply->db, &was, first + i, &sources->sourced[i], err);
    sourced_done(&was);
    if (!rc)
        sources->group = row / SOURCED_ROWS + UINT64_C(1);
    return rc;
}

int apply_sources_get(struct apply_sources *sources, uint32_t row, uint32_t *ret, struct error *err)
{
    int rc = enter(sources, row, err);
    if (!rc)
        *ret = sources->sourced[row % SOURCED_ROWS];
    return rc;
}

int apply_sources_put(struct apply_sources *sources, uint32_t row, uint32_t source, struct error *err)
{
    int rc = enter(sources, row, err);
    if (!rc) {
        sources->sourced[row % SOURCED_ROWS] = source;
        sources->dirty = true;
    }
    return rc;
}
