// SPDX-License-Identifier: Apache-2.0
/*
 * Listing: one folder's names are in memory at a time for each level. Sorting a folder's entries with '/'
 * behind the names of folders gives the byte order of whole paths, as object stores list them ("a-b" before
 * "a/b").
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cache/store/local.h"
#include "cache/store/path.h"
#include "cache/store/stores.h"

struct names {
    char **names; /* folders with a '/' behind */
    size_t count, cap;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
}

struct walk {
    struct store *store;
    const struct store_listing *listing;
    char path[STORE_PATH_BYTES + 2]; /* the folder being listed, with its '/'; "" the root */
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Some file systems do not tell the kind in the folder. */
static unsigned char kind_of(int fd, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
        return DT_UNKNOWN;
    return S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : DT_UNKNOWN;
}

/* The walk starts in the folder of the prefix, so only names in that folder can miss it. */
static bool matches(const struct walk *walk, const char *name)
{
    const char *prefix = walk->listing->prefix;
    size_t base = strlen(walk->path), wanted = strlen(prefix);
    return base >= wanted || !strncmp(name, prefix + base, wanted - base);
}

static void take_entry(struct walk *walk, int fd, const struct dirent *entry, struct names *names)
{
    const char *name = entry->d_name;
    if (!strcmp(name, ".") || !strcmp(name, "..") || local_name_is_temporary(name))
        return;
    unsigned char kind = kind_of(fd, entry);
    if (kind != DT_REG && kind != DT_DIR)
        return;
    char *text = mem_printf("%s%s", name, kind == DT_DIR ? "/" : "");
    if (strlen(walk->path) + strlen(text) > STORE_PATH_BYTES || !matches(walk, text)) {
        free(text);
        return;
    }
    mem_grow(&names->names, &names->cap, names->count + 1, sizeof *names->names);
    names->names[names->count++] = text;
}

static int read_names(struct walk *walk, struct names *names, struct error *err)
{
    CLEANUP_FREE char *folder = *walk->path ? mem_copy(walk->path, strlen(walk->path) - 1) : mem_text(".");
    int fd = local_open(walk->store, folder, O_RDONLY | O_DIRECTORY, err);
    if (fd < 0)
        return fd;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int code = errno;
        close(fd);
        return local_fail(walk->store, folder, code, err);
    }
    struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)))
        take_entry(walk, fd, entry, names);
    int code = errno;
    closedir(dir);
    if (names->count)
        qsort(names->names, names->count, sizeof *names->names, by_bytes);
    return code ? local_fail(walk->store, folder, code, err) : 0;
}

static int refuse(const struct walk *walk, const struct error *why, struct error *err)
{
    const struct store_listing *listing = walk->listing;
    bool all = !*walk->path; /* then there is nothing left to go on with */
    return listing->refused && !all ? listing->refused(listing->ctx, walk->path, why, err)
                                    : error_copy(err, why);
}

/* A file that went away since its folder was read is left out. */
static int tell(struct walk *walk, struct error *err)
{
    struct store_object object;
    struct error head_err = {0};
    int rc = walk->store->ops->head(walk->store, walk->path, &object, &head_err);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return refuse(walk, &head_err, err);
    return walk->listing->each(walk->listing->ctx, walk->path, &object, err);
}

static int walk_folder(struct walk *walk, struct error *err);

static int walk_entry(struct walk *walk, const char *name, struct error *err)
{
    size_t base = strlen(walk->path), len = strlen(name);
    const char *after = walk->listing->after;
    memcpy(walk->path + base, name, len + 1);
    bool folder = name[len - 1] == '/';
    bool before = folder ? strncmp(walk->path, after, base + len) < 0 : strcmp(walk->path, after) <= 0;
    int rc = 0;
    if (stores_stopped(walk->store->stores))
        rc = error_set(err, ECANCELED, "%s: cancelled", walk->store->url);
    else if (!before)
        rc = folder ? walk_folder(walk, err) : tell(walk, err);
    walk->path[base] = 0;
    return rc;
}

static int walk_folder(struct walk *walk, struct error *err)
{
    struct names names CLEANUP(names_done) = {0};
    struct error read_err = {0};
    int rc = read_names(walk, &names, &read_err);
    if (rc == -ENOENT && *walk->path)
        return 0;
    if (rc < 0)
        rc = refuse(walk, &read_err, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        rc = walk_entry(walk, names.names[i], err);
    return rc;
}

int local_list(struct store *store, const struct store_listing *listing, struct error *err)
{
    struct walk walk = {.store = store, .listing = listing};
    const char *slash = strrchr(listing->prefix, '/');
    stores_count(store->stores, STORE_REQUESTS, 1);
    if (slash)
        memcpy(walk.path, listing->prefix, (size_t)(slash - listing->prefix) + 1);
    return walk_folder(&walk, err);
}
