// SPDX-License-Identifier: Apache-2.0
/* The model says by plain lists what the catalog must say; each step draws a change and does it to both. */
#include "tests/catalog/cells_model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "tests/catalog/unpacked.h"

const char *const model_setters[SETTERS] = {"import", "anna", "net-7"};
static const char *const event_labels[LABELS] = {"grasp", "slip"};

/* ---- chance ---- */

static uint64_t state;

void model_seed(uint64_t seed)
{
    state = seed;
}

static uint64_t random_u64(void)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint32_t model_below(uint32_t n)
{
    return (uint32_t)(random_u64() % n);
}

void model_value(const struct slot *slot, struct value *value, char *text)
{
    uint32_t pick = model_below(slot->different);
    *value = (struct value){.type = slot->type};
    if (slot->type == VALUE_TEXT) {
        snprintf(text, TEXT_BYTES, "%s%09u", pick % 3 ? "v" : "\xc3\xa9", pick);
        value->text = text, value->len = strlen(text);
    } else if (slot->type == VALUE_BOOL) {
        value->boolean = pick & 1;
    } else if (slot->type == VALUE_FLOAT) {
        value->real = pick * 0.25 - 20;
    } else {
        value->integer = (int64_t)pick * (slot->type == VALUE_INT ? 1 : 500000000) - 10;
    }
}

int model_compare(const void *a, const void *b)
{
    return value_compare(a, b);
}

/* Texts move with their values. */
static void sort_cell(struct cell *cell)
{
    char texts[VALUES_MAX][TEXT_BYTES] = {0};
    qsort(cell->values, cell->count, sizeof *cell->values, model_compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cell->count; i++)
        if (!kept || value_compare(&cell->values[kept - 1], &cell->values[i]) != 0)
            cell->values[kept++] = cell->values[i];
    cell->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        if (cell->values[i].type == VALUE_TEXT)
            memcpy(texts[i], cell->values[i].text, cell->values[i].len + 1);
    memcpy(cell->texts, texts, sizeof texts);
    for (uint32_t i = 0; i < kept; i++)
        if (cell->values[i].type == VALUE_TEXT)
            cell->values[i].text = cell->texts[i];
}

static void random_cell(const struct slot *slot, struct cell *cell)
{
    *cell = (struct cell){.count = slot->multi ? 1 + model_below(VALUES_MAX) : 1};
    for (uint32_t i = 0; i < cell->count; i++)
        model_value(slot, &cell->values[i], cell->texts[i]);
    sort_cell(cell);
}

/* A copy's texts are its own. */
static void copy_cell(struct cell *to, const struct cell *from)
{
    *to = *from;
    for (uint32_t i = 0; i < to->count; i++)
        if (to->values[i].type == VALUE_TEXT)
            to->values[i].text = to->texts[i];
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = !value_compare(&a->values[i], &b->values[i]);
    return same;
}

/* ---- the model's json ---- */

static int compare_slots(const void *a, const void *b)
{
    const struct slot *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static size_t slots_by_name(const struct model *model, const struct slot **list)
{
    size_t count = 0;
    for (size_t i = 0; i < SLOTS; i++)
        if (model->slots[i].used)
            list[count++] = &model->slots[i];
    qsort(list, count, sizeof *list, compare_slots);
    return count;
}

static void print_events(const struct clip *clip, struct buf *buf)
{
    bool first = true;
    for (int i = 0; i < LABELS; i++)
        if (clip->events[i]) {
            buf_printf(buf, "%s{\"label\":\"%s\",\"start\":0.5,\"end\":%d,\"by\":\"anna\"}",
                       first ? ",\"event\":[" : ",", event_labels[i], i + 1);
            first = false;
        }
    buf_text_append(buf, first ? "" : "]");
}

static void print_cell(const struct slot *slot, const struct cell *cell, struct buf *buf)
{
    if (!cell->count)
        return;
    buf_printf(buf, ",\"%s\":%s", slot->name, slot->multi ? "[" : "");
    for (uint32_t i = 0; i < cell->count; i++) {
        buf_text_append(buf, i ? "," : "");
        value_print_json(buf, &cell->values[i]);
    }
    buf_text_append(buf, slot->multi ? "]" : "");
}

/* Names of attributes are model_below "event" or above it. */
void model_json(const struct model *model, const struct clip *clip, struct buf *buf)
{
    const struct slot *list[SLOTS];
    size_t count = slots_by_name(model, list);
    bool events = false;
    buf_clear(buf);
    buf_printf(buf, "{\"key\":\"ep%05u\"", (unsigned)(clip - model->clips));
    for (size_t i = 0; i < count; i++) {
        if (!events && strcmp(list[i]->name, "event") > 0) {
            print_events(clip, buf);
            events = true;
        }
        print_cell(list[i], &clip->cells[list[i] - model->slots], buf);
    }
    if (!events)
        print_events(clip, buf);
    buf_text_append(buf, "}\n");
}

/* What changed in this version? */
void model_note_changes(struct model *model)
{
    static const uint8_t key[16];
    CLEANUP_BUF struct buf json = BUF_INIT;
    for (uint32_t i = 0; i < model->count; i++) {
        struct clip *clip = &model->clips[i];
        uint64_t hash = 0;
        if (clip->live) {
            model_json(model, clip, &json);
            hash = siphash24(key, json.data, json.len);
        }
        if (hash != clip->json)
            clip->changed = model->v.head;
        clip->json = hash;
    }
}

/* ---- steps ---- */

static void key_of(uint32_t i, char key[16])
{
    snprintf(key, 16, "ep%05u", i);
}

static void must_apply(struct model *model, struct changeset *set)
{
    cr_assert_eq(versions_apply(&model->v, set), 0, "%s", model->v.err.text);
}

static void say_cell(struct changeset *set, const struct slot *slot, const struct cell *cell)
{
    for (uint32_t i = 0; i < cell->count; i++)
        cr_assert_eq(changeset_value(set, slot->name, &cell->values[i], NULL), 0);
}

static struct slot *random_slot(struct model *model)
{
    struct slot *slot;
    do
        slot = &model->slots[model_below(SLOTS)];
    while (!slot->used);
    return slot;
}

/* What a clip that an import says this of has then. `kept`: what it had, where that counts. */
static void import_cell(struct cell *cell, const struct cell *said, bool kept, uint32_t version)
{
    if (kept && cell->count && (cell->setter || same_cell(cell, said)))
        return;
    copy_cell(cell, said);
    cell->setter = 0;
    cell->version = version;
}

static void import_clip(struct model *model, struct changeset *set, uint32_t i, bool restore)
{
    struct clip *clip = &model->clips[i];
    char key[16];
    key_of(i, key);
    set_clip(set, key, (int)i + 1);
    restore &= !clip->purged;
    bool kept = clip->live || restore;
    if (restore)
        cr_assert_eq(changeset_labels_of(set, key, NULL), 0);
    for (size_t s = 0; s < SLOTS; s++) {
        struct slot *slot = &model->slots[s];
        struct cell said = {0};
        if (slot->used && slot->imported) {
            if (model_below(10))
                random_cell(slot, &said);
            say_cell(set, slot, &said);
            import_cell(&clip->cells[s], &said, kept, model->v.head + 1);
        } else if (!kept) {
            clip->cells[s].count = 0;
        }
    }
    if (!kept)
        memset(clip->events, 0, sizeof clip->events);
    clip->live = true;
}

static struct changeset *import_set(const struct model *model)
{
    struct changeset *set = changeset_new();
    for (size_t s = 0; s < SLOTS; s++)
        if (model->slots[s].used && model->slots[s].imported)
            set_attribute(set, model->slots[s].name, model->slots[s].type, model->slots[s].multi);
    return set;
}

static void step_append(struct model *model, uint32_t more)
{
    struct changeset *set = import_set(model);
    uint32_t first = model->count;
    for (uint32_t n = 0; n < more && model->count < CLIPS_MAX; n++) {
        import_clip(model, set, model->count, false);
        model->count++;
    }
    must_apply(model, set);
    for (uint32_t i = first; i < model->count; i++) {
        char key[16];
        key_of(i, key);
        cr_assert_eq(catalog_clip_find(model->v.reader, key, strlen(key), &model->clips[i].row, NULL), 0);
    }
}

/* A key that was purged is a new one. */
static void find_rows(struct model *model)
{
    for (uint32_t i = 0; i < model->count; i++) {
        struct clip *clip = &model->clips[i];
        char key[16];
        if (!clip->purged || !clip->live)
            continue;
        key_of(i, key);
        cr_assert_eq(catalog_clip_find(model->v.reader, key, strlen(key), &clip->row, NULL), 0);
        clip->purged = false;
    }
}

/* Known clips get other values, some that were removed come back, and some of these with what they had. */
static void step_import_again(struct model *model)
{
    struct changeset *set = import_set(model);
    uint32_t every = 1 + model_below(40);
    for (uint32_t i = model_below(every); i < model->count; i += every)
        import_clip(model, set, i, !model->clips[i].live && model_below(2));
    must_apply(model, set);
    find_rows(model);
}

static void step_label(struct model *model, bool all)
{
    unsigned setter = 1 + model_below(SETTERS - 1);
    struct slot *slot = random_slot(model);
    size_t s = (size_t)(slot - model->slots);
    struct changeset *set = labels_by(model_setters[setter], CHANGESET_ALL);
    set_attribute(set, slot->name, slot->type, slot->multi);
    uint32_t every = all ? 1 : 1 + model_below(60);
    for (uint32_t i = model_below(every); i < model->count; i += every) {
        struct clip *clip = &model->clips[i];
        struct cell said = {0};
        char key[16];
        if (!clip->live)
            continue;
        key_of(i, key);
        set_labels(set, key, i + 1);
        if (model_below(8)) {
            random_cell(slot, &said);
            say_cell(set, slot, &said);
        } else {
            cr_assert_eq(changeset_none(set, slot->name, NULL), 0);
        }
        if (same_cell(&clip->cells[s], &said))
            continue;
        copy_cell(&clip->cells[s], &said);
        clip->cells[s].setter = setter;
        clip->cells[s].version = model->v.head + 1;
    }
    must_apply(model, set);
}

static void step_events(struct model *model)
{
    struct changeset *set = labels_by("anna", CHANGESET_OWN);
    uint32_t every = 1 + model_below(90);
    for (uint32_t i = model_below(every); i < model->count; i += every) {
        char key[16];
        if (!model->clips[i].live)
            continue;
        key_of(i, key);
        set_labels(set, key, i + 1);
        for (int label = 0; label < LABELS; label++) {
            if (model_below(2))
                continue;
            bool has = model_below(3);
            double spans[] = {has ? 0.5 : -1, label + 1, -1};
            uint32_t *is = &model->clips[i].events[label];
            set_events(set, event_labels[label], spans);
            *is = has ? *is ? *is : model->v.head + 1 : 0;
        }
    }
    must_apply(model, set);
}

static void step_remove(struct model *model)
{
    struct changeset *set = changeset_new();
    uint32_t every = 20 + model_below(200);
    for (uint32_t i = model_below(every); i < model->count; i += every) {
        char key[16];
        if (model->clips[i].purged)
            continue;
        key_of(i, key);
        cr_assert_eq(changeset_remove(set, key, NULL), 0);
        model->clips[i].live = false;
    }
    must_apply(model, set);
}

static void new_name(struct model *model, char name[24])
{
    snprintf(name, 24, "%s%u", model_below(2) ? "a" : "z", model->names++);
}

static void step_rename(struct model *model)
{
    struct slot *slot = random_slot(model);
    struct changeset *set = changeset_new();
    char name[24];
    new_name(model, name);
    cr_assert_eq(changeset_rename(set, slot->name, name, NULL), 0);
    memcpy(slot->name, name, sizeof name);
    must_apply(model, set);
}

static void fill_slot(struct model *model, struct slot *slot)
{
    static const enum value_type types[] = {VALUE_TEXT,  VALUE_INT,  VALUE_BOOL,
                                            VALUE_FLOAT, VALUE_TIME, VALUE_DURATION};
    static const unsigned different[] = {2, 5, 60, 100000};
    *slot = (struct slot){.used = true, .imported = model_below(2), .multi = !model_below(4)};
    slot->type = types[model_below(sizeof types / sizeof *types)];
    slot->different = different[model_below(4)];
    new_name(model, slot->name);
}

static void declare(struct model *model)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    for (size_t s = 0; s < SLOTS; s++)
        set_attribute(set, model->slots[s].name, model->slots[s].type, model->slots[s].multi);
    must_apply(model, set);
}

static void step_drop(struct model *model)
{
    struct slot *slot = random_slot(model);
    size_t s = (size_t)(slot - model->slots);
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_drop(set, slot->name, NULL), 0);
    must_apply(model, set);
    for (uint32_t i = 0; i < model->count; i++)
        model->clips[i].cells[s].count = 0;
    model_note_changes(model);
    fill_slot(model, slot); /* another one takes its place in the model */
    declare(model);
}

static void step_to_text(struct model *model)
{
    struct slot *slot = random_slot(model);
    size_t s = (size_t)(slot - model->slots);
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_to_text(set, slot->name, NULL), 0);
    must_apply(model, set);
    for (uint32_t i = 0; slot->type != VALUE_TEXT && i < model->count; i++) {
        struct cell *cell = &model->clips[i].cells[s];
        if (model->clips[i].live && cell->count)
            model->clips[i].json = 0; /* counts as changed, whether or not its text was text in JSON, too */
        for (uint32_t n = 0; n < cell->count; n++) {
            CLEANUP_BUF struct buf text = BUF_INIT;
            value_print(&text, &cell->values[n]);
            memcpy(cell->texts[n], buf_text(&text), text.len + 1);
            cell->values[n] = (struct value){.type = VALUE_TEXT, .text = cell->texts[n], .len = text.len};
        }
        sort_cell(cell);
    }
    slot->type = VALUE_TEXT;
}

/* Several values a clip, or floats where integers stood. */
static void step_widen(struct model *model)
{
    struct slot *slot = random_slot(model);
    size_t s = (size_t)(slot - model->slots);
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    bool to_float = slot->type == VALUE_INT && model_below(2);
    set_attribute(set, slot->name, to_float ? VALUE_FLOAT : slot->type, slot->multi || !to_float);
    must_apply(model, set);
    slot->multi |= !to_float;
    for (uint32_t i = 0; to_float && i < model->count; i++) {
        struct cell *cell = &model->clips[i].cells[s];
        for (uint32_t n = 0; n < cell->count; n++)
            cell->values[n] = (struct value){.type = VALUE_FLOAT, .real = (double)cell->values[n].integer};
    }
    slot->type = to_float ? VALUE_FLOAT : slot->type;
}

/* ---- purged ---- */

static void note_text(struct model *model, uint32_t i, const struct value *value)
{
    bool is_new;
    if (value->type != VALUE_TEXT || value->len < TEXT_LONG)
        return;
    struct strmap_entry *entry = strmap_put(model->texts, value->text, value->len, &is_new);
    if (is_new)
        entry->value = i + 1;
    else if (entry->value != i + 1)
        entry->value = TEXT_SHARED;
}

void model_note_texts(struct model *model)
{
    for (uint32_t i = 0; model->purges && i < model->count; i++)
        for (size_t s = 0; s < SLOTS; s++)
            for (uint32_t n = 0; n < model->clips[i].cells[s].count; n++)
                note_text(model, i, &model->clips[i].cells[s].values[n]);
}

/* Whatever looks like a text of the model must be one that a clip that stays has, or had. */
static void search(const struct model *model)
{
    CLEANUP_FREE char *path = versions_path(&model->v, model->v.head);
    CLEANUP_BUF struct buf all = BUF_INIT;
    unpack_all(path, &all);
    const char *bytes = buf_text(&all);
    for (size_t at = 0; at + TEXT_LONG < all.len; at++) {
        size_t len = bytes[at] == 'v' ? TEXT_LONG : !memcmp(bytes + at, "\xc3\xa9", 2) ? TEXT_LONG + 1 : 0;
        struct strmap_entry *text = len ? strmap_find(model->texts, bytes + at, len) : NULL;
        bool gone = text && text->value != TEXT_SHARED && model->clips[text->value - 1].purged;
        cr_assert(!gone, "'%s' of a clip that was purged is at %zu of %zu", text->key, at, all.len);
    }
}

static void step_purge(struct model *model)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    CLEANUP_SCRUB_DICTIONARIES struct scrub_dictionaries *dictionaries = scrub_dictionaries_new();
    struct scrub_counts counts;
    uint32_t every = 1 + model_below(600), live = 0;
    for (uint32_t i = model_below(every); i < model->count; i += every) {
        struct clip *clip = &model->clips[i];
        rowset_add(rows, clip->row);
        live += clip->live;
        *clip = (struct clip){.purged = true, .row = clip->row};
    }
    versions_scrub(&model->v, model->v.head, rows, NULL, dictionaries, &counts);
    cr_assert_eq(counts.clips, live);
    cr_assert_eq(counts.rows, rowset_count(rows));
    search(model);
}

const char *model_step(struct model *model)
{
    if (model->purges && !model_below(4)) {
        step_purge(model);
        return "purge";
    }
    switch (model_below(16)) {
    case 0:
    case 1:
        step_append(model, 1 + model_below(300));
        return "append";
    case 2:
    case 3:
        step_import_again(model);
        return "import again";
    case 4:
        step_remove(model);
        return "remove";
    case 5:
        step_rename(model);
        return "rename";
    case 6:
        step_drop(model);
        return "drop";
    case 7:
        step_to_text(model);
        return "to text";
    case 8:
        step_widen(model);
        return "widen";
    case 9:
        step_events(model);
        return "events";
    case 10:
        step_label(model, true);
        return "label all";
    default:
        step_label(model, false);
        return "label";
    }
}

void model_init(struct model *model, const struct apply_limits *limits)
{
    *model = (struct model){.clips = calloc(CLIPS_MAX, sizeof *model->clips), .purges = model->purges};
    model->texts = strmap_new();
    versions_init(&model->v);
    model->v.limits = limits;
    for (size_t s = 0; s < SLOTS; s++)
        fill_slot(model, &model->slots[s]);
    step_append(model, FIRST);
    model_note_changes(model);
    declare(model);
}

void model_done(struct model *model)
{
    versions_done(&model->v);
    strmap_free(model->texts);
    free(model->clips);
}
