// SPDX-License-Identifier: Apache-2.0
/* Parses mountinfo, field by field, and keeps the last line for a path, which is what lies on top. */
#include "fs/mounts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"

static int resolve_by_parent(const char *path, char **ret, struct error *err)
{
    CLEANUP_FREE char *copy = mem_text(path);
    size_t len = strlen(copy);
    while (len > 1 && copy[len - 1] == '/')
        copy[--len] = '\0';
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    const char *parent = !slash ? "." : slash == copy ? "/" : (*slash = '\0', copy);
    CLEANUP_FREE char *real = realpath(parent, NULL);
    if (!real || !*name)
        return error_set(err, errno ? errno : EINVAL, "%s: %s", path, strerror(errno ? errno : EINVAL));
    *ret = mem_printf("%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
    return 0;
}

int mounts_resolve(const char *mountpoint, char **ret_path, struct error *err)
{
    char *real = realpath(mountpoint, NULL);
    if (!real && (errno == ENOTCONN || errno == ECONNABORTED || errno == EACCES))
        return resolve_by_parent(mountpoint, ret_path, err);
    if (!real)
        return error_set(err, errno, "%s: %s", mountpoint, strerror(errno));
    *ret_path = real;
    return 0;
}

/* Blanks and such stand as \ooo. In place. */
static void decode_octal(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        unsigned a = (unsigned char)from[0] == '\\' ? (unsigned)from[1] - '0' : 8;
        unsigned b = a < 8 ? (unsigned)from[2] - '0' : 8;
        unsigned c = b < 8 ? (unsigned)from[3] - '0' : 8;
        if (c < 8) {
            *to = (char)(a << 6 | b << 3 | c);
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* "98:0" */
static bool parse_device(const char *text, struct mounts_entry *ret)
{
    char *end;
    ret->major = (unsigned)strtoul(text, &end, 10);
    if (end == text || *end != ':')
        return false;
    text = end + 1;
    ret->minor = (unsigned)strtoul(text, &end, 10);
    return end != text && !*end;
}

enum { FIELD_DEVICE = 2, FIELD_POINT = 4, FIELDS = 5 };

/* "36 35 98:0 /root /mnt options [optional]... - type source super" */
static bool parse_line(char *line, const char *path, struct mounts_entry *ret)
{
    struct mounts_entry entry = {0};
    char *fields[FIELDS] = {NULL}, *save, *rest = strstr(line, " - ");
    if (!rest)
        return false;
    *rest = '\0';
    fields[0] = strtok_r(line, " ", &save);
    for (int i = 1; i < FIELDS && fields[i - 1]; i++)
        fields[i] = strtok_r(NULL, " ", &save);
    if (!fields[FIELD_POINT] || !parse_device(fields[FIELD_DEVICE], &entry))
        return false;
    decode_octal(fields[FIELD_POINT]);
    char *type = strtok_r(rest + 3, " ", &save), *source = type ? strtok_r(NULL, " \n", &save) : NULL;
    if (strcmp(fields[FIELD_POINT], path) != 0 || !source)
        return false;
    decode_octal(type);
    decode_octal(source);
    entry.type = mem_text(type);
    entry.source = mem_text(source);
    mounts_entry_done(ret);
    *ret = entry;
    return true;
}

int mounts_find(const char *path, struct mounts_entry *ret, struct error *err)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file)
        return error_set(err, errno, "/proc/self/mountinfo: %s", strerror(errno));
    struct mounts_entry entry = {0};
    bool found = false;
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, file) > 0)
        found = parse_line(line, path, &entry) || found; /* the last one lies on top */
    free(line);
    fclose(file);
    if (found)
        *ret = entry;
    return found;
}

void mounts_entry_done(struct mounts_entry *entry)
{
    free(entry->source);
    free(entry->type);
    *entry = (struct mounts_entry){0};
}
