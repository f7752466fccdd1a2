// SPDX-License-Identifier: Apache-2.0
/* Names stand here in full and NUL-terminated: a listing hands them out from the row it has read. */
#include "index/catalog/files.h"

#include <errno.h>
#include <string.h>

#include "cache/base/cursor.h"
#include "index/base/clip.h"
#include "index/base/name.h"

static const char *decode_text(struct cursor *c)
{
    const char *text = (const char *)c->data + c->at;
    const char *end = cursor_left(c) ? memchr(text, 0, cursor_left(c)) : NULL;
    if (!end) {
        c->failed = true;
        return "";
    }
    cursor_skip(c, (uint64_t)(end - text) + 1);
    return text;
}

/* Names go to the kernel as they are. */
static bool good_names(size_t key_len, const struct catalog_file *file)
{
    size_t name = strlen(file->name), ext = strlen(file->ext);
    if ((name && name_check(file->name, name, NULL)) || (ext && name_check(file->ext, ext, NULL)))
        return false;
    bool json = (!name && !strcmp(file->ext, "json")) || (!ext && !strcmp(file->name, "json"));
    return !json && key_len + 2 + name + ext <= NAME_FILE_MAX + (size_t)(!name + !ext);
}

int files_decode(const char *key, const void *bytes, size_t len, struct catalog_file *files,
                 uint32_t *ret_count)
{
    struct cursor c = cursor_of(bytes, len);
    uint32_t count = 0;
    size_t key_len = strlen(key);
    while (cursor_left(&c)) {
        struct catalog_file file;
        file.name = decode_text(&c);
        file.ext = decode_text(&c);
        file.size = cursor_varint(&c);
        uint64_t changed = cursor_varint(&c);
        file.changed = (uint32_t)changed;
        if (c.failed || file.size > INT64_MAX || changed > UINT32_MAX || count == CLIP_STREAMS_MAX ||
            !good_names(key_len, &file))
            return -EUCLEAN;
        files[count++] = file;
    }
    *ret_count = count;
    return 0;
}

int files_newest(const void *bytes, size_t len, uint32_t *ret)
{
    struct cursor c = cursor_of(bytes, len);
    uint64_t newest = 0;
    while (cursor_left(&c)) {
        decode_text(&c);
        decode_text(&c);
        cursor_varint(&c);
        uint64_t changed = cursor_varint(&c);
        if (c.failed || changed > UINT32_MAX)
            return -EUCLEAN;
        newest = changed > newest ? changed : newest;
    }
    *ret = (uint32_t)newest;
    return 0;
}

void files_encode(struct buf *buf, const struct catalog_file *file)
{
    buf_append(buf, file->name, strlen(file->name) + 1);
    buf_append(buf, file->ext, strlen(file->ext) + 1);
    buf_varint(buf, file->size);
    buf_varint(buf, file->changed);
}
