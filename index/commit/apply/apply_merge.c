// SPDX-License-Identifier: Apache-2.0
/*
 * Whose values stand.
 *
 *     the clip has           an import says        a person or a model says
 *     nothing                that                  that
 *     its own value          that, or none: that   that; nothing said: it stays
 *                            nothing said: it stays where the set is partial, else none
 *     somebody else's        it stays              it stays, is replaced, or is an error: the set's policy
 *     the same value         it stays, with who set it and when
 *
 * So what people say outlives every import, and importing again takes back only what an import brought. What
 * was changed since the set was made is a conflict where the set would change it (apply_conflict.h).
 */
#include <errno.h>
#include <string.h>

#include "index/commit/apply/apply_conflict.h"
#include "index/commit/apply/apply_record.h"

struct run { /* the values of one attribute */
    const struct record_value *list;
    size_t count;
};

static struct run run_at(const struct record_values *values, size_t at)
{
    struct run run = {values->list + at, 0};
    while (at + run.count < values->count && run.list[run.count].attribute == run.list->attribute)
        run.count++;
    return run;
}

static bool same_run(struct run a, struct run b)
{
    bool same = a.count == b.count;
    for (size_t i = 0; same && i < a.count; i++)
        same = !value_compare(&a.list[i].value, &b.list[i].value);
    return same;
}

static void print_run(struct run run, struct buf *buf)
{
    enum { SHOWN_MAX = 60 };
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < run.count && text.len <= SHOWN_MAX; i++) {
        buf_text_append(&text, i ? "," : "");
        value_print(&text, &run.list[i].value);
    }
    buf_printf(buf, text.len > SHOWN_MAX ? "%.*s..." : "%.*s", SHOWN_MAX, buf_text(&text));
}

/* What a set may not change: counted, and shown with whoever set it. */
static void note_taken(struct apply *apply, const struct apply_clip *place, struct run old, struct run said,
                       const struct catalog_origin *origin)
{
    CLEANUP_BUF struct buf was = BUF_INIT, is = BUF_INIT;
    print_run(old, &was);
    print_run(said, &is);
    if (!said.count)
        buf_text_append(&is, "there is none");
    apply_example(&apply->setter.taken, "'%s' has %s=%s by %s (v%u), %s %llu says %s",
                  apply_clip_key(apply, place), old.list->attribute->info.name, buf_text(&was),
                  origin->setter, origin->version, apply->setter.table, apply_clip_place(apply, place),
                  buf_text(&is));
}

/* What another version has changed since the set was made. */
static void note_late(struct apply *apply, const struct apply_clip *place, struct run old, struct run said,
                      const struct catalog_origin *origin, uint32_t version)
{
    CLEANUP_BUF struct buf was = BUF_INIT, is = BUF_INIT;
    const struct attribute *attribute = old.count ? old.list->attribute : said.list->attribute;
    if (old.count) {
        buf_printf(&was, "has %s=", attribute->info.name);
        print_run(old, &was);
        buf_printf(&was, " by %s", origin->setter);
    } else {
        buf_printf(&was, "has no %s", attribute->info.name);
    }
    if (apply->source.set->has_labels)
        buf_printf(&is, "%s %llu", apply->setter.table, apply_clip_place(apply, place));
    else
        buf_text_append(&is, "the import");
    buf_text_append(&is, said.count ? " says " : " says there is none");
    print_run(said, &is);
    apply_example(&apply->setter.late, "'%s' %s since v%u, %s", apply_clip_key(apply, place), buf_text(&was),
                  version, buf_text(&is));
}

/* What a table replaces of what imports have said. */
static void note_changed(struct apply *apply, const struct apply_clip *place, struct run old, struct run said,
                         uint32_t version)
{
    CLEANUP_BUF struct buf was = BUF_INIT, is = BUF_INIT;
    print_run(old, &was);
    print_run(said, &is);
    apply_example(&apply->setter.replaced, "'%s' has %s=%s (v%u), now %s", apply_clip_key(apply, place),
                  old.list->attribute->info.name, buf_text(&was), version, buf_text(&is));
}

/* An import takes back what one has said, or leaves it: counted, for people. */
static void note_own(struct apply_record *record, bool taken, uint32_t version, size_t values)
{
    struct apply_counts *counts = &record->apply->output.counts;
    bool *noted = taken ? &record->was_taken : &record->was_kept;
    if (taken) {
        counts->values_taken += values;
        if (!counts->taken_first || version < counts->taken_first)
            counts->taken_first = version;
        if (version > counts->taken_last)
            counts->taken_last = version;
    }
    *(taken ? &counts->clips_taken : &counts->clips_kept) += !*noted;
    *noted = true;
}

/* Which of both stands where they differ and both say something? */
static int choose(struct apply_record *record, const struct apply_clip *place, struct run old,
                  struct run said, struct run *ret, struct error *err)
{
    struct apply *apply = record->apply;
    bool import = !apply->source.set->has_labels;
    struct catalog_origin origin;
    int rc = origins_get(apply->db, &apply->source.origins, old.list->origin, &origin, err);
    if (rc)
        return rc;
    bool own = !strcmp(origin.setter, apply->setter.name);
    *ret = old;
    if (import && own && !said.count)
        note_own(record, true, origin.version, old.count);
    else if (import && own && apply->source.partial[old.list->attribute - apply->output.attributes.list])
        note_changed(apply, place, old, said, origin.version);
    if (import                                      ? own
        : apply->setter.policy == CHANGESET_MISSING ? false
                                                    : own || apply->setter.policy == CHANGESET_ALL)
        *ret = said;
    if (!import && !own && apply->setter.policy == CHANGESET_OWN)
        note_taken(apply, place, old, said, &origin);
    return 0;
}

static bool says_none(const struct apply_record *record, size_t attribute)
{
    for (size_t i = 0; i < record->none_count; i++)
        if (record->none[i] == attribute)
            return true;
    return false;
}

/* Nothing is said of an attribute of which the set is partial. */
static int leave(struct apply_record *record, struct run old, struct error *err)
{
    struct apply *apply = record->apply;
    struct catalog_origin origin;
    if (apply->source.set->has_labels)
        return 0;
    int rc = origins_get(apply->db, &apply->source.origins, old.list->origin, &origin, err);
    if (!rc && !strcmp(origin.setter, apply->setter.name))
        note_own(record, false, origin.version, old.count);
    return rc;
}

/* Is what was changed since the set was made in its way? What people say is in no import's, and what is there
 * in no set's that leaves it. 1, 0 or -errno. */
static int is_late(struct apply_record *record, const struct apply_clip *place, struct run old,
                   struct run said, struct error *err)
{
    struct apply *apply = record->apply;
    const struct attribute *attribute = old.count ? old.list->attribute : said.list->attribute;
    uint32_t version = apply_conflict_cell(apply, place, attribute);
    bool labels = apply->source.set->has_labels;
    struct catalog_origin origin = {0};
    if (!version || (labels && apply->setter.policy == CHANGESET_MISSING && old.count))
        return 0;
    int rc = old.count ? origins_get(apply->db, &apply->source.origins, old.list->origin, &origin, err) : 0;
    if (rc || (!labels && old.count && strcmp(origin.setter, apply->setter.name) != 0))
        return rc;
    note_late(apply, place, old, said, &origin, version);
    return 1;
}

static int merge_run(struct apply_record *record, const struct apply_clip *place, struct run old,
                     struct run said, struct run *ret, struct error *err)
{
    const struct apply *apply = record->apply;
    const struct attribute *attribute = old.count ? old.list->attribute : said.list->attribute;
    size_t at = (size_t)(attribute - apply->output.attributes.list);
    *ret = old;
    if (!apply->source.declared[at] || (old.count && said.count && same_run(old, said)))
        return 0;
    *ret = said;
    if (at == apply->output.event_at) {
        if (!record->says_events)
            *ret = old;
        return 0;
    }
    if (!said.count && apply->source.partial[at] && !says_none(record, at)) {
        *ret = old;
        return leave(record, old, err);
    }
    int rc = is_late(record, place, old, said, err);
    return rc || !old.count ? (rc < 0 ? rc : 0) : choose(record, place, old, said, ret, err);
}

int apply_merge(struct apply_record *record, const struct apply_clip *place, const struct record_values *old,
                struct error *err)
{
    struct record_values *said = &record->said;
    record_values_sort(said);
    record->now.count = 0;
    for (size_t i = 0, k = 0; i < old->count || k < said->count;) {
        uint32_t id = i < old->count ? old->list[i].attribute->info.id : UINT32_MAX;
        uint32_t other = k < said->count ? said->list[k].attribute->info.id : UINT32_MAX;
        struct run was = id <= other ? run_at(old, i) : (struct run){0};
        struct run is = other <= id ? run_at(said, k) : (struct run){0};
        struct run stands;
        int rc = merge_run(record, place, was, is, &stands, err);
        if (rc)
            return rc;
        for (size_t n = 0; n < stands.count; n++)
            record_values_add(&record->now, stands.list[n].attribute, &stands.list[n].value,
                              stands.list[n].origin);
        i += was.count, k += is.count;
    }
    return 0;
}
