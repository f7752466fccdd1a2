// SPDX-License-Identifier: Apache-2.0
/* A copy of the parent is changed in one transaction without a journal: it is private until it is whole, and
 * removed when anything fails. */
#include "index/commit/apply/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/file.h"
#include "index/catalog/posting.h"
#include "index/commit/apply/apply_state.h"

/* ---- the parent's copy ---- */

static int copy_bytes(int from, int to)
{
    enum { CHUNK_BYTES = 1 << 20 };
    ssize_t copied;
    while ((copied = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0)
        ;
    if (!copied || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS))
        return copied ? -errno : 0;
    CLEANUP_FREE uint8_t *bytes = mem_alloc(CHUNK_BYTES);
    while ((copied = read(from, bytes, CHUNK_BYTES)) > 0) {
        int rc = file_write_all(to, bytes, (size_t)copied);
        if (rc)
            return rc;
    }
    return copied < 0 ? -errno : 0;
}

static int copy_file(const char *from_path, const char *to_path, struct error *err)
{
    CLEANUP_CLOSE int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return error_set(err, errno, "%s: %s", from_path, strerror(errno));
    CLEANUP_CLOSE int to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0)
        return error_set(err, errno, "%s: %s", to_path, strerror(errno));
    int rc = copy_bytes(from, to);
    if (rc)
        unlink(to_path);
    return rc ? error_set(err, -rc, "%s: %s", to_path, strerror(-rc)) : 0;
}

static int make_file(const struct apply_options *options, struct error *err)
{
    if (options->parent_path && options->take_parent && !rename(options->parent_path, options->result_path))
        return 0;
    if (options->parent_path)
        return copy_file(options->parent_path, options->result_path, err);
    CLEANUP_CLOSE int fd = open(options->result_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? error_set(err, errno, "%s: %s", options->result_path, strerror(errno)) : 0;
}

/* ---- counts ---- */

struct number_name {
    const char *name;
    int64_t *number;
};

static int read_parent(struct apply *apply, struct error *err)
{
    int64_t version;
    const struct number_name names[] = {{"version", &version},
                                        {"rows", &apply->rows},
                                        {"clips", &apply->clip_count},
                                        {"next_posting", &apply->next_posting},
                                        {"next_object", &apply->next_object},
                                        {"next_origin", &apply->next_origin},
                                        {"next_attribute", &apply->next_attribute}};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++)
        rc = db_meta(apply->db, names[i].name, names[i].number, err);
    if (!rc)
        rc = runs_read(apply->db, &apply->runs, err);
    if (!rc)
        rc = attributes_read(apply->db, &apply->attributes, err);
    if (rc)
        return rc;
    if (apply->rows > UINT32_MAX || apply->clip_count > apply->rows || apply->next_posting > UINT32_MAX ||
        apply->next_object > UINT32_MAX || apply->next_origin < 1 ||
        apply->next_origin >= SCHEMA_ORIGINS_MAX || apply->next_attribute > SCHEMA_ATTRIBUTES_MAX ||
        (apply->attributes.count &&
         apply->attributes.list[apply->attributes.count - 1].info.id >= apply->next_attribute))
        return db_damaged(apply->db, err, "its counts are out of range");
    if (version >= apply->options->version)
        return error_set(err, EINVAL, "version %lld cannot be the parent of version %u", (long long)version,
                         apply->options->version);
    apply->parent_rows = apply->rows;
    apply->parent_attributes = apply->attributes.count;
    return 0;
}

static int put_number(struct db *db, const char *name, int64_t number, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_META_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_text(stmt, 1, name, strlen(name));
    db_bind_number(stmt, 2, number);
    return db_run(db, stmt, err);
}

static int put_numbers(struct apply *apply, struct error *err)
{
    int64_t version = apply->options->version;
    const struct number_name names[] = {{"version", &version},
                                        {"rows", &apply->rows},
                                        {"clips", &apply->clip_count},
                                        {"next_posting", &apply->next_posting},
                                        {"next_object", &apply->next_object},
                                        {"next_origin", &apply->next_origin},
                                        {"next_attribute", &apply->next_attribute},
                                        {"run_first", &apply->runs.first},
                                        {"run_next", &apply->runs.next}};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++)
        rc = put_number(apply->db, names[i].name, *names[i].number, err);
    return rc;
}

static int put_version(struct apply *apply, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, QUERY_VERSION_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, apply->options->version);
    db_bind_number(stmt, 2, apply->options->time_ns);
    return db_run(apply->db, stmt, err);
}

static int put_origin(struct apply *apply, struct error *err)
{
    sqlite3_stmt *stmt;
    if (!apply->origin_used)
        return 0;
    int rc = db_query(apply->db, QUERY_ORIGIN_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, apply->next_origin++);
    db_bind_text(stmt, 2, apply->setter, strlen(apply->setter));
    db_bind_number(stmt, 3, apply->options->version);
    return db_run(apply->db, stmt, err);
}

/* ---- attributes and rows ---- */

static int write_attributes(struct apply *apply, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < apply->attributes.count; i++) {
        struct attribute *attribute = &apply->attributes.list[i];
        bool changed = apply->declared[i] || !apply_delta_empty(&apply->deltas[i]);
        rc = apply_delta_write(apply->db, attribute, &apply->deltas[i], &apply->next_posting, err);
        apply_delta_done(&apply->deltas[i]); /* memory peaks here: one attribute at a time */
        if (!rc && changed)
            rc = apply_attribute_put(apply, attribute, err);
    }
    return rc;
}

static int write_live(struct apply *apply, struct error *err)
{
    if (rowset_empty(apply->changed))
        return 0;
    apply->clip_count = (int64_t)rowset_count(apply->live);
    return posting_write(apply->db, SCHEMA_POSTING_LIVE, apply->live, apply->changed, err);
}

/* ---- all of it ---- */

static int run(struct apply *apply, struct error *err)
{
    bool labels = apply->set->has_labels;
    int rc = apply->options->parent_path ? read_parent(apply, err) : 0;
    if (!rc)
        rc = apply_intake(apply, err);
    if (!rc)
        rc = labels ? apply_label_places(apply, err) : apply_places(apply, err);
    if (!rc)
        rc = labels ? apply_labels(apply, err) : apply_clips(apply, err);
    if (!rc)
        rc = write_attributes(apply, err);
    if (!rc)
        rc = write_live(apply, err);
    if (!rc)
        rc = runs_append(apply->db, &apply->runs, apply->new_keys, apply->new_key_count, apply->new_hashes,
                         apply->new_hash_count, err);
    if (!rc)
        rc = put_origin(apply, err);
    if (!rc)
        rc = put_version(apply, err);
    if (!rc)
        rc = put_numbers(apply, err);
    return rc ? rc : db_commit(apply->db, err);
}

static void free_moved(struct apply_moved *moved)
{
    if (!moved)
        return;
    buf_done(&moved->record);
    buf_done(&moved->lists);
    buf_done(&moved->events);
    free(moved);
}

static void apply_done(struct apply *apply)
{
    if (apply->deltas)
        for (size_t i = 0; i < apply->attributes.count; i++)
            apply_delta_done(&apply->deltas[i]);
    free(apply->deltas);
    attributes_done(&apply->attributes);
    rowset_unref(apply->live);
    rowset_unref(apply->changed);
    for (size_t i = 0; i < apply->count; i++)
        free_moved(apply->clips[i].moved);
    origins_done(&apply->origins);
    buf_done(&apply->unknown.shown);
    buf_done(&apply->taken.shown);
    buf_done(&apply->late.shown);
    buf_done(&apply->replaced.shown);
    void *const all[] = {apply->attribute_at, apply->declared, apply->partial,  apply->root_ids,
                         apply->object_ids,   apply->clips,    apply->new_keys, apply->new_hashes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    apply_packing_free(apply->packing);
    db_close(apply->db);
}

int apply(const struct apply_options *options, const struct changeset *set, struct apply_counts *ret,
          struct error *err)
{
    struct apply state = {.options = options,
                          .set = set,
                          .changed = rowset_new(),
                          .next_posting = SCHEMA_POSTING_LIVE + 1,
                          .next_origin = 1,
                          .setter = ORIGIN_IMPORT};
    int rc = make_file(options, err);
    if (!rc) {
        rc = db_open_write(options->result_path, !options->parent_path, &state.db, err);
        if (!rc)
            rc = apply_packing_new(state.db, &state.packing, err);
        if (!rc)
            rc = run(&state, err);
        state.counts.clips = (uint64_t)state.clip_count;
        state.counts.rows = (uint64_t)state.rows;
        state.counts.values_changed = state.replaced.count;
        snprintf(state.counts.changed_shown, sizeof state.counts.changed_shown, "%s",
                 buf_text(&state.replaced.shown));
        apply_done(&state);
        if (rc)
            unlink(options->result_path);
        else
            *ret = state.counts;
    } else {
        apply_done(&state);
    }
    return rc;
}
