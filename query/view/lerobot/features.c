// SPDX-License-Identifier: Apache-2.0
/* LeRobot's own keys come first, in the order in which it writes them, then what the source has besides. */
#include "query/view/lerobot/features.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { CHUNK_FILES = 1000, DATA_FILE_MB = 100, VIDEO_FILE_MB = 200 };

int lerobot_features_read(const char *name, const struct buf *text, struct lerobot_features *ret,
                          struct error *err)
{
    WITH_ERROR(err);
    CLEANUP_JSON struct json *json = NULL;
    if (json_parse(name, text->data, text->len, &json, err))
        return error_recode(err, EUCLEAN);
    struct lerobot_features features = {.json = json,
                                        .features = json_get(json, "features"),
                                        .fps = json_as_number(json_get(json, "fps")),
                                        .robot_type = json_get_text(json, "robot_type")};
    if (json_kind(features.features) != JSON_KIND_OBJECT)
        return error_set(err, EUCLEAN, "%s: it has no 'features'", name);
    if (!(features.fps > 0) || !isfinite(features.fps))
        return error_set(err, EUCLEAN, "%s: 'fps' is not a number above 0", name);
    *ret = features;
    json = NULL;
    return 0;
}

void lerobot_features_done(struct lerobot_features *features)
{
    json_free(features->json);
}

static const char *dtype_of(const struct json *feature)
{
    const char *dtype = json_get_text(feature, "dtype");
    return dtype ? dtype : "";
}

bool lerobot_features_is_video(const struct lerobot_features *features, const char *feature)
{
    return !strcmp(dtype_of(json_get(features->features, feature)), "video");
}

enum lerobot_numbers lerobot_features_numbers(const struct lerobot_features *features, const char *feature)
{
    const struct json *found = json_get(features->features, feature);
    const char *dtype = dtype_of(found);
    if (!found)
        return LEROBOT_NUMBERS_NONE;
    if (!strcmp(dtype, "bool"))
        return LEROBOT_NUMBERS_BOOL;
    return !strncmp(dtype, "int", 3) || !strncmp(dtype, "uint", 4) ? LEROBOT_NUMBERS_INTEGER
                                                                   : LEROBOT_NUMBERS_REAL;
}

/* ---- comparing ---- */

static bool is_hidden(const struct lerobot_hiding *hiding, const char *feature)
{
    return hiding->hides(hiding->ctx, feature);
}

/* Codecs and such may differ: what a reader is given is the same. */
static bool same_feature(const struct json *a, const struct json *b)
{
    static const char *const keys[] = {"dtype", "shape", "names"};
    bool same = true;
    for (size_t i = 0; same && i < sizeof keys / sizeof *keys; i++) {
        CLEANUP_BUF struct buf x = BUF_INIT, y = BUF_INIT;
        json_write(&x, json_get(a, keys[i]));
        json_write(&y, json_get(b, keys[i]));
        same = x.len == y.len && !memcmp(x.data, y.data, x.len);
    }
    return same;
}

/* Those of `a` are in `b`. */
static bool all_in(const struct lerobot_features *a, const struct lerobot_features *b,
                   const struct lerobot_hiding *hiding, const char **ret_feature)
{
    const struct json *value;
    const char *name;
    for (void *iter = NULL; json_next(a->features, &iter, &name, &value);) {
        const struct json *other = json_get(b->features, name);
        if (is_hidden(hiding, name) || (other && same_feature(value, other)))
            continue;
        *ret_feature = name;
        return false;
    }
    return true;
}

bool lerobot_features_equal(const struct lerobot_features *a, const struct lerobot_features *b,
                            const struct lerobot_hiding *hiding, const char **ret_feature)
{
    return all_in(a, b, hiding, ret_feature) && all_in(b, a, hiding, ret_feature);
}

/* ---- printing ---- */

static void print_key(struct buf *buf, const char *key)
{
    buf_text_append(buf, buf->len > 2 ? ",\n    " : "    ");
    json_write_text(buf, key, strlen(key));
    buf_text_append(buf, ": ");
}

static void print_text(struct buf *buf, const char *key, const char *text)
{
    print_key(buf, key);
    if (text)
        json_write_text(buf, text, strlen(text));
    else
        buf_text_append(buf, "null");
}

static void print_number(struct buf *buf, const char *key, uint64_t number)
{
    print_key(buf, key);
    buf_printf(buf, "%llu", (unsigned long long)number);
}

static void print_features(struct buf *buf, const struct lerobot_features *features,
                           const struct lerobot_hiding *hiding)
{
    const struct json *value;
    const char *name, *between = "\n        ";
    print_key(buf, "features");
    buf_u8(buf, '{');
    for (void *iter = NULL; json_next(features->features, &iter, &name, &value);) {
        if (is_hidden(hiding, name))
            continue;
        buf_text_append(buf, between);
        json_write_text(buf, name, strlen(name));
        buf_text_append(buf, ": ");
        json_write(buf, value);
        between = ",\n        ";
    }
    buf_text_append(buf, "\n    }");
}

static bool is_own(const char *key)
{
    static const char *const own[] = {"codebase_version",
                                      "robot_type",
                                      "total_episodes",
                                      "total_frames",
                                      "total_tasks",
                                      "total_videos",
                                      "total_chunks",
                                      "chunks_size",
                                      "data_files_size_in_mb",
                                      "video_files_size_in_mb",
                                      "fps",
                                      "splits",
                                      "data_path",
                                      "video_path",
                                      "features"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strcmp(key, own[i]))
            return true;
    return false;
}

void lerobot_features_print(const struct lerobot_features *features, const struct lerobot_totals *totals,
                            const struct lerobot_hiding *hiding, struct buf *buf)
{
    const struct json *value;
    const char *key;
    buf_text_append(buf, "{\n");
    print_text(buf, "codebase_version", totals->version);
    print_text(buf, "robot_type", features->robot_type);
    print_number(buf, "total_episodes", totals->episodes);
    print_number(buf, "total_frames", totals->frames);
    print_number(buf, "total_tasks", totals->tasks);
    if (totals->by_episode) {
        print_number(buf, "total_videos", totals->videos);
        print_number(buf, "total_chunks", (totals->episodes + CHUNK_FILES - 1) / CHUNK_FILES);
    }
    print_number(buf, "chunks_size", CHUNK_FILES);
    if (!totals->by_episode) {
        print_number(buf, "data_files_size_in_mb", DATA_FILE_MB);
        print_number(buf, "video_files_size_in_mb", VIDEO_FILE_MB);
    }
    print_key(buf, "fps");
    json_write(buf, json_get(features->json, "fps"));
    print_key(buf, "splits");
    buf_printf(buf, "{\"train\": \"0:%llu\"}", (unsigned long long)totals->episodes);
    print_text(buf, "data_path", totals->data_path);
    print_text(buf, "video_path", totals->video_path);
    print_features(buf, features, hiding);
    for (void *iter = NULL; json_next(features->json, &iter, &key, &value);) {
        if (is_own(key))
            continue;
        print_key(buf, key);
        json_write(buf, value);
    }
    buf_text_append(buf, "\n}\n");
}
