// SPDX-License-Identifier: Apache-2.0
/*
 * Walks the two levels of folders below which files lie, joins the two files of a key, and gives them oldest
 * first, as if they had been touched in that order.
 */
#include "cache/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct found {
    struct scan_file *files;
    size_t count, cap;
};

/* Calls visit() for each name of a folder, which it opens below `parent`. */
static void each_name(int parent, const char *name, void (*visit)(int folder, const char *name, void *ctx),
                      void *ctx)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        visit(dirfd(dir), entry->d_name, ctx);
    closedir(dir);
}

static void visit_file(int folder, const char *name, void *ctx)
{
    struct found *found = ctx;
    struct scan_file file = {0};
    enum folder_file which;
    struct stat st;
    if (folder_key(name, file.key, &which) || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
        return;
    file.bytes = (uint64_t)st.st_blocks * 512;
    if (which == FOLDER_SIDE)
        file.modified_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    mem_grow(&found->files, &found->cap, found->count + 1, sizeof *found->files);
    found->files[found->count++] = file;
}

static void visit_second(int folder, const char *name, void *ctx)
{
    if (strlen(name) == 2 && name[0] != '.')
        each_name(folder, name, visit_file, ctx);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const struct scan_file *)a)->key, ((const struct scan_file *)b)->key, SHA256_BYTES);
}

static int by_age(const void *a, const void *b)
{
    int64_t x = ((const struct scan_file *)a)->modified_ns, y = ((const struct scan_file *)b)->modified_ns;
    return (x > y) - (x < y);
}

/* The two files of a key become one entry. */
static void join(struct found *found)
{
    size_t kept = 0;
    if (!found->count)
        return;
    qsort(found->files, found->count, sizeof *found->files, by_key);
    for (size_t i = 1; i < found->count; i++) {
        struct scan_file *last = &found->files[kept], *file = &found->files[i];
        if (by_key(last, file)) {
            found->files[++kept] = *file;
            continue;
        }
        last->bytes += file->bytes;
        last->modified_ns += file->modified_ns; /* the data file's is 0 */
    }
    found->count = kept + 1;
    qsort(found->files, found->count, sizeof *found->files, by_age);
}

int scan_folder(const struct folder *folder, const atomic_bool *stop,
                void (*each)(void *ctx, const struct scan_file *file), void *ctx)
{
    struct found found = {0};
    for (int first = 0; first < 256 && !atomic_load(stop); first++) {
        uint8_t byte = (uint8_t)first;
        char name[3];
        hex_print(&byte, 1, name);
        each_name(folder_fd(folder), name, visit_second, &found);
    }
    bool stopped = atomic_load(stop);
    if (!stopped)
        join(&found);
    for (size_t i = 0; !stopped && i < found.count; i++)
        each(ctx, &found.files[i]);
    free(found.files);
    return stopped ? -ECANCELED : 0;
}
