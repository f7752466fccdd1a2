// SPDX-License-Identifier: Apache-2.0
/*
 * LeRobot's writer leaves one row group an episode, so an episode is a run of whole groups:
 *
 *     groups   | 0: ep 7 | 1: ep 8 | 2: ep 8 | 3: ep 8, 9 |
 *
 * Episode 7 is the group 0. Episode 8 is the groups 1 and 2 and some rows of 3, which it shares with 9: these
 * cannot be cut by range. Whoever merges or rewrites files leaves such groups (LeRobot's own converter does):
 * such rows are copied into the version, if they are few bytes.
 */
#include "tools/import/lerobot_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/count.h"
#include "cache/base/strmap.h"
#include "index/containers/parquet/parquet.h"
#include "tools/import/ahead.h"

struct data_file {
    struct source_recording recording;
    /* What opening it gave, by another thread, ahead of its turn: */
    struct parquet *parquet; /* NULL: not open, since the newest version knows the file, or closed again */
    struct error *why;       /* it cannot be read, or its rows cannot be told; or NULL */
    bool known, read;
};

enum { COPIED_BYTES_MAX = 4 << 20 }; /* of an episode: they travel with every copy of the catalog */

struct rows_of_episode {
    size_t file;
    uint64_t first, rows; /* in the file */
    bool seen;
    bool scattered; /* not one run of rows in one file */
};

/* A group that was unpacked, or why that cannot be. */
struct unpacked {
    size_t file, group;
    struct parquet_rows *rows;
    struct error *why;
};

struct lerobot_rows {
    const struct lerobot_import *import;
    const struct lerobot_info *info;
    const struct lerobot_episodes *episodes;
    size_t reading; /* index of the file whose groups are noted */
    int64_t only;   /* the episode whose own file is read: rows of others are not theirs; -1: all count */
    struct data_file **files;
    size_t count, cap, unread;
    struct ahead *ahead;
    struct strmap *paths;               /* -> index of the file */
    size_t *named_file;                 /* by episode: the file it should lie in, or SIZE_MAX */
    struct rows_of_episode *by_episode; /* parallel to episodes->episodes */
    struct unpacked unpacked[2];        /* the groups that an episode begins and ends in: neighbours, too */
    size_t newest;                      /* of the two */
};

static struct rows_of_episode *rows_of(const struct lerobot_rows *all, int64_t index)
{
    struct lerobot_episode *episode = lerobot_episodes_find(all->episodes, index);
    return episode ? &all->by_episode[episode - all->episodes->episodes] : NULL;
}

static void note_run(struct lerobot_rows *all, int64_t episode, uint64_t first, uint64_t rows)
{
    struct rows_of_episode *run = all->only < 0 || all->only == episode ? rows_of(all, episode) : NULL;
    if (!run || !rows)
        return;
    if (!run->seen)
        *run = (struct rows_of_episode){.file = all->reading, .first = first, .seen = true};
    else if (run->file != all->reading || first != run->first + run->rows)
        run->scattered = true;
    run->rows += rows;
}

static int note_mixed_group(struct lerobot_rows *all, struct parquet *parquet, size_t group, size_t column,
                            struct error *err)
{
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    int rc = parquet_read(parquet, group, column, &values, err);
    if (rc < 0)
        return rc;
    uint64_t before = parquet_group_first_row(parquet, group);
    for (uint64_t row = 0, first = 0; row < values.rows; first = row) {
        if (!values.valid[first])
            return error_set(err, EINVAL, "row group %zu: 'episode_index' is null", group);
        while (row < values.rows && values.valid[row] && values.i64[row] == values.i64[first])
            row++;
        note_run(all, values.i64[first], before + first, row - first);
    }
    return 0;
}

static int note_groups(struct lerobot_rows *all, struct data_file *file, struct error *err)
{
    struct parquet *parquet = file->parquet;
    int column = parquet_find(parquet, "episode_index");
    if (column < 0 || parquet_column(parquet, (size_t)column)->kind != PARQUET_INT ||
        parquet_column(parquet, (size_t)column)->depth || !parquet_column(parquet, (size_t)column)->readable)
        return error_set(err, EINVAL, "the integer column 'episode_index' is missing");
    int rc = 0;
    for (size_t group = 0; !rc && group < parquet_groups(parquet); group++) {
        struct parquet_bounds bounds;
        if (parquet_bounds(parquet, group, (size_t)column, &bounds) && bounds.i64_min == bounds.i64_max &&
            bounds.has_nulls && !bounds.nulls)
            note_run(all, bounds.i64_min, parquet_group_first_row(parquet, group),
                     parquet_group_rows(parquet, group));
        else
            rc = note_mixed_group(all, parquet, group, (size_t)column, err);
    }
    return rc;
}

static void close_file(struct data_file *file)
{
    if (file->parquet)
        parquet_free(file->parquet);
    file->parquet = NULL;
    buf_done(&file->recording.window);
}

static void open_file(void *ctx, size_t i)
{
    struct lerobot_rows *all = ctx;
    struct data_file *file = all->files[i];
    struct error why = {0};
    source_recording_remember(&file->recording, all->import->drafts->scans);
    if (parquet_open(&file->recording.recording, &file->parquet, &why))
        file->why = mem_copy(&why, sizeof why);
}

/* Waits until it is open and notes whose rows are where. What is wrong with it is said where an episode needs
 * it. */
static void read_file(struct lerobot_rows *all, size_t i)
{
    struct data_file *file = all->files[i];
    struct error why = {0};
    all->unread -= !file->read;
    file->read = true;
    ahead_take(all->ahead, i);
    if (file->why && lerobot_is_unfinished(all->import, file->recording.object, file->why->code))
        drafts_wait(all->import->drafts, NULL, file->recording.name);
    if (file->why)
        return;
    all->reading = i;
    if (note_groups(all, file, &why)) {
        error_prefix(&why, "%s", file->recording.name);
        file->why = mem_copy(&why, sizeof why);
    } else {
        source_recording_keep(&file->recording);
    }
    buf_done(&file->recording.window); /* thousands of files may be open */
    progress_item(all->import->progress, file->recording.object->path);
}

/* Those that the newest version does not know, or all. */
static void read_files(struct lerobot_rows *all, bool known_too)
{
    for (size_t i = 0; all->unread && i < all->count; i++)
        if (!all->files[i]->read && (known_too || !all->files[i]->known))
            read_file(all, i);
}

/* Files that the newest version knows are read only if they turn out to be needed. */
static int add_file(struct lerobot_rows *all, const struct source_object *object, struct error *err)
{
    const struct source *source = all->import->source;
    struct known *known = all->import->drafts->known;
    struct data_file *file = MEM_NEW(struct data_file);
    struct known_object found;
    source_recording_init(&file->recording, source, object);
    mem_grow(&all->files, &all->cap, all->count + 1, sizeof *all->files);
    all->files[all->count++] = file;
    all->unread++;
    all->import->named[object - source->objects] = true;
    int rc = known ? known_object(known, object, &found, err) : 0;
    file->known = rc == 1;
    return rc < 0 ? rc : 0;
}

enum { FILE_ABSENT = 0, FILE_KNOWN = 1, FILE_NEW = 2 };

/* The file at a place: one of the three above. */
static int add_place(struct lerobot_rows *all, const struct lerobot_place *place, size_t *ret_file,
                     struct error *err)
{
    CLEANUP_FREE char *path = NULL;
    int rc = lerobot_info_path(all->info, all->info->data_path, place, &path, err);
    if (rc)
        return rc;
    const struct source_object *object = source_find(all->import->source, path);
    if (!object)
        return FILE_ABSENT;
    bool is_new;
    struct strmap_entry *entry = strmap_put(all->paths, path, strlen(path), &is_new);
    if (is_new) {
        entry->value = all->count;
        rc = add_file(all, object, err);
    }
    *ret_file = (size_t)entry->value;
    return rc ? rc : is_new ? FILE_NEW : FILE_KNOWN;
}

/* Files are numbered from 0 within each chunk, chunks from 0, both without gaps. A template without one of
 * the numbers gives a file that is known already. */
static int add_numbered_files(struct lerobot_rows *all, struct error *err)
{
    for (int64_t chunk = 0;; chunk++) {
        for (int64_t number = 0;; number++) {
            struct lerobot_place place = {.chunk = chunk, .file = number};
            size_t file;
            int rc = add_place(all, &place, &file, err);
            if (rc < 0 || (rc != FILE_NEW && !number))
                return rc < 0 ? rc : 0;
            if (rc != FILE_NEW)
                break;
        }
    }
}

static struct lerobot_place place_of(const struct lerobot_episode *episode)
{
    return (struct lerobot_place){
        .chunk = episode->data_chunk, .file = episode->data_file, .episode = episode->index};
}

/* The file that the episode table names; NULL: its path cannot be told. */
static char *named_path(const struct lerobot_rows *all, const struct lerobot_episode *episode)
{
    struct lerobot_place place = place_of(episode);
    char *path = NULL;
    lerobot_info_path(all->info, all->info->data_path, &place, &path, NULL);
    return path;
}

static char *named_name(const struct lerobot_rows *all, const struct lerobot_episode *episode)
{
    CLEANUP_FREE char *path = named_path(all, episode);
    return path ? source_name(all->import->source, path) : mem_text(all->episodes->name);
}

static int report_absent(const struct lerobot_rows *all, const struct lerobot_episode *episode,
                         struct error *err)
{
    CLEANUP_FREE char *path = named_path(all, episode);
    CLEANUP_FREE char *name = named_name(all, episode);
    struct lerobot_absent absent = {path ? path : "", name, "the rows", all->info->data_by_episode,
                                    episode->index};
    return lerobot_info_absent(all->import->source, &absent, err);
}

/* The table may name files behind a gap, and ones that never were. */
static int add_named_files(struct lerobot_rows *all, struct error *err)
{
    all->named_file = mem_alloc(all->episodes->count * sizeof *all->named_file);
    for (size_t i = 0; i < all->episodes->count; i++) {
        struct lerobot_place place = place_of(&all->episodes->episodes[i]);
        all->named_file[i] = SIZE_MAX;
        int rc = add_place(all, &place, &all->named_file[i], err);
        if (rc < 0)
            return rc;
    }
    int rc = ahead_new(all->count, open_file, all, &all->ahead, err);
    for (size_t i = 0; !rc && i < all->count; i++)
        if (all->files[i]->known)
            ahead_skip(all->ahead, i);
    return rc;
}

int lerobot_rows_read(const struct lerobot_import *import, const struct lerobot_info *info,
                      const struct lerobot_episodes *episodes, struct lerobot_rows **ret, struct error *err)
{
    CLEANUP_LEROBOT_ROWS struct lerobot_rows *all = MEM_NEW(struct lerobot_rows);
    *all = (struct lerobot_rows){.import = import, .info = info, .episodes = episodes, .only = -1};
    all->by_episode = mem_zero(episodes->count * sizeof *all->by_episode);
    all->paths = strmap_new();
    int rc = info->data_by_episode ? 0 : add_numbered_files(all, err);
    if (!rc)
        rc = add_named_files(all, err);
    if (rc)
        return rc;
    if (!info->data_by_episode)
        read_files(all, false);
    *ret = STEAL(all);
    return 0;
}

static void forget(struct unpacked *unpacked)
{
    if (unpacked->rows)
        parquet_rows_free(unpacked->rows);
    free(unpacked->why);
    *unpacked = (struct unpacked){.rows = NULL};
}

static void forget_unpacked(struct lerobot_rows *rows)
{
    for (size_t i = 0; i < 2; i++)
        forget(&rows->unpacked[i]);
}

void lerobot_rows_free(struct lerobot_rows *rows)
{
    forget_unpacked(rows);
    if (rows->ahead)
        ahead_free(rows->ahead);
    for (size_t i = 0; i < rows->count; i++) {
        close_file(rows->files[i]);
        free(rows->files[i]->why);
        source_recording_done(&rows->files[i]->recording);
        free(rows->files[i]);
    }
    free(rows->files);
    strmap_free(rows->paths);
    free(rows->named_file);
    free(rows->by_episode);
    free(rows);
}

static void read_own(struct lerobot_rows *all, const struct lerobot_episode *episode, size_t file)
{
    if (file == SIZE_MAX)
        return;
    all->only = episode->index;
    read_file(all, file);
    all->only = -1;
}

/* Why an episode has no rows: the file that should have them tells. */
static int report_unseen(const struct lerobot_rows *all, const struct lerobot_episode *episode, size_t file,
                         struct error *err)
{
    if (file == SIZE_MAX)
        return report_absent(all, episode, err);
    if (all->files[file]->why)
        return error_copy(err, all->files[file]->why);
    if (all->info->data_by_episode)
        return error_set(err, EINVAL, "%s: no row there is of episode %lld, whose file it is",
                         all->files[file]->recording.name, (long long)episode->index);
    return error_set(err, EINVAL, "episode %lld has no rows in any data file", (long long)episode->index);
}

/* Neighbours need the same groups, and fail for the same reason. */
static int unpack(struct lerobot_rows *rows, size_t file, size_t group, const struct parquet_rows **ret,
                  struct error *err)
{
    struct unpacked *slot = NULL;
    for (size_t i = 0; i < 2; i++)
        if ((rows->unpacked[i].rows || rows->unpacked[i].why) && rows->unpacked[i].file == file &&
            rows->unpacked[i].group == group)
            slot = &rows->unpacked[i];
    if (!slot) {
        struct error why = {0};
        slot = &rows->unpacked[!rows->newest];
        forget(slot);
        *slot = (struct unpacked){.file = file, .group = group};
        if (parquet_rows_new(rows->files[file]->parquet, group, &slot->rows, &why))
            slot->why = mem_copy(&why, sizeof why);
    }
    rows->newest = (size_t)(slot - rows->unpacked);
    *ret = slot->rows;
    return slot->why ? error_copy(err, slot->why) : 0;
}

/* What is not a whole group is copied. */
static int copy_part(struct lerobot_rows *rows, size_t file, struct parquet_part *part, uint64_t *copied,
                     struct error *err)
{
    static const char shared[] = "its rows share a row group with another episode";
    const struct parquet *parquet = rows->files[file]->parquet;
    uint64_t packed =
        parquet_group_bytes(parquet, part->group) / parquet_group_rows(parquet, part->group) * part->count;
    if (packed > COPIED_BYTES_MAX)
        return error_set(err, ENOTSUP, "%s and are too many bytes to be copied", shared);
    int rc = unpack(rows, file, part->group, &part->rows, err);
    if (rc == -ENOTSUP)
        return error_prefix(err, "%s, which cannot be unpacked", shared);
    if (rc)
        return rc;
    *copied += parquet_rows_bytes(part->rows, part->first, part->count);
    return *copied > COPIED_BYTES_MAX
               ? error_set(err, ENOTSUP, "%s and are too many bytes to be copied", shared)
               : 0;
}

static int slice_run(struct lerobot_rows *rows, const struct rows_of_episode *run, struct slice *slice,
                     struct error *err)
{
    const struct data_file *file = rows->files[run->file];
    if (run->scattered)
        return error_set(err, ENOTSUP, "its rows are not one run of rows in one file");
    if (run->rows == parquet_rows(file->parquet)) {
        slice_whole(slice, file->recording.recording.size, NULL); /* its footer need not be kept again */
        return 0;
    }
    CLEANUP_FREE struct parquet_part *parts = NULL;
    size_t count = parquet_parts(file->parquet, run->first, run->rows, &parts);
    uint64_t copied = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++)
        if (!parquet_part_is_whole(file->parquet, &parts[i]))
            rc = copy_part(rows, run->file, &parts[i], &copied, err);
    if (!rc)
        rc = parquet_slice_parts(file->parquet, parts, count, slice, err);
    if (!rc && copied)
        notes_add(rows->import->notes,
                  "rows were copied into the version, because row groups hold several episodes",
                  file->recording.name);
    return rc;
}

/* The rows of an episode whose content and file have not changed are where they were: 1, 0 or -errno. */
static int slice_known(const struct lerobot_rows *rows, const struct lerobot_episode *episode,
                       const struct source_object **ret_object, struct slice *slice, struct error *err)
{
    size_t file = rows->named_file[episode - rows->episodes->episodes];
    if (!episode->known || file == SIZE_MAX)
        return 0;
    const struct source_object *object = rows->files[file]->recording.object;
    int rc = known_stream(rows->import->drafts->known, episode->known_row, object, slice, err);
    if (rc == 1)
        *ret_object = object;
    return rc;
}

char *lerobot_rows_name(const struct lerobot_rows *rows, const struct lerobot_episode *episode)
{
    const struct rows_of_episode *run = &rows->by_episode[episode - rows->episodes->episodes];
    return run->seen ? mem_text(rows->files[run->file]->recording.name) : named_name(rows, episode);
}

const struct source_object *lerobot_rows_file(const struct lerobot_rows *rows,
                                              const struct lerobot_episode *episode)
{
    const struct rows_of_episode *run = &rows->by_episode[episode - rows->episodes->episodes];
    return run->seen ? rows->files[run->file]->recording.object : lerobot_rows_object(rows, episode);
}

const struct source_object *lerobot_rows_object(const struct lerobot_rows *rows,
                                                const struct lerobot_episode *episode)
{
    CLEANUP_FREE char *path = named_path(rows, episode);
    return path ? source_find(rows->import->source, path) : NULL;
}

int lerobot_rows_slice(struct lerobot_rows *rows, const struct lerobot_episode *episode,
                       const struct source_object **ret_object, struct slice *slice, struct error *err)
{
    size_t number = (size_t)(episode - rows->episodes->episodes), named = rows->named_file[number];
    const struct rows_of_episode *run = &rows->by_episode[number];
    int rc = slice_known(rows, episode, ret_object, slice, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (rows->info->data_by_episode)
        read_own(rows, episode, named);
    else
        read_files(rows, true);
    if (!run->seen)
        return report_unseen(rows, episode, named, err);
    struct data_file *file = rows->files[run->file];
    if (file->why)
        return error_copy(err, file->why);
    if (run->rows != (uint64_t)episode->length)
        return error_set(err, EINVAL, "%s: episode %lld has %s, but meta/episodes says its length is %lld",
                         file->recording.name, (long long)episode->index, COUNT(run->rows, "row"),
                         (long long)episode->length);
    rc = rows->import->drafts->part ? 0 : slice_run(rows, run, slice, err); /* a part gives no clips */
    if (rows->info->data_by_episode) {
        forget_unpacked(rows);
        close_file(file);
    }
    if (!rc)
        *ret_object = file->recording.object;
    return rc;
}
