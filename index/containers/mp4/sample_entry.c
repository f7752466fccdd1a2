// SPDX-License-Identifier: Apache-2.0
/* Codec configuration is read for one field: how long a NAL unit's length is, to look into sync samples. */
#include "index/containers/mp4/sample_entry.h"

#include <errno.h>
#include <inttypes.h>

#include "cache/base/memory.h"

/* Where lengthSizeMinusOne stands in avcC and hvcC (14496-15 sections 5.3.3.1 and 8.3.3.1). */
enum { AVCC_LENGTH_AT = 4, HVCC_LENGTH_AT = 21 };

static uint8_t nal_length_of(const struct box *config, size_t at)
{
    struct cursor c = config->body;
    cursor_skip(&c, at);
    uint8_t len = (uint8_t)((cursor_u8(&c) & 3) + 1);
    return c.failed || len == 3 ? 0 : len;
}

/* Section 12.1.3: behind the common 8 bytes 16 predefined, width, height, 50 more, then boxes. */
static int read_visual(struct box *entry, struct sample_entry *ret, struct error *err)
{
    struct cursor *c = &entry->body;
    cursor_skip(c, 16);
    ret->width = cursor_be16(c);
    ret->height = cursor_be16(c);
    cursor_skip(c, 50);
    if (c->failed)
        return box_check_read(entry, err);
    struct boxes boxes = boxes_in(entry);
    struct box box;
    /* QuickTime entries may hold a colour table here: what is no box ends the search, not the file. */
    while (boxes_next(&boxes, &box, NULL) > 0) {
        if (box.header.type == BOX_TYPE('a', 'v', 'c', 'C'))
            ret->nal_length = nal_length_of(&box, AVCC_LENGTH_AT);
        else if (box.header.type == BOX_TYPE('h', 'v', 'c', 'C'))
            ret->nal_length = nal_length_of(&box, HVCC_LENGTH_AT);
    }
    return 0;
}

static int read_entry(struct box *entry, bool video, struct sample_entry *ret, struct error *err)
{
    *ret = (struct sample_entry){.type = entry->header.type};
    if (ret->type == BOX_TYPE('e', 'n', 'c', 'v') || ret->type == BOX_TYPE('e', 'n', 'c', 'a') ||
        ret->type == BOX_TYPE('d', 'r', 'm', 'i') || ret->type == BOX_TYPE('d', 'r', 'm', 's'))
        return box_fail(entry, ENOTSUP, err, "the track is encrypted");
    cursor_skip(&entry->body, 8);
    if (entry->body.failed)
        return box_check_read(entry, err);
    return video ? read_visual(entry, ret, err) : 0;
}

int sample_entries_read(const struct box *stsd, bool video, struct sample_entry **ret, size_t *ret_count,
                        struct error *err)
{
    struct box box = *stsd;
    int rc = box_version(&box, 1, NULL, err);
    if (rc < 0)
        return rc;
    uint32_t count = cursor_be32(&box.body);
    if (box.body.failed || !count || count > SAMPLE_ENTRIES_MAX)
        return box_fail(&box, EINVAL, err, "has %" PRIu32 " sample entries", count);
    CLEANUP_FREE struct sample_entry *entries = mem_zero(count * sizeof *entries);
    struct boxes boxes = boxes_in(&box);
    for (uint32_t i = 0; i < count; i++) {
        struct box entry;
        rc = boxes_next(&boxes, &entry, err);
        if (rc == 0)
            return box_fail(&box, EINVAL, err, "has %" PRIu32 " of %" PRIu32 " sample entries", i, count);
        if (rc < 0 || (rc = read_entry(&entry, video, &entries[i], err)))
            return rc;
    }
    *ret = STEAL(entries);
    *ret_count = count;
    return 0;
}
