// SPDX-License-Identifier: Apache-2.0
/* An import calls episode 4 of a LeRobot data set "ep000004", with the prefix it was given before it, and
 * makes a Parquet stream of its rows. Numbers count within one data set: its source, wherever its bytes were
 * copied to, and the prefix tell two of them apart. */
#include "tools/episodes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/import/known.h"

enum { NUMBER_DIGITS = 6, NUMBER_DIGITS_MAX = 18 };

struct episode { /* one clip, looked at */
    char *key;
    size_t prefix_len; /* of the key */
    uint32_t row, stream;
    bool found;                         /* it has rows: */
    char home[KNOWN_SOURCE_DIGITS + 1]; /* the digits of their source */
    int64_t number;
};

struct walk {
    struct dataset *dataset;
    struct catalog_reader *reader;
    struct episode first; /* the others must be of the same data set */
    uint32_t root;        /* that was asked for last, 0: none, and its digits */
    char digits[KNOWN_SOURCE_DIGITS + 1];
    int64_t *numbers;
    size_t count, cap;
};

static void episode_done(struct episode *episode)
{
    free(episode->key);
}

/* Takes the key apart; false if it is not written as an import writes it. */
static bool read_key(struct episode *episode)
{
    size_t len = strlen(episode->key), digits = 0;
    while (digits < len && episode->key[len - digits - 1] >= '0' && episode->key[len - digits - 1] <= '9')
        digits++;
    const char *number = episode->key + len - digits;
    if (digits < NUMBER_DIGITS || digits > NUMBER_DIGITS_MAX || (digits > NUMBER_DIGITS && *number == '0') ||
        len < digits + 2 || memcmp(number - 2, "ep", 2) != 0)
        return false;
    episode->number = strtoll(number, NULL, 10);
    episode->prefix_len = len - digits - 2;
    return true;
}

static bool find_rows(const struct catalog_clip *clip, uint32_t *ret_stream)
{
    for (uint32_t i = 0; i < clip->file_count; i++)
        if (!strcmp(clip->files[i].ext, "parquet")) {
            *ret_stream = i;
            return true;
        }
    return false;
}

static int take_root(void *ctx, uint32_t id, const char *url, struct error *err)
{
    struct walk *walk = ctx;
    (void)err;
    if (id == walk->root)
        known_source_digits(url, walk->digits);
    return 0;
}

static int home_of(struct walk *walk, const struct catalog_object *object, struct episode *episode,
                   struct error *err)
{
    const char *copied = known_copy_source(object->path);
    int rc = 0;
    if (!copied && walk->root != object->root) {
        walk->root = object->root;
        rc = dataset_roots(walk->dataset, take_root, walk, err);
    }
    memcpy(episode->home, copied ? copied : walk->digits, KNOWN_SOURCE_DIGITS);
    episode->found = !rc;
    return rc;
}

static int find_home(struct walk *walk, struct episode *episode, struct error *err)
{
    struct catalog_stream stream;
    struct catalog_object object;
    int rc = catalog_stream(walk->reader, episode->row, episode->stream, &stream, err);
    if (rc < 0)
        return rc;
    uint32_t id = stream.object;
    catalog_stream_done(&stream);
    if (id == CATALOG_NO_OBJECT)
        return 0;
    rc = catalog_object(walk->reader, id, &object, err);
    if (rc < 0)
        return rc;
    rc = home_of(walk, &object, episode, err);
    catalog_object_done(&object);
    return rc;
}

static int look_at(struct walk *walk, uint32_t row, struct episode *episode, struct error *err)
{
    struct catalog_clip clip;
    int rc = catalog_clip(walk->reader, row, &clip, err);
    if (rc < 0)
        return rc;
    episode->row = row;
    episode->key = mem_text(clip.key);
    if (read_key(episode) && find_rows(&clip, &episode->stream))
        rc = find_home(walk, episode, err);
    if (rc < 0 || episode->found)
        return rc;
    return error_set(err, EINVAL,
                     "clip '%s' is no episode of a LeRobot data set (they are called ep000004 and have a "
                     "Parquet file): narrow the path",
                     episode->key);
}

static bool same_data_set(const struct episode *a, const struct episode *b)
{
    return !strcmp(a->home, b->home) && a->prefix_len == b->prefix_len &&
           !memcmp(a->key, b->key, a->prefix_len);
}

static int refuse_several(struct walk *walk, const struct episode *other, struct error *err)
{
    CLEANUP_BUF struct buf from = BUF_INIT, to = BUF_INIT;
    int rc =
        dataset_stream_source(walk->dataset, walk->reader, walk->first.row, walk->first.stream, &from, err);
    if (!rc)
        rc = dataset_stream_source(walk->dataset, walk->reader, other->row, other->stream, &to, err);
    if (rc)
        return rc;
    return error_set(
        err, EINVAL,
        "episodes of several LeRobot data sets match: '%s' (of %s) and '%s' (of %s); each counts "
        "from 0, so narrow the path to one",
        walk->first.key, buf_text(&from), other->key, buf_text(&to));
}

static int add(void *ctx, uint32_t row, struct error *err)
{
    struct walk *walk = ctx;
    struct episode episode = {0};
    int rc = look_at(walk, row, &episode, err);
    if (!rc && walk->count && !same_data_set(&walk->first, &episode))
        rc = refuse_several(walk, &episode, err);
    if (!rc) {
        mem_grow(&walk->numbers, &walk->cap, walk->count + 1, sizeof *walk->numbers);
        walk->numbers[walk->count++] = episode.number;
        if (walk->count == 1) {
            walk->first = episode;
            episode = (struct episode){0};
        }
    }
    episode_done(&episode);
    return rc;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print(struct walk *walk, struct buf *buf)
{
    if (walk->count)
        qsort(walk->numbers, walk->count, sizeof *walk->numbers, compare_numbers);
    buf_u8(buf, '[');
    for (size_t i = 0; i < walk->count; i++)
        buf_printf(buf, "%s%" PRId64, i ? "," : "", walk->numbers[i]);
    buf_text_append(buf, "]\n");
}

int episodes_append(struct dataset *dataset, const struct query *query, struct catalog_reader *reader,
                    struct buf *buf, struct error *err)
{
    struct walk walk = {.dataset = dataset, .reader = reader};
    int rc = query_each_clip(query, reader, CATALOG_COMING_STREAMS, add, &walk, err);
    if (!rc)
        print(&walk, buf);
    episode_done(&walk.first);
    free(walk.numbers);
    return rc;
}
