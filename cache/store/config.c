// SPDX-License-Identifier: Apache-2.0
/* Sections are kept in the order of precedence, so that the first of the longest wins. */
#include "cache/store/config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/buf.h"
#include "cache/base/file.h"
#include "cache/store/endpoint.h"
#include "cache/store/ini.h"

enum { FILE_BYTES = 1 << 20 };

struct config {
    struct config_store *stores;
    size_t count, cap;
    size_t file_start; /* while loading: where this file's sections begin */
};

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->count; i++) {
        struct config_store *store = &config->stores[i];
        free(store->prefix), free(store->endpoint), free(store->region), free(store->profile),
            free(store->ca);
        free(store->place);
    }
    free(config->stores);
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

enum { SETTINGS = 6 };
static const struct setting {
    const char *key;
    int (*set)(struct config_store *store, const struct ini_entry *entry, struct error *err);
} settings[SETTINGS] = {{"endpoint", set_endpoint},     {"region", set_region},
                        {"profile", set_profile},       {"ca", set_ca},
                        {"path_style", set_path_style}, {"anonymous", set_anonymous}};

static bool is_set(const struct config_store *store, size_t i)
{
    const bool set[SETTINGS] = {store->endpoint, store->region,          store->profile,
                                store->ca,       store->path_style != 0, store->anonymous != 0};
    return set[i];
}

/* ---- sections ---- */

/* The name in: store "name" */
static char *section_name(const char *section)
{
    size_t kind = strlen("store"), len = strlen(section);
    if (strncmp(section, "store", kind) || !strchr(" \t", section[kind]) || !section[kind])
        return NULL;
    const char *name = section + kind + strspn(section + kind, " \t");
    size_t name_len = (size_t)(section + len - name);
    if (name_len < 3 || name[0] != '"' || name[name_len - 1] != '"' || memchr(name + 1, '"', name_len - 2))
        return NULL;
    return mem_copy(name + 1, name_len - 2);
}

static int begin_section(struct config *config, const struct ini_entry *entry, struct error *err)
{
    CLEANUP_FREE char *prefix = section_name(entry->section);
    if (!prefix)
        return ini_error(entry, err, "unknown section [%s]; expected [store \"s3://bucket\"]",
                         entry->section);
    if (strncmp(prefix, "s3://", 5))
        return ini_error(entry, err, "a store's section names s3://bucket, not '%s'", prefix);
    for (size_t len = strlen(prefix); len > 5 && prefix[len - 1] == '/';)
        prefix[--len] = 0;
    for (size_t i = config->file_start; i < config->count; i++)
        if (!strcmp(config->stores[i].prefix, prefix))
            return ini_error(entry, err, "a second section for %s; the first is at %s", prefix,
                             config->stores[i].place);
    mem_grow(&config->stores, &config->cap, config->count + 1, sizeof *config->stores);
    config->stores[config->count++] = (struct config_store){
        .prefix = STEAL(prefix), .place = mem_printf("%s:%u", entry->file, entry->line)};
    return 0;
}

static int take(void *ctx, const struct ini_entry *entry, struct error *err)
{
    struct config *config = ctx;
    if (!entry->key)
        return begin_section(config, entry, err);
    struct config_store *store = &config->stores[config->count - 1];
    for (size_t i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].key, entry->key))
            continue;
        if (is_set(store, i))
            return ini_error(entry, err, "%s is given twice", entry->key);
        return settings[i].set(store, entry, err);
    }
    return ini_error(entry, err,
                     "unknown setting '%s'; known: endpoint, region, profile, ca, path_style, anonymous",
                     entry->key);
}

/* ---- files ---- */

static int parse_into(struct config *config, const char *file, const char *text, size_t len,
                      struct error *err)
{
    config->file_start = config->count;
    return ini_parse(file, text, len, INI_FLAT, take, config, err);
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
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && *xdg == '/')
        return mem_printf("%s/elidefs/config", xdg);
    return home && *home == '/' ? mem_printf("%s/.config/elidefs/config", home) : NULL;
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
