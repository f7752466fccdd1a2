// SPDX-License-Identifier: Apache-2.0
/* A name is found by building the names of its clip's files: one function writes names, so that what is
 * listed is what is found. */
#include "query/files.h"

#include <errno.h>
#include <string.h>

#include "index/base/name.h"
#include "query/show.h"

static int refuse(const char *name, size_t len, struct error *err)
{
    CLEANUP_BUF struct buf shown = BUF_INIT;
    show_append(&shown, name, len);
    return error_set(err, ENOENT, "no file '%s' here", buf_text(&shown));
}

/* The entry of stream number `stream` of a clip, without its row; its name is put into `name`. */
static int fill(const struct catalog_clip *clip, uint32_t stream, struct buf *name, struct files_entry *ret,
                struct error *err)
{
    static const struct catalog_file labels = {.name = "", .ext = "json"};
    bool json = stream == FILES_STREAM_JSON;
    if (!json && stream >= clip->file_count)
        return error_set(err, ENOENT, "clip '%s' has no stream %u", clip->key, stream);
    const struct catalog_file *file = json ? &labels : &clip->files[stream];
    buf_clear(name);
    int rc = name_file(name, clip->key, file->name, file->ext, err);
    if (rc < 0)
        return rc;
    *ret = (struct files_entry){.name = buf_text(name),
                                .stream = stream,
                                .size = json ? clip->json_size : file->size,
                                .changed = json ? clip->json_changed : file->changed};
    return 0;
}

/* Streams first, then the json. */
static uint32_t stream_at(const struct catalog_clip *clip, uint32_t i)
{
    return i < clip->file_count ? i : FILES_STREAM_JSON;
}

/* The number of the clip's file called so; -ENOENT. */
static int find_stream(const struct catalog_clip *clip, const char *name, size_t len, uint32_t *ret_stream,
                       struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (uint32_t i = 0; i <= clip->file_count; i++) {
        struct files_entry entry;
        int rc = fill(clip, stream_at(clip, i), &text, &entry, err);
        if (rc)
            return rc;
        if (text.len == len && !memcmp(entry.name, name, len)) {
            *ret_stream = entry.stream;
            return 0;
        }
    }
    return refuse(name, len, err);
}

int files_check(const struct set *set, uint32_t row, const char *name, size_t len, struct error *err)
{
    return set_has(set, row) ? 0 : refuse(name, len, err);
}

static bool shows(const struct query *query, const struct catalog_clip *clip, uint32_t stream)
{
    bool json = stream == FILES_STREAM_JSON;
    return !query ||
           query_shows(query, json ? "" : clip->files[stream].name, json ? "json" : clip->files[stream].ext);
}

int files_check_shown(const struct query *query, struct catalog_reader *reader,
                      const struct files_place *place, const char *name, size_t len, struct error *err)
{
    struct catalog_clip clip;
    int rc = catalog_clip(reader, place->row, &clip, err);
    return rc < 0 || shows(query, &clip, place->stream) ? rc : refuse(name, len, err);
}

int files_find(struct catalog_reader *reader, const char *name, size_t len, uint32_t *ret_row,
               uint32_t *ret_stream, struct error *err)
{
    static const char json[] = ".json";
    const char *dot = len ? memchr(name, '.', len) : NULL;
    size_t key_len = dot ? (size_t)(dot - name) : len;
    bool is_json = dot && len - key_len == strlen(json) && !memcmp(dot, json, strlen(json));
    struct catalog_clip clip;
    uint32_t row, stream = 0;
    int rc = catalog_clip_look_up(reader, name, key_len, is_json, &row, &clip, err);
    if (rc == -ENOENT)
        return refuse(name, len, err);
    if (rc >= 0)
        rc = find_stream(&clip, name, len, &stream, err);
    if (rc < 0)
        return rc;
    *ret_row = row;
    *ret_stream = stream;
    return 0;
}

/* `each` may use the reader, which ends what it lent: all names are made before the first call. */
int files_of_clip(struct catalog_reader *reader, const struct query *query, uint32_t row, files_fn *each,
                  void *ctx, struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT, names = BUF_INIT;
    struct catalog_clip clip;
    int rc = catalog_clip(reader, row, &clip, err);
    if (rc < 0)
        return rc;
    uint32_t count = 0;
    CLEANUP_FREE struct files_entry *entries = mem_zero((clip.file_count + 1) * sizeof *entries);
    CLEANUP_FREE size_t *starts = mem_zero((clip.file_count + 1) * sizeof *starts);
    for (uint32_t i = 0; i <= clip.file_count; i++) {
        if (!shows(query, &clip, stream_at(&clip, i)))
            continue;
        rc = fill(&clip, stream_at(&clip, i), &name, &entries[count], err);
        if (rc)
            return rc;
        entries[count].row = row;
        starts[count++] = names.len;
        buf_append(&names, buf_text(&name), name.len + 1);
    }
    for (uint32_t i = 0; i < count && !rc; i++) {
        entries[i].name = buf_text(&names) + starts[i];
        rc = each(ctx, &entries[i], err);
    }
    return rc;
}

int files_entry(struct catalog_reader *reader, uint32_t row, uint32_t stream, struct buf *ret_name,
                struct files_entry *ret, struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    struct catalog_clip clip;
    struct files_entry entry;
    int rc = catalog_clip(reader, row, &clip, err);
    if (rc >= 0)
        rc = fill(&clip, stream, &name, &entry, err);
    if (rc < 0)
        return rc;
    entry.row = row;
    entry.name = NULL;
    if (ret_name) {
        buf_clear(ret_name);
        buf_append(ret_name, buf_text(&name), name.len);
        entry.name = buf_text(ret_name);
    }
    *ret = entry;
    return 0;
}
