// SPDX-License-Identifier: Apache-2.0
/* Sections are kept in the order of precedence, so that the first of the longest wins. */
#include "cache/store/config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/buf.h"
#include "cache/base/file.h"
#include "cache/base/home.h"
#include "cache/store/endpoint.h"
#include "cache/store/ini.h"
#include "cache/store/web.h"

enum { FILE_BYTES = 1 << 20 };

struct config {
    struct config_store *stores;
    size_t count, cap;
    struct config_dataset *datasets;
    size_t datasets_count, datasets_cap;
    /* while loading: where this file's sections begin, and of which kind the last one is */
    size_t file_start, datasets_start;
    bool in_dataset;
};

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->count; i++) {
        struct config_store *store = &config->stores[i];
        free(store->prefix), free(store->endpoint), free(store->region), free(store->profile),
            free(store->ca), free(store->authorization_file);
        free(store->place);
    }
    for (size_t i = 0; i < config->datasets_count; i++) {
        struct config_dataset *dataset = &config->datasets[i];
        free(dataset->name), free(dataset->url), free(dataset->place);
    }
    free(config->stores);
    free(config->datasets);
    free(config);
}

/* ---- settings ---- */

static int set_text(char **to, const char *value)
{
    *to = mem_text(value);
    return 0;
}

static int set_endpoint(struct config_store *store, const struct ini_entry *entry, struct error *err)
{
    struct endpoint endpoint;
    struct error why;
    if (endpoint_parse(entry->value, &endpoint, &why) < 0)
        return ini_error(entry, err, "%s", why.text);
    return set_text(&store->endpoint, entry->value);
}

static int set_region(struct config_store *store, const struct ini_entry *entry, struct error *err)
{
    if (!*entry->value || entry->value[strspn(entry->value, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return ini_error(entry, err, "'%s' is no region", entry->value);
    return set_text(&store->region, entry->value);
}

static int set_profile(struct config_store *store, const struct ini_entry *entry, struct error *err)
{
    if (!*entry->value)
        return ini_error(entry, err, "profile is empty");
    return set_text(&store->profile, entry->value);
}

static int set_ca(struct config_store *store, const struct ini_entry *entry, struct error *err)
{
    if (*entry->value != '/')
        return ini_error(entry, err, "ca is the absolute path of a file of certificates");
    return set_text(&store->ca, entry->value);
}

static int set_authorization_file(struct config_store *store, const struct ini_entry *entry,
                                  struct error *err)
{
    if (*entry->value != '/')
        return ini_error(entry, err, "authorization_file is the absolute path of a file");
    return set_text(&store->authorization_file, entry->value);
}

static int set_switch(enum config_switch *to, const struct ini_entry *entry, struct error *err)
{
    if (strcmp(entry->value, "true") && strcmp(entry->value, "false"))
        return ini_error(entry, err, "%s is true or false", entry->key);
    *to = strcmp(entry->value, "true") ? CONFIG_NO : CONFIG_YES;
    return 0;
}

static int set_path_style(struct config_store *store, const struct ini_entry *entry, struct error *err)
{
    return set_switch(&store->path_style, entry, err);
}

static int set_anonymous(struct config_store *store, const struct ini_entry *entry, struct error *err)
{
    return set_switch(&store->anonymous, entry, err);
}

enum { SETTINGS = 7 };
enum { FOR_S3 = 1, FOR_HTTP = 2 };
static const struct setting {
    const char *key;
    int kinds; /* of stores that have it */
    int (*set)(struct config_store *store, const struct ini_entry *entry, struct error *err);
} settings[SETTINGS] = {{"endpoint", FOR_S3, set_endpoint},
                        {"region", FOR_S3, set_region},
                        {"profile", FOR_S3, set_profile},
                        {"ca", FOR_S3 | FOR_HTTP, set_ca},
                        {"path_style", FOR_S3, set_path_style},
                        {"anonymous", FOR_S3, set_anonymous},
                        {"authorization_file", FOR_HTTP, set_authorization_file}};

static bool is_set(const struct config_store *store, size_t i)
{
    const bool set[SETTINGS] = {
        store->endpoint,        store->region,         store->profile,           store->ca,
        store->path_style != 0, store->anonymous != 0, store->authorization_file};
    return set[i];
}

static int kind_of(const char *prefix)
{
    return !strncmp(prefix, "s3://", 5) ? FOR_S3 : web_is_url(prefix) ? FOR_HTTP : 0;
}

/* ---- sections ---- */

/* The name in: store "name" */
static char *section_name(const char *section, const char *kind)
{
    size_t kind_len = strlen(kind), len = strlen(section);
    if (strncmp(section, kind, kind_len) || !section[kind_len] || !strchr(" \t", section[kind_len]))
        return NULL;
    const char *name = section + kind_len + strspn(section + kind_len, " \t");
    size_t name_len = (size_t)(section + len - name);
    if (name_len < 3 || name[0] != '"' || name[name_len - 1] != '"' || memchr(name + 1, '"', name_len - 2))
        return NULL;
    return mem_copy(name + 1, name_len - 2);
}

static char *place_of(const struct ini_entry *entry)
{
    return mem_printf("%s:%u", entry->file, entry->line);
}

/* Takes `prefix`, which may be shortened. */
static int begin_store(struct config *config, const struct ini_entry *entry, char *name, struct error *err)
{
    CLEANUP_FREE char *prefix = name;
    if (!kind_of(prefix))
        return ini_error(entry, err, "a store's section names s3://bucket or https://host, not '%s'", prefix);
    for (size_t len = strlen(prefix), least = strlen("s3://"); len > least && prefix[len - 1] == '/';)
        prefix[--len] = 0;
    for (size_t i = config->file_start; i < config->count; i++)
        if (!strcmp(config->stores[i].prefix, prefix))
            return ini_error(entry, err, "a second section for %s; the first is at %s", prefix,
                             config->stores[i].place);
    mem_grow(&config->stores, &config->cap, config->count + 1, sizeof *config->stores);
    config->stores[config->count++] =
        (struct config_store){.prefix = STEAL(prefix), .place = place_of(entry)};
    return 0;
}

/* A name must not look like a path or a URL. */
static bool dataset_name_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return !name[strspn(name, allowed)] && *name != '.' && *name != '-';
}

static int begin_dataset(struct config *config, const struct ini_entry *entry, char *given, struct error *err)
{
    CLEANUP_FREE char *name = given;
    if (!dataset_name_valid(name))
        return ini_error(entry, err, "'%s' is no name for a data set: letters, digits, '.', '_' and '-'",
                         name);
    for (size_t i = config->datasets_start; i < config->datasets_count; i++)
        if (!strcmp(config->datasets[i].name, name))
            return ini_error(entry, err, "a second section for the data set '%s'; the first is at %s", name,
                             config->datasets[i].place);
    mem_grow(&config->datasets, &config->datasets_cap, config->datasets_count + 1, sizeof *config->datasets);
    config->datasets[config->datasets_count++] =
        (struct config_dataset){.name = STEAL(name), .place = place_of(entry)};
    return 0;
}

static int begin_section(struct config *config, const struct ini_entry *entry, struct error *err)
{
    char *name = section_name(entry->section, "store");
    config->in_dataset = !name;
    if (name)
        return begin_store(config, entry, name, err);
    name = section_name(entry->section, "dataset");
    if (name)
        return begin_dataset(config, entry, name, err);
    return ini_error(entry, err,
                     "unknown section [%s]; expected [store \"s3://bucket\"] or [dataset \"name\"]",
                     entry->section);
}

static int set_dataset(struct config_dataset *dataset, const struct ini_entry *entry, struct error *err)
{
    if (strcmp(entry->key, "url"))
        return ini_error(entry, err, "unknown setting '%s'; known: url", entry->key);
    if (dataset->url)
        return ini_error(entry, err, "url is given twice");
    if (*entry->value != '/' && !strstr(entry->value, "://"))
        return ini_error(entry, err, "'%s' is neither a URL nor the absolute path of a folder", entry->value);
    return set_text(&dataset->url, entry->value);
}

static int set_store(struct config_store *store, const struct ini_entry *entry, struct error *err)
{
    int kind = kind_of(store->prefix);
    CLEANUP_BUF struct buf known = BUF_INIT;
    for (size_t i = 0; i < SETTINGS; i++) {
        if (!(settings[i].kinds & kind))
            continue;
        if (!strcmp(settings[i].key, entry->key))
            return is_set(store, i) ? ini_error(entry, err, "%s is given twice", entry->key)
                                    : settings[i].set(store, entry, err);
        buf_printf(&known, "%s%s", known.len ? ", " : "", settings[i].key);
    }
    return ini_error(entry, err, "unknown setting '%s'; known: %s", entry->key, buf_text(&known));
}

static int take(void *ctx, const struct ini_entry *entry, struct error *err)
{
    struct config *config = ctx;
    if (!entry->key)
        return begin_section(config, entry, err);
    if (config->in_dataset)
        return set_dataset(&config->datasets[config->datasets_count - 1], entry, err);
    return set_store(&config->stores[config->count - 1], entry, err);
}

/* ---- files ---- */

static int parse_into(struct config *config, const char *file, const char *text, size_t len,
                      struct error *err)
{
    config->file_start = config->count;
    config->datasets_start = config->datasets_count;
    int rc = ini_parse(file, text, len, INI_FLAT, take, config, err);
    for (size_t i = config->datasets_start; !rc && i < config->datasets_count; i++)
        if (!config->datasets[i].url)
            rc = error_set(err, EINVAL, "%s: the data set '%s' has no url", config->datasets[i].place,
                           config->datasets[i].name);
    return rc;
}

int config_parse(const char *file, const char *text, size_t len, struct config **ret, struct error *err)
{
    CLEANUP_CONFIG struct config *config = MEM_NEW(struct config);
    int rc = parse_into(config, file, text, len, err);
    if (!rc)
        *ret = STEAL(config);
    return rc;
}

static int load_into(struct config *config, const char *path, bool may_miss, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    struct error why = {0};
    int rc = file_read(path, FILE_BYTES, &text, &why);
    if (may_miss && (rc == -ENOENT || rc == -ENOTDIR))
        return 0;
    if (rc < 0)
        return error_copy(err, &why);
    return parse_into(config, path, buf_text(&text), text.len, err);
}

static char *user_file(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    if (xdg && *xdg == '/')
        return mem_printf("%s/elidefs/config", xdg);
    CLEANUP_FREE char *home = home_folder();
    return home ? mem_printf("%s/.config/elidefs/config", home) : NULL;
}

int config_load(const char *path, struct config **ret, struct error *err)
{
    CLEANUP_CONFIG struct config *config = MEM_NEW(struct config);
    CLEANUP_FREE char *user = path ? NULL : user_file();
    int rc = 0;
    if (path)
        rc = load_into(config, path, false, err);
    else if (user)
        rc = load_into(config, user, true, err);
    if (!rc && !path)
        rc = load_into(config, "/etc/elidefs/config", true, err);
    if (!rc)
        *ret = STEAL(config);
    return rc;
}

static bool covers(const char *prefix, const char *url)
{
    size_t len = strlen(prefix);
    return !strncmp(prefix, url, len) && (prefix[len - 1] == '/' || url[len] == '/' || !url[len]);
}

const struct config_store *config_find(const struct config *config, const char *url)
{
    const struct config_store *best = NULL;
    for (size_t i = 0; i < config->count; i++) {
        const struct config_store *store = &config->stores[i];
        if (covers(store->prefix, url) && (!best || strlen(store->prefix) > strlen(best->prefix)))
            best = store;
    }
    return best;
}

const struct config_dataset *config_find_dataset(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->datasets_count; i++)
        if (!strcmp(config->datasets[i].name, name))
            return &config->datasets[i];
    return NULL;
}

const struct config_dataset *config_datasets(const struct config *config, size_t *ret_count)
{
    *ret_count = config->datasets_count;
    return config->datasets;
}
