// SPDX-License-Identifier: Apache-2.0
/* What a catalog says of its clips after many commits of all kinds, against a plain list of them. The seed is
 * printed and taken from ELIDEFS_SEED. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/catalog_known.h"
#include "index/catalog/groups/clips.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"
#include "tests/test_rounds.h"
#include "tests/test_seed.h"

enum { KEYS = 9000, STREAMS = 4, FIRST = 8000, COMMITS = 90 };

static const char *const stream_names[STREAMS] = {"front", "wrist", "side", ""};

struct stream {
    bool there;
    uint64_t offset, len; /* of its range; 6 inline bytes before it */
    uint32_t changed;
};
struct clip {
    bool known, live, has_row;
    uint32_t row;
    int content, length, grade; /* length, grade 0: none */
    int64_t t0_ns, t1_ns;
    uint32_t json_changed;
    struct stream streams[STREAMS];
};
struct model {
    struct versions v;
    uint64_t random;
    char grade[16]; /* what the attribute is called now */
    bool has_grade;
    struct clip clips[KEYS];
};

static uint64_t draw(struct model *m, uint64_t below)
{
    m->random ^= m->random << 13, m->random ^= m->random >> 7, m->random ^= m->random << 17;
    return (m->random >> 11) % below;
}

/* Keys of one length and of several, in no order. */
static void key_of(uint32_t i, char key[32])
{
    snprintf(key, 32, i % 3000 < 2000 ? "ep%06u" : "run-%u", i * 7919 % 1000003);
}

/* ---- commits ---- */

static uint32_t next(const struct model *m)
{
    return m->v.head + 1;
}

static bool same_stream(const struct stream *a, const struct stream *b)
{
    return a->there == b->there && (!a->there || (a->offset == b->offset && a->len == b->len));
}

/* The clip as an import gives it; what the model makes of it, once. */
static void give(struct model *m, struct changeset *set, uint32_t i)
{
    struct clip *clip = &m->clips[i], was = *clip;
    char key[32], text[16];
    key_of(i, key);
    if (!clip->live || draw(m, 3) == 0)
        clip->content = 1 + (int)draw(m, 1 << 20);
    if (!clip->live || draw(m, 3) == 0)
        clip->length = (int)draw(m, 4) * 37;
    if (!clip->live || draw(m, 4) == 0) {
        clip->t0_ns = draw(m, 4) ? (int64_t)draw(m, 1000) * 1000000000 : CLIP_NO_TIME;
        clip->t1_ns = draw(m, 2) ? clip->t0_ns == CLIP_NO_TIME ? 5 : clip->t0_ns + 250 : CLIP_NO_TIME;
    }
    for (int k = 0; k < STREAMS; k++)
        if (!clip->live || draw(m, 6) == 0)
            clip->streams[k] = (struct stream){draw(m, 3) > 0, draw(m, 50) * 100, 1 + draw(m, 3) * 1000, 0};
    struct changeset_clip head = {.key = key, .t0_ns = clip->t0_ns, .t1_ns = clip->t1_ns, .source = "a test"};
    memset(head.fingerprint, clip->content & 0xff, sizeof head.fingerprint);
    memcpy(head.fingerprint + 8, &clip->content, sizeof clip->content);
    cr_assert_eq(changeset_clip(set, &head, &m->v.err), 0, "%s", m->v.err.text);
    snprintf(text, sizeof text, "%d", clip->length);
    if (clip->length)
        set_value(set, "length", VALUE_INT, text);
    bool lost = false;
    for (int k = 0; k < STREAMS; k++) {
        struct stream *stream = &clip->streams[k];
        if (stream->there)
            set_stream(set, stream_names[k], "a.mp4", stream->offset, stream->len);
        lost |= was.live && was.streams[k].there && !stream->there;
        bool same = was.live && same_stream(stream, &was.streams[k]);
        stream->changed = same ? was.streams[k].changed : next(m);
    }
    if (!was.live)
        clip->grade = 0;
    if (!was.live || was.length != clip->length || lost)
        clip->json_changed = next(m);
    clip->known = clip->live = true;
}

static void rename_grade(struct model *m, struct changeset *set)
{
    char name[16];
    if (!m->has_grade)
        return;
    snprintf(name, sizeof name, "m%.*s%u", (int)draw(m, 8), "arkmark", m->v.head); /* longer or shorter */
    cr_assert_eq(changeset_rename(set, m->grade, name, &m->v.err), 0, "%s", m->v.err.text);
    for (uint32_t i = 0; i < KEYS; i++)
        if (m->clips[i].live && m->clips[i].grade)
            m->clips[i].json_changed = next(m);
    memcpy(m->grade, name, sizeof name);
}

/* At times it also renames what others have set. */
static void import(struct model *m, uint32_t first, uint32_t count, uint32_t of)
{
    struct changeset *set = changeset_new();
    static bool given[KEYS];
    memset(given, 0, sizeof given);
    if (draw(m, 2))
        rename_grade(m, set);
    set_attribute(set, "length", VALUE_INT, false);
    for (uint32_t n = 0; n < count; n++) {
        uint32_t i = of ? (uint32_t)draw(m, of) : first + n;
        if (!given[i])
            give(m, set, i);
        given[i] = true;
    }
    cr_assert_eq(versions_apply(&m->v, set), 0, "%s", m->v.err.text);
}

static void remove_some(struct model *m, uint32_t count)
{
    struct changeset *set = changeset_new();
    for (uint32_t n = 0; n < count; n++) {
        char key[32];
        uint32_t i = (uint32_t)draw(m, KEYS);
        key_of(i, key);
        if (m->clips[i].live)
            cr_assert_eq(changeset_remove(set, key, &m->v.err), 0, "%s", m->v.err.text);
        m->clips[i].live = false;
    }
    cr_assert_eq(versions_apply(&m->v, set), 0, "%s", m->v.err.text);
}

static void label(struct model *m, uint32_t count)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    static bool given[KEYS];
    uint32_t labelled = 0;
    memset(given, 0, sizeof given);
    set_attribute(set, m->grade, VALUE_INT, false);
    for (uint32_t n = 0; n < count; n++) {
        char key[32], text[16];
        uint32_t i = (uint32_t)draw(m, KEYS);
        struct clip *clip = &m->clips[i];
        if (!clip->live || given[i])
            continue;
        given[i] = true;
        labelled++;
        int grade = 1 + (int)draw(m, 3) * 55;
        key_of(i, key);
        snprintf(text, sizeof text, "%d", grade);
        set_labels(set, key, n);
        set_value(set, m->grade, VALUE_INT, text);
        if (grade != clip->grade)
            clip->json_changed = next(m);
        clip->grade = grade;
    }
    if (!labelled) {
        changeset_free(set);
        return;
    }
    m->has_grade = true;
    cr_assert_eq(versions_apply(&m->v, set), 0, "%s", m->v.err.text);
}

static void rename_only(struct model *m)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    rename_grade(m, set);
    cr_assert_eq(versions_apply(&m->v, set), 0, "%s", m->v.err.text);
}

static void drop_grade(struct model *m)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    if (m->has_grade)
        cr_assert_eq(changeset_drop(set, m->grade, &m->v.err), 0, "%s", m->v.err.text);
    for (uint32_t i = 0; i < KEYS; i++) {
        if (m->clips[i].live && m->clips[i].grade)
            m->clips[i].json_changed = next(m);
        m->clips[i].grade = 0;
    }
    m->has_grade = false;
    snprintf(m->grade, sizeof m->grade, "note%u", m->v.head);
    cr_assert_eq(versions_apply(&m->v, set), 0, "%s", m->v.err.text);
}

/* ---- comparing ---- */

static void print_json(const struct model *m, const struct clip *clip, const char *key, struct buf *buf)
{
    char grade[40] = "", length[40] = "";
    if (clip->grade)
        snprintf(grade, sizeof grade, ",\"%s\":%d", m->grade, clip->grade);
    if (clip->length)
        snprintf(length, sizeof length, ",\"length\":%d", clip->length);
    bool first = strcmp(m->grade, "length") < 0;
    buf_clear(buf);
    buf_printf(buf, "{\"key\":\"%s\"%s%s}\n", key, first ? grade : length, first ? length : grade);
}

static void compare_files(const struct clip *clip, const struct catalog_clip *is, const char *key)
{
    uint32_t n = 0;
    for (int k = 0; k < STREAMS; k++) {
        const struct stream *stream = &clip->streams[k];
        if (!stream->there)
            continue;
        cr_assert(n < is->file_count && !strcmp(is->files[n].name, stream_names[k]) &&
                      !strcmp(is->files[n].ext, "mp4"),
                  "%s: file %u", key, n);
        cr_assert(is->files[n].size == stream->len + 6 && is->files[n].changed == stream->changed,
                  "%s: file %u: v%u, not v%u", key, n, is->files[n].changed, stream->changed);
        n++;
    }
    cr_assert_eq(n, is->file_count, "%s", key);
}

static void compare_stream(struct model *m, const struct clip *clip, const char *key)
{
    struct catalog_stream stream;
    uint32_t n = 0;
    for (int k = 0; k < STREAMS; k++) {
        if (!clip->streams[k].there)
            continue;
        cr_assert_eq(catalog_stream(m->v.reader, clip->row, n++, &stream, &m->v.err), 0, "%s", m->v.err.text);
        cr_assert(stream.piece_count == 2 && stream.pieces[1].offset == clip->streams[k].offset &&
                      stream.pieces[1].len == clip->streams[k].len && stream.inline_bytes.len == 6,
                  "%s", key);
        catalog_stream_done(&stream);
    }
}

static void compare_known(struct model *m, struct clip *clip, const char *key)
{
    struct catalog_known known;
    cr_assert_eq(catalog_known_key(m->v.reader, key, &known, &m->v.err), clip->known, "%s", m->v.err.text);
    if (!clip->known)
        return;
    uint8_t print[SHA256_BYTES];
    memset(print, clip->content & 0xff, sizeof print);
    memcpy(print + 8, &clip->content, sizeof clip->content);
    cr_assert(known.live == clip->live && catalog_known_has(&known, print), "%s", key);
    cr_assert(!clip->has_row || clip->row == known.row, "%s changed its row", key);
    clip->row = known.row;
    clip->has_row = true;
}

static void compare_clip(struct model *m, uint32_t i, struct buf *want, struct buf *json)
{
    struct clip *clip = &m->clips[i];
    struct catalog_clip is;
    struct catalog_span span;
    char key[32];
    key_of(i, key);
    compare_known(m, clip, key);
    if (!clip->live) {
        cr_assert(!clip->known || catalog_clip(m->v.reader, clip->row, &is, &m->v.err) == -ENOENT, "%s", key);
        return;
    }
    print_json(m, clip, key, want);
    cr_assert_eq(catalog_clip(m->v.reader, clip->row, &is, &m->v.err), 0, "%s", m->v.err.text);
    cr_assert_str_eq(is.key, key);
    cr_assert(is.json_size == want->len && is.json_changed == clip->json_changed, "%s: %llu B, v%u, not v%u",
              key, (unsigned long long)is.json_size, is.json_changed, clip->json_changed);
    compare_files(clip, &is, key);
    buf_clear(json);
    cr_assert_eq(catalog_json(m->v.reader, clip->row, json, &m->v.err), 0, "%s", m->v.err.text);
    cr_assert_str_eq(buf_text(json), buf_text(want));
    cr_assert_eq(catalog_span(m->v.reader, clip->row, &span, &m->v.err), 0, "%s", m->v.err.text);
    cr_assert(span.t0_ns == clip->t0_ns && span.t1_ns == clip->t1_ns, "%s", key);
    compare_stream(m, clip, key);
}

static void compare_since(struct model *m, uint32_t since, bool labels_only)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    uint64_t count = 0;
    cr_assert_eq(catalog_changed_since(m->v.reader, since, labels_only, &rows, &m->v.err), 0, "%s",
                 m->v.err.text);
    for (uint32_t i = 0; i < KEYS; i++) {
        const struct clip *clip = &m->clips[i];
        bool changed = clip->live && clip->json_changed > since;
        for (int k = 0; !labels_only && k < STREAMS; k++)
            changed |= clip->live && clip->streams[k].there && clip->streams[k].changed > since;
        cr_assert(!clip->live || rowset_contains(rows, clip->row) == changed, "clip %u since v%u", i, since);
        count += changed;
    }
    cr_assert_eq(rowset_count(rows), count, "since v%u", since);
}

static void compare(struct model *m)
{
    CLEANUP_BUF struct buf want = BUF_INIT, json = BUF_INIT;
    uint32_t from = (uint32_t)draw(m, KEYS / 2), step = 4 + (uint32_t)draw(m, 40);
    for (uint32_t i = from; i < KEYS; i += step)
        compare_clip(m, i, &want, &json);
    compare_since(m, (uint32_t)draw(m, m->v.head + 1), false);
    compare_since(m, (uint32_t)draw(m, m->v.head + 1), true);
    compare_since(m, m->v.head - 1, false);
}

/* ---- what the test is about ---- */

static int64_t number_of(const struct model *m, const char *sql)
{
    CLEANUP_FREE char *path = versions_path(&m->v, m->v.head);
    sqlite3 *db;
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), 0);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), 0, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

static void commit(struct model *m)
{
    switch (draw(m, 20)) {
    case 0:
        import(m, 0, 1 + (uint32_t)draw(m, 300), KEYS);
        break;
    case 1:
    case 6:
        import(m, 0, 1 + (uint32_t)draw(m, 30), KEYS);
        break;
    case 2:
    case 3:
        remove_some(m, 1 + (uint32_t)draw(m, 400));
        break;
    case 4:
        rename_only(m);
        break;
    case 5:
        if (draw(m, 3) == 0)
            drop_grade(m);
        break;
    default:
        label(m, 1 + (uint32_t)draw(m, draw(m, 6) ? 30 : 300));
    }
}

Test(rows_model, clips_are_as_a_plain_list_has_them_after_each_of_many_commits)
{
    static const struct apply_limits limits = {
        .own_rows = 270, .open_rows = 250, .held_rows = 500, .upkeep_bytes = 500, .small_set_bytes = 1 << 21};
    struct model *m = MEM_NEW(struct model);
    bool merged = false, folding = false, folded = false;
    int commits = test_rounds(COMMITS);
    m->random = test_seed() | 1; /* its generator stays at 0 */
    versions_init(&m->v);
    m->v.limits = &limits;
    snprintf(m->grade, sizeof m->grade, "grade");
    import(m, 0, FIRST, 0);
    for (uint32_t i = 0; i < KEYS; i++) { /* rows */
        char key[32];
        key_of(i, key);
        compare_known(m, &m->clips[i], key);
    }
    for (int n = 0; n < commits; n++) {
        commit(m);
        for (uint32_t i = 0; i < KEYS; i++) {
            char key[32];
            key_of(i, key);
            if (m->clips[i].known && !m->clips[i].has_row)
                compare_known(m, &m->clips[i], key);
        }
        compare(m);
        merged |= number_of(m, "SELECT count(*) FROM growth WHERE hex(substr(bytes, 1, 1)) IN ('01', '02')");
        folding |= number_of(m, "SELECT number FROM meta WHERE name = 'grown_to'");
        folded |= number_of(m, "SELECT count(*) FROM grown");
    }
    cr_assert(merged && folding && folded, "merged %d, folded in part %d, folded %d", merged, folding,
              folded);
    versions_done(&m->v);
    free(m);
    check_leaks();
}
