// SPDX-License-Identifier: Apache-2.0
/* What the importer needs of info.json, checked; and Python's format strings, as far as LeRobot uses them. */
#include "tools/import/lerobot_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"

enum {
    VERSION_KNOWN = 3,
    INFO_BYTES_MAX = 16 << 20,
    FIELD_DIGITS_MAX = 20,
    FIELD_NAME_SHOWN = 100,
    CHUNKS_SIZE = 1000
};

static int read_features(struct lerobot_info *info, const struct json *features, const char *name,
                         struct error *err)
{
    if (json_kind(features) != JSON_KIND_OBJECT)
        return error_set(err, EINVAL, "%s: 'features' is %s, not an object", name,
                         json_kind_name(json_kind(features)));
    size_t count = json_count(features);
    info->features = mem_zero(count * sizeof *info->features);
    info->is_video = mem_zero(count * sizeof *info->is_video);
    void *iter = NULL;
    const char *key;
    const struct json *feature;
    while (json_next(features, &iter, &key, &feature)) {
        const char *dtype = json_get_text(feature, "dtype");
        if (!dtype)
            return error_set(err, EINVAL, "%s: feature '%s' has no dtype", name, key);
        info->is_video[info->feature_count] = !strcmp(dtype, "video");
        info->features[info->feature_count++] = mem_text(key);
    }
    return 0;
}

/* Has it the field {name} or {name:...}? */
static bool template_has(const char *template, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = template; (p = strchr(p, '{')); p++) {
        if (p[1] == '{')
            p++;
        else if (!strncmp(p + 1, name, len) && (p[1 + len] == '}' || p[1 + len] == ':'))
            return true;
    }
    return false;
}

/* Where `name` stands in `path` as whole folders, or NULL. */
static const char *find_folder(const char *path, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = path; len && (p = strstr(p, name)); p++)
        if ((p == path || p[-1] == '/') && (p[len] == '/' || !p[len]))
            return p;
    return NULL;
}

/* Some sets have a camera's name where others have {video_key}: the other cameras lie beside it. Without a
 * name all cameras would show the same video. */
static int free_camera_name(struct lerobot_info *info, struct error *err)
{
    size_t cameras = 0;
    for (size_t i = 0; i < info->feature_count; i++)
        cameras += info->is_video[i];
    if (!cameras || template_has(info->video_path, "video_key"))
        return 0;
    for (size_t i = 0; i < info->feature_count; i++) {
        const char *at = info->is_video[i] ? find_folder(info->video_path, info->features[i]) : NULL;
        if (!at)
            continue;
        char *path = mem_printf("%.*s{video_key}%s", (int)(at - info->video_path), info->video_path,
                                at + strlen(info->features[i]));
        free(info->video_path);
        info->video_path = path;
        return 0;
    }
    if (cameras == 1)
        return 0;
    return error_set(err, EINVAL,
                     "%s: 'video_path' '%s' is the same for all %zu cameras: it has no {video_key}",
                     info->name, info->video_path, cameras);
}

static int check_videos(struct lerobot_info *info, struct error *err)
{
    for (size_t i = 0; i < info->feature_count; i++)
        if (info->is_video[i] && !info->video_path)
            return error_set(err, EINVAL, "%s: feature '%s' is a video, but 'video_path' is missing",
                             info->name, info->features[i]);
    return free_camera_name(info, err);
}

static int read_chunks_size(struct lerobot_info *info, const struct json *json, struct error *err)
{
    info->chunks_size = json_kind(json) == JSON_KIND_NULL ? CHUNKS_SIZE : json_as_integer(json);
    return info->chunks_size > 0
               ? 0
               : error_set(err, EINVAL, "%s: 'chunks_size' is no whole number from 1", info->name);
}

/* "v3.0" */
static bool is_newer(const char *version)
{
    return version && strtol(version + (*version == 'v'), NULL, 10) > VERSION_KNOWN;
}

static int fill(struct lerobot_info *info, const struct json *json, const char *name, struct error *err)
{
    const char *data_path = json_get_text(json, "data_path");
    if (!data_path)
        return error_set(err, EINVAL, "%s: 'data_path' is missing", name);
    info->data_path = mem_text(data_path);
    info->video_path = mem_text(json_get_text(json, "video_path"));
    info->data_by_episode = template_has(data_path, "episode_index");
    info->video_by_episode = info->video_path && template_has(info->video_path, "episode_index");
    info->robot_type = mem_text(json_get_text(json, "robot_type"));
    const char *version = json_get_text(json, "codebase_version");
    info->newer = mem_text(is_newer(version) ? version : NULL);
    info->total_episodes = json_as_integer(json_get(json, "total_episodes"));
    info->fps = json_as_number(json_get(json, "fps"));
    if (!(info->fps >= 1e-6) || !(info->fps <= 1e6))
        return error_set(err, EINVAL, "%s: 'fps' is no number from 0.000001 to 1000000", name);
    int rc = read_chunks_size(info, json_get(json, "chunks_size"), err);
    if (!rc)
        rc = read_features(info, json_get(json, "features"), name, err);
    return rc ? rc : check_videos(info, err);
}

int lerobot_info_read(const struct source *source, const char *folder, struct lerobot_info **ret,
                      struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s%smeta/info.json", folder, *folder ? "/" : "");
    CLEANUP_FREE char *name = source_name(source, path);
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = source_read_all(source, path, INFO_BYTES_MAX, &text, err);
    return rc < 0 ? rc : lerobot_info_parse(name, folder, buf_text(&text), text.len, ret, err);
}

int lerobot_info_parse(const char *name, const char *folder, const void *text, size_t len,
                       struct lerobot_info **ret, struct error *err)
{
    CLEANUP_JSON struct json *json = NULL;
    int rc = json_parse(name, text, len, &json, err);
    if (rc)
        return rc;
    CLEANUP_LEROBOT_INFO struct lerobot_info *info = MEM_NEW(struct lerobot_info);
    info->folder = mem_printf("%s%s", folder, *folder ? "/" : "");
    info->name = mem_text(name);
    buf_append(&info->text, text, len);
    rc = fill(info, json, name, err);
    if (rc)
        return rc;
    *ret = STEAL(info);
    return 0;
}

void lerobot_info_free(struct lerobot_info *info)
{
    free(info->name);
    free(info->folder);
    free(info->data_path);
    free(info->video_path);
    free(info->robot_type);
    free(info->newer);
    for (size_t i = 0; i < info->feature_count; i++)
        free(info->features[i]);
    free(info->features);
    free(info->is_video);
    buf_done(&info->text);
    free(info);
}

int lerobot_info_absent(const struct source *source, const struct lerobot_absent *absent, struct error *err)
{
    const struct error *refused = source_refused(source, absent->path);
    if (refused)
        return error_copy(err, refused);
    CLEANUP_FREE char *whose =
        absent->by_episode ? mem_printf("episode %lld", (long long)absent->episode) : mem_text("episodes");
    return error_set(err, ENOENT, "%s: no such file, but %s of %s must be there", absent->file, absent->what,
                     whose);
}

bool lerobot_info_is_video(const struct lerobot_info *info, const char *feature, size_t len)
{
    for (size_t i = 0; i < info->feature_count; i++)
        if (info->is_video[i] && strlen(info->features[i]) == len && !memcmp(info->features[i], feature, len))
            return true;
    return false;
}

/* ---- path templates: the part of Python's format strings that LeRobot uses: {name}, {name:03d}, {{ and }}
 * ---- */

static int expand_integer(struct buf *out, int64_t value, const char *spec, size_t len, struct error *err)
{
    size_t width = 0, i = 0;
    bool zero = i < len && spec[i] == '0';
    for (; i < len && spec[i] >= '0' && spec[i] <= '9' && width <= FIELD_DIGITS_MAX; i++)
        width = width * 10 + (size_t)(spec[i] - '0');
    if (i < len && spec[i] == 'd')
        i++;
    if (i != len || width > FIELD_DIGITS_MAX || value < 0)
        return error_set(err, EINVAL, "the format '%.*s' is not understood", (int)len, spec);
    buf_printf(out, zero ? "%0*lld" : "%*lld", (int)width, (long long)value);
    return 0;
}

struct expansion {
    const struct lerobot_info *info;
    const struct lerobot_place *place;
    struct buf path;
};

/* -1: no number has this name. */
static int64_t field_number(const struct expansion *x, const char *name, size_t len)
{
    const struct lerobot_place *place = x->place;
    const struct {
        const char *name;
        int64_t value;
    } fields[] = {{"chunk_index", place->chunk},
                  {"file_index", place->file},
                  {"episode_index", place->episode},
                  {"episode_chunk", place->episode / x->info->chunks_size}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strlen(fields[i].name) == len && !memcmp(fields[i].name, name, len))
            return fields[i].value;
    return -1;
}

static int expand_field(struct expansion *x, const char *field, size_t len, struct error *err)
{
    static const char video_key[] = "video_key";
    const char *colon = memchr(field, ':', len);
    size_t name_len = colon ? (size_t)(colon - field) : len;
    int64_t number = field_number(x, field, name_len);
    if (number >= 0)
        return expand_integer(&x->path, number, colon ? colon + 1 : "", colon ? len - name_len - 1 : 0, err);
    if (x->place->video_key && len == sizeof video_key - 1 && !memcmp(field, video_key, len)) {
        buf_text_append(&x->path, x->place->video_key);
        return 0;
    }
    return error_set(err, EINVAL, "the field '{%.*s}' is not understood",
                     len < FIELD_NAME_SHOWN ? (int)len : FIELD_NAME_SHOWN, field);
}

static bool path_leaves(const char *path)
{
    if (*path == '/')
        return true;
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
            return true;
    }
    return false;
}

static int expand(struct expansion *x, const char *template, struct error *err)
{
    struct buf *out = &x->path;
    for (const char *p = template; *p; p++) {
        if ((*p == '{' || *p == '}') && p[1] == *p) {
            buf_u8(out, (uint8_t)*p++);
        } else if (*p == '{') {
            const char *end = strchr(p, '}');
            if (!end)
                return error_set(err, EINVAL, "a '{' is not closed");
            int rc = expand_field(x, p + 1, (size_t)(end - p - 1), err);
            if (rc)
                return rc;
            p = end;
        } else if (*p == '}') {
            return error_set(err, EINVAL, "a '}' stands alone");
        } else {
            buf_u8(out, (uint8_t)*p);
        }
    }
    return path_leaves(buf_text(out))
               ? error_set(err, EINVAL, "'%s' lies outside the data set", buf_text(out))
               : 0;
}

int lerobot_info_path(const struct lerobot_info *info, const char *template,
                      const struct lerobot_place *place, char **ret_path, struct error *err)
{
    struct expansion x = {.info = info, .place = place};
    int rc = expand(&x, template, err);
    if (rc)
        error_prefix(err, "%s: path template '%s'", info->name, template);
    else
        *ret_path = mem_printf("%s%s", info->folder, buf_text(&x.path));
    buf_done(&x.path);
    return rc;
}
