// SPDX-License-Identifier: Apache-2.0
/*
 * A block of hashes: `from`, then its bytes. What is read is in order and in range, is found by its hash
 * within 64 entries, and encodes to a block that holds the same.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/base/cursor.h"
#include "index/catalog/hash/hash_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_MAX = 5000 };

static void must(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static int read_all(const struct hash_block *block, struct hash_entry *list, size_t *ret_count)
{
    struct hash_block_reader reader;
    struct hash_entry entry;
    int rc;
    hash_block_seek(block, 0, &reader);
    for (*ret_count = 0; *ret_count < ENTRIES_MAX && (rc = hash_block_next(&reader, &entry)) == 1;
         ++*ret_count) {
        const struct hash_entry *before = *ret_count ? &list[*ret_count - 1] : NULL;
        must(entry.hash >= block->from && entry.hash <= block->last);
        must(!before || before->hash < entry.hash ||
             (before->hash == entry.hash && before->number < entry.number));
        list[*ret_count] = entry;
    }
    return *ret_count == ENTRIES_MAX ? 1 : rc;
}

static void find_any(const struct hash_block *block, uint32_t hash, bool is_there)
{
    struct hash_block_reader reader;
    struct hash_entry entry = {0};
    int rc, passed = 0;
    hash_block_seek(block, hash, &reader);
    while ((rc = hash_block_next(&reader, &entry)) == 1 && entry.hash < hash)
        passed++;
    must(!is_there || (rc == 1 && entry.hash == hash && passed <= 64));
}

static void check_again(const struct hash_block *block, const struct hash_entry *list, size_t count)
{
    static struct hash_entry again[ENTRIES_MAX];
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct hash_block made;
    size_t made_count;
    if (hash_block_bytes(count, list[count - 1].hash - list[0].hash, UINT32_MAX) > HASH_BLOCK_BYTES)
        return;
    hash_block_encode(list, count, block->last, &bytes);
    must(hash_block_open(block->from, bytes.data, bytes.len, &made));
    must(!read_all(&made, again, &made_count) && made_count == count);
    must(!memcmp(list, again, count * sizeof *list));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hash_entry list[ENTRIES_MAX];
    struct cursor c = cursor_of(data, size);
    struct hash_block block;
    size_t count;
    uint32_t from = cursor_le32(&c);
    if (c.failed || !hash_block_open(from, data + c.at, cursor_left(&c), &block))
        return 0;
    int rc = read_all(&block, list, &count);
    for (size_t i = 0; i < count; i += 1 + count / 50)
        find_any(&block, list[i].hash, !rc);
    find_any(&block, from, false);
    find_any(&block, UINT32_MAX, false);
    if (!rc)
        check_again(&block, list, count);
    return 0;
}
