// SPDX-License-Identifier: Apache-2.0
/* Read token by token: statistics are thousands of numbers an episode, and no tree of them is needed. */
#include "query/view/lerobot/said.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cache/base/json.h"
#include "cache/base/json_scan.h"

static const char stats_prefix[] = "stats/";

struct saying {
    struct json_scan scan;
    struct json_token token; /* the one under way */
};

static int malformed(const struct saying *s, struct error *err)
{
    return error_set(err, EUCLEAN, "what is kept of the episode is damaged at byte %zu",
                     json_scan_column(&s->scan));
}

/* A text gets its NUL where its closing quote was, which has been read. */
static int next(struct saying *s, struct error *err)
{
    WITH_ERROR(err);
    if (json_scan_next(&s->scan, &s->token, err))
        return error_recode(err, EUCLEAN);
    if (s->token.kind == JSON_TOKEN_NAME || s->token.kind == JSON_TOKEN_TEXT)
        ((char *)(uintptr_t)s->token.text)[s->token.len] = 0;
    return 0;
}

/* The next token, which is of this kind. */
static int expect(struct saying *s, enum json_token_kind kind, struct error *err)
{
    int rc = next(s, err);
    return rc || s->token.kind == kind ? rc : malformed(s, err);
}

static int begin(struct saying *s, struct buf *extra, struct error *err)
{
    json_scan_init(&s->scan, (char *)extra->data, extra->len);
    return expect(s, JSON_TOKEN_OBJECT, err);
}

static int skip_value(struct saying *s, struct error *err)
{
    unsigned depth = 0;
    int rc;
    do {
        rc = next(s, err);
        depth += s->token.kind == JSON_TOKEN_OBJECT || s->token.kind == JSON_TOKEN_ARRAY;
        depth -= s->token.kind == JSON_TOKEN_OBJECT_END || s->token.kind == JSON_TOKEN_ARRAY_END;
    } while (!rc && depth);
    return rc;
}

/* ---- all but the statistics ---- */

static int read_number(struct saying *s, int64_t *ret, struct error *err)
{
    int rc = expect(s, JSON_TOKEN_INTEGER, err);
    if (!rc && (s->token.integer < 0 || s->token.integer > INT32_MAX))
        return malformed(s, err);
    if (!rc)
        *ret = s->token.integer;
    return rc;
}

/* [0,"Put ..."] behind its bracket */
static int read_task(struct saying *s, struct lerobot_said *said, struct error *err)
{
    struct lerobot_task task = {.number = -1};
    int rc = next(s, err);
    if (!rc && s->token.kind == JSON_TOKEN_INTEGER && s->token.integer >= 0)
        task.number = s->token.integer;
    else if (!rc && s->token.kind != JSON_TOKEN_NULL)
        return malformed(s, err);
    if (!rc)
        rc = expect(s, JSON_TOKEN_TEXT, err);
    task.text = s->token.text;
    task.len = s->token.len;
    if (!rc)
        rc = expect(s, JSON_TOKEN_ARRAY_END, err);
    if (rc)
        return rc;
    if (said->task_count == LEROBOT_TASKS_MAX)
        return error_set(err, EFBIG, "the episode has more than %d tasks", LEROBOT_TASKS_MAX);
    mem_grow(&said->tasks, &said->task_cap, said->task_count + 1, sizeof *said->tasks);
    said->tasks[said->task_count++] = task;
    return 0;
}

static int read_tasks(struct saying *s, struct lerobot_said *said, struct error *err)
{
    int rc = expect(s, JSON_TOKEN_ARRAY, err);
    while (!rc && !(rc = next(s, err)) && s->token.kind == JSON_TOKEN_ARRAY)
        rc = read_task(s, said, err);
    return rc || s->token.kind == JSON_TOKEN_ARRAY_END ? rc : malformed(s, err);
}

static int read_videos(struct saying *s, struct lerobot_said *said, struct error *err)
{
    int rc = expect(s, JSON_TOKEN_ARRAY, err);
    while (!rc && !(rc = next(s, err)) && s->token.kind == JSON_TOKEN_TEXT) {
        if (said->video_count == LEROBOT_CAMERAS_MAX)
            return error_set(err, EFBIG, "the episode has more than %d cameras", LEROBOT_CAMERAS_MAX);
        mem_grow(&said->videos, &said->video_cap, said->video_count + 1, sizeof *said->videos);
        said->videos[said->video_count++] = s->token.text;
    }
    return rc || s->token.kind == JSON_TOKEN_ARRAY_END ? rc : malformed(s, err);
}

static int read_member(struct saying *s, const char *name, struct lerobot_said *said, struct error *err)
{
    if (!strcmp(name, "episode_index"))
        return read_number(s, &said->episode_index, err);
    if (!strcmp(name, "length"))
        return read_number(s, &said->length, err);
    if (!strcmp(name, "tasks") && !said->task_count)
        return read_tasks(s, said, err);
    if (!strcmp(name, "videos") && !said->video_count)
        return read_videos(s, said, err);
    return skip_value(s, err);
}

int lerobot_said_read(struct buf *extra, struct lerobot_said *ret, struct error *err)
{
    struct lerobot_said said CLEANUP_LEROBOT_SAID = {.episode_index = -1, .length = -1};
    struct saying s;
    int rc = begin(&s, extra, err);
    while (!rc && !(rc = next(&s, err)) && s.token.kind == JSON_TOKEN_NAME) {
        if (!strncmp(s.token.text, stats_prefix, strlen(stats_prefix)))
            break; /* they come last */
        rc = read_member(&s, s.token.text, &said, err);
    }
    if (!rc && (said.episode_index < 0 || said.length < 0))
        rc = error_set(err, EUCLEAN, "what is kept of the episode has no number or no length");
    if (rc)
        return rc;
    *ret = said;
    said = (struct lerobot_said){0};
    return 0;
}

void lerobot_said_done(struct lerobot_said *said)
{
    free(said->tasks);
    free(said->videos);
    *said = (struct lerobot_said){0};
}

/* ---- statistics ---- */

/* What is known of the lists: how many elements the open ones have, and how many they may have. */
struct shape {
    uint32_t open[LEROBOT_TENSOR_DEPTH_MAX];
    bool known[LEROBOT_TENSOR_DEPTH_MAX]; /* a list of this level has ended: dims say its length */
    bool leaf;                            /* a number was seen: lists are not nested deeper */
    bool bad;
};

static void take_leaf(struct lerobot_tensor *tensor, struct shape *shape, unsigned level,
                      const struct json_token *token)
{
    bool integer = token->kind == JSON_TOKEN_INTEGER, boolean = token->kind == JSON_TOKEN_BOOL;
    if (!integer && !boolean && token->kind != JSON_TOKEN_REAL)
        shape->bad = true;
    if (shape->leaf && tensor->depth != level)
        shape->bad = true;
    if (shape->bad)
        return;
    if (!tensor->count)
        tensor->is_bool = boolean;
    shape->bad = tensor->is_bool != boolean;
    shape->leaf = true;
    tensor->depth = level;
    mem_grow(&tensor->values, &tensor->cap, tensor->count + 1, sizeof *tensor->values);
    tensor->values[tensor->count++] = boolean   ? token->boolean
                                      : integer ? (double)token->integer
                                                : token->real;
}

static void end_list(struct lerobot_tensor *tensor, struct shape *shape, unsigned level)
{
    if (shape->known[level] && tensor->dims[level] != shape->open[level])
        shape->bad = true;
    shape->known[level] = true;
    tensor->dims[level] = shape->open[level];
}

/* One value: a leaf, or lists of lists of leaves. */
static int read_tensor(struct saying *s, struct lerobot_tensor *tensor, bool *ret_good, struct error *err)
{
    struct shape shape = {0};
    unsigned level = 0;
    int rc;
    tensor->depth = 0;
    tensor->count = 0;
    tensor->is_bool = false;
    memset(tensor->dims, 0, sizeof tensor->dims);
    do {
        rc = next(s, err);
        bool ends = s->token.kind == JSON_TOKEN_ARRAY_END;
        if (rc || s->token.kind == JSON_TOKEN_OBJECT)
            return rc ? rc : malformed(s, err);
        if (!ends && level && level <= LEROBOT_TENSOR_DEPTH_MAX)
            shape.open[level - 1]++;
        if (s->token.kind == JSON_TOKEN_ARRAY) {
            shape.bad = shape.bad || level >= LEROBOT_TENSOR_DEPTH_MAX;
            if (level < LEROBOT_TENSOR_DEPTH_MAX)
                shape.open[level] = 0;
            level++;
        } else if (ends) {
            level--;
            if (level < LEROBOT_TENSOR_DEPTH_MAX)
                end_list(tensor, &shape, level);
        } else {
            take_leaf(tensor, &shape, level, &s->token);
        }
    } while (level);
    uint64_t numbers = 1; /* that lists of these lengths hold, where none of the innermost is a list */
    for (unsigned i = 0; i < tensor->depth; i++)
        numbers *= tensor->dims[i];
    *ret_good = !shape.bad && shape.leaf && numbers == tensor->count;
    return 0;
}

/* As Python prints a float: readers take a number without a point for an integer. */
static void print_real(struct buf *buf, double value)
{
    size_t at = buf->len;
    json_write_real(buf, value);
    if (!strpbrk(buf_text(buf) + at, ".en"))
        buf_text_append(buf, ".0");
}

static void print_number(struct buf *buf, enum lerobot_numbers numbers, double value)
{
    if (numbers == LEROBOT_NUMBERS_BOOL)
        buf_text_append(buf, value != 0 ? "true" : "false");
    else if (numbers == LEROBOT_NUMBERS_INTEGER && fabs(value) < 9e15)
        buf_printf(buf, "%lld", (long long)value);
    else
        print_real(buf, value);
}

/* A bracket where a list begins or ends: at each multiple of what it holds. */
void lerobot_tensor_print(struct buf *buf, const struct lerobot_tensor *tensor, enum lerobot_numbers numbers)
{
    uint64_t stride[LEROBOT_TENSOR_DEPTH_MAX + 1];
    stride[tensor->depth] = 1;
    for (unsigned level = tensor->depth; level-- > 0;)
        stride[level] = stride[level + 1] * tensor->dims[level];
    for (size_t i = 0; i < tensor->count; i++) {
        buf_text_append(buf, i ? ", " : "");
        for (unsigned level = 0; level < tensor->depth; level++)
            buf_text_append(buf, i % stride[level] ? "" : "[");
        print_number(buf, numbers, tensor->values[i]);
        for (unsigned level = 0; level < tensor->depth; level++)
            buf_text_append(buf, (i + 1) % stride[level] ? "" : "]");
    }
}

/* "stats/FEATURE/min" in two. */
static bool split_name(char *name, char **ret_feature, char **ret_stat)
{
    char *feature = name + strlen(stats_prefix), *slash = strrchr(feature, '/');
    if (!slash || slash == feature || !slash[1])
        return false;
    *slash = 0;
    *ret_feature = feature;
    *ret_stat = slash + 1;
    return true;
}

int lerobot_said_stats(struct buf *extra, lerobot_stat_fn *each, void *ctx, struct error *err)
{
    struct lerobot_tensor tensor = {0};
    struct saying s;
    int rc = begin(&s, extra, err);
    while (!rc && !(rc = next(&s, err)) && s.token.kind == JSON_TOKEN_NAME) {
        char *name = (char *)(uintptr_t)s.token.text, *feature, *stat; /* it lies in `extra` */
        bool good = false;
        if (strncmp(name, stats_prefix, strlen(stats_prefix)) || !split_name(name, &feature, &stat)) {
            rc = skip_value(&s, err);
            continue;
        }
        rc = read_tensor(&s, &tensor, &good, err);
        if (!rc)
            rc = each(ctx, feature, stat, good ? &tensor : NULL, err);
    }
    free(tensor.values);
    return rc;
}
