// SPDX-License-Identifier: Apache-2.0
/* Several writers with change sets that were made for versions of a while ago, committed in any order,
 * against a plain model (writers_model.h): which land, which are refused, what each clip has afterwards and
 * who said so. Two that were made for one version are tried in the other order, too, in the model alone. The
 * seed is printed and taken from ELIDEFS_SEED. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/dataset/writers_model.h"
#include "tests/test_rounds.h"
#include "tests/test_seed.h"

enum { WRITERS = 4, HELD = 3, LAG_MAX = 6, NAMES = 6, STEPS = 150 };

struct writer {
    struct dataset *dataset;
    uint32_t seen; /* the version that its next set is made for */
    struct model_set held[HELD];
    int held_count;
};

struct lab {
    uint64_t random;
    struct model model, other;                   /* `other`: two sets in the other order */
    struct model_set landed[MODEL_VERSIONS + 1]; /* by version */
    struct cache *caches[2];                     /* of two machines */
    struct writer writers[WRITERS];
    struct dataset *reader;
    int outcomes[6], swapped;
};

/* ---- what is drawn ---- */

static uint32_t draw(struct lab *lab, uint32_t below)
{
    lab->random ^= lab->random << 13;
    lab->random ^= lab->random >> 7;
    lab->random ^= lab->random << 17;
    return (uint32_t)(lab->random >> 33) % below;
}

static bool seldom(struct lab *lab, uint32_t one_in)
{
    return !draw(lab, one_in);
}

/* Numbers by names of 'd' and 'e', texts by the others, mostly. */
static void draw_declared(struct lab *lab, struct model_set *set)
{
    static const enum value_type numbers[] = {VALUE_INT, VALUE_FLOAT};
    int first = (int)draw(lab, NAMES), count = 1 + (int)draw(lab, MODEL_SAID - 1);
    for (int i = 0; i < count; i++) {
        char name = (char)('a' + (first + i) % NAMES);
        bool number = (name == 'd' || name == 'e') != seldom(lab, 30);
        set->declared[i] = (struct model_declared){name, number ? numbers[draw(lab, 2)] : VALUE_TEXT,
                                                   set->kind == MODEL_IMPORT && seldom(lab, 3)};
    }
    set->declared_count = count;
}

static void draw_values(struct lab *lab, const struct model_set *set, struct model_said *said)
{
    for (int i = 0; i < set->declared_count; i++) {
        bool may_say_none = set->kind == MODEL_LABELS || set->declared[i].partial;
        uint32_t what = draw(lab, 8);
        said->values[i] = what == 0   ? MODEL_NONE
                          : what == 1 ? may_say_none ? MODEL_SAYS_NONE : MODEL_NONE
                                      : (int)draw(lab, 3);
        if (set->declared[i].type == VALUE_INT && said->values[i] >= 0)
            said->values[i] *= 2;
    }
}

static void draw_import(struct lab *lab, struct model_set *set)
{
    enum { SHARED_CONTENTS = 4 };
    if (!seldom(lab, 4))
        draw_declared(lab, set);
    int first = (int)draw(lab, MODEL_KEYS);
    set->clip_count = 1 + (int)draw(lab, MODEL_SAID);
    for (int i = 0; i < set->clip_count; i++) {
        int key = (first + i) % MODEL_KEYS;
        bool shared = seldom(lab, 4);
        set->clips[i] = (struct model_said){.key = key,
                                            .content = shared ? (int)draw(lab, SHARED_CONTENTS)
                                                              : 100 + 2 * key + (int)seldom(lab, 4),
                                            .removed = seldom(lab, 8)};
        draw_values(lab, set, &set->clips[i]);
    }
}

static void draw_events(struct lab *lab, struct model_said *said)
{
    said->label = (char)('x' + (int)draw(lab, 2));
    for (int start = 0; start < MODEL_SAID; start++)
        if (!seldom(lab, 3))
            said->starts[said->start_count++] = start;
    if (seldom(lab, 3))
        said->start_count = 0;
}

/* Of clips that the version has, mostly. */
static void draw_labels(struct lab *lab, struct model_set *set)
{
    static const char *const setters[] = {"anna", "ben", "net-7"};
    const struct model_version *base = &lab->model.versions[set->base];
    set->setter = setters[draw(lab, 3)];
    set->policy = (enum changeset_policy)(seldom(lab, 2) ? CHANGESET_ALL : draw(lab, 3));
    draw_declared(lab, set);
    int first = (int)draw(lab, MODEL_KEYS), count = 1 + (int)draw(lab, MODEL_SAID);
    for (int i = 0; i < MODEL_KEYS && set->clip_count < count; i++) {
        int key = (first + i) % MODEL_KEYS;
        if (!base->clips[key].live && !seldom(lab, 20))
            continue;
        struct model_said *said = &set->clips[set->clip_count++];
        *said = (struct model_said){.key = key};
        draw_values(lab, set, said);
        if (seldom(lab, 3))
            draw_events(lab, said);
    }
}

static void draw_set(struct lab *lab, uint32_t base, struct model_set *set)
{
    uint32_t what = draw(lab, 20);
    *set = (struct model_set){.base = base,
                              .kind = what < 9    ? MODEL_IMPORT
                                      : what < 17 ? MODEL_LABELS
                                      : what < 19 ? MODEL_RENAME
                                                  : MODEL_DROP};
    set->from = (char)('a' + draw(lab, NAMES));
    set->to = (char)('a' + ((uint32_t)(set->from - 'a') + 1 + draw(lab, NAMES - 1)) % NAMES);
    if (set->kind == MODEL_IMPORT)
        draw_import(lab, set);
    else if (set->kind == MODEL_LABELS)
        draw_labels(lab, set);
}

/* ---- the same as the program takes it ---- */

static void must(int rc, const struct error *err)
{
    cr_assert_eq(rc, 0, "%s", err->text);
}

static void put_values(struct changeset *to, const struct model_set *set, const struct model_said *said)
{
    struct error err = {0};
    for (int i = 0; i < set->declared_count; i++) {
        const struct model_declared *declared = &set->declared[i];
        char name[] = {declared->name, '\0'};
        CLEANUP_BUF struct buf text = BUF_INIT;
        struct value value;
        if (said->values[i] == MODEL_SAYS_NONE)
            must(changeset_none(to, name, &err), &err);
        if (said->values[i] < 0)
            continue;
        model_print_value(declared->type, said->values[i], &text);
        must(value_parse(declared->type, buf_text(&text), text.len, &value, &err), &err);
        must(changeset_value(to, name, &value, &err), &err);
    }
}

static void put_clip(struct changeset *to, const struct model_set *set, const struct model_said *said)
{
    struct error err = {0};
    CLEANUP_FREE char *key = mem_printf("ep%d", said->key),
                      *content = mem_printf("content %d", said->content);
    if (said->removed) {
        must(changeset_remove(to, key, &err), &err);
        return;
    }
    struct changeset_clip clip = {.key = key, .t0_ns = CLIP_NO_TIME, .t1_ns = CLIP_NO_TIME, .source = "test"};
    sha256_of(content, strlen(content), clip.fingerprint);
    must(changeset_clip(to, &clip, &err), &err);
    put_values(to, set, said);
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    slice_add_inline(&slice, content, strlen(content));
    struct changeset_stream stream = {
        .name = "front", .ext = "bin", .container = "", .object = CHANGESET_NO_OBJECT, .slice = &slice};
    must(changeset_stream(to, &stream, &err), &err);
}

static void put_labels(struct changeset *to, const struct model_set *set, const struct model_said *said)
{
    struct error err = {0};
    CLEANUP_FREE char *key = mem_printf("ep%d", said->key);
    char label[] = {said->label, '\0'};
    must(changeset_labels(to, key, 2, &err), &err);
    put_values(to, set, said);
    if (said->label)
        must(changeset_events(to, label, &err), &err);
    for (int i = 0; i < said->start_count; i++)
        must(changeset_event(to, said->starts[i] * INT64_C(1000000000),
                             (said->starts[i] + 1) * INT64_C(1000000000), &err),
             &err);
}

static struct changeset *make_set(const struct model_set *set)
{
    struct error err = {0};
    struct changeset *to = changeset_new();
    char from[] = {set->from, '\0'}, new_name[] = {set->to, '\0'};
    struct changeset_setter setter = {set->setter, set->policy, "labels.csv: line"};
    if (set->kind == MODEL_RENAME)
        must(changeset_rename(to, from, new_name, &err), &err);
    else if (set->kind == MODEL_DROP)
        must(changeset_drop(to, from, &err), &err);
    else if (set->kind == MODEL_LABELS)
        must(changeset_setter(to, &setter, &err), &err);
    for (int i = 0; i < set->declared_count; i++) {
        char name[] = {set->declared[i].name, '\0'};
        must(changeset_attribute(to, name, set->declared[i].type, false, &err), &err);
        if (set->declared[i].partial)
            changeset_partial(to, name);
    }
    for (int i = 0; i < set->clip_count; i++)
        (set->kind == MODEL_LABELS ? put_labels : put_clip)(to, set, &set->clips[i]);
    return to;
}

static void print_set(const struct model_set *set, struct buf *buf)
{
    static const char *const kinds[] = {"import", "labels", "rename", "drop"};
    buf_printf(buf, "%s for v%u", kinds[set->kind], set->base);
    if (set->kind == MODEL_LABELS)
        buf_printf(buf, " by %s (policy %d)", set->setter, (int)set->policy);
    if (set->kind == MODEL_RENAME || set->kind == MODEL_DROP)
        buf_printf(buf, " %c %c", set->from, set->to);
    for (int i = 0; i < set->clip_count; i++) {
        const struct model_said *said = &set->clips[i];
        buf_printf(buf, "; ep%d%s", said->key, said->removed ? " removed" : "");
        if (set->kind == MODEL_IMPORT && !said->removed)
            buf_printf(buf, " content %d", said->content);
        for (int k = 0; !said->removed && k < set->declared_count; k++)
            buf_printf(buf, " %c%s%s=%d", set->declared[k].name, value_type_name(set->declared[k].type),
                       set->declared[k].partial ? " partial" : "", said->values[k]);
        if (said->label)
            buf_printf(buf, " %c:", said->label);
        for (int k = 0; k < said->start_count; k++)
            buf_printf(buf, " %d", said->starts[k]);
    }
}

/* ---- what is there ---- */

static int print_blame(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                       const struct catalog_origin *origin, struct error *err)
{
    struct buf *buf = ctx;
    buf_printf(buf, "%s=", attribute->name);
    value_print(buf, value);
    buf_printf(buf, " by %s v%u, ", origin->setter, origin->version);
    return 0;
}

static void compare_clip(struct lab *lab, struct catalog_reader *reader, uint32_t version, int key)
{
    struct error err = {0};
    const struct model_version *is = &lab->model.versions[version];
    CLEANUP_BUF struct buf json = BUF_INIT, blame = BUF_INIT, expected = BUF_INIT, by = BUF_INIT;
    CLEANUP_FREE char *name = mem_printf("ep%d", key);
    uint32_t row;
    struct catalog_clip clip;
    int rc = catalog_clip_find(reader, name, strlen(name), &row, &err);
    if (!is->clips[key].live) {
        cr_assert_eq(rc, -ENOENT, "v%u has %s", version, name);
        return;
    }
    cr_assert_eq(rc, 0, "v%u: %s", version, err.text);
    model_print(is, key, &expected, &by);
    must(catalog_json(reader, row, &json, &err), &err);
    cr_assert(!strcmp(buf_text(&json), buf_text(&expected)), "v%u has %s, the model %s", version,
              buf_text(&json), buf_text(&expected));
    must(catalog_blame(reader, row, print_blame, &blame, &err), &err);
    cr_assert(!strcmp(buf_text(&blame), buf_text(&by)), "v%u: %s has %s, the model %s", version, name,
              buf_text(&blame), buf_text(&by));
    must(catalog_clip(reader, row, &clip, &err), &err);
    cr_assert_eq(clip.files[0].changed, is->clips[key].changed, "v%u: %s", version, name);
    cr_assert_eq(clip.json_size, json.len, "v%u: %s", version, name);
}

static void compare_version(struct lab *lab, uint32_t version)
{
    struct error err = {0};
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    if (!version)
        return;
    must(dataset_catalog(lab->reader, version, PATIENCE_ENDLESS, &catalog, &err), &err);
    must(catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, &err), &err);
    for (int key = 0; key < MODEL_KEYS; key++)
        compare_clip(lab, reader, version, key);
}

static void compare_head(struct lab *lab)
{
    struct error err = {0};
    uint32_t head;
    must(dataset_refresh(lab->reader, &head, &err), &err);
    cr_assert_eq(head, lab->model.head);
    compare_version(lab, head);
}

/* ---- the other order ---- */

static int compare_bytes(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* Equal spans of two setters stand in the order in which these came first. */
static bool same_but_for_order(struct buf *a, struct buf *b)
{
    if (!strstr(buf_text(a), "\"event\":") || a->len != b->len)
        return !strcmp(buf_text(a), buf_text(b));
    CLEANUP_FREE char *x = mem_copy(buf_text(a), a->len), *y = mem_copy(buf_text(b), b->len);
    qsort(x, a->len, 1, compare_bytes);
    qsort(y, b->len, 1, compare_bytes);
    return !memcmp(x, y, a->len);
}

static void compare_ends(const struct model_version *one, const struct model_version *other,
                         const char *shown)
{
    for (int key = 0; key < MODEL_KEYS; key++) {
        const struct model_clip *a = &one->clips[key], *b = &other->clips[key];
        cr_assert(a->live == b->live && (!a->live || a->content == b->content), "ep%d: %s", key, shown);
    }
    for (int key = 0; key < MODEL_KEYS; key++) {
        CLEANUP_BUF struct buf a = BUF_INIT, b = BUF_INIT, by = BUF_INIT;
        model_print(one, key, &a, &by);
        model_print(other, key, &b, &by);
        cr_assert(same_but_for_order(&a, &b), "%s, in the other order %s: %s", buf_text(&a), buf_text(&b),
                  shown);
    }
}

/* Two that were made for one version and both landed: where they land in the other order, too, they end
 * alike. (Where they do not, one fails: who removes a clip finds what is gone, who labels it does not.) */
static void swap_last(struct lab *lab)
{
    uint32_t head = lab->model.head;
    const struct model_set *first = &lab->landed[head - 1], *second = &lab->landed[head];
    CLEANUP_BUF struct buf shown = BUF_INIT;
    if (head < 2 || first->base != head - 2 || second->base != head - 2)
        return;
    lab->other.head = head - 2;
    lab->other.versions[head - 2] = lab->model.versions[head - 2];
    print_set(first, &shown);
    buf_text_append(&shown, " / ");
    print_set(second, &shown);
    if (model_commit(&lab->other, second) || model_commit(&lab->other, first))
        return;
    lab->swapped++;
    compare_ends(&lab->model.versions[head], &lab->other.versions[head], buf_text(&shown));
}

/* ---- steps ---- */

static void commit_held(struct lab *lab, struct writer *writer)
{
    struct error err = {0};
    int at = (int)draw(lab, (uint32_t)writer->held_count);
    struct model_set set = writer->held[at];
    writer->held[at] = writer->held[--writer->held_count];
    uint32_t version = 0, head = lab->model.head;
    if (head > set.base + LAG_MAX)
        return;
    CLEANUP_BUF struct buf shown = BUF_INIT;
    print_set(&set, &shown);
    CLEANUP_CHANGESET struct changeset *changeset = make_set(&set);
    struct dataset_commit options = {.based = true, .base = set.base};
    int rc = dataset_commit(writer->dataset, changeset, &options, &version, NULL, &err);
    int expected = model_commit(&lab->model, &set);
    cr_assert_eq(rc, expected, "onto v%u: %s: %s (%d), the model says %d", head, buf_text(&shown),
                 rc ? err.text : "landed", rc, expected);
    cr_assert(rc || version == lab->model.head);
    if (!rc) {
        lab->landed[version] = set;
        swap_last(lab);
    }
    lab->outcomes[!rc               ? 0
                  : rc == -EALREADY ? 1
                  : rc == -EEXIST   ? 2
                  : rc == -ENOENT   ? 3
                  : rc == -EREMCHG  ? 4
                                    : 5]++;
    compare_head(lab);
}

static void step(struct lab *lab)
{
    struct error err = {0};
    struct writer *writer = &lab->writers[draw(lab, WRITERS)];
    if (seldom(lab, 4))
        must(dataset_refresh(writer->dataset, &writer->seen, &err), &err);
    if (writer->held_count < HELD && seldom(lab, 2))
        draw_set(lab, writer->seen, &writer->held[writer->held_count++]);
    else if (writer->held_count)
        commit_held(lab, writer);
}

static struct dataset *open_with(struct cache *with)
{
    struct error err = {0};
    struct dataset *dataset = NULL;
    CLEANUP_FREE char *url = in("data");
    struct dataset_options options = {.stores = stores, .cache = with};
    must(dataset_open(&options, url, &dataset, &err), &err);
    return dataset;
}

static void run_lab(struct lab *lab)
{
    struct error err = {0};
    CLEANUP_FREE char *url = in("data");
    init_data();
    CLEANUP_FREE char *other = in("cache2");
    struct cache_options options = {.folder = other, .size_bytes = 1 << 30};
    lab->caches[0] = cache;
    must(cache_new(&options, &lab->caches[1], &err), &err);
    for (int i = 0; i < WRITERS; i++)
        lab->writers[i].dataset = open_with(lab->caches[i % 2]);
    lab->reader = open_with(cache);
    for (int i = 0; i < STEPS && lab->model.head < MODEL_VERSIONS &&
                    lab->model.versions[lab->model.head].attribute_count + 2 * MODEL_SAID < MODEL_ATTRIBUTES;
         i++)
        step(lab);
    for (uint32_t version = 1; version <= lab->model.head; version++)
        compare_version(lab, version);
    dataset_free(lab->reader);
    for (int i = 0; i < WRITERS; i++)
        dataset_free(lab->writers[i].dataset);
    cache_free(lab->caches[1]);
    file_remove_tree(url, NULL);
}

CHECKED_TEST(writers, whose_sets_are_old_land_or_conflict_as_a_plain_model_says, fixture_made,
             fixture_removed)
{
    enum { ROUNDS = 4 };
    uint64_t seed = test_seed();
    int rounds = test_rounds(ROUNDS), outcomes[6] = {0}, swapped = 0;
    struct lab *lab = mem_alloc(sizeof *lab);
    for (int round = 0; round < rounds; round++) {
        memset(lab, 0, sizeof *lab);
        lab->random = (seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)round * 2654435769u) | 1;
        for (uint32_t v = 0; v <= MODEL_VERSIONS; v++)
            model_empty(&lab->model.versions[v]);
        run_lab(lab);
        for (int i = 0; i < 6; i++)
            outcomes[i] += lab->outcomes[i];
        swapped += lab->swapped;
    }
    free(lab);
    fprintf(stderr,
            "%d landed, %d said nothing new, %d conflicts, %d of clips that are not there, %d meet their "
            "content, %d of another type; %d pairs in both orders\n",
            outcomes[0], outcomes[1], outcomes[2], outcomes[3], outcomes[4], outcomes[5], swapped);
    cr_assert(outcomes[0] > 20 && outcomes[2] > 5, "little was tried");
}
