// SPDX-License-Identifier: Apache-2.0
/* The path templates decide the layout, not codebase_version: sets tagged v3.0 with older templates exist. */
#include "tools/import/lerobot_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"

enum { INFO_BYTES_MAX = 16 << 20, FIELD_DIGITS_MAX = 20, FIELD_NAME_SHOWN = 100 };

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

static int fill(struct lerobot_info *info, const struct json *json, const char *name, struct error *err)
{
    const char *data_path = json_get_text(json, "data_path"),
               *version = json_get_text(json, "codebase_version");
    if (!data_path)
        return error_set(err, EINVAL, "%s: 'data_path' is missing", name);
    if (strstr(data_path, "{episode_index"))
        return error_set(
            err, ENOTSUP,
            "%s: one file an episode (LeRobot %s): this layout is not supported yet, convert the set to "
            "v3.0 with LeRobot's own converter",
            name, version ? version : "v2.1");
    info->data_path = mem_text(data_path);
    info->video_path = mem_text(json_get_text(json, "video_path"));
    info->robot_type = mem_text(json_get_text(json, "robot_type"));
    info->fps = json_as_number(json_get(json, "fps"));
    if (!(info->fps >= 1e-6) || !(info->fps <= 1e6))
        return error_set(err, EINVAL, "%s: 'fps' is no number from 0.000001 to 1000000", name);
    int rc = read_features(info, json_get(json, "features"), name, err);
    for (size_t i = 0; !rc && i < info->feature_count; i++)
        if (info->is_video[i] && !info->video_path)
            rc = error_set(err, EINVAL, "%s: feature '%s' is a video, but 'video_path' is missing", name,
                           info->features[i]);
    return rc;
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
    for (size_t i = 0; i < info->feature_count; i++)
        free(info->features[i]);
    free(info->features);
    free(info->is_video);
    free(info);
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

static int expand_field(struct buf *out, const char *field, size_t len, const struct lerobot_place *place,
                        struct error *err)
{
    const char *colon = memchr(field, ':', len);
    size_t name_len = colon ? (size_t)(colon - field) : len;
    const char *spec = colon ? colon + 1 : "";
    size_t spec_len = colon ? len - name_len - 1 : 0;
    static const struct {
        const char *name;
        int kind;
    } fields[] = {{"chunk_index", 0}, {"file_index", 1}, {"video_key", 2}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strlen(fields[i].name) != name_len || memcmp(fields[i].name, field, name_len))
            continue;
        if (fields[i].kind < 2)
            return expand_integer(out, fields[i].kind ? place->file : place->chunk, spec, spec_len, err);
        if (!place->video_key || spec_len)
            break;
        buf_text_append(out, place->video_key);
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

static int expand(struct buf *out, const char *template, const struct lerobot_place *place, struct error *err)
{
    for (const char *p = template; *p; p++) {
        if ((*p == '{' || *p == '}') && p[1] == *p) {
            buf_u8(out, (uint8_t)*p++);
        } else if (*p == '{') {
            const char *end = strchr(p, '}');
            if (!end)
                return error_set(err, EINVAL, "a '{' is not closed");
            int rc = expand_field(out, p + 1, (size_t)(end - p - 1), place, err);
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
    CLEANUP_BUF struct buf path = BUF_INIT;
    int rc = expand(&path, template, place, err);
    if (rc)
        return error_prefix(err, "%s: path template '%s'", info->name, template);
    *ret_path = mem_printf("%s%s", info->folder, buf_text(&path));
    return 0;
}
