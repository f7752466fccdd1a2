// SPDX-License-Identifier: Apache-2.0
/* Every operator over a real catalog of random clips, against the plain model it was made from. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "query/grammar.h"
#include "query/query.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

enum { POOL = 8, CLIPS = 300, ROUNDS = 1000 };

static const struct world_attribute attributes[] = {
    {"arm", VALUE_TEXT, false},    {"ok", VALUE_BOOL, false},  {"length", VALUE_INT, false},
    {"force", VALUE_FLOAT, false}, {"day", VALUE_TIME, false}, {"took", VALUE_DURATION, false},
    {"tags", VALUE_TEXT, true},    {"marks", VALUE_INT, true}, {NULL, VALUE_BOOL, false},
};
enum { ATTRIBUTES = 8 };

/* Values as people spell them; several spellings of one value, and some that few clips or none have. */
static const char *const pool[ATTRIBUTES][POOL] = {
    {"left", "right", "both", "a+b/c", "left arm", "l\xc3\xa9", "", "LEFT"},
    {"true", "false", "true", "false", "true", "false", "true", "true"},
    {"0", "7", "007", "-12", "250", "251", "9000000000", "8"},
    {"0", "-1.5", "1e3", "1000", "0.1", "2.25", "1e-7", "3"},
    {"2026-03-01", "2026-03-01T00:00:00Z", "2026-03-01T12:30", "1969-07-20", "2026-04-01", "2026-03-02",
     "2026-03-01T12:30:00.5Z", "2027-01-01"},
    {"2.5", "2500ms", "3s", "1min", "0", "0.001", "1h", "61"},
    {"cube", "ball", "red", "blue,", "..", "a..b", "%41", "@x"},
    {"1", "2", "3", "5", "8", "13", "21", "34"},
};

static uint64_t random_state;

static size_t draw(size_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(random_state >> 33) % below;
}

/* Clips first .. first + CLIPS - 1. */
static void random_world(struct world *ret, size_t first)
{
    *ret = (struct world){.attributes = attributes};
    for (size_t i = first; i < first + CLIPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "ep%06zu", i);
        struct world_clip *clip = world_add(ret, key);
        for (size_t a = 0; a < ATTRIBUTES; a++) {
            if (draw(4) == 0)
                continue;
            for (size_t n = attributes[a].multi ? 1 + draw(3) : 1; n > 0; n--)
                world_value(ret, clip, attributes[a].name, pool[a][draw(POOL - 1)]); /* nobody has the last */
        }
    }
}

/* ---- the model ---- */

struct condition {
    size_t attribute;
    const struct model *model;
    const char *args[3];
    size_t count;
};

/* What an operator means, said without it. */
struct model {
    const struct op *op;
    bool (*meets)(const struct condition *c, const struct value *value); /* NULL: asks for no value */
    bool none;  /* the clip has values, and none meets it */
    bool known; /* an argument that no clip's value meets is refused */
};

static struct value typed(size_t attribute, const char *text)
{
    struct value value = {0};
    cr_assert_eq(value_parse(attributes[attribute].type, text, strlen(text), &value, NULL), 0, "%s", text);
    return value;
}

static int order(const struct condition *c, const struct value *value)
{
    struct value arg = typed(c->attribute, c->args[0]);
    return value_compare(value, &arg);
}

static bool is_below(const struct condition *c, const struct value *value)
{
    return order(c, value) < 0;
}

static bool is_at_most(const struct condition *c, const struct value *value)
{
    return order(c, value) <= 0;
}

static bool is_above(const struct condition *c, const struct value *value)
{
    return order(c, value) > 0;
}

static bool is_at_least(const struct condition *c, const struct value *value)
{
    return order(c, value) >= 0;
}

static bool begins(const struct condition *c, const struct value *value)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    value_print(&text, value);
    return strncmp(buf_text(&text), c->args[0], strlen(c->args[0])) == 0;
}

static bool ends(const struct condition *c, const struct value *value)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    value_print(&text, value);
    size_t len = strlen(c->args[0]);
    return text.len >= len && strcmp(buf_text(&text) + text.len - len, c->args[0]) == 0;
}

/* Both padded with blanks, and all that is no letter or digit made one. */
static void pad(struct buf *buf, const char *text, size_t len)
{
    buf_u8(buf, ' ');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        buf_u8(buf, c > 127 || isalnum(c) ? (uint8_t)tolower(c) : ' ');
    }
    buf_text_append(buf, " ");
}

static bool has_words(const struct condition *c, const struct value *value)
{
    CLEANUP_BUF struct buf printed = BUF_INIT, text = BUF_INIT, words = BUF_INIT;
    value_print(&printed, value);
    pad(&text, buf_text(&printed), printed.len);
    pad(&words, c->args[0], strlen(c->args[0]));
    size_t count = 0;
    for (char *word = strtok((char *)words.data, " "); word; word = strtok(NULL, " "), count++) {
        CLEANUP_FREE char *padded = mem_printf(" %s ", word);
        if (!strstr(buf_text(&text), padded))
            return false;
    }
    return count;
}

static bool in_range(const struct condition *c, const struct value *value)
{
    bool closed = value->type == VALUE_INT || value->type == VALUE_TEXT;
    struct value end;
    if (*c->args[0] && (end = typed(c->attribute, c->args[0]), value_compare(value, &end) < 0))
        return false;
    if (!*c->args[1])
        return true;
    end = typed(c->attribute, c->args[1]);
    int order = value_compare(value, &end);
    return closed ? order <= 0 : order < 0;
}

static bool is_any(const struct condition *c, const struct value *value)
{
    bool found = false;
    for (size_t i = 0; i < c->count; i++) {
        struct value arg = typed(c->attribute, c->args[i]);
        found = found || value_compare(value, &arg) == 0;
    }
    return found;
}

static const struct model models[] = {
    {&op_eq, is_any, .known = true},
    {&op_ne, is_any, .none = true, .known = true},
    {&op_in, is_any, .known = true},
    {&op_nin, is_any, .none = true, .known = true},
    {&op_lt, is_below},
    {&op_le, is_at_most},
    {&op_gt, is_above},
    {&op_ge, is_at_least},
    {&op_rng, in_range},
    {&op_prefix, begins, .known = true},
    {&op_suffix, ends, .known = true},
    {&op_has, has_words, .known = true},
    {&op_null, NULL},
};
enum { MODELS = sizeof models / sizeof *models };

Test(query, every_operator_that_can_be_asked_has_a_model)
{
    const struct op *op;
    size_t asked = 0;
    for (size_t i = 0; (op = op_at(i)); i++) {
        size_t at = 0;
        while (at < MODELS && models[at].op != op)
            at++;
        cr_assert(at < MODELS || !op->help, "%s", op->name);
        asked += op->help != NULL;
    }
    cr_assert_eq(asked, MODELS);
}

static bool model_holds(const struct condition *c, const struct world_clip *clip)
{
    size_t count = clip->values[c->attribute].count;
    if (!c->model->meets)
        return (count == 0) == (*c->args[0] == '1');
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || c->model->meets(c, &clip->values[c->attribute].list[i]);
    return c->model->none ? count && !any : any;
}

/* Does some clip have each value that is asked for? */
static bool model_known(const struct condition *c, const struct world *world)
{
    bool known = true;
    for (size_t i = 0; i < c->count && c->model->known; i++) {
        const struct model some = {.meets = c->model->meets};
        struct condition one = {c->attribute, &some, {c->args[i]}, 1};
        bool found = false;
        for (size_t k = 0; k < world->count; k++)
            found = found || model_holds(&one, &world->clips[k]);
        known = known && found;
    }
    return known;
}

/* ---- random queries ---- */

static void random_condition(struct condition *ret)
{
    do {
        *ret = (struct condition){.attribute = draw(ATTRIBUTES), .model = &models[draw(MODELS)]};
    } while (attributes[ret->attribute].type == VALUE_BOOL && ret->model->op->types == OP_ORDERED);
    const struct op *op = ret->model->op;
    const size_t counts[] = {[OP_ONE] = 1, [OP_LIST] = 1 + draw(3), [OP_RANGE] = 2};
    ret->count = counts[op->args];
    for (size_t i = 0; i < ret->count; i++)
        ret->args[i] = pool[ret->attribute][draw(10) ? draw(POOL - 1) : POOL - 1];
    if (op == &op_rng && draw(4) == 0)
        ret->args[draw(2)] = "";
    if (op == &op_null)
        ret->args[0] = draw(2) ? "1" : "0";
    if (op == &op_prefix && draw(2))
        ret->args[0] = "2";
}

static void print_arg(struct buf *buf, const char *arg, bool dots)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    escape_append(&text, arg, strlen(arg), NULL, 1);
    for (const char *c = buf_text(&text); *c; c++)
        if (*c == '.' && dots)
            buf_text_append(buf, "%2e");
        else
            buf_u8(buf, (uint8_t)*c);
}

static void print_condition(struct buf *buf, const struct condition *c)
{
    buf_text_append(buf, attributes[c->attribute].name);
    const struct op *op = c->model->op;
    buf_printf(buf, "%s%s=", *op->name ? "." : "", op->name);
    for (size_t i = 0; i < c->count; i++) {
        if (i)
            buf_text_append(buf, op->args == OP_RANGE ? ".." : ",");
        print_arg(buf, c->args[i], op->args == OP_RANGE);
    }
}

/* An AND of ORs. */
struct random_query {
    struct condition conditions[3][2];
    size_t any[3], all;
    struct buf path;
};

static void random_query(struct random_query *ret)
{
    *ret = (struct random_query){.all = 1 + draw(3)};
    for (size_t i = 0; i < ret->all; i++) {
        ret->any[i] = 1 + (draw(3) == 0);
        buf_text_append(&ret->path, i ? "/" : "");
        for (size_t k = 0; k < ret->any[i]; k++) {
            random_condition(&ret->conditions[i][k]);
            buf_text_append(&ret->path, k ? "+" : "");
            print_condition(&ret->path, &ret->conditions[i][k]);
        }
    }
}

static bool query_known(const struct random_query *query, const struct world *world)
{
    bool known = true;
    for (size_t i = 0; i < query->all; i++)
        for (size_t k = 0; k < query->any[i]; k++)
            known = known && model_known(&query->conditions[i][k], world);
    return known;
}

static bool query_holds(const struct random_query *query, const struct world_clip *clip)
{
    bool all = true;
    for (size_t i = 0; i < query->all; i++) {
        bool any = false;
        for (size_t k = 0; k < query->any[i]; k++)
            any = any || model_holds(&query->conditions[i][k], clip);
        all = all && any;
    }
    return all;
}

/* ---- comparing ---- */

struct checked { /* a catalog beside its model */
    const struct world *world;
    struct catalog_reader *reader;
    uint32_t *rows; /* of the model's clips */
};

static void check_rows(const struct random_query *wanted, const struct checked *checked,
                       const struct set *result)
{
    const struct world *world = checked->world;
    uint64_t expected = 0, at = 0;
    for (size_t i = 0; i < world->count; i++) {
        bool holds = query_holds(wanted, &world->clips[i]);
        cr_assert_eq(set_has(result, checked->rows[i]), holds, "%s: %s", buf_text(&wanted->path),
                     world->clips[i].key);
        expected += holds;
    }
    cr_assert_eq(set_count(result), expected, "%s", buf_text(&wanted->path));
    uint32_t rows[7], before = 0;
    for (size_t n, listed = 0; (n = set_read(result, at, rows, 7, &at)) || listed != expected;) {
        cr_assert(n, "the listing of %s ends early", buf_text(&wanted->path));
        for (size_t i = 0; i < n; i++, listed++) {
            cr_assert(listed == 0 || rows[i] > before);
            before = rows[i];
        }
    }
}

/* Is the query one that finds something? */
static bool check_query(const struct random_query *wanted, const struct checked *checked)
{
    struct catalog_reader *reader = checked->reader;
    CLEANUP_QUERY struct query *query = NULL, *again = NULL;
    CLEANUP_SET struct set *result = NULL;
    CLEANUP_BUF struct buf canonical = BUF_INIT, repeated = BUF_INIT;
    struct error err = {0};
    const char *path = buf_text(&wanted->path);
    int rc = query_parse(path, wanted->path.len, reader, &query, &err);
    if (!query_known(wanted, checked->world)) {
        cr_assert_eq(rc, -ENOENT, "%s should not be known", path);
        return false;
    }
    cr_assert_eq(rc, 0, "%s: %s", path, err.text);
    cr_assert_eq(query_run(query, reader, &result, &err), 0, "%s: %s", path, err.text);
    check_rows(wanted, checked, result);
    uint64_t count;
    bool exists;
    cr_assert_eq(query_count(query, reader, &count, &err), 0, "%s: %s", path, err.text);
    cr_assert_eq(query_exists(query, reader, &exists, &err), 0, "%s: %s", path, err.text);
    cr_assert(count == set_count(result) && exists == (count > 0), "%s", path);
    query_canonical(query, &canonical);
    cr_assert_eq(query_parse(buf_text(&canonical), canonical.len, reader, &again, &err), 0, "%s: %s",
                 buf_text(&canonical), err.text);
    query_canonical(again, &repeated);
    cr_assert_str_eq(buf_text(&canonical), buf_text(&repeated));
    cr_assert_eq(query_count(again, reader, &count, &err), 0);
    cr_assert_eq(count, set_count(result), "%s and %s differ", path, buf_text(&canonical));
    return count > 0;
}

static void check_many(const struct world *world, struct catalog_reader *reader)
{
    int telling = 0;
    struct checked checked = {world, reader, mem_zero(world->count * sizeof(uint32_t))};
    for (size_t i = 0; i < world->count; i++)
        cr_assert_eq(catalog_clip_find(reader, world->clips[i].key, strlen(world->clips[i].key),
                                       &checked.rows[i], NULL),
                     0);
    for (int round = 0; round < ROUNDS; round++) {
        struct random_query query;
        random_query(&query);
        telling += check_query(&query, &checked);
        buf_done(&query.path);
    }
    free(checked.rows);
    cr_assert_gt(telling, ROUNDS / 4, "only %d of %d queries find anything", telling, ROUNDS);
}

static void seed(void)
{
    random_state = test_seed();
}

Test(query, every_operator_gives_the_clips_the_model_gives, .timeout = 120)
{
    struct world world;
    struct world_catalog open;
    seed();
    random_world(&world, 0);
    world_open(&world, &open);
    check_many(&world, open.reader);
    world_close(&open);
    world_done(&world);
    check_leaks();
}

Test(query, in_a_version_that_changes_clips_only_their_new_values_count, .timeout = 120)
{
    struct world old, new;
    struct world_catalog v1, v2;
    seed();
    random_world(&old, 0);
    random_world(&new, CLIPS / 2);
    world_open(&old, &v1);
    world_open_next(&new, &v1, &v2);
    for (size_t i = 0; i < CLIPS / 2; i++)
        new.clips[new.count++] = old.clips[i];
    check_many(&new, v2.reader);
    check_many(&old, v1.reader);
    world_close(&v1), world_close(&v2);
    world_done(&old), world_done(&new);
    check_leaks();
}

Test(query, an_extended_query_leaves_its_parent_as_it_was)
{
    struct world world;
    struct world_catalog open;
    world_kitchen(&world, &open);
    struct query *all = query_all(), *left = NULL, *same = NULL;
    struct buf text = BUF_INIT;
    cr_assert_eq(query_extend(all, "arm=left", 8, open.reader, &left, NULL), 0);
    cr_assert_eq(query_extend(left, "arm.in=left", 11, open.reader, &same, NULL), 0);
    query_canonical(all, &text);
    cr_assert_str_eq(buf_text(&text), "");
    query_canonical(same, &text);
    cr_assert_str_eq(buf_text(&text), "arm=left");
    query_unref(all), query_unref(left), query_unref(same);
    buf_done(&text);
    world_close(&open);
    world_done(&world);
    check_leaks();
}

Test(query, a_path_of_too_many_conditions_is_refused)
{
    struct world world;
    struct world_catalog open;
    world_kitchen(&world, &open);
    CLEANUP_BUF struct buf path = BUF_INIT;
    struct query *query = NULL;
    for (int i = 0; i <= QUERY_CLAUSES_MAX; i++)
        buf_printf(&path, "length.gt=%d/", i);
    cr_assert_eq(query_parse(buf_text(&path), path.len, open.reader, &query, NULL), -E2BIG);
    buf_done(&path);
    world_close(&open);
    world_done(&world);
    check_leaks();
}

struct counting {
    uint32_t seen, last;
    int end_at; /* its third call returns this */
};

static int count_row(void *ctx, uint32_t row, struct error *err)
{
    struct counting *counting = ctx;
    (void)err;
    cr_assert(!counting->seen || row > counting->last, "row %u stands behind row %u", row, counting->last);
    counting->last = row;
    return ++counting->seen == 3 ? counting->end_at : 0;
}

Test(query, each_row_is_given_in_order_until_one_ends_it)
{
    struct world world;
    struct world_catalog open;
    world_kitchen(&world, &open);
    struct query *all = query_all();
    struct counting whole = {0}, ended = {.end_at = 7};
    cr_assert_eq(query_each(all, open.reader, count_row, &whole, NULL), 0);
    cr_assert_eq(whole.seen, world.count);
    cr_assert_eq(query_each(all, open.reader, count_row, &ended, NULL), 7);
    cr_assert_eq(ended.seen, 3);
    query_unref(all);
    world_close(&open);
    world_done(&world);
    check_leaks();
}
