// SPDX-License-Identifier: Apache-2.0
/*
 * Both files go through the same reader of INI files into one table of settings; keys are taken from one file
 * or the other, never half from each.
 */
#include "cache/store/profile.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/home.h"
#include "cache/store/ini.h"
#include "cache/store/secret.h"

enum { FILE_BYTES = 1 << 20, FILE_ROOM = 1 << 17 };

/* While loading: the texts of the keys, borrowed from nothing, wiped at the end. */
struct loading {
    struct profile *profile;
    bool config_file, found;
    char *access, *secret, *token;
};

static void forget(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static void set(char **to, const char *value)
{
    forget(to);
    *to = mem_text(value);
}

static bool is_ours(const struct loading *loading, const char *section)
{
    const char *name = loading->profile->name;
    if (!loading->config_file || (!strcmp(name, "default") && !strcmp(section, "default")))
        return !strcmp(section, name);
    size_t kind = strlen("profile");
    if (strncmp(section, "profile", kind) || !section[kind] || !strchr(" \t", section[kind]))
        return false;
    section += kind + strspn(section + kind, " \t");
    return !strcmp(section, name);
}

static const struct {
    const char *key;
    size_t at; /* of a char * in struct profile */
} texts[] = {
    {"region", offsetof(struct profile, region)},
    {"endpoint_url", offsetof(struct profile, endpoint_url)},
    {"ca_bundle", offsetof(struct profile, ca_bundle)},
    {"credential_process", offsetof(struct profile, credential_process)},
    {"role_arn", offsetof(struct profile, role_arn)},
    {"web_identity_token_file", offsetof(struct profile, web_identity_token_file)},
    {"role_session_name", offsetof(struct profile, role_session_name)},
    {"source_profile", offsetof(struct profile, source_profile)},
};

static int take(void *ctx, const struct ini_entry *entry, struct error *err)
{
    struct loading *loading = ctx;
    if (!is_ours(loading, entry->section))
        return 0;
    loading->found = true;
    if (!entry->key)
        return 0;
    if (!strcmp(entry->key, "aws_access_key_id"))
        set(&loading->access, entry->value);
    else if (!strcmp(entry->key, "aws_secret_access_key"))
        set(&loading->secret, entry->value);
    else if (!strcmp(entry->key, "aws_session_token"))
        set(&loading->token, entry->value);
    else if (!strncmp(entry->key, "sso_", 4))
        loading->profile->sso = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(entry->key, texts[i].key))
            set((char **)((char *)loading->profile + texts[i].at), entry->value);
    return 0;
}

static int take_keys(struct loading *loading, const char *path, struct error *err)
{
    struct profile *profile = loading->profile;
    if (profile->keys || (!loading->access && !loading->secret))
        return 0;
    profile->keys = secret_new(sizeof *profile->keys);
    if (keys_set(profile->keys, loading->access, loading->secret, loading->token))
        return error_set(err, EINVAL, "%s: profile '%s' has no usable pair of keys", path, profile->name);
    return 0;
}

static char *place_of(const char *variable, const char *name)
{
    const char *given = getenv(variable);
    if (given && *given)
        return mem_text(given);
    CLEANUP_FREE char *home = home_folder();
    return home ? mem_printf("%s/.aws/%s", home, name) : NULL;
}

static int load_file(struct loading *loading, const char *variable, const char *name, struct error *err)
{
    CLEANUP_FREE char *path = place_of(variable, name);
    CLEANUP_SECRET_BUF struct buf text = BUF_INIT;
    struct error why = {0};
    if (!path)
        return 0;
    buf_room(&text, FILE_ROOM); /* no copies by growing, for all but huge files */
    int rc = file_read(path, FILE_BYTES, &text, &why);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return 0;
    if (rc < 0)
        return error_copy(err, &why);
    rc = ini_parse(path, buf_text(&text), text.len, INI_NESTED, take, loading, err);
    if (!rc)
        rc = take_keys(loading, path, err);
    forget(&loading->access), forget(&loading->secret), forget(&loading->token);
    return rc;
}

int profile_load(const char *name, struct profile **ret, struct error *err)
{
    const char *asked = name ? name : getenv("AWS_PROFILE");
    if (asked && !*asked)
        asked = NULL;
    CLEANUP_PROFILE struct profile *profile = MEM_NEW(struct profile);
    profile->name = mem_text(asked ? asked : "default");
    struct loading loading = {.profile = profile};
    int rc = load_file(&loading, "AWS_SHARED_CREDENTIALS_FILE", "credentials", err);
    loading.config_file = true;
    if (!rc)
        rc = load_file(&loading, "AWS_CONFIG_FILE", "config", err);
    if (rc < 0)
        return rc;
    if (asked && !loading.found)
        return error_set(err, ENOENT, "there is no profile '%s' in ~/.aws/credentials or ~/.aws/config",
                         asked);
    *ret = STEAL(profile);
    return 0;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(*(char **)((char *)profile + texts[i].at));
    secret_free(profile->keys, sizeof *profile->keys);
    free(profile->name);
    free(profile);
}
