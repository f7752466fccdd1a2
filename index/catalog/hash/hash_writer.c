// SPDX-License-Identifier: Apache-2.0
/* A block ends where the next hash would make it too large; equal hashes stay together, so that one block
 * answers for a hash, even if that alone makes it larger than blocks should be. */
#include "index/catalog/hash/hash_writer.h"

#include <stdlib.h>

void hash_writer_done(struct hash_writer *writer)
{
    free(writer->list);
    *writer = (struct hash_writer){0};
}

static size_t bytes_with(const struct hash_writer *writer, const struct hash_entry *entry)
{
    uint32_t least = writer->least, most = writer->most, last = writer->list[writer->count - 1].hash;
    if (entry) {
        least = entry->number < least ? entry->number : least;
        most = entry->number > most ? entry->number : most;
        last = entry->hash;
    }
    return hash_block_bytes(writer->count + (entry != NULL), last - writer->list[0].hash, most - least);
}

static void push(struct hash_writer *writer, struct hash_entry entry)
{
    if (writer->count && writer->list[writer->count - 1].hash != entry.hash)
        writer->group = writer->count;
    if (!writer->count || entry.number < writer->least)
        writer->least = entry.number;
    if (!writer->count || entry.number > writer->most)
        writer->most = entry.number;
    mem_grow(&writer->list, &writer->cap, writer->count + 1, sizeof *writer->list);
    writer->list[writer->count++] = entry;
}

static int put_block(struct hash_writer *writer, size_t count, uint32_t last, struct error *err)
{
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int rc = db_query(writer->db, QUERY_HASH_ADD, &stmt, err);
    if (rc)
        return rc;
    hash_block_encode(writer->list, count, last, &bytes);
    db_bind_number(stmt, 1, hash_block_id(writer->run, writer->from));
    db_bind_bytes(stmt, 2, bytes.data, bytes.len);
    writer->bytes += bytes.len;
    writer->entries += count;
    return db_run(writer->db, stmt, err);
}

/* One block of what is there, before the hash `next` (HASH_END: there is none). */
static int flush(struct hash_writer *writer, uint64_t next, struct error *err)
{
    bool splits = writer->group && bytes_with(writer, NULL) > HASH_BLOCK_BYTES;
    size_t count = splits ? writer->group : writer->count, left = writer->count - count;
    if (splits)
        next = writer->list[count].hash;
    int rc = put_block(writer, count, (uint32_t)(next - 1), err);
    if (rc)
        return rc;
    writer->from = (uint32_t)next;
    writer->count = writer->group = 0;
    for (size_t i = 0; i < left; i++)
        push(writer, writer->list[count + i]);
    return 0;
}

int hash_writer_add(struct hash_writer *writer, struct hash_entry entry, struct error *err)
{
    const struct hash_entry *last = writer->count ? &writer->list[writer->count - 1] : NULL;
    int rc = 0;
    if (last && last->hash == entry.hash && last->number == entry.number)
        return 0;
    if (!last || last->hash != entry.hash)
        while (!rc && writer->count && bytes_with(writer, &entry) > HASH_BLOCK_BYTES)
            rc = flush(writer, entry.hash, err);
    if (!rc)
        push(writer, entry);
    return rc;
}

int hash_writer_finish(struct hash_writer *writer, struct error *err)
{
    int rc = 0;
    while (!rc && writer->count)
        rc = flush(writer, HASH_END, err);
    return rc;
}
