// SPDX-License-Identifier: Apache-2.0
/* Paths of stages and conditions over random clips, against a plain list of rows that each component changes;
 * and what each stage reads, prints and refuses. */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query/order/choose.h"
#include "query/order/shuffle.h"
#include "query/query.h"
#include "query/report/report.h"
#include "query/say/hint.h"
#include "query/stage/stage.h"
#include "tests/query/golden.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

enum { CLIPS = 400, ROUNDS = 1500, COMPONENTS = 4 };

static const struct world_attribute attributes[] = {
    {"outcome", VALUE_TEXT, false}, {"length", VALUE_INT, false}, {"session", VALUE_TEXT, false},
    {"tags", VALUE_TEXT, true},     {NULL, VALUE_BOOL, false},
};
enum { OUTCOME, LENGTH, SESSION, TAGS };

static uint64_t random_state;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((random_state >> 33) % below);
}

struct fixture {
    struct world world;
    struct world_catalog open;
    uint32_t hashes[CLIPS];                /* of their keys, by row */
    const struct world_clip *clips[CLIPS]; /* by row */
};

static int take_hash(void *ctx, uint32_t row, uint32_t hash, struct error *err)
{
    struct fixture *fixture = ctx;
    fixture->hashes[row] = hash;
    return 0;
}

static void setup(struct fixture *ret)
{
    static const char *const outcomes[] = {"ok", "ok", "ok", "ok", "ok", "fail", "drop", "a,b"};
    CLEANUP_ROWSET struct rowset *live = NULL;
    ret->world = (struct world){.attributes = attributes};
    for (unsigned i = 0; i < CLIPS; i++) {
        char key[16], number[16];
        snprintf(key, sizeof key, "ep%06u", i);
        struct world_clip *clip = world_add(&ret->world, key);
        if (draw(10))
            world_value(&ret->world, clip, "outcome", outcomes[draw(8)]);
        snprintf(number, sizeof number, "%u", draw(40));
        if (draw(5))
            world_value(&ret->world, clip, "length", number);
        snprintf(number, sizeof number, "s%u", i / 20);
        if (draw(8))
            world_value(&ret->world, clip, "session", number);
        for (unsigned n = draw(3); n > 0; n--)
            world_value(&ret->world, clip, "tags", draw(2) ? "red" : "blue");
    }
    world_open(&ret->world, &ret->open);
    cr_assert_eq(catalog_live(ret->open.reader, &live, NULL), 0);
    cr_assert_eq(catalog_key_hashes(ret->open.reader, live, take_hash, ret, NULL), 0);
    for (unsigned i = 0; i < CLIPS; i++) {
        uint32_t row;
        const char *key = ret->world.clips[i].key;
        cr_assert_eq(catalog_clip_find(ret->open.reader, key, strlen(key), &row, NULL), 0);
        ret->clips[row] = &ret->world.clips[i];
    }
}

static void teardown(struct fixture *fixture)
{
    world_close(&fixture->open);
    world_done(&fixture->world);
}

/* ---- models: what a component makes of a list of rows ---- */

struct list {
    const struct fixture *fixture;
    uint32_t rows[CLIPS];
    size_t count;
};

static void cut(struct list *list, size_t first, size_t step, size_t most)
{
    size_t kept = 0;
    for (size_t i = first; i < list->count && kept < most; i += step)
        list->rows[kept++] = list->rows[i];
    list->count = kept;
}

typedef bool keep_fn(const void *ctx, const struct list *list, uint32_t row);

static void keep(struct list *list, keep_fn *holds, const void *ctx)
{
    const struct list was = *list;
    list->count = 0;
    for (size_t i = 0; i < was.count; i++)
        if (holds(ctx, &was, was.rows[i]))
            list->rows[list->count++] = was.rows[i];
}

static bool is_in(const void *ctx, const struct list *list, uint32_t row)
{
    return rowset_contains(ctx, row);
}

static struct rowset *rows_of(const struct list *list)
{
    struct rowset *rows = rowset_new();
    for (size_t i = 0; i < list->count; i++)
        rowset_add(rows, list->rows[i]);
    return rows;
}

static void model_head(struct list *list, struct buf *path)
{
    unsigned most = draw(3) ? draw(50) : draw(CLIPS * 2);
    buf_printf(path, "@head=%u", most);
    cut(list, 0, 1, most);
}

static void model_skip(struct list *list, struct buf *path)
{
    unsigned fewer = draw(3) ? draw(50) : draw(CLIPS);
    buf_printf(path, "@skip=%u", fewer);
    cut(list, fewer, 1, SIZE_MAX);
}

static void model_shard(struct list *list, struct buf *path)
{
    unsigned of = 1 + draw(7), number = draw(of), even = draw(2);
    buf_printf(path, "@shard=%u,%u%s", number, of, even ? ",even" : "");
    cut(list, number, of, even ? list->count / of : SIZE_MAX);
}

static void model_shuffle(struct list *list, struct buf *path)
{
    const struct list was = *list;
    unsigned seed = draw(5), epoch = draw(3);
    buf_printf(path, epoch ? "@shuffle=%u.%u" : "@shuffle=%u", seed, epoch);
    for (size_t i = 0; i < was.count; i++)
        list->rows[i] =
            was.rows[shuffle_at(&(struct shuffle){{seed, epoch}, (uint32_t)was.count}, (uint32_t)i)];
}

struct chance {
    struct keyed key;
    uint64_t count;
};

/* Fewer than so many draw less. */
static bool is_chosen(const void *ctx, const struct list *list, uint32_t row)
{
    const struct chance *chance = ctx;
    const uint32_t *hashes = list->fixture->hashes;
    uint64_t own = keyed_clip(&chance->key, KEYED_SAMPLE, hashes[row]), less = 0;
    for (size_t i = 0; i < list->count; i++) {
        uint64_t other = keyed_clip(&chance->key, KEYED_SAMPLE, hashes[list->rows[i]]);
        less += other < own || (other == own && list->rows[i] < row);
    }
    return less < chance->count;
}

static void model_sample(struct list *list, struct buf *path)
{
    const struct chance chance = {{draw(4), draw(2)}, draw(60)};
    buf_printf(path, "@sample=%" PRIu64 ",%" PRIu64 ".%" PRIu64, chance.count, chance.key.seed,
               chance.key.epoch);
    keep(list, is_chosen, &chance);
}

static void model_split(struct list *list, struct buf *path)
{
    const uint64_t seed = draw(4);
    const struct choose_share share = {{seed, 0}, draw(60) * 1000000, CHOOSE_ALL - draw(40) * 500000};
    struct choose_groups groups;
    struct catalog_reader *reader = list->fixture->open.reader;
    CLEANUP_ROWSET struct rowset *rows = rows_of(list), *chosen = NULL;
    struct catalog_attribute session;
    bool whole = draw(2);
    buf_printf(path, "@split=%.6f..%.6f,%" PRIu64 "%s", share.from / 1e6, share.to / 1e6, seed,
               whole ? ",session" : "");
    cr_assert_eq(catalog_attribute_find(reader, "session", 7, &session, NULL), 0);
    cr_assert_eq(whole ? choose_share_of_groups(reader, rows, &share, session.id, &chosen, &groups, NULL)
                       : choose_share(reader, rows, &share, &chosen, NULL),
                 0);
    keep(list, is_in, chosen);
}

static void model_balance(struct list *list, struct buf *path)
{
    struct catalog_reader *reader = list->fixture->open.reader;
    const struct choose_weight weights[] = {{{.type = VALUE_TEXT, .text = "a,b", .len = 3}, 500000},
                                            {{.type = VALUE_TEXT, .text = "ok", .len = 2}, 1000000}};
    CLEANUP_ROWSET struct rowset *rows = rows_of(list), *chosen = NULL;
    struct catalog_attribute outcome;
    bool weighted = draw(2);
    buf_text_append(path, weighted ? "@balance=outcome,ok,1,a%2Cb,0.5" : "@balance=outcome");
    cr_assert_eq(catalog_attribute_find(reader, "outcome", 7, &outcome, NULL), 0);
    cr_assert_eq(
        choose_balanced(reader, rows, outcome.id, weighted ? weights : NULL, weighted ? 2 : 0, &chosen, NULL),
        0);
    keep(list, is_in, chosen);
}

static int64_t length_of(const struct list *list, uint32_t row, bool falling)
{
    const struct world_clip *clip = list->fixture->clips[row];
    int64_t length = clip->values[LENGTH].count ? clip->values[LENGTH].list[0].integer : INT64_MAX;
    return falling && length != INT64_MAX ? -length : length;
}

static void model_sort(struct list *list, struct buf *path)
{
    bool falling = draw(2);
    buf_text_append(path, falling ? "@sort=-length" : "@sort=length");
    for (size_t i = 1; i < list->count; i++) {
        uint32_t row = list->rows[i];
        size_t at = i;
        for (; at > 0; at--) {
            int64_t before = length_of(list, list->rows[at - 1], falling),
                    own = length_of(list, row, falling);
            if (before < own || (before == own && list->rows[at - 1] < row))
                break;
            list->rows[at] = list->rows[at - 1];
        }
        list->rows[at] = row;
    }
}

static void model_key(struct list *list, struct buf *path)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    buf_text_append(path, "@key=");
    for (unsigned i = 0, count = 1 + draw(40); i < count; i++) {
        uint32_t row = draw(CLIPS);
        buf_printf(path, "%s%s", i ? "," : "", list->fixture->clips[row]->key);
        rowset_add(rows, row);
    }
    keep(list, is_in, rows);
}

static const struct model {
    const struct stage *stage;
    void (*apply)(struct list *list, struct buf *path);
} models[] = {
    {&stage_key, model_key},     {&stage_sort, model_sort},     {&stage_skip, model_skip},
    {&stage_head, model_head},   {&stage_sample, model_sample}, {&stage_shuffle, model_shuffle},
    {&stage_shard, model_shard}, {&stage_split, model_split},   {&stage_balance, model_balance},
    {&stage_since, NULL},   /* golden/since.txt: it needs another version */
    {&stage_text, NULL},    /* test_order.c has a model of scores */
    {&stage_streams, NULL}, /* all clips stay: test_files.c has what is listed of them */
};
enum { MODELS = sizeof models / sizeof *models };

static bool is_longer(const void *ctx, const struct list *list, uint32_t row)
{
    const struct world_clip *clip = list->fixture->clips[row];
    return clip->values[LENGTH].count && clip->values[LENGTH].list[0].integer > *(const unsigned *)ctx;
}

static bool is_tagged(const void *ctx, const struct list *list, uint32_t row)
{
    const struct world_clip *clip = list->fixture->clips[row];
    bool red = false;
    for (size_t i = 0; i < clip->values[TAGS].count; i++)
        red |= clip->values[TAGS].list[i].len == 3;
    return red;
}

static void random_component(struct list *list, struct buf *path)
{
    unsigned longer = draw(20);
    buf_text_append(path, path->len ? "/" : "");
    switch (draw(4)) {
    case 0:
        buf_printf(path, "length.gt=%u", longer);
        keep(list, is_longer, &longer);
        return;
    case 1:
        buf_text_append(path, "tags=red");
        keep(list, is_tagged, NULL);
        return;
    default:
        models[draw(MODELS - 3)].apply(list, path);
    }
}

Test(stage, every_stage_that_is_supported_has_a_model)
{
    const struct stage *stage;
    size_t supported = 0;
    for (size_t i = 0; (stage = stage_at(i)); i++) {
        size_t at = 0;
        while (at < MODELS && models[at].stage != stage)
            at++;
        cr_assert(at < MODELS || !stage->bind, "%s", stage->name);
        supported += stage->bind != NULL;
    }
    cr_assert_eq(supported, MODELS);
}

static void expect_rows(const struct list *list, const struct set *set, size_t count, const char *path)
{
    cr_assert_eq(set_count(set), count, "%s: %" PRIu64 " clips, not %zu", path, set_count(set), count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(set_at(set, i), list->rows[i], "%s: at %zu", path, i);
}

static void expect_first(const struct list *list, const struct query *query, const char *path)
{
    const uint64_t most[] = {0, 1, 1 + draw(30), CLIPS + 1};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        CLEANUP_SET struct set *set = NULL;
        cr_assert_eq(query_first(query, most[i], list->fixture->open.reader, &set, NULL), 0);
        expect_rows(list, set, most[i] < list->count ? most[i] : list->count, path);
    }
}

struct walk {
    const struct list *list;
    const char *path;
    size_t at;
};

static int expect_next(void *ctx, uint32_t row, struct error *err)
{
    struct walk *walk = ctx;
    cr_assert_lt(walk->at, walk->list->count, "%s", walk->path);
    cr_assert_eq(row, walk->list->rows[walk->at], "%s: at %zu", walk->path, walk->at);
    walk->at++;
    return 0;
}

/* In no order, as a whole and where a clip is looked for: with no memory of the set in order. */
static void expect_members(const struct list *list, const struct query *query, const char *path)
{
    struct catalog_reader *reader = list->fixture->open.reader;
    CLEANUP_ROWSET struct rowset *rows = NULL, *wanted = rows_of(list);
    CLEANUP_SET struct set *around = NULL;
    CLEANUP_QUERY struct query *unordered = query_unordered(query), *again = NULL;
    CLEANUP_BUF struct buf canonical = BUF_INIT, repeated = BUF_INIT;
    struct query_results *results = query_results_new(1 << 20);
    const struct query_asked asked = {.version = 1, .query = query};
    cr_assert_eq(query_rows(query, reader, &rows, NULL), 0);
    cr_assert(rowset_count(rows) == list->count && rowset_and_count(rows, wanted) == list->count, "%s", path);
    cr_assert_eq(query_results_get_around(results, &asked, draw(CLIPS), reader, &around, NULL), 0);
    for (uint32_t row = 0; row < CLIPS; row++)
        cr_assert_eq(set_has(around, row), rowset_contains(wanted, row), "%s: row %" PRIu32, path, row);
    query_canonical(unordered, &canonical);
    cr_assert_eq(query_parse(buf_text(&canonical), canonical.len, reader, &again, NULL), 0);
    query_canonical(again, &repeated);
    cr_assert_str_eq(buf_text(&canonical), buf_text(&repeated), "%s: not canonical", path);
    query_results_free(results);
}

static void expect(const struct list *list, const char *path)
{
    struct catalog_reader *reader = list->fixture->open.reader;
    CLEANUP_QUERY struct query *query = NULL, *again = NULL;
    CLEANUP_SET struct set *set = NULL, *same = NULL;
    CLEANUP_BUF struct buf canonical = BUF_INIT, repeated = BUF_INIT;
    struct walk walk = {list, path, 0};
    struct error err = {0};
    uint64_t count;
    bool exists;
    cr_assert_eq(query_parse(path, strlen(path), reader, &query, &err), 0, "%s: %s", path, err.text);
    cr_assert_eq(query_run(query, reader, &set, &err), 0, "%s: %s", path, err.text);
    expect_rows(list, set, list->count, path);
    expect_first(list, query, path);
    cr_assert_eq(query_count(query, reader, &count, &err), 0);
    cr_assert_eq(query_exists(query, reader, &exists, &err), 0);
    cr_assert(count == list->count && exists == (count > 0), "%s: %" PRIu64, path, count);
    cr_assert_eq(query_each(query, reader, expect_next, &walk, &err), 0);
    cr_assert_eq(walk.at, list->count, "%s", path);
    expect_members(list, query, path);
    query_canonical(query, &canonical);
    cr_assert_eq(query_parse(buf_text(&canonical), canonical.len, reader, &again, &err), 0, "%s: %s",
                 buf_text(&canonical), err.text);
    query_canonical(again, &repeated);
    cr_assert_str_eq(buf_text(&canonical), buf_text(&repeated));
    cr_assert_eq(query_run(again, reader, &same, &err), 0);
    expect_rows(list, same, list->count, buf_text(&canonical));
}

Test(stage, a_path_of_stages_and_conditions_gives_what_each_makes_of_what_stands_before_it, .timeout = 120)
{
    struct fixture *fixture = MEM_NEW(struct fixture);
    random_state = test_seed();
    setup(fixture);
    for (int round = 0; round < ROUNDS; round++) {
        CLEANUP_BUF struct buf path = BUF_INIT;
        struct list list = {.fixture = fixture, .count = CLIPS};
        for (uint32_t row = 0; row < CLIPS; row++)
            list.rows[row] = row;
        for (unsigned i = 0, count = 1 + draw(COMPONENTS); i < count; i++)
            random_component(&list, &path);
        expect(&list, buf_text(&path));
    }
    teardown(fixture);
    free(fixture);
    check_leaks();
}

/* ---- what is read and printed ---- */

static int append_key(struct catalog_reader *reader, uint32_t row, struct buf *result)
{
    struct catalog_clip clip;
    int rc = catalog_clip(reader, row, &clip, NULL);
    if (!rc)
        buf_printf(result, "%s%s", result->data[result->len - 1] == '[' ? "" : " ", clip.key);
    return rc;
}

static void parse_and_list(void *ctx, const char *input, size_t len, struct buf *result)
{
    const struct world_catalog *open = ctx;
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_SET struct set *set = NULL;
    struct error err = {0};
    int rc = query_parse(input, len, open->reader, &query, &err);
    if (rc == -ENOENT)
        rc = hint_path(input, len, open->reader, &err);
    if (rc || query_run(query, open->reader, &set, &err)) {
        buf_text_append(result, err.text);
        return;
    }
    query_canonical(query, result);
    buf_text_append(result, " [");
    for (uint64_t i = 0; i < set_count(set); i++)
        cr_assert_eq(append_key(open->reader, set_at(set, i), result), 0);
    buf_u8(result, ']');
}

Test(stage, paths_with_stages_mean_what_the_table_says)
{
    struct world world;
    struct world_catalog open;
    world_kitchen(&world, &open);
    int failed = golden_check("stage.txt", parse_and_list, &open);
    world_close(&open);
    world_done(&world);
    cr_assert_eq(failed, 0, "%d lines of stage.txt differ", failed);
    check_leaks();
}

struct meaning { /* of a path in a small world */
    const char *input, *result;
};

static void expect_meanings(const struct world *world, const struct meaning *cases, size_t count)
{
    struct world_catalog open;
    world_open(world, &open);
    for (size_t i = 0; i < count; i++) {
        CLEANUP_BUF struct buf result = BUF_INIT;
        parse_and_list(&open, cases[i].input, strlen(cases[i].input), &result);
        cr_expect_str_eq(buf_text(&result), cases[i].result, "%s: %s", cases[i].input, buf_text(&result));
    }
    world_close(&open);
}

Test(stage, a_key_is_read_as_its_files_are_called_and_as_it_is_printed)
{
    static const struct meaning cases[] = {
        {"@key=x%3D1", "@key=x%253D1 [x%3D1]"},
        {"@key=x%253D1", "@key=x%253D1 [x%3D1]"},
        {"@key=x=1,ep1,x%3d1", "@key=ep1,x%253D1 [x%3D1 ep1]"},
        {"@key=%5Fa%2Eb", "@key=%255Fa%252Eb [%5Fa%2Eb]"},
        {"@key=x%3D2", "@key: no clip 'x=2' in v1"},
        {"@key=", "@key: no clip '' in v1"},
        {"@key=3", "@key: no clip '3' in v1: did you mean 'ep000003'?"},
        {"@key=ep3", "@key: no clip 'ep3' in v1: did you mean 'ep000003'?"},
        {"@key=ep000003.top.mp4", "@key: no clip 'ep000003.top.mp4' in v1: did you mean 'ep000003'?"},
        {"@key=ep00003", "@key: no clip 'ep00003' in v1: did you mean 'ep000003'?"},
    };
    struct world world = {.attributes = attributes};
    world_add(&world, "x%3D1");
    world_add(&world, "ep1");
    world_add(&world, "%5Fa%2Eb");
    world_add(&world, "ep000003");
    expect_meanings(&world, cases, sizeof cases / sizeof *cases);
    world_done(&world);
    check_leaks();
}

Test(stage, an_attribute_whose_name_begins_with_a_minus_is_sorted_both_ways)
{
    static const struct world_attribute signs[] = {
        {"-neg", VALUE_INT, false}, {"pos", VALUE_INT, false}, {NULL, VALUE_BOOL, false}};
    static const struct meaning cases[] = {
        {"@sort=-neg", "@sort=-neg [ep2 ep3 ep1]"},
        {"@sort=--neg", "@sort=--neg [ep1 ep3 ep2]"},
        {"@sort=pos", "@sort=pos [ep1 ep2 ep3]"},
        {"@sort=-pos", "@sort=-pos [ep3 ep2 ep1]"},
        {"@sort=-ngee", "@sort: no attribute 'ngee' in v1: did you mean '-neg'?"},
        {"@sort=neg", "@sort: no attribute 'neg' in v1: did you mean '-neg'?"},
        {"@sort=---neg", "@sort: no attribute '--neg' in v1: did you mean '-neg'?"},
        {"@sort=-", "@sort: no attribute '-' in v1: there are -neg, pos"},
    };
    char lines[][128] = {"ep1 -neg=3 pos=1", "ep2 -neg=1 pos=2", "ep3 -neg=2 pos=3"};
    struct world world = {.attributes = signs};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        world_add_line(&world, lines[i]);
    expect_meanings(&world, cases, sizeof cases / sizeof *cases);
    world_done(&world);
    check_leaks();
}
