// SPDX-License-Identifier: Apache-2.0
/*
 * Small texts that are kept beside the cached files, to be had while their store is away. Each is a file that
 * begins with the hash of the rest: written in one go under another name and renamed, never synced, for the
 * hash tells a torn one. The oldest go when there are too many.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "cache/notes.h"
#include "cache/parts.h"

static const char notes_folder[] = "notes";

enum { NAME_BYTES = SHA256_HEX_BYTES + 8, NOTES_MAX = 4096, NOTES_LEFT = NOTES_MAX * 3 / 4 };

static int open_folder(const struct folder *folder, bool make)
{
    if (make && mkdirat(folder_fd(folder), notes_folder, 0700) && errno != EEXIST)
        return -errno;
    int fd = openat(folder_fd(folder), notes_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int read_note(int fd, size_t max_bytes, struct buf *buf)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < SHA256_BYTES ||
        (uint64_t)st.st_size > SHA256_BYTES + max_bytes)
        return -ENOENT;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    uint8_t digest[SHA256_BYTES];
    size_t len = (size_t)st.st_size;
    if (pread(fd, buf_room(&bytes, len), len, 0) != (ssize_t)len)
        return -ENOENT;
    sha256_of(bytes.data + SHA256_BYTES, len - SHA256_BYTES, digest);
    if (memcmp(digest, bytes.data, SHA256_BYTES) != 0)
        return -ENOENT;
    buf_append(buf, bytes.data + SHA256_BYTES, len - SHA256_BYTES);
    return 0;
}

int cache_note_get(struct cache *cache, const uint8_t key[SHA256_BYTES], size_t max_bytes, struct buf *buf)
{
    char name[SHA256_HEX_BYTES];
    CLEANUP_CLOSE int folder = open_folder(cache->folder, false);
    hex_print(key, SHA256_BYTES, name);
    CLEANUP_CLOSE int fd = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -ENOENT : read_note(fd, max_bytes, buf);
}

static bool is_noted(int folder, const char *name, const struct buf *bytes)
{
    CLEANUP_CLOSE int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    CLEANUP_BUF struct buf old = BUF_INIT;
    return fd >= 0 && !read_note(fd, bytes->len, &old) && old.len == bytes->len - SHA256_BYTES &&
           !memcmp(old.data, bytes->data + SHA256_BYTES, old.len) && !futimens(fd, NULL);
}

void cache_note_put(struct cache *cache, const uint8_t key[SHA256_BYTES], const void *text, size_t len)
{
    char name[SHA256_HEX_BYTES], temporary[NAME_BYTES];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_CLOSE int folder = open_folder(cache->folder, true);
    if (folder < 0)
        return;
    sha256_of(text, len, buf_room(&bytes, SHA256_BYTES));
    bytes.len = SHA256_BYTES;
    buf_append(&bytes, text, len);
    hex_print(key, SHA256_BYTES, name);
    if (is_noted(folder, name, &bytes))
        return;
    uint8_t random[3];
    random_bytes(random, sizeof random);
    snprintf(temporary, sizeof temporary, "%s.%02x%02x%02x", name, random[0], random[1], random[2]);
    CLEANUP_CLOSE int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (file_write_all(fd, bytes.data, bytes.len) < 0 || renameat(folder, temporary, folder, name))
        unlinkat(folder, temporary, 0);
}

/* ---- the oldest ---- */

struct note {
    char name[NAME_BYTES];
    int64_t modified_ns;
};

static int by_age(const void *a, const void *b)
{
    const struct note *x = a, *y = b;
    return x->modified_ns < y->modified_ns ? -1 : x->modified_ns > y->modified_ns;
}

void notes_prune(const struct folder *folder)
{
    CLEANUP_FREE struct note *notes = NULL;
    size_t count = 0, cap = 0;
    int fd = open_folder(folder, false);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat st;
        if (strlen(entry->d_name) < SHA256_HEX_BYTES - 1 || strlen(entry->d_name) >= NAME_BYTES ||
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        mem_grow(&notes, &cap, count + 1, sizeof *notes);
        struct note *note = &notes[count++];
        snprintf(note->name, sizeof note->name, "%s", entry->d_name);
        note->modified_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    }
    if (count > NOTES_MAX) {
        qsort(notes, count, sizeof *notes, by_age);
        for (size_t i = 0; i < count - NOTES_LEFT; i++)
            unlinkat(fd, notes[i].name, 0);
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}
