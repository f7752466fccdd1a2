// SPDX-License-Identifier: Apache-2.0
/*
 * What the attributes `duration` and `fps` of the clip say; where they say nothing no event is too late, and
 * a frame is a tenth of a second.
 */
#include "tools/label/label_length.h"

#include <errno.h>
#include <string.h>

enum { FRAME_NS = 100 * 1000 * 1000 }; /* where it is not said */

static const struct {
    const char *name;
    enum value_type type;
} told_by[] = {{"duration", VALUE_DURATION}, {"fps", VALUE_FLOAT}};

static int take_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                      struct error *err)
{
    struct label_length *length = ctx;
    (void)attribute;
    (void)err;
    if (value->type == VALUE_DURATION)
        length->length_ns = value->integer;
    else if (value->real >= 1)
        length->frame_ns = (int64_t)(1e9 / value->real);
    return 0;
}

int label_lengths_find(struct catalog_reader *reader, struct label_lengths *ret, struct error *err)
{
    struct catalog_attribute found;
    int rc = 0;
    ret->count = 0;
    for (size_t i = 0; !rc && i < sizeof told_by / sizeof *told_by; i++) {
        struct error why = {0};
        rc = catalog_attribute_find(reader, told_by[i].name, strlen(told_by[i].name), &found, &why);
        if (!rc && found.type == told_by[i].type)
            ret->ids[ret->count++] = found.id;
        rc = rc == -ENOENT ? 0 : rc ? error_copy(err, &why) : 0;
    }
    if (ret->count == 2 && ret->ids[0] > ret->ids[1]) {
        uint32_t first = ret->ids[1];
        ret->ids[1] = ret->ids[0];
        ret->ids[0] = first;
    }
    return rc;
}

int label_length_of(struct catalog_reader *reader, const struct label_lengths *lengths, const char *key,
                    struct label_length *ret, struct error *err)
{
    uint32_t row;
    *ret = (struct label_length){.length_ns = -1, .frame_ns = FRAME_NS};
    if (!lengths->count)
        return 0;
    struct error why = {0};
    int rc = catalog_clip_find(reader, key, strlen(key), &row, &why);
    if (rc)
        return rc == -ENOENT ? 0 : error_copy(err, &why);
    const struct catalog_some some = {lengths->ids, lengths->count};
    return catalog_clip_some(reader, row, &some, take_value, ret, err);
}
