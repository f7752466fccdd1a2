// SPDX-License-Identifier: Apache-2.0
/* Whatever a side file holds: the table of blocks stays sound, and no block is believed without a record that
 * says so. The first byte chooses how long the virtual file is. */
#include "cache/side.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[SHA256_BYTES] = {1, 2, 3};
    struct blocks blocks;
    struct error err;
    if (!size || blocks_init(&blocks, (uint64_t)data[0] * 3000, CACHE_BLOCK_BYTES, NULL))
        return 0;
    data++, size--;
    int rc = side_header_check(data, size, key, &blocks, &err);
    if (!rc && size < SIDE_HEADER_BYTES)
        __builtin_trap();
    size_t skip = size < SIDE_HEADER_BYTES ? size : SIDE_HEADER_BYTES;
    uint64_t first = data[-1] % 4, bad = side_records_load(data + skip, size - skip, first, &blocks);
    if (bad + blocks.in_state[BLOCK_DISK] > (size - skip) / SIDE_RECORD_BYTES)
        __builtin_trap();
    blocks_check(&blocks);
    blocks_done(&blocks);
    return 0;
}
