// SPDX-License-Identifier: Apache-2.0
/* Rows. A key keeps its row for ever. Content that comes back under another key means that the source was
 * renumbered: its labels would stay with the wrong clips, so nothing is applied. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/apply_state.h"
#include "index/catalog/posting.h"
#include "index/catalog/rows.h"

enum { MOVES_SHOWN = 3 };

struct moved {
    struct apply *apply;
    struct catalog_file *files; /* room for rows_clip() */
    const struct apply_clip *clip;
    uint8_t fingerprint[SHA256_BYTES]; /* of clip */
    size_t count;                      /* of clips found under another key so far */
    struct buf shown;
};

uint64_t apply_fingerprint_hash(const uint8_t fingerprint[SHA256_BYTES])
{
    struct cursor c = cursor_of(fingerprint, SHA256_BYTES);
    return cursor_le64(&c);
}

static void read_fingerprint(const struct apply *apply, const struct apply_clip *clip,
                             uint8_t ret[SHA256_BYTES])
{
    struct changeset_reader reader = CHANGESET_READER(apply->set);
    struct changeset_op op;
    reader.at = clip->at;
    changeset_next(&reader, &op);
    memcpy(ret, op.fingerprint, SHA256_BYTES);
    changeset_reader_done(&reader);
}

/* The set's clip of this key, or NULL. The map of keys is in the order of the clips. */
static const struct apply_clip *clip_of_key(const struct apply *apply, const char *key)
{
    const struct strmap_entry *entry = strmap_find(apply->set->clips, key, strlen(key));
    return entry ? &apply->clips[entry - strmap_at(apply->set->clips, 0)] : NULL;
}

/* Does the clip in `row` hold the content of moved->clip, and no longer, as far as the set says? 1: yes. */
static int is_moved(void *ctx, uint32_t row, struct error *err)
{
    struct moved *moved = ctx;
    struct rows_clip known;
    int rc = rows_clip(moved->apply->db, row, moved->files, &known, err);
    if (rc < 1)
        return rc;
    if (!rowset_contains(moved->apply->live, row) ||
        memcmp(known.fingerprint, moved->fingerprint, SHA256_BYTES) != 0 ||
        !strcmp(known.key, moved->clip->key))
        return 0;
    const struct apply_clip *still = clip_of_key(moved->apply, known.key);
    uint8_t fingerprint[SHA256_BYTES] = {0};
    if (still)
        read_fingerprint(moved->apply, still, fingerprint);
    if (still && !memcmp(fingerprint, moved->fingerprint, SHA256_BYTES))
        return 0; /* a copy beside it */
    if (moved->count < MOVES_SHOWN)
        buf_printf(&moved->shown, "%s'%s' is now '%s'", moved->count ? ", " : "", known.key,
                   moved->clip->key);
    moved->count++;
    return 1;
}

static int check_moved(struct moved *moved, struct error *err)
{
    struct apply *apply = moved->apply;
    struct rows_clip known;
    if (moved->clip->removed || moved->clip->labels_of)
        return 0;
    read_fingerprint(apply, moved->clip, moved->fingerprint);
    if (moved->clip->known) {
        int rc = rows_clip(apply->db, moved->clip->row, moved->files, &known, err);
        if (rc < 0)
            return rc;
        if (rc && !memcmp(known.fingerprint, moved->fingerprint, SHA256_BYTES))
            return 0;
    }
    int rc = runs_find_hash(apply->db, &apply->runs, SCHEMA_HASH_FINGERPRINT,
                            apply_fingerprint_hash(moved->fingerprint), is_moved, moved, err);
    return rc < 0 ? rc : 0;
}

static int check_all_moved(struct apply *apply, struct error *err)
{
    struct moved moved = {.apply = apply};
    moved.files = mem_zero(CHANGESET_STREAMS_MAX * sizeof *moved.files);
    int rc = 0;
    for (size_t i = 0; !rc && i < apply->count; i++) {
        moved.clip = &apply->clips[i];
        rc = check_moved(&moved, err);
    }
    if (!rc && moved.count)
        rc = error_set(err, EEXIST,
                       "%zu clips are known under other keys, so their source was renumbered: %s%s",
                       moved.count, buf_text(&moved.shown), moved.count > MOVES_SHOWN ? ", ..." : "");
    buf_done(&moved.shown);
    free(moved.files);
    return rc;
}

static int find_known(struct apply *apply, struct error *err)
{
    for (size_t i = 0; i < apply->count; i++) {
        struct apply_clip *clip = &apply->clips[i];
        int rc = runs_find_key(apply->db, &apply->runs, clip->key, strlen(clip->key), &clip->row, err);
        if (rc < 0)
            return rc;
        clip->known = rc;
        if (rc && clip->row >= apply->parent_rows)
            return db_damaged(apply->db, err, "the row of the key '%s' is out of range", clip->key);
        clip->live = rc && rowset_contains(apply->live, clip->row);
    }
    return 0;
}

/* What is not there need not be removed. */
static void drop_idle_removals(struct apply *apply)
{
    size_t kept = 0;
    for (size_t i = 0; i < apply->count; i++)
        if (!apply->clips[i].removed || apply->clips[i].live)
            apply->clips[kept++] = apply->clips[i];
    apply->count = kept;
}

/* Read before anything is written: two clips may take each other's place. */
static int read_labels(struct apply *apply, struct apply_clip *clip, struct record_group groups[2],
                       struct error *err)
{
    uint32_t row;
    clip->labels_left = strmap_find(apply->set->labels_of, clip->key, strlen(clip->key)) != NULL;
    if (!clip->labels_of)
        return 0;
    int rc = runs_find_key(apply->db, &apply->runs, clip->labels_of, strlen(clip->labels_of), &row, err);
    if (rc < 1 || !rowset_contains(apply->live, row))
        return rc < 0 ? rc : 0;
    struct buf *to[2] = {&clip->labels, &clip->events};
    for (int i = 0; !(rc < 0) && i < 2; i++) {
        rc = record_group_read(apply->db, row, &groups[i], err);
        if (rc)
            return rc;
        struct cursor record = record_of(&groups[i], row);
        buf_append(to[i], record.data, record.len);
    }
    return 0;
}

static int read_all_labels(struct apply *apply, struct error *err)
{
    struct record_group groups[2] = {RECORD_GROUP_INIT, RECORD_GROUP_EVENTS};
    int rc = 0;
    if (!strmap_count(apply->set->labels_of))
        return 0;
    for (size_t i = 0; !rc && i < apply->count; i++)
        rc = read_labels(apply, &apply->clips[i], groups, err);
    record_group_done(&groups[0]);
    record_group_done(&groups[1]);
    return rc;
}

/* Known clips first, by row; then new ones by site, robot, session and time, those without last, then as they
 * came. */
static int compare_clips(const void *a, const void *b)
{
    const struct apply_clip *x = a, *y = b;
    if (x->known != y->known)
        return x->known ? -1 : 1;
    if (x->known)
        return (x->row > y->row) - (x->row < y->row);
    for (int i = 0; i < APPLY_SORT_KEYS; i++)
        if (x->ranks[i] != y->ranks[i])
            return x->ranks[i] < y->ranks[i] ? -1 : 1;
    bool timed = x->t0_ns != CHANGESET_NO_TIME, other = y->t0_ns != CHANGESET_NO_TIME;
    if (timed != other)
        return timed ? -1 : 1;
    if (x->t0_ns != y->t0_ns)
        return x->t0_ns < y->t0_ns ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static void add_key(struct apply *apply, const struct apply_clip *clip)
{
    mem_grow(&apply->new_keys, &apply->new_key_cap, apply->new_key_count + 1, sizeof *apply->new_keys);
    apply->new_keys[apply->new_key_count++] = (struct runs_key){clip->key, clip->row};
}

static void place_live(struct apply *apply, const struct apply_clip *clip)
{
    if (clip->live == !clip->removed)
        return;
    rowset_add(apply->changed, clip->row);
    if (clip->removed)
        rowset_remove(apply->live, clip->row);
    else
        rowset_add(apply->live, clip->row);
}

static int place_new(struct apply *apply, struct error *err)
{
    for (size_t i = 0; i < apply->count; i++) {
        struct apply_clip *clip = &apply->clips[i];
        if (clip->known) {
            if (i && apply->clips[i - 1].row == clip->row)
                return db_damaged(apply->db, err, "two keys have the row %u", clip->row);
            place_live(apply, clip);
            continue;
        }
        if (apply->rows >= UINT32_MAX)
            return error_set(err, EFBIG, "the data set has too many clips");
        clip->row = (uint32_t)apply->rows++;
        add_key(apply, clip);
        place_live(apply, clip);
    }
    return 0;
}

int apply_places(struct apply *apply, struct error *err)
{
    int rc = 0;
    if (apply->parent_rows) {
        rc = posting_read(apply->db, SCHEMA_POSTING_LIVE, &apply->live, err);
        if (!rc)
            rc = find_known(apply, err);
        if (!rc)
            rc = check_all_moved(apply, err);
        if (!rc)
            rc = read_all_labels(apply, err);
    } else {
        apply->live = rowset_new();
    }
    if (rc)
        return rc;
    drop_idle_removals(apply);
    if (apply->count)
        qsort(apply->clips, apply->count, sizeof *apply->clips, compare_clips);
    return place_new(apply, err);
}
