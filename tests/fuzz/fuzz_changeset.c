// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error, or a change set whose log is those very bytes and that reads to its end. */
#include <string.h>

#include "index/commit/changeset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct changeset *set = NULL;
    struct error err;
    if (changeset_decode(data, size, &set, &err))
        return 0;
    const struct buf *log = changeset_log(set);
    if (log->len != size || memcmp(log->data, data, size) != 0)
        __builtin_trap();
    struct changeset_reader reader = CHANGESET_READER(set);
    struct changeset_op op;
    while (changeset_next(&reader, &op))
        ;
    changeset_reader_done(&reader);
    changeset_free(set);
    return 0;
}
