// SPDX-License-Identifier: Apache-2.0
/* From a URL to a store with its decorators. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/store/local.h"
#include "cache/store/retry.h"
#include "cache/store/s3.h"
#include "cache/store/stores.h"
#include "cache/store/web.h"

static char *with_root(const char *path)
{
    if (*path == '/')
        return mem_text(path);
    CLEANUP_FREE char *here = realpath(".", NULL);
    return mem_printf("%s/%s", here ? here : "", path);
}

/* Absolute, without links, '.', '..' and doubled '/'. A folder that is not there yet keeps its name, below
 * the nearest one that is. */
static char *resolve(const char *path, struct error *err)
{
    CLEANUP_FREE char *text = with_root(path);
    CLEANUP_FREE char *real = realpath(text, NULL);
    if (real)
        return STEAL(real);
    size_t len = strlen(text);
    while (len > 1 && text[len - 1] == '/')
        text[--len] = 0;
    char *slash = strrchr(text, '/');
    const char *name = slash + 1;
    if (errno != ENOENT || !*name || !strcmp(name, "..")) {
        error_set(err, errno == ENOENT ? EINVAL : errno, "%s: %s", path, strerror(errno));
        return NULL;
    }
    CLEANUP_FREE char *head = mem_copy(text, slash == text ? 1 : (size_t)(slash - text));
    char *parent = resolve(head, err);
    if (!parent || !strcmp(name, "."))
        return parent;
    char *whole = mem_printf("%s/%s", strcmp(parent, "/") ? parent : "", name);
    free(parent);
    return whole;
}

static int open_folder(struct stores *stores, const char *path, struct store **ret, struct error *err)
{
    if (!*path)
        return error_set(err, EINVAL, "the name of a folder is empty");
    if (strlen(path) >= PATH_MAX)
        return error_set(err, EINVAL, "the name of a folder is too long");
    WITH_ERROR(err);
    CLEANUP_FREE char *folder = resolve(path, err);
    if (!folder)
        return -err->code;
    return local_new(stores, folder, ret, err);
}

static int open_file_url(struct stores *stores, const char *url, struct store **ret, struct error *err)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    const char *text = url + strlen("file://");
    if (*text != '/')
        return error_set(err, EINVAL, "%s: a file URL has three slashes: file:///a/folder", url);
    if (escape_decode(&path, text, strlen(text), err) < 0)
        return error_prefix(err, "%s", url);
    if (strlen(buf_text(&path)) != path.len)
        return error_set(err, EINVAL, "%s: holds a NUL byte", url);
    return open_folder(stores, buf_text(&path), ret, err);
}

static int open_s3(struct stores *stores, const char *url, struct store **ret, struct error *err)
{
    struct store *s3;
    int rc = s3_new(stores, url, &s3, err);
    if (!rc)
        *ret = retry_new(s3);
    return rc;
}

static int open_web(struct stores *stores, const char *url, struct store **ret, struct error *err)
{
    struct store *web;
    int rc = web_new(stores, url, &web, err);
    if (!rc)
        *ret = retry_new(web);
    return rc;
}

int store_open(struct stores *stores, const char *url, struct store **ret, struct error *err)
{
    if (!strncmp(url, "file://", strlen("file://")))
        return open_file_url(stores, url, ret, err);
    if (!strncmp(url, "s3://", strlen("s3://")))
        return open_s3(stores, url, ret, err);
    if (web_is_url(url))
        return open_web(stores, url, ret, err);
    const char *scheme = strstr(url, "://");
    if (scheme)
        return error_set(
            err, EINVAL,
            "%s: no store has the scheme '%.*s' (s3://bucket/prefix, https://host/folder, or a folder)", url,
            (int)(scheme - url), url);
    return open_folder(stores, url, ret, err);
}
