// SPDX-License-Identifier: Apache-2.0
/* What index/commit/apply/apply_conflict.h and apply_merge.c promise, said once more for arrays. */
#include "tests/dataset/writers_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct landing {
    const struct model *model;
    const struct model_set *set;
    const struct model_version *base, *head;
    struct model_version *next;
    int at[MODEL_SAID];            /* of the declared: their attribute, or MODEL_NONE: dropped */
    int late, taken, unknown, met; /* what is in the way; met: content */
    int changed;                   /* clips and attributes */
};

/* ---- what others have changed ---- */

static bool same_cell(const struct model_cell *a, const struct model_cell *b)
{
    return a->value == b->value && (a->value < 0 || (a->setter == b->setter && a->version == b->version));
}

/* Did the clip come or go? */
static bool flipped(const struct landing *landing, int key)
{
    for (uint32_t v = landing->set->base; v < landing->model->head; v++)
        if (landing->model->versions[v].clips[key].live != landing->model->versions[v + 1].clips[key].live)
            return true;
    return false;
}

static bool cell_changed(const struct landing *landing, int key, int attribute)
{
    for (uint32_t v = landing->set->base; v < landing->model->head; v++) {
        const struct model_clip *was = &landing->model->versions[v].clips[key],
                                *is = &landing->model->versions[v + 1].clips[key];
        if (!same_cell(&was->cells[attribute], &is->cells[attribute]))
            return true;
    }
    return flipped(landing, key);
}

static bool clip_changed(const struct landing *landing, int key)
{
    const struct model_clip *clip = &landing->head->clips[key];
    return clip->known && (clip->changed > landing->set->base || flipped(landing, key));
}

static int find_name(const struct model_version *version, char name)
{
    for (int i = 0; i < version->attribute_count; i++)
        if (version->attributes[i].there && version->attributes[i].name == name)
            return i;
    return MODEL_NONE;
}

/* The attribute that a name meant: in the base, or, if it is not there, the last that came and lost the name.
 */
static int meant(const struct landing *landing, char name)
{
    int was = find_name(landing->base, name);
    if (was >= 0 || find_name(landing->head, name) >= 0)
        return was;
    for (uint32_t v = landing->model->head; v-- > landing->set->base + 1;) {
        int at = find_name(&landing->model->versions[v], name);
        if (at >= 0 && !landing->base->attributes[at].there)
            return at;
    }
    return MODEL_NONE;
}

/* Does it mean another attribute than in the base, or none? What is new to both is not in the way. */
static bool name_moved(const struct landing *landing, char name)
{
    int was = meant(landing, name);
    return was >= 0 && (!landing->head->attributes[was].there || landing->head->attributes[was].name != name);
}

static bool name_taken(const struct landing *landing, char name)
{
    int is = find_name(landing->head, name);
    return is >= 0 && landing->base->attributes[is].there && landing->base->attributes[is].name != name;
}

/* ---- attributes ---- */

static bool declares(const struct model_set *set, char name)
{
    for (int i = 0; i < set->declared_count; i++)
        if (set->declared[i].name == name)
            return true;
    return false;
}

/* The attribute, MODEL_NONE: it is dropped, or MODEL_ATTRIBUTES: it is new. */
static int find_attribute(struct landing *landing, char name)
{
    int at = find_name(landing->head, name), *former = &landing->next->former[(int)name];
    if (at >= 0 || !*former)
        return at >= 0 ? at : MODEL_ATTRIBUTES;
    int now = *former == MODEL_DROPPED ? MODEL_NONE : *former - 1;
    bool both = now >= 0 && declares(landing->set, landing->head->attributes[now].name);
    if (landing->set->kind == MODEL_IMPORT && !both)
        return now;
    *former = 0;
    return MODEL_ATTRIBUTES;
}

/* To an import, than in the base, where the name was one that an attribute had before. */
static bool means_another(const struct landing *landing, char name, int is)
{
    int former = landing->base->former[(int)name], was = former - 1;
    if (landing->set->kind != MODEL_IMPORT || !former || landing->set->base == landing->model->head)
        return false;
    if (former == MODEL_DROPPED)
        return is >= 0 && is < MODEL_ATTRIBUTES;
    const struct model_attribute *now = &landing->head->attributes[was];
    return now->there && is != was && !declares(landing->set, now->name);
}

static int take_attribute(struct landing *landing, int i)
{
    const struct model_declared *declared = &landing->set->declared[i];
    struct model_version *next = landing->next;
    bool labels = landing->set->kind == MODEL_LABELS && landing->set->clip_count,
         moved = labels && name_moved(landing, declared->name); /* a set of no clips labels nothing */
    if (landing->set->base < landing->model->head && (moved || name_taken(landing, declared->name)))
        return -EEXIST;
    int at = find_attribute(landing, declared->name);
    if (means_another(landing, declared->name, at))
        return -EEXIST;
    for (int k = 0; k < i; k++)
        if (at >= 0 && landing->at[k] == at)
            at = MODEL_ATTRIBUTES;
    if (at == MODEL_ATTRIBUTES) {
        at = next->attribute_count++;
        next->attributes[at] = (struct model_attribute){true, declared->name, declared->type};
        for (int key = 0; key < MODEL_KEYS; key++)
            next->clips[key].cells[at] = (struct model_cell){.value = MODEL_NONE};
    }
    landing->at[i] = at;
    if (at < 0)
        return 0;
    enum value_type *type = &next->attributes[at].type;
    if (*type != declared->type && (*type == VALUE_TEXT || declared->type == VALUE_TEXT))
        return -EINVAL;
    if (declared->type == VALUE_FLOAT)
        *type = VALUE_FLOAT;
    return 0;
}

static int change_attribute(struct landing *landing)
{
    const struct model_set *set = landing->set;
    struct model_version *next = landing->next;
    int at = find_name(landing->head, set->from), was = meant(landing, set->from);
    if (name_moved(landing, set->from)) {
        const struct model_attribute *now = &landing->head->attributes[was];
        bool same = set->kind == MODEL_DROP ? !now->there : now->there && now->name == set->to;
        return same ? -EALREADY : -EEXIST;
    }
    if (name_taken(landing, set->from))
        return -EEXIST;
    if (at < 0)
        return -ENOENT;
    if (set->kind == MODEL_RENAME) {
        if (find_name(landing->head, set->to) >= 0)
            return -EEXIST;
        next->attributes[at].name = set->to;
        next->former[(int)set->from] = at + 1;
        next->former[(int)set->to] = 0;
        return 0;
    }
    for (int key = 0; key < MODEL_KEYS; key++) {
        if (landing->head->clips[key].cells[at].value >= 0 && cell_changed(landing, key, at))
            return -EEXIST;
        next->clips[key].cells[at] = (struct model_cell){.value = MODEL_NONE};
    }
    next->attributes[at].there = false;
    for (size_t i = 0; i < sizeof next->former / sizeof *next->former; i++)
        if (next->former[i] == at + 1)
            next->former[i] = MODEL_DROPPED;
    next->former[(int)set->from] = MODEL_DROPPED;
    return 0;
}

/* ---- values ---- */

static void merge_import(struct landing *landing, struct model_cell *cell, int said, bool late)
{
    bool own = cell->value < 0 || !strcmp(cell->setter, "import");
    landing->late += own && late;
    if (own)
        *cell = (struct model_cell){said, "import", landing->model->head + 1};
}

static void merge_labels(struct landing *landing, struct model_cell *cell, int said, bool late)
{
    const struct model_set *set = landing->set;
    bool own = cell->value < 0 || !strcmp(cell->setter, set->setter);
    if (set->policy == CHANGESET_MISSING && cell->value >= 0)
        return;
    landing->late += late;
    landing->taken += !late && !own && set->policy == CHANGESET_OWN;
    *cell = (struct model_cell){said, set->setter, landing->model->head + 1};
}

static bool merge_values(struct landing *landing, const struct model_said *said, struct model_clip *clip)
{
    bool import = landing->set->kind == MODEL_IMPORT, changed = false;
    for (int i = 0; i < landing->set->declared_count; i++) {
        if (landing->at[i] < 0)
            continue;
        struct model_cell *cell = &clip->cells[landing->at[i]];
        int was = cell->value, is = said->values[i];
        if (is == MODEL_NONE && (!import || landing->set->declared[i].partial))
            continue;
        is = is < 0 ? MODEL_NONE : is;
        if (is == was)
            continue;
        bool late = cell_changed(landing, said->key, landing->at[i]);
        (import ? merge_import : merge_labels)(landing, cell, is, late);
        changed |= cell->value != was;
    }
    return changed;
}

/* ---- events ---- */

static int own_events(const struct model_clip *clip, const struct model_set *set, char label,
                      struct model_event *ret)
{
    int count = 0;
    for (int i = 0; i < clip->event_count; i++)
        if (clip->events[i].label == label && !strcmp(clip->events[i].setter, set->setter))
            ret[count++] = clip->events[i];
    return count;
}

static bool same_events(const struct model_event *a, int a_count, const struct model_event *b, int b_count)
{
    bool same = a_count == b_count;
    for (int i = 0; same && i < a_count; i++)
        same = a[i].start == b[i].start && a[i].version == b[i].version;
    return same;
}

static int compare_events(const void *a, const void *b)
{
    const struct model_event *x = a, *y = b;
    int order = x->label - y->label;
    return order ? order : x->start != y->start ? x->start - y->start : (int)x->version - (int)y->version;
}

static bool says(const struct model_said *said, int start)
{
    for (int i = 0; i < said->start_count; i++)
        if (said->starts[i] == start)
            return true;
    return false;
}

static bool merge_events(struct landing *landing, const struct model_said *said, struct model_clip *clip)
{
    struct model_event was[MODEL_EVENTS], is[MODEL_EVENTS], base[MODEL_EVENTS];
    if (!said->label)
        return false;
    int was_count = own_events(clip, landing->set, said->label, was), is_count = 0;
    int base_count = own_events(&landing->base->clips[said->key], landing->set, said->label, base);
    if (landing->set->policy == CHANGESET_MISSING && was_count)
        return false;
    bool same = was_count == said->start_count;
    for (int i = 0; same && i < was_count; i++)
        same = was[i].start == said->starts[i];
    if (same)
        return false;
    landing->late += flipped(landing, said->key) || !same_events(was, was_count, base, base_count);
    for (int i = 0; i < clip->event_count; i++) {
        const struct model_event *event = &clip->events[i];
        bool own = event->label == said->label && !strcmp(event->setter, landing->set->setter);
        if (!own || says(said, event->start))
            is[is_count++] = *event;
    }
    for (int i = 0; i < said->start_count; i++) {
        bool there = false;
        for (int k = 0; k < was_count; k++)
            there |= was[k].start == said->starts[i];
        if (!there && is_count < MODEL_EVENTS)
            is[is_count++] = (struct model_event){said->label, said->starts[i], landing->set->setter,
                                                  landing->model->head + 1};
    }
    qsort(is, (size_t)is_count, sizeof *is, compare_events);
    memcpy(clip->events, is, sizeof is);
    clip->event_count = is_count;
    return true;
}

/* ---- clips ---- */

static void forget(struct model_clip *clip)
{
    clip->live = false;
    clip->event_count = 0;
    for (int i = 0; i < MODEL_ATTRIBUTES; i++)
        clip->cells[i] = (struct model_cell){.value = MODEL_NONE};
}

/* Has the content come under another key since? */
static bool meets_content(const struct landing *landing, const struct model_said *said)
{
    for (int key = 0; key < MODEL_KEYS; key++) {
        const struct model_clip *clip = &landing->head->clips[key], *base = &landing->base->clips[key];
        if (key != said->key && clip->known && clip->content == said->content &&
            (!base->known || base->content != clip->content))
            return landing->set->base < landing->model->head;
    }
    return false;
}

static void import_clip(struct landing *landing, const struct model_said *said)
{
    struct model_clip *clip = &landing->next->clips[said->key];
    if (said->removed && !clip->live)
        return;
    if (said->removed) {
        landing->late += clip_changed(landing, said->key);
        landing->changed++;
        forget(clip);
        return;
    }
    bool fresh = !clip->known || clip->content != said->content, was = clip->live;
    bool changed = merge_values(landing, said, clip);
    landing->late += (fresh || !was) && clip_changed(landing, said->key);
    landing->met += fresh && meets_content(landing, said);
    landing->changed += changed || fresh || !was;
    clip->changed = fresh || !was ? landing->model->head + 1 : clip->changed;
    clip->known = clip->live = true;
    clip->content = said->content;
}

static void label_clip(struct landing *landing, const struct model_said *said)
{
    struct model_clip *clip = &landing->next->clips[said->key];
    bool changed = merge_values(landing, said, clip);
    changed |= merge_events(landing, said, clip);
    landing->changed += changed;
}

static int take_clips(struct landing *landing)
{
    const struct model_set *set = landing->set;
    for (int i = 0; set->kind == MODEL_LABELS && i < set->clip_count; i++)
        if (!landing->head->clips[set->clips[i].key].live)
            return -ENOENT;
    for (int i = 0; i < set->clip_count; i++)
        (set->kind == MODEL_IMPORT ? import_clip : label_clip)(landing, &set->clips[i]);
    return landing->met                      ? -EREMCHG
           : landing->late || landing->taken ? -EEXIST
           : landing->changed                ? 0
                                             : -EALREADY;
}

void model_empty(struct model_version *version)
{
    *version = (struct model_version){0};
    for (int key = 0; key < MODEL_KEYS; key++)
        forget(&version->clips[key]);
}

int model_commit(struct model *model, const struct model_set *set)
{
    struct model_version *next = &model->versions[model->head + 1];
    const struct model_version *head = &model->versions[model->head];
    *next = *head;
    struct landing landing = {
        .model = model, .set = set, .base = &model->versions[set->base], .head = head, .next = next};
    int rc = 0;
    if (set->kind == MODEL_RENAME || set->kind == MODEL_DROP)
        rc = change_attribute(&landing);
    for (int i = 0; !rc && i < set->declared_count; i++)
        rc = take_attribute(&landing, i);
    if (!rc && (set->kind == MODEL_IMPORT || set->kind == MODEL_LABELS))
        rc = take_clips(&landing);
    model->head += !rc;
    return rc;
}

/* ---- printing ---- */

void model_print_value(enum value_type type, int value, struct buf *buf)
{
    if (type == VALUE_TEXT)
        buf_printf(buf, "t%d", value);
    else
        buf_printf(buf, "%g", value / 2.0);
}

static void print_events(const struct model_clip *clip, struct buf *json)
{
    buf_text_append(json, ",\"event\":[");
    for (int i = 0; i < clip->event_count; i++) {
        const struct model_event *event = &clip->events[i];
        buf_printf(json, "%s{\"label\":\"%c\",\"start\":", i ? "," : "", event->label);
        struct value span[] = {{.type = VALUE_DURATION, .integer = event->start * INT64_C(1000000000)},
                               {.type = VALUE_DURATION, .integer = (event->start + 1) * INT64_C(1000000000)}};
        value_print_json(json, &span[0]);
        buf_text_append(json, ",\"end\":");
        value_print_json(json, &span[1]);
        buf_printf(json, ",\"by\":\"%s\"}", event->setter);
    }
    buf_text_append(json, "]");
}

void model_print(const struct model_version *version, int key, struct buf *json, struct buf *blame)
{
    const struct model_clip *clip = &version->clips[key];
    buf_printf(json, "{\"key\":\"ep%d\"", key);
    for (char name = 'a'; name <= 'z'; name++) {
        int at = find_name(version, name);
        if (name == 'f' && clip->event_count) /* "event" comes before */
            print_events(clip, json);
        if (at < 0 || clip->cells[at].value < 0)
            continue;
        const struct model_cell *cell = &clip->cells[at];
        enum value_type type = version->attributes[at].type;
        const char *quote = type == VALUE_TEXT ? "\"" : "";
        buf_printf(json, ",\"%c\":%s", name, quote);
        model_print_value(type, cell->value, json);
        buf_text_append(json, quote);
        buf_printf(blame, "%c=", name);
        model_print_value(type, cell->value, blame);
        buf_printf(blame, " by %s v%u, ", cell->setter, cell->version);
    }
    buf_text_append(json, "}\n");
}
