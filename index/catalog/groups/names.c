// SPDX-License-Identifier: Apache-2.0
/* Keys of one length, as importers make them, stand byte by byte: where keys count up or are random, their
 * like bytes compress then as no text of keys does. What streams are called is the same for most clips, so it
 * stands apart, once. */
#include "index/catalog/groups/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/clip.h"

/* ---- keys ---- */

static bool one_length(const struct numbers *lengths)
{
    return !lengths->width && !lengths->slope;
}

static size_t joined_len(const struct numbers *lengths)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < lengths->count; i++) {
        int64_t len = numbers_at(lengths, i);
        if (len < 1 || len > NAME_FILE_MAX)
            return SIZE_MAX;
        sum += (size_t)len + 1;
    }
    return sum;
}

int names_decode(const void *bytes, size_t len, struct names *ret)
{
    struct cursor c = cursor_of(bytes, len);
    uint64_t rows = cursor_varint(&c);
    if (c.failed || !rows || rows > NAMES_ROWS)
        return -EUCLEAN;
    struct names names = {.rows = (uint32_t)rows};
    if (!numbers_decode(&c, names.rows, &names.templates) || !numbers_decode(&c, names.rows, &names.lengths))
        return -EUCLEAN;
    names.keys_len = cursor_left(&c);
    names.keys = cursor_bytes(&c, names.keys_len);
    uint64_t length = names.lengths.least;
    bool fits = one_length(&names.lengths)
                    ? length >= 1 && length <= NAME_FILE_MAX && names.keys_len == length * rows
                    : names.keys_len == joined_len(&names.lengths);
    if (!fits)
        return -EUCLEAN;
    *ret = names;
    return 0;
}

static void gather(struct names *names, uint32_t i, size_t len)
{
    for (size_t k = 0; k < len; k++)
        names->key[k] = (char)names->keys[k * names->rows + i];
    names->key[len] = 0;
}

/* Lengths were added up when the group was decoded: all keys lie inside. */
static size_t copy_joined(struct names *names, uint32_t i)
{
    if (names->next > i)
        names->next = 0, names->next_at = 0;
    for (; names->next < i; names->next++)
        names->next_at += (size_t)numbers_at(&names->lengths, names->next) + 1;
    size_t len = (size_t)numbers_at(&names->lengths, i);
    memcpy(names->key, names->keys + names->next_at, len + 1);
    return len;
}

int names_key(struct names *names, uint32_t i)
{
    size_t len = (size_t)names->lengths.least;
    if (one_length(&names->lengths))
        gather(names, i, len);
    else
        len = copy_joined(names, i);
    return names->key[len] || name_check(names->key, len, NULL) ? -EUCLEAN : 0;
}

void names_encode(const struct names_row *list, uint32_t rows, struct buf *buf)
{
    int64_t templates[NAMES_ROWS], lengths[NAMES_ROWS];
    bool same = true;
    for (uint32_t i = 0; i < rows; i++) {
        templates[i] = list[i].template;
        lengths[i] = (int64_t)strlen(list[i].key);
        same &= lengths[i] == lengths[0];
    }
    buf_varint(buf, rows);
    numbers_encode(templates, rows, buf);
    numbers_encode(lengths, rows, buf);
    for (int64_t k = 0; same && k < lengths[0]; k++)
        for (uint32_t i = 0; i < rows; i++)
            buf_u8(buf, (uint8_t)list[i].key[k]);
    for (uint32_t i = 0; !same && i < rows; i++)
        buf_append(buf, list[i].key, (size_t)lengths[i] + 1);
}

/* ---- templates ---- */

static bool take_file(struct names_template *template, struct cursor *c)
{
    struct catalog_file *file = &template->files[template->count++];
    *file = (struct catalog_file){.name = cursor_text(c)};
    file->ext = cursor_text(c);
    size_t name = strlen(file->name), ext = strlen(file->ext);
    if (c->failed || (name && name_check(file->name, name, NULL)) ||
        (ext && name_check(file->ext, ext, NULL)))
        return false;
    size_t longer = (name ? 1 + name : 0) + (ext ? 1 + ext : 0);
    template->longest = longer > template->longest ? longer : template->longest;
    bool json = (!name && !strcmp(file->ext, "json")) || (!ext && !strcmp(file->name, "json"));
    return !json;
}

int names_template_decode(const void *bytes, size_t len, struct names_template *ret)
{
    struct names_template template = {0};
    size_t cap = 0;
    bool good = true;
    buf_append(&template.bytes, bytes, len);
    struct cursor c = cursor_of(template.bytes.data, len);
    while (good && cursor_left(&c)) {
        mem_grow(&template.files, &cap, template.count + 1, sizeof *template.files);
        good = template.count < CLIP_STREAMS_MAX && take_file(&template, &c);
    }
    if (!good) {
        names_template_done(&template);
        return -EUCLEAN;
    }
    *ret = template;
    return 0;
}

void names_template_add(struct buf *buf, const char *name, const char *ext)
{
    buf_append(buf, name, strlen(name) + 1);
    buf_append(buf, ext, strlen(ext) + 1);
}

void names_template_done(struct names_template *template)
{
    buf_done(&template->bytes);
    free(template->files);
    *template = (struct names_template){0};
}
