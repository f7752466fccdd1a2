// SPDX-License-Identifier: Apache-2.0
/* The names of `.by/`, against a count over the clips of the model. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/say/browse.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

static const struct world_attribute attributes[] = {
    {"arm", VALUE_TEXT, false},
    {"day", VALUE_TIME, false},
    {"force", VALUE_FLOAT, false},
    {"grade", VALUE_INT, false},
    {"id", VALUE_TEXT, false},
    {"joints", VALUE_LIST, false},
    {"late", VALUE_TEXT, true},
    {"length", VALUE_INT, false},
    {"ok", VALUE_BOOL, false},
    {"same", VALUE_TEXT, false},
    {"tags", VALUE_TEXT, true},
    {"wait", VALUE_DURATION, true},
    {0},
};
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes - 1 };

static struct world world;
static struct world_catalog open;

static void done(void)
{
    world_close(&open);
    world_done(&world);
}

static struct query *query_of(const char *path)
{
    struct query *query = NULL;
    struct error err = {0};
    cr_assert_eq(query_parse(path, strlen(path), open.reader, &query, &err), 0, "%s", err.text);
    return query;
}

static int collect(void *ctx, const char *name, struct error *err)
{
    buf_printf(ctx, "%s%s", ((struct buf *)ctx)->len ? " " : "", name);
    return 0;
}

/* `key` NULL: the keys. */
static void expect(const char *path, const char *key, const char *wanted)
{
    CLEANUP_QUERY struct query *query = query_of(path);
    CLEANUP_BUF struct buf got = BUF_INIT;
    struct error err = {0};
    int rc = key ? browse_values(query, key, open.reader, collect, &got, &err)
                 : browse_keys(query, open.reader, collect, &got, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&got), wanted, "%s .by/%s: %s", path, key ? key : "", buf_text(&got));
}

/* What a name means: the canonical path, or the reason why it means nothing. */
static void expect_name(const char *path, const char *key, const char *name, const char *wanted)
{
    CLEANUP_QUERY struct query *query = query_of(path), *found = NULL;
    CLEANUP_BUF struct buf got = BUF_INIT;
    struct error err = {0};
    int rc = name ? browse_extend(query, key, name, open.reader, &found, &err)
                  : browse_find_key(key, open.reader, &(struct catalog_attribute){0}, &err);
    cr_assert(rc == 0 || rc == -ENOENT, "%d %s", rc, err.text);
    if (rc)
        buf_text_append(&got, err.text);
    else if (found)
        query_canonical(found, &got);
    cr_assert_str_eq(buf_text(&got), wanted, "%s/.by/%s/%s", path, key, name ? name : "");
}

static void make_small(void)
{
    char lines[][100] = {"ep1 arm=left same=x tags=a/b,c force=1.5 length=100 ok=true",
                         "ep2 arm=right same=x tags=c length=101", "ep3 arm=right same=x tags=c length=102",
                         "ep4 arm=right same=x tags=c,.hidden,@empty length=103"};
    world = (struct world){.attributes = attributes};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        world_add_line(&world, lines[i]);
    world_value(&world, &world.clips[0], "id", "");
    world_value(&world, &world.clips[1], "id", "a = 50%");
    world_value(&world, &world.clips[2], "id", "..");
    world_value(&world, &world.clips[3], "id", "caf\xc3\xa9");
    world_value(&world, &world.clips[0], "joints", "[1,2]");
    world_open(&world, &open);
}

CHECKED_TEST(browse, keys_that_divide_then_values_of_most_clips_first, make_small, done)
{
    expect("", NULL, "arm force id length ok tags");
    expect("arm=right", NULL, "id length tags");
    expect("length.ge=101/tags=c/id=..", NULL, "");
    expect("length.lt=100", NULL, "");
    expect("", "arm", "right left");
    expect("arm=left", "arm", "left");
    expect("arm=left", "same", "x");
    expect("", "tags", "c %2Ehidden %40empty a%2Fb");
    expect("arm=right", "tags", "c %2Ehidden %40empty");
    expect("", "id", "@empty %2E. a%20%3D%2050%25 caf\xc3\xa9");
    expect("", "ok", "true");
    expect("", "length", "100 101 102 103");
}

CHECKED_TEST(browse, a_name_means_a_condition, make_small, done)
{
    expect_name("arm=left", "tags", "a%2Fb", "arm=left/tags=a%2Fb");
    expect_name("", "tags", "%2Ehidden", "tags=.hidden");
    expect_name("", "tags", "%40empty", "tags=%40empty");
    expect_name("", "id", "@empty", "id=");
    expect_name("", "id", "%2E.", "id=..");
    expect_name("", "id", "a = 50%25", "id=a%20%3D%2050%25");
    expect_name("", "length", "100..102", "length.rng=100..102");
    expect_name("", "length", "..102", "length.rng=..102");
    expect_name("", "force", "-1..2.5", "force.rng=-1..2.5");
    expect_name("arm=left", "arm", "right", "arm=left/arm=right");
    expect_name("", "%61rm", "left", "arm=left");
}

CHECKED_TEST(browse, what_is_not_there_says_why, make_small, done)
{
    expect_name("", "arm", "lfet", "arm has no value 'lfet': did you mean 'left'? (arm=left)");
    expect_name("", "length", "9", "length has no value '9': the nearest is 100 (length=100)");
    expect_name("", "length", "1..x", "length.rng: 'x' is not an integer");
    expect_name("", "arm", "50%", "'50%': behind a % stand two hex digits");
    expect_name("", "armm", NULL, "no attribute 'armm': did you mean 'arm'?");
    expect_name("", "arm=left", NULL, "here a value is a folder of its own (arm/left)");
    expect_name("", "joints", NULL, "joints: a list is not compared, so its values are not told");
    expect_name("", "arm", NULL, "");
}

/* ---- at random ---- */

static uint64_t state;

static uint64_t random_u64(void)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void give(struct world_clip *clip, const char *attribute, char *text)
{
    world_value(&world, clip, attribute, text);
    free(text);
}

enum { CLIPS = 3000 }; /* more than are walked clip by clip */

static void make_large(void)
{
    static const char *const arms[] = {"left", "right", "both"};
    state = test_seed();
    world = (struct world){.attributes = attributes};
    for (int i = 0; i < CLIPS; i++) {
        CLEANUP_FREE char *key = mem_printf("ep%04d", i);
        struct world_clip *clip = world_add(&world, key);
        uint64_t r = random_u64();
        give(clip, "arm", mem_text(arms[r % 7 % 3]));
        int grade = (int)(r >> 8) % 5;
        bool late = grade == 1 || grade == 2;
        give(clip, "grade", mem_printf("%d", grade));
        give(clip, "length", mem_printf("%d", (int)((r >> 16) % 900)));
        give(clip, "id", mem_printf("id %d", i / 2));
        give(clip, "same", mem_text("x"));
        for (int k = 0; k < 3; k++) /* too many to list in all, and few where grade is neither 1 nor 2 */
            give(clip, "late", late ? mem_printf("late %d %d", i, k) : mem_printf("l%d", i % 4));
        give(clip, "day", mem_printf("2026-%02d-%02d", (int)(r >> 24 & 3) + 3, (int)(r >> 28 & 15) + 1));
        if (r >> 32 & 1)
            give(clip, "ok", mem_text(r >> 33 & 1 ? "true" : "false"));
        if (r >> 34 & 3)
            give(clip, "force",
                 r >> 36 & 31 ? mem_printf("%.3f", (double)(r >> 40 & 4095) / 100) : mem_text("inf"));
        for (uint64_t k = r >> 40 & 3; k; k--)
            give(clip, "tags", mem_printf("t%d", (int)(random_u64() % 30)));
        for (uint64_t k = r >> 42 & 3; k; k--)
            give(clip, "wait", mem_printf("%dms", (int)(random_u64() % 5000)));
    }
    world_open(&world, &open);
}

static uint64_t count_of_path(const struct query *query)
{
    uint64_t count;
    cr_assert_eq(query_count(query, open.reader, &count, NULL), 0);
    return count;
}

/* The clips of a query, by their number in the model. */
struct chosen {
    bool clips[WORLD_CLIPS_MAX];
    uint64_t count;
};

static int choose(void *ctx, uint32_t row, struct error *err)
{
    struct chosen *chosen = ctx;
    struct catalog_clip clip;
    int rc = catalog_clip(open.reader, row, &clip, err);
    if (rc >= 0)
        chosen->clips[atoi(clip.key + 2)] = true, chosen->count++;
    return rc < 0 ? rc : 0;
}

static bool has_value(size_t clip, size_t attribute, const struct value *value)
{
    for (size_t k = 0; k < world.clips[clip].values[attribute].count; k++)
        if (!value_compare(&world.clips[clip].values[attribute].list[k], value))
            return true;
    return false;
}

static uint64_t model_count(const struct chosen *chosen, size_t attribute, const struct value *value)
{
    uint64_t count = 0;
    for (size_t i = 0; i < world.count; i++)
        count += chosen->clips[i] && has_value(i, attribute, value);
    return count;
}

static bool model_divides(const struct chosen *chosen, size_t attribute)
{
    for (size_t i = 0; i < world.count; i++)
        for (size_t k = 0; chosen->clips[i] && k < world.clips[i].values[attribute].count; k++)
            if (model_count(chosen, attribute, &world.clips[i].values[attribute].list[k]) < chosen->count)
                return true;
    return false;
}

struct listing {
    struct query *query;
    const struct chosen *chosen;
    size_t attribute;
    struct rowset *rows; /* of all names together */
    uint64_t before;     /* clips of the name before */
    size_t names;
    bool ranges;
};

static int check_name(void *ctx, const char *name, struct error *err)
{
    struct listing *listing = ctx;
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_SET struct set *set = NULL;
    const char *key = attributes[listing->attribute].name;
    cr_assert_eq(browse_extend(listing->query, key, name, open.reader, &query, err), 0, "%s/%s: %s", key,
                 name, err->text);
    cr_assert_eq(query_run(query, open.reader, &set, err), 0);
    cr_assert_gt(set_count(set), 0, "%s/%s is empty", key, name);
    cr_assert(!strchr(name, '=') && name[0] != '.', "%s", name);
    listing->ranges = strstr(name, "..") != NULL;
    if (!listing->ranges)
        cr_assert_leq(set_count(set), listing->before, "%s/%s has more clips than the name before", key,
                      name);
    listing->before = listing->ranges ? UINT64_MAX : set_count(set);
    CLEANUP_ROWSET struct rowset *rows = set_rows(set);
    rowset_or(listing->rows, rows);
    listing->names++;
    return 0;
}

static size_t model_distinct(const struct chosen *chosen, size_t attribute, uint64_t *ret_clips)
{
    CLEANUP_FREE struct value *seen = mem_alloc(WORLD_CLIPS_MAX * WORLD_VALUES_MAX * sizeof *seen);
    size_t count = 0;
    *ret_clips = 0;
    for (size_t i = 0; i < world.count; i++) {
        *ret_clips += chosen->clips[i] && world.clips[i].values[attribute].count;
        for (size_t k = 0; chosen->clips[i] && k < world.clips[i].values[attribute].count; k++) {
            const struct value *value = &world.clips[i].values[attribute].list[k];
            size_t at = 0;
            while (at < count && value_compare(&seen[at], value) != 0)
                at++;
            seen[at] = *value;
            count += at == count;
        }
    }
    return count;
}

static void check_values(struct query *query, const struct chosen *chosen, size_t attribute)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    struct listing listing = {query, chosen, attribute, rows, UINT64_MAX, 0, false};
    struct error err = {0};
    const struct world_attribute *is = &attributes[attribute];
    bool number = is->type != VALUE_TEXT && is->type != VALUE_BOOL;
    uint64_t clips;
    size_t distinct = model_distinct(chosen, attribute, &clips);
    int rc = browse_values(query, is->name, open.reader, check_name, &listing, &err);
    if (!number && distinct > BROWSE_MOST) {
        cr_assert(rc == -EFBIG && strstr(err.text, ": more than 1000 values"), "%s", err.text);
        return;
    }
    cr_assert_eq(rc, 0, "%s: %s", is->name, err.text);
    cr_assert_eq(rowset_count(rows), clips, "%s: a clip that has it is below some name", is->name);
    if (!number || distinct <= BROWSE_PLAIN)
        cr_assert_eq(listing.names, distinct, "%s", is->name);
    else
        cr_assert(listing.names <= 12 && listing.names > 1, "%s: %zu names", is->name, listing.names);
}

static int take_key(void *ctx, const char *name, struct error *err)
{
    bool *listed = ctx;
    for (size_t i = 0; i < ATTRIBUTES; i++)
        listed[i] |= strcmp(attributes[i].name, name) == 0;
    return 0;
}

static void check_path(const char *path)
{
    static struct chosen chosen;
    CLEANUP_QUERY struct query *query = query_of(path);
    bool listed[ATTRIBUTES] = {0};
    struct error err = {0};
    memset(&chosen, 0, sizeof chosen);
    cr_assert_eq(query_each(query, open.reader, choose, &chosen, &err), 0, "%s", err.text);
    cr_assert_eq(chosen.count, count_of_path(query));
    cr_assert_eq(browse_keys(query, open.reader, take_key, listed, &err), 0, "%s", err.text);
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        cr_assert_eq(listed[i], model_divides(&chosen, i), "%s: .by/%s", path, attributes[i].name);
        if (attributes[i].type != VALUE_LIST)
            check_values(query, &chosen, i);
    }
}

CHECKED_TEST(browse, names_are_those_of_the_clips_and_lead_to_all_of_them, make_large, done)
{
    static const char *const paths[] = {"",
                                        "arm=both",
                                        "arm=left/grade=3",
                                        "length.lt=20",
                                        "id=id 7",
                                        "tags=t3/ok=true",
                                        "grade.ne=1",
                                        "grade.ne=1/grade.ne=2",
                                        "day=2026-03-01/arm=left/ok=false",
                                        "tags.null=1"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        check_path(paths[i]);
}
