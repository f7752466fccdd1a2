// SPDX-License-Identifier: Apache-2.0
/* Values are compared as texts, sorted: a table's 12.0 is the source's 12, and order means nothing. */
#include "tools/import/table_renumbered.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/name.h"

struct shared { /* a column that the source knows, too */
    size_t column, attribute;
    char **now; /* by clip: what the source says; NULL: nothing */
};

struct table {
    char *file;
    char *wrong; /* the first row that says otherwise than the source now, or NULL */
    char *loose; /* the first row whose name another clip had before, or NULL */
    bool tells;  /* some such row would not fit the old numbers */
};

struct table_renumbered {
    const struct drafts *drafts;
    struct table *tables;
    size_t count, cap;
    struct shared *shared; /* of the table under way */
    size_t shared_count, shared_cap;
};

struct table_renumbered *table_renumbered_new(const struct drafts *drafts)
{
    struct table_renumbered *renumbered = MEM_NEW(struct table_renumbered);
    renumbered->drafts = drafts;
    return renumbered;
}

static void end_table(struct table_renumbered *renumbered)
{
    for (size_t i = 0; i < renumbered->shared_count; i++) {
        for (size_t k = 0; k < renumbered->drafts->count; k++)
            free(renumbered->shared[i].now[k]);
        free(renumbered->shared[i].now);
    }
    renumbered->shared_count = 0;
}

void table_renumbered_free(struct table_renumbered *renumbered)
{
    end_table(renumbered);
    for (size_t i = 0; i < renumbered->count; i++) {
        free(renumbered->tables[i].file);
        free(renumbered->tables[i].wrong);
        free(renumbered->tables[i].loose);
    }
    free(renumbered->tables);
    free(renumbered->shared);
    free(renumbered);
}

/* ---- values as texts ---- */

struct texts {
    char **list;
    size_t count, cap;
};

/* Whoever writes down a duration rounds it. */
static int64_t to_microseconds(int64_t ns)
{
    int64_t whole = ns - ns % 1000;
    return ns - whole >= 500 && whole <= INT64_MAX - 1000 ? whole + 1000 : whole;
}

/* As a value of the source's type prints; what is none of that type prints as it is. */
static void add_text(struct texts *texts, const struct value *value, enum value_type type)
{
    CLEANUP_BUF struct buf text = BUF_INIT, same = BUF_INIT;
    struct value parsed;
    value_print(&text, value);
    bool is = !value_parse(type, buf_text(&text), text.len, &parsed, NULL) ||
              (type == VALUE_INT && !value_parse(VALUE_FLOAT, buf_text(&text), text.len, &parsed, NULL));
    if (is && parsed.type == VALUE_DURATION)
        parsed.integer = to_microseconds(parsed.integer);
    value_print(&same, is ? &parsed : value);
    mem_grow(&texts->list, &texts->cap, texts->count + 1, sizeof *texts->list);
    texts->list[texts->count++] = mem_text(buf_text(&same));
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All of them as one text, NULL for none; empties the list. */
static char *join_texts(struct texts *texts)
{
    CLEANUP_BUF struct buf joined = BUF_INIT;
    bool any = texts->count;
    if (any)
        qsort(texts->list, texts->count, sizeof *texts->list, compare_texts);
    for (size_t i = 0; i < texts->count; i++) {
        buf_text_append(&joined, i ? ", " : "");
        buf_text_append(&joined, texts->list[i]);
        free(texts->list[i]);
    }
    free(texts->list);
    *texts = (struct texts){0};
    return any ? mem_text(buf_text(&joined)) : NULL;
}

/* ---- what the source says ---- */

/* LeRobot's tables call the attribute `task` "tasks". */
static const struct strmap_entry *find_attribute(const struct drafts *drafts, const char *column)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    if (name_attribute(&name, column, strlen(column), NULL))
        return NULL;
    const struct strmap_entry *entry = strmap_find(drafts->by_name, buf_text(&name), name.len);
    return entry || strcmp(column, "tasks") != 0 ? entry : strmap_find(drafts->by_name, "task", 4);
}

static char *text_now(const struct drafts *drafts, const struct draft *clip, size_t attribute)
{
    struct texts texts = {0};
    struct draft_values_reader reader = DRAFT_VALUES_READER(&clip->values);
    while (draft_values_next(&reader))
        if (reader.attribute == attribute)
            add_text(&texts, &reader.value, drafts->attributes[attribute].type);
    return join_texts(&texts);
}

static bool is_of_source(const struct draft_attribute *attribute)
{
    return attribute->typed && strcmp(attribute->origin, "--set") != 0 &&
           strncmp(attribute->origin, "table ", 6) != 0;
}

static void share(struct table_renumbered *renumbered, size_t column, size_t attribute)
{
    const struct drafts *drafts = renumbered->drafts;
    struct shared shared = {column, attribute, mem_zero(drafts->count * sizeof *shared.now)};
    for (size_t i = 0; i < drafts->count; i++)
        shared.now[i] = text_now(drafts, &drafts->clips[i], attribute);
    mem_grow(&renumbered->shared, &renumbered->shared_cap, renumbered->shared_count + 1,
             sizeof *renumbered->shared);
    renumbered->shared[renumbered->shared_count++] = shared;
}

void table_renumbered_begin(struct table_renumbered *renumbered, const struct table_reader *reader)
{
    end_table(renumbered);
    for (size_t i = 0; i < table_reader_columns(reader); i++) {
        const struct strmap_entry *entry = find_attribute(renumbered->drafts, table_reader_column(reader, i));
        if (entry && is_of_source(&renumbered->drafts->attributes[entry->value]))
            share(renumbered, i, entry->value);
    }
    mem_grow(&renumbered->tables, &renumbered->cap, renumbered->count + 1, sizeof *renumbered->tables);
    renumbered->tables[renumbered->count++] = (struct table){.file = mem_text(table_reader_name(reader))};
}

/* ---- rows ---- */

struct old_values {
    const char *attribute;
    enum value_type type;
    struct texts texts;
};

static int take_old(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                    struct error *err)
{
    struct old_values *old = ctx;
    (void)err;
    if (!strcmp(attribute->name, old->attribute))
        add_text(&old->texts, value, old->type);
    return 0;
}

/* What the clip in `row` says of a shared column, in the newest version. */
static int text_before(const struct table_renumbered *renumbered, const struct shared *shared, uint32_t row,
                       char **ret, struct error *err)
{
    const struct draft_attribute *attribute = &renumbered->drafts->attributes[shared->attribute];
    struct old_values old = {.attribute = attribute->name, .type = attribute->type};
    int rc = catalog_clip_values(known_reader(renumbered->drafts->known), row, take_old, &old, err);
    char *text = join_texts(&old.texts);
    if (rc)
        free(text);
    else
        *ret = text;
    return rc;
}

/* "labels.csv: line 3: column 'length': ..." */
static char *place_message(const struct table_reader *reader, uint64_t place, size_t column, char *message)
{
    struct error where = {0};
    error_set(&where, EINVAL, "%s", message);
    table_reader_prefix(reader, place, column, &where);
    free(message);
    return mem_text(where.text);
}

static char *cell_text(const struct table_renumbered *renumbered, const struct shared *shared,
                       const struct table_kept *cell)
{
    struct texts texts = {0};
    for (size_t i = 0; i < cell->count; i++)
        add_text(&texts, &cell->values[i].value, renumbered->drafts->attributes[shared->attribute].type);
    return join_texts(&texts);
}

struct row { /* under way */
    const struct table_reader *reader;
    const struct table_kept_row *kept;
    size_t clip;
    bool loose;      /* another clip had its clip's name ... */
    uint32_t before; /* ... this row of the newest version */
};

static int compare_cell(struct table_renumbered *renumbered, const struct row *row,
                        const struct shared *shared, const struct table_kept *cell, struct error *err)
{
    struct table *table = &renumbered->tables[renumbered->count - 1];
    CLEANUP_FREE char *said = cell_text(renumbered, shared, cell);
    CLEANUP_FREE char *before = NULL;
    const char *now = shared->now[row->clip];
    if (!said)
        return 0;
    if (!now || strcmp(said, now) != 0) {
        const char *key = renumbered->drafts->clips[row->clip].key;
        if (!table->wrong)
            table->wrong = place_message(
                row->reader, row->kept->place, shared->column,
                mem_printf("it says %.60s, but '%s' has %.60s now", said, key, now ? now : "none"));
        return 0;
    }
    int rc = row->loose ? text_before(renumbered, shared, row->before, &before, err) : 0;
    table->tells |= before && strcmp(before, said) != 0;
    return rc;
}

static const struct table_kept *find_cell(const struct table_kept_row *row, size_t column)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->cells[i].column == column)
            return &row->cells[i];
    return NULL;
}

/* Had another clip this name before? */
static int look_before(struct table_renumbered *renumbered, struct row *row, struct error *err)
{
    const struct draft *clip = &renumbered->drafts->clips[row->clip];
    struct table *table = &renumbered->tables[renumbered->count - 1];
    struct catalog_known was;
    int rc = known_clip(renumbered->drafts->known, clip->key, &was, err);
    row->loose = rc == 1 && !catalog_known_has(&was, clip->fingerprint);
    if (row->loose && !table->loose)
        table->loose =
            place_message(row->reader, row->kept->place, SIZE_MAX,
                          mem_printf("this import renumbers, and another clip was '%s' before", clip->key));
    row->before = row->loose ? was.row : 0;
    return rc < 0 ? rc : 0;
}

int table_renumbered_row(struct table_renumbered *renumbered, const struct table_reader *reader,
                         const struct table_kept_row *kept, size_t clip, struct error *err)
{
    struct row row = {.reader = reader, .kept = kept, .clip = clip};
    int rc = look_before(renumbered, &row, err);
    for (size_t i = 0; !rc && i < renumbered->shared_count; i++) {
        const struct table_kept *cell = find_cell(kept, renumbered->shared[i].column);
        if (cell)
            rc = compare_cell(renumbered, &row, &renumbered->shared[i], cell, err);
    }
    return rc;
}

/* ---- the verdict ---- */

size_t table_renumbered_count(const struct table_renumbered *renumbered)
{
    return renumbered->count;
}

int table_renumbered_check(const struct table_renumbered *renumbered, size_t i, const char **ret_file,
                           struct error *err)
{
    const struct table *table = &renumbered->tables[i];
    *ret_file = table->file;
    if (!table->loose || (table->tells && !table->wrong))
        return 0;
    if (table->wrong)
        return error_set(err, EINVAL,
                         "%s: the table seems to be older than the new numbers (--table-is-renumbered: it "
                         "means the new ones)",
                         table->wrong);
    return error_set(err, EINVAL,
                     "%s: nothing in the table tells which of both is meant (--table-is-renumbered: the new "
                     "one; so does a column such as length that fits the new numbers only)",
                     table->loose);
}
