// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error, or a set that can be used and that encodes and decodes to itself. */
#include "index/base/rowset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_ROWSET struct rowset *set = NULL, *again = NULL;
    if (rowset_decode("input", data, size, 0, &set, NULL))
        return 0;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    rowset_encode(set, &bytes);
    if (rowset_decode("again", bytes.data, bytes.len, 0, &again, NULL))
        __builtin_trap();
    uint32_t rows[64];
    size_t count = rowset_rows(set, 0, rows, 64);
    for (size_t i = 0; i < count; i++)
        if (!rowset_contains(again, rows[i]))
            __builtin_trap();
    if (rowset_count(set) != rowset_count(again) || rowset_and_count(set, again) != rowset_count(set))
        __builtin_trap();
    rowset_andnot(again, set);
    if (!rowset_empty(again))
        __builtin_trap();
    return 0;
}
