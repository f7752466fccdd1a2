// SPDX-License-Identifier: Apache-2.0
/*
 * Attributes as such. A new name is the same attribute: what was known by the old one is remembered, so that
 * importing the same source again brings back neither the old name nor what was dropped.
 */
#include <errno.h>
#include <string.h>

#include "cache/base/json.h"
#include "index/catalog/shard/shard_update.h"
#include "index/commit/apply/apply_conflict.h"
#include "index/commit/apply/apply_growth.h"
#include "index/commit/apply/apply_patches.h"
#include "index/commit/apply/apply_record.h"

int apply_attribute_put(struct apply *apply, const struct attribute *attribute, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, QUERY_ATTRIBUTE_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute->info.id);
    db_bind_text(stmt, 2, attribute->info.name, strlen(attribute->info.name));
    db_bind_number(stmt, 3, attribute->info.type);
    db_bind_number(stmt, 4, attribute->info.multi);
    return db_run(apply->db, stmt, err);
}

/* ---- statements ---- */

static int run_number(struct apply *apply, enum schema_query query, int64_t number, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, query, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, number);
    return db_run(apply->db, stmt, err);
}

static int forget_former(struct apply *apply, const char *name, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, QUERY_FORMER_DROP, &stmt, err);
    if (rc)
        return rc;
    db_bind_text(stmt, 1, name, strlen(name));
    return db_run(apply->db, stmt, err);
}

static int put_former(struct apply *apply, const char *name, const struct attribute *attribute,
                      struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(apply->db, QUERY_FORMER_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_text(stmt, 1, name, strlen(name));
    if (attribute)
        db_bind_number(stmt, 2, attribute->info.id);
    else
        db_bind_null(stmt, 2);
    return db_run(apply->db, stmt, err);
}

/* ---- what an import's name means ---- */

/* 1: it was some attribute's name; *ret is the one that has another name now, or NULL if it was dropped. */
static int find_former(struct apply *apply, const char *name, struct attribute **ret, struct error *err)
{
    sqlite3_stmt *stmt;
    int64_t id = 0;
    int rc = db_query(apply->db, QUERY_FORMER, &stmt, err);
    if (rc)
        return rc;
    db_bind_text(stmt, 1, name, strlen(name));
    rc = db_step(apply->db, stmt, err);
    bool dropped = rc == 1 && db_column_null(stmt, 0);
    if (rc == 1 && !dropped && (rc = db_column_number(apply->db, stmt, 0, 0, &id, err)) == 0)
        rc = 1;
    sqlite3_reset(stmt);
    if (rc < 1)
        return rc;
    *ret = dropped || id > UINT32_MAX ? NULL : attributes_by_id(&apply->output.attributes, (uint32_t)id);
    return dropped || *ret ? 1 : db_damaged(apply->db, err, "the attribute that was '%s' is missing", name);
}

int apply_attribute_find(struct apply *apply, const char *name, struct attribute **ret, struct error *err)
{
    /* The parent's names stay sorted while new ones are appended: a set names each attribute once. */
    struct attributes parent = apply->output.attributes;
    parent.count = apply->source.parent_attributes;
    *ret = attributes_by_name(&parent, name, strlen(name));
    if (*ret || !apply->source.has_parent)
        return 0;
    struct attribute *now = NULL;
    int rc = find_former(apply, name, &now, err);
    if (rc < 1)
        return rc;
    const struct strmap *said = apply->source.set->attributes;
    bool import = !apply->source.set->has_labels;
    bool both = now && strmap_find(said, now->info.name, strlen(now->info.name));
    if (!import || both)
        return forget_former(apply, name, err);
    *ret = now;
    return 1;
}

/* ---- changes ---- */

static size_t quoted_bytes(const char *name)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    json_write_text(&text, name, strlen(name));
    return text.len;
}

int apply_attribute_grow(struct apply *apply, const struct attribute *attribute, int64_t bytes,
                         struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    uint32_t row;
    int rc = cells_has(apply->db, &apply->source.cells, attribute, &rows, err);
    for (uint64_t from = 0; !rc && rowset_rows(rows, from, &row, 1); from = row + 1ull)
        apply_growth_add(apply, row, bytes);
    return rc;
}

static int rename_attribute(struct apply *apply, struct attribute *attribute, const char *new_name,
                            struct error *err)
{
    const char *name = attribute->info.name;
    if (!strcmp(name, new_name))
        return 0;
    if (attributes_by_name(&apply->output.attributes, new_name, strlen(new_name)))
        return error_set(err, EEXIST, "there is an attribute '%s' already", new_name);
    int64_t bytes = (int64_t)quoted_bytes(new_name) - (int64_t)quoted_bytes(name);
    int rc = apply_attribute_grow(apply, attribute, bytes, err);
    if (!rc)
        rc = put_former(apply, name, attribute, err);
    if (!rc)
        rc = forget_former(apply, new_name, err);
    if (rc)
        return rc;
    memcpy(attribute->info.name, new_name, strlen(new_name) + 1);
    attributes_sort(&apply->output.attributes);
    apply->output.counts.attributes_changed++;
    return apply_attribute_put(apply, attribute, err);
}

static int describe_attribute(struct apply *apply, const struct attribute *attribute, const char *text,
                              struct error *err)
{
    sqlite3_stmt *stmt;
    const char *was = "";
    int rc = db_query(apply->db, QUERY_DESCRIPTION, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute->info.id);
    rc = db_step(apply->db, stmt, err);
    rc = rc == 1 ? db_column_text(apply->db, stmt, 0, &was, err) : rc;
    bool same = !rc && !strcmp(was, text);
    if (!rc && !same)
        rc = apply_conflict_description(apply, attribute, was, err);
    sqlite3_reset(stmt);
    if (rc || same)
        return rc;
    apply->output.counts.attributes_changed++;
    if (!*text)
        return run_number(apply, QUERY_DESCRIPTION_DROP, attribute->info.id, err);
    rc = db_query(apply->db, QUERY_DESCRIPTION_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute->info.id);
    db_bind_text(stmt, 2, text, strlen(text));
    return db_run(apply->db, stmt, err);
}

/* ---- dropping ---- */

/* What the clips' records say of it stays there: an attribute that is not there is passed over. */
static void drop_from_clip(struct apply_record *record, const struct attribute *attribute)
{
    CLEANUP_BUF struct buf member = BUF_INIT;
    size_t at = 0;
    while (at < record->was.count && record->was.list[at].attribute != attribute)
        at++;
    if (at < record->was.count)
        record_json_member(&record->was, at, &record->was_events, &member);
    apply_growth_add(record->apply, record->row, -(int64_t)member.len);
}

static int drop_from_clips(struct apply *apply, const struct attribute *attribute, struct error *err)
{
    struct apply_record record = APPLY_RECORD(apply);
    record.only = attribute;
    CLEANUP_ROWSET struct rowset *rows = NULL;
    uint32_t row;
    int rc = cells_has(apply->db, &apply->source.cells, attribute, &rows, err);
    for (uint64_t from = 0; !rc && rowset_rows(rows, from, &row, 1); from = row + 1ull) {
        rc = apply_record_enter(&record, row, true, err);
        if (!rc)
            drop_from_clip(&record, attribute);
    }
    apply_record_done(&record);
    return rc;
}

static int drop_above(struct apply *apply, struct attribute *attribute, struct error *err)
{
    int rc = apply_patches_drop(apply, attribute, err);
    if (!rc)
        rc = apply_lates_drop(apply, attribute, err);
    state_done(&attribute->state);
    cells_forget(&apply->source.cells, attribute->info.id);
    return rc ? rc : apply_state_put(apply, attribute, err);
}

static int drop_index(struct apply *apply, const struct attribute *attribute, struct error *err)
{
    int rc = apply_work_abandon(apply, attribute->info.id, err);
    if (!rc)
        rc = shards_drop(apply->db, attribute->info.id, err);
    return rc || attribute->info.type != VALUE_LIST ? rc : lists_drop(apply->db, attribute->info.id, err);
}

static int drop_attribute(struct apply *apply, struct attribute *attribute, struct error *err)
{
    struct attributes *all = &apply->output.attributes;
    int64_t id = attribute->info.id;
    int rc = apply_conflict_drop(apply, attribute, err);
    if (!rc)
        rc = drop_from_clips(apply, attribute, err);
    if (!rc)
        rc = drop_index(apply, attribute, err);
    if (!rc)
        rc = drop_above(apply, attribute, err);
    if (!rc)
        rc = run_number(apply, QUERY_ATTRIBUTE_DROP, id, err);
    if (!rc)
        rc = run_number(apply, QUERY_DESCRIPTION_DROP, id, err);
    if (!rc)
        rc = run_number(apply, QUERY_FORMERS_FORGET, id, err);
    if (!rc)
        rc = put_former(apply, attribute->info.name, NULL, err);
    if (rc)
        return rc;
    size_t at = (size_t)(attribute - all->list);
    memmove(attribute, attribute + 1, (all->count - at - 1) * sizeof *attribute);
    all->count--;
    apply->source.parent_attributes--;
    attributes_sort(all);
    apply_event_find(&apply->output);
    apply->output.counts.attributes_changed++;
    return 0;
}

static int change_to_text(struct apply *apply, const char *name, struct error *err)
{
    struct attribute *attribute;
    int rc = apply_attribute_find(apply, name, &attribute, err);
    if (rc < 0 || !attribute || attribute->info.type == VALUE_TEXT)
        return rc < 0 ? rc : 0;
    return apply_to_text(apply, attribute, err);
}

int apply_attribute_change(struct apply *apply, const struct changeset_op *op, struct error *err)
{
    if (op->kind == CHANGESET_TO_TEXT)
        return change_to_text(apply, op->text, err);
    int rc = apply_conflict_change(apply, op, err);
    if (rc)
        return rc < 0 ? rc : 0;
    struct attribute *attribute = attributes_by_name(&apply->output.attributes, op->text, strlen(op->text));
    if (!attribute)
        return error_set(err, ENOENT, "there is no attribute '%s'", op->text);
    if (!strcmp(op->text, EVENT_ATTRIBUTE) && op->kind != CHANGESET_DESCRIBE)
        return error_set(err, EINVAL, "'%s' is the attribute of all events: it stays", op->text);
    if (op->kind == CHANGESET_RENAME)
        return rename_attribute(apply, attribute, op->other, err);
    if (op->kind == CHANGESET_DESCRIBE)
        return describe_attribute(apply, attribute, op->other, err);
    return drop_attribute(apply, attribute, err);
}
