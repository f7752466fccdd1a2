// SPDX-License-Identifier: Apache-2.0
/* Written as it is read, clip by clip: values and statistics come in the order in which they stand here. */
#include "query/view/lerobot/lines.h"

#include <errno.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "query/view/lerobot/tables.h"
#include "query/view/walk.h"

void lerobot_lines_tasks(const struct lerobot_set *set, struct buf *buf)
{
    for (size_t i = 0; i < strmap_count(set->tasks); i++) {
        const struct strmap_entry *task = strmap_at(set->tasks, i);
        buf_printf(buf, "{\"task_index\": %zu, \"task\": ", i);
        json_write_text(buf, task->key, task->key_len);
        buf_text_append(buf, "}\n");
    }
}

struct lines {
    const struct lerobot_set *set;
    const struct view_ask *ask;
    const struct lerobot_known *known;
    struct buf *buf;
    uint32_t episode;   /* the next one */
    uint32_t attribute; /* of the value before; UINT32_MAX: none */
    bool multi;
    struct buf extra, name;
    const char *between;
    char *feature; /* of the statistic before */
};

static int check_bytes(const struct lines *lines, struct error *err)
{
    return lines->buf->len > VIEW_INLINE_BYTES_MAX
               ? error_set(err, EFBIG,
                           "the lines about %zu episodes are larger than %llu bytes: narrow the path",
                           lines->set->count, (unsigned long long)VIEW_INLINE_BYTES_MAX)
               : 0;
}

/* ---- episodes ---- */

static void end_values(struct lines *lines)
{
    if (lines->attribute != UINT32_MAX && lines->multi)
        buf_u8(lines->buf, ']');
}

/* Several values of an attribute that may have them are a list. */
static int print_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                       struct error *err)
{
    struct lines *lines = ctx;
    if (lerobot_tables_has(attribute->name))
        return 0;
    if (attribute->id == lines->attribute) {
        buf_text_append(lines->buf, ", ");
    } else {
        end_values(lines);
        buf_text_append(lines->buf, ", ");
        json_write_text(lines->buf, attribute->name, strlen(attribute->name));
        buf_text_append(lines->buf, attribute->multi ? ": [" : ": ");
    }
    lines->attribute = attribute->id;
    lines->multi = attribute->multi;
    value_print_json(lines->buf, value);
    return 0;
}

static int print_episode(void *ctx, uint32_t row, struct error *err)
{
    struct lines *lines = ctx;
    const struct lerobot_set *set = lines->set;
    const struct lerobot_episode *episode = &set->episodes[lines->episode];
    buf_printf(lines->buf, "{\"episode_index\": %u, \"tasks\": [", lines->episode++);
    for (uint32_t i = 0; i < episode->task_count; i++) {
        const struct strmap_entry *task = strmap_at(set->tasks, set->task_refs[episode->first_task + i].task);
        buf_text_append(lines->buf, i ? ", " : "");
        json_write_text(lines->buf, task->key, task->key_len);
    }
    buf_printf(lines->buf, "], \"length\": %u", episode->length);
    lines->attribute = UINT32_MAX;
    int rc = catalog_clip_values(lines->ask->reader, row, print_value, lines, err);
    end_values(lines);
    buf_text_append(lines->buf, "}\n");
    return rc ? rc : check_bytes(lines, err);
}

int lerobot_lines_episodes(const struct lerobot_set *set, const struct view_plan *plan,
                           const struct view_ask *ask, struct buf *buf, struct error *err)
{
    struct lines lines = {.set = set, .ask = ask, .buf = buf};
    return view_walk(plan, ask, 0, set->count, print_episode, &lines, err);
}

/* ---- statistics ---- */

static bool is_known(struct lines *lines, const char *feature, const char *stat)
{
    buf_clear(&lines->name);
    buf_printf(&lines->name, "%s/%s", feature, stat);
    return strmap_find(lines->known->by_name, buf_text(&lines->name), lines->name.len) != NULL;
}

static int print_stat(void *ctx, const char *feature, const char *stat, const struct lerobot_tensor *tensor,
                      struct error *err)
{
    struct lines *lines = ctx;
    if (!tensor || !is_known(lines, feature, stat))
        return 0;
    if (!lines->feature || strcmp(lines->feature, feature) != 0) {
        buf_text_append(lines->buf, lines->feature ? "}, " : "");
        json_write_text(lines->buf, feature, strlen(feature));
        buf_text_append(lines->buf, ": {");
        free(lines->feature);
        lines->feature = mem_text(feature);
        lines->between = "";
    }
    buf_text_append(lines->buf, lines->between);
    json_write_text(lines->buf, stat, strlen(stat));
    buf_text_append(lines->buf, ": ");
    lines->between = ", ";
    enum lerobot_numbers numbers = lerobot_set_numbers((void *)(uintptr_t)lines->set, feature);
    bool count = !strcmp(stat, "count"), extreme = !strcmp(stat, "min") || !strcmp(stat, "max");
    lerobot_tensor_print(lines->buf, tensor,
                         count     ? LEROBOT_NUMBERS_INTEGER
                         : extreme ? numbers
                                   : LEROBOT_NUMBERS_REAL);
    return 0;
}

static int print_stats(void *ctx, uint32_t row, struct error *err)
{
    struct lines *lines = ctx;
    buf_printf(lines->buf, "{\"episode_index\": %u, \"stats\": {", lines->episode++);
    int rc = lerobot_set_extra(lines->ask, row, &lines->extra, err);
    if (!rc)
        rc = lerobot_said_stats(&lines->extra, print_stat, lines, err);
    buf_text_append(lines->buf, lines->feature ? "}}}\n" : "}}\n");
    free(lines->feature);
    lines->feature = NULL;
    return rc ? rc : check_bytes(lines, err);
}

int lerobot_lines_stats(struct lerobot_set *set, const struct view_plan *plan, const struct view_ask *ask,
                        struct buf *buf, struct error *err)
{
    struct lines lines = {.set = set, .ask = ask, .buf = buf};
    int rc = lerobot_set_known(set, plan, ask, &lines.known, err);
    if (!rc)
        rc = view_walk(plan, ask, 0, set->count, print_stats, &lines, err);
    buf_done(&lines.extra);
    buf_done(&lines.name);
    return rc;
}
