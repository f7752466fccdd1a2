// SPDX-License-Identifier: Apache-2.0
/*
 * Each clip of the source is settled against what is known of its key and of its content; then each clip of
 * the data set that the source should have given. Only what is then still wrong, or moved, is said.
 */
#include "tools/import/growth.h"

#include <errno.h>
#include <string.h>

#include "index/base/manifest.h"
#include "tools/import/table_reader.h"

enum { SHOWN = 10 };

struct settling {
    const struct growth *growth;
    struct growth_counts *counts;
    struct strmap *moved; /* keys whose content has another key now */
    struct strmap *back;  /* keys of removed clips that are given again */
    struct buf moves;     /* the first of them, for people */
    struct buf prefix;    /* which the first of them had before what is its key now, "" for none ... */
    uint64_t prefixed;    /* ... and how many had this one */
    uint64_t collisions;
    struct buf collided, other; /* the first key, and where its clip is from; */
    bool beside;                /* that is a manifest of the same recordings */
    struct draft *clip;         /* the one under way: */
    char *removed;              /* a key that its content had when it was removed, and has no more; or NULL */
    bool lives;                 /* it is there under another one, as after a renumbering: nobody removed it */
};

static struct catalog_reader *reader_of(const struct settling *s)
{
    return known_reader(s->growth->known);
}

/* ---- content under another key ---- */

/* "b" of "b-run_1", which is "run_1" now. */
static size_t prefix_len(const char *key, const char *now)
{
    size_t len = strlen(key), tail = strlen(now);
    bool is = len > tail + 1 && key[len - tail - 1] == '-' && !strcmp(key + len - tail, now);
    return is ? len - tail - 1 : 0;
}

static void note_move(struct settling *s, const char *key)
{
    uint64_t count = s->counts->renumbered++;
    size_t len = prefix_len(key, s->clip->key);
    if (!count)
        buf_append(&s->prefix, key, len);
    s->prefixed += len && len == s->prefix.len && !memcmp(key, s->prefix.data, len);
    if (count < SHOWN)
        buf_printf(&s->moves, "%s'%s' is now '%s'", count ? ", " : "", key, s->clip->key);
    strmap_put(s->moved, key, strlen(key), NULL);
    s->clip->labels_of = mem_text(key);
}

/* Was this clip the one under way? 1: it was, and its key has gone or holds something else now. */
static int is_origin(void *ctx, const char *key, const struct catalog_known *known, struct error *err)
{
    struct settling *s = ctx;
    s->lives |= known->live;
    if (!strcmp(key, s->clip->key) || strmap_find(s->moved, key, strlen(key)) || s->clip->labels_of)
        return 0;
    const struct draft *still = drafts_find(s->growth->drafts, key);
    if (still && (still->bad || catalog_known_has(known, still->fingerprint)))
        return 0; /* nobody knows; or a copy beside it */
    if (s->growth->partial && !s->growth->renumbered)
        return 0; /* it may be a copy beside a clip that it does not list */
    if (!known->live) {
        if (!s->removed && !strmap_find(s->back, key, strlen(key)))
            s->removed = mem_text(key);
        return 0;
    }
    CLEANUP_FREE char *name = mem_text(key); /* the next call on the reader takes `key` away */
    int rc = known_is_ours(s->growth->known, known->row, err);
    if (rc == 1)
        note_move(s, name);
    return rc;
}

/* ---- the key ---- */

static int note_collision(struct settling *s, uint32_t row, const char *manifest, struct error *err)
{
    if (s->collisions++)
        return 0;
    buf_text_append(&s->collided, s->clip->key);
    s->beside = manifest != NULL;
    if (!manifest)
        return known_source(s->growth->known, row, &s->other, err);
    buf_text_append(&s->other, manifest);
    return 0;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Two manifests may name the same recordings; where these lie now does not count, since they may be moved. */
static int check_manifest(struct settling *s, uint32_t row, struct error *err)
{
    const char *given;
    int rc = known_given_by(s->growth->known, row, &given, err);
    if (rc || !given || !table_reader_knows(given))
        return rc;
    CLEANUP_FREE char *name = mem_text(s->growth->name);
    manifest_clean_text(name);
    return strcmp(file_name(given), file_name(name)) != 0 ? note_collision(s, row, given, err) : 0;
}

/* What was removed under this key has its labels there, whether it is seen or not. */
static void leave_out(struct settling *s, const char *key)
{
    s->clip->labels_of = mem_text(key);
    strmap_put(s->back, key, strlen(key), NULL);
    if (s->growth->restore) {
        notes_add(s->growth->notes, "back, with the labels it had when it was removed", s->clip->key);
        return;
    }
    s->clip->left_out = true;
    s->counts->left_out++;
    notes_add(s->growth->notes, "left out, because it was removed (--restore brings it back)", s->clip->key);
}

static int settle_clip(struct settling *s, struct error *err)
{
    struct draft *clip = s->clip;
    struct catalog_known known;
    s->counts->kept += clip->kept;
    int rc = catalog_known_key(reader_of(s), clip->key, &known, err);
    if (rc < 0)
        return rc;
    bool same = rc && catalog_known_has(&known, clip->fingerprint);
    if (rc && known.live) {
        rc = known_is_ours(s->growth->known, known.row, err);
        if (!rc)
            return note_collision(s, known.row, NULL, err);
        if (rc < 0 || same)
            return rc < 0 ? rc : 0;
        rc = check_manifest(s, known.row, err);
        if (rc)
            return rc;
    } else if (same) {
        leave_out(s, clip->key);
        return 0;
    }
    free(s->removed);
    s->removed = NULL;
    s->lives = false;
    rc = catalog_known_content(reader_of(s), clip->fingerprint, is_origin, s, err);
    if (rc >= 0 && s->removed && !s->lives && !clip->labels_of) {
        leave_out(s, s->removed);
        clip->hidden = clip->left_out;
    }
    return rc < 0 ? rc : 0;
}

static int say_collision(const struct settling *s, struct error *err)
{
    const char *other = buf_text(&s->other);
    CLEANUP_FREE char *else_what =
        s->beside
            ? mem_printf("to replace them: import %s with their new rows", other)
            : mem_printf("if these are the same recordings, which were moved: `elidefs root`; if they take "
                         "the place of those: --replaces %s",
                         other);
    return error_set(
        err, EEXIST,
        "%llu of the keys, such as '%s', %s of clips from %s; to have the clips from %s beside them, "
        "put a name before their keys: --prefix NAME; %s",
        (unsigned long long)s->collisions, buf_text(&s->collided),
        s->collisions == 1 ? "is that" : "are those", other, s->growth->source, else_what);
}

static int say_moves(struct settling *s, struct error *err)
{
    if (s->prefixed == s->counts->renumbered)
        return error_set(err, EEXIST,
                         "%llu of the clips of %s were imported with --prefix %s, which is missing here (or "
                         "--renumbered takes it from their keys): %s%s",
                         (unsigned long long)s->prefixed, s->growth->source, buf_text(&s->prefix),
                         buf_text(&s->moves), s->prefixed > SHOWN ? ", ..." : "");
    return error_set(err, EEXIST,
                     "%s was renumbered: %llu of its clips are known under other keys: %s%s; --renumbered "
                     "lets their labels go with them",
                     s->growth->source, (unsigned long long)s->counts->renumbered, buf_text(&s->moves),
                     s->counts->renumbered > SHOWN ? ", ..." : "");
}

/* ---- what the source lacks now ---- */

static int check_gone(void *ctx, uint32_t row, const char *key, struct error *err)
{
    struct settling *s = ctx;
    (void)row;
    (void)err;
    if (drafts_find(s->growth->drafts, key) || strmap_find(s->moved, key, strlen(key)))
        return 0;
    s->counts->gone++;
    notes_add(s->growth->notes,
              "no longer in the source, but still in the data set (`elidefs remove` hides a clip)", key);
    return 0;
}

/* Keys whose content has another key now, and that nothing else has taken. */
static int remove_moved(struct settling *s, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < strmap_count(s->moved); i++) {
        const char *key = strmap_at(s->moved, i)->key;
        if (!drafts_find(s->growth->drafts, key))
            rc = changeset_remove(s->growth->drafts->set, key, err);
    }
    return rc;
}

static int settle_all(struct settling *s, struct error *err)
{
    struct drafts *drafts = s->growth->drafts;
    int rc = 0;
    for (size_t i = 0; !rc && i < drafts->count; i++) {
        s->clip = &drafts->clips[i];
        rc = s->clip->bad ? 0 : settle_clip(s, err);
    }
    if (!rc && s->collisions)
        rc = say_collision(s, err);
    if (!rc && s->counts->renumbered && !s->growth->renumbered)
        rc = say_moves(s, err);
    if (!rc)
        rc = remove_moved(s, err);
    bool unknown = s->growth->partial || s->growth->incomplete;
    return rc || unknown ? rc : known_clips(s->growth->known, check_gone, s, err);
}

int growth_settle(const struct growth *growth, struct growth_counts *ret, struct error *err)
{
    *ret = (struct growth_counts){0};
    if (!known_reader(growth->known))
        return 0;
    struct settling s = {.growth = growth, .counts = ret, .moved = strmap_new(), .back = strmap_new()};
    int rc = settle_all(&s, err);
    strmap_free(s.moved);
    strmap_free(s.back);
    free(s.removed);
    buf_done(&s.moves);
    buf_done(&s.prefix);
    buf_done(&s.collided);
    buf_done(&s.other);
    return rc;
}
