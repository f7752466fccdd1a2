// SPDX-License-Identifier: Apache-2.0
/*
 * What the attributes `duration` and `fps` of the clip say; where they say nothing no event is too late, and
 * a frame is a tenth of a second.
 */
#include "tools/label/label_length.h"

#include <errno.h>
#include <string.h>

enum { FRAME_NS = 100 * 1000 * 1000 }; /* where it is not said */

static int take_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                      struct error *err)
{
    struct label_length *length = ctx;
    (void)err;
    if (!strcmp(attribute->name, "duration") && value->type == VALUE_DURATION)
        length->length_ns = value->integer;
    if (!strcmp(attribute->name, "fps") && value->type == VALUE_FLOAT && value->real >= 1)
        length->frame_ns = (int64_t)(1e9 / value->real);
    return 0;
}

int label_length_of(struct catalog_reader *reader, const char *key, struct label_length *ret,
                    struct error *err)
{
    uint32_t row;
    *ret = (struct label_length){.length_ns = -1, .frame_ns = FRAME_NS};
    struct error why = {0};
    int rc = catalog_clip_find(reader, key, strlen(key), &row, &why);
    if (rc)
        return rc == -ENOENT ? 0 : error_copy(err, &why);
    return catalog_clip_values(reader, row, take_value, ret, err);
}
