// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of this very import lie in one folder. Where one is missing there, a part of the same number that
 * lies elsewhere, of the same source, tells why: whoever started it typed other options, or the source has
 * changed.
 */
#include "tools/import/part_missing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"

enum { SHOWN = 10, LOOKED_AT_MAX = 100 };

struct there { /* parts of one count */
    uint32_t count, found;
    bool *has; /* by number - 1 */
};
struct search {
    struct there *list;
    size_t count, cap;
};

static void search_done(struct search *search)
{
    for (size_t i = 0; i < search->count; i++)
        free(search->list[i].has);
    free(search->list);
}

static int note_part(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct search *search = ctx;
    struct import_part part;
    (void)object, (void)err;
    if (!part_name_parse(strrchr(path, '/') + 1, &part))
        return 0;
    size_t i = 0;
    while (i < search->count && search->list[i].count != part.count)
        i++;
    if (i == search->count) {
        mem_grow(&search->list, &search->cap, i + 1, sizeof *search->list);
        search->list[search->count++] =
            (struct there){.count = part.count, .has = mem_zero(part.count * sizeof(bool))};
    }
    search->list[i].has[part.number - 1] = true;
    search->list[i].found++;
    return 0;
}

/* ---- in the place of one that is missing ---- */

struct looking {
    const struct part_taking *taking;
    const struct there *there; /* NULL: none */
    const char *own;           /* folder of what is there */
    struct buf hint;           /* of the one whose line is most like this one: */
    size_t unlike;             /* options of one that the other does not have */
    size_t looked_at;
};

static bool has_option(const struct part_line *line, const char *option)
{
    for (size_t i = 0; i < line->count; i++)
        if (!strcmp(line->options[i], option))
            return true;
    return false;
}

static size_t count_lacking(const struct part_line *line, const struct part_line *of)
{
    size_t count = 0;
    for (size_t i = 0; i < of->count; i++)
        count += !has_option(line, of->options[i]);
    return count;
}

/* True: they differ, which is said. */
static bool say_options(const struct part_line *here, const struct part_line *there, struct buf *hint)
{
    const char *option = NULL;
    for (size_t i = 0; i < there->count && !option; i++)
        option = has_option(here, there->options[i]) ? NULL : there->options[i];
    if (option)
        buf_printf(hint, "was run with %s, which is not given here", option);
    for (size_t i = 0; i < here->count && !option; i++) {
        option = has_option(there, here->options[i]) ? NULL : here->options[i];
        if (option)
            buf_printf(hint, "was run without %s", option);
    }
    return option;
}

static void say_listing(const struct part_taking *taking, const struct part_record *record, struct buf *hint)
{
    const struct import_listing *was = &record->listing, *is = taking->listing;
    buf_printf(hint,
               "is of another listing of the source, at %s: of %llu files with %llu bytes, now %llu with "
               "%llu",
               record->time, (unsigned long long)was->objects, (unsigned long long)was->bytes,
               (unsigned long long)is->objects, (unsigned long long)is->bytes);
}

static void say_difference(struct looking *looking, const struct import_part *part,
                           const struct part_record *record)
{
    const struct part_taking *taking = looking->taking;
    bool foreign = strcmp(record->format, PART_FORMAT) != 0;
    if (!foreign && strcmp(record->line.source, taking->line->source) != 0)
        return;
    size_t unlike =
        foreign ? SIZE_MAX - 1
                : count_lacking(&record->line, taking->line) + count_lacking(taking->line, &record->line);
    if (unlike >= looking->unlike)
        return;
    looking->unlike = unlike;
    buf_clear(&looking->hint);
    buf_printf(&looking->hint, "; a part %u/%u that is there ", part->number, part->count);
    if (foreign)
        buf_printf(&looking->hint, "is in the format of another program, elidefs %s", record->program);
    else if (!say_options(taking->line, &record->line, &looking->hint))
        say_listing(taking, record, &looking->hint);
}

static bool is_missing(const struct looking *looking, const struct import_part *part)
{
    const struct there *there = looking->there;
    return !there || (there->count == part->count && !there->has[part->number - 1]);
}

static int look(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct looking *looking = ctx;
    struct import_part part;
    struct part_record record;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    (void)object, (void)err;
    if (!part_name_parse(strrchr(path, '/') + 1, &part) || !is_missing(looking, &part) ||
        !strncmp(path, looking->own, strlen(looking->own)))
        return 0;
    if (looking->looked_at++ >= LOOKED_AT_MAX)
        return 1;
    if (store_read_all(looking->taking->store, path, PART_RECORD_BYTES_MAX, &bytes, NULL, NULL) ||
        part_record_parse(path, &bytes, &record, NULL))
        return 0;
    say_difference(looking, &part, &record);
    part_record_done(&record);
    return 0;
}

/* ---- telling ---- */

static void list_missing(const struct there *there, struct buf *list)
{
    uint32_t missing = 0, all = there->count - there->found;
    for (uint32_t i = 0; i < there->count && missing < SHOWN; i++)
        if (!there->has[i])
            buf_printf(list, "%s%u/%u", missing++ ? ", " : "", i + 1, there->count);
    if (all > missing)
        buf_printf(list, " and %u more", all - missing);
}

static int say_missing(const struct part_taking *taking, const struct there *there, const char *own,
                       struct error *err)
{
    CLEANUP_BUF struct buf list = BUF_INIT;
    struct looking looking = {.taking = taking, .there = there, .own = own, .unlike = SIZE_MAX};
    store_list(taking->store, PARTS_FOLDER, look, &looking, NULL);
    int rc;
    if (there) {
        list_missing(there, &list);
        rc = error_set(err, ENOENT,
                       "%s of this import %s missing: %s; run this line with --part %.*s in the place of "
                       "--merge%s",
                       COUNT(there->count - there->found, "part"),
                       there->count - there->found == 1 ? "is" : "are", buf_text(&list),
                       (int)strcspn(buf_text(&list), ", "), buf_text(&list), buf_text(&looking.hint));
    } else {
        rc =
            error_set(err, ENOENT,
                      "no part of this import is there: run this line with --part 1/N to N/N in the place of "
                      "--merge first%s",
                      buf_text(&looking.hint));
    }
    buf_done(&looking.hint);
    return rc;
}

/* Those of which all are there; else those of which most are. */
static const struct there *choose(const struct search *search)
{
    const struct there *best = NULL;
    for (size_t i = 0; i < search->count; i++) {
        const struct there *there = &search->list[i];
        if (there->found == there->count)
            return there;
        if (!best || there->found > best->found)
            best = there;
    }
    return best;
}

int part_missing_check(const struct part_taking *taking, uint32_t *ret_count, struct error *err)
{
    struct search search CLEANUP(search_done) = {.count = 0};
    CLEANUP_FREE char *own = part_folder(taking->line, taking->listing);
    int rc = store_list(taking->store, own, note_part, &search, err);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    const struct there *best = choose(&search);
    if (!best || best->found < best->count)
        return say_missing(taking, best, own, err);
    *ret_count = best->count;
    return 0;
}
