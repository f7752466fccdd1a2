// SPDX-License-Identifier: Apache-2.0
/* Table by table with the decoders of the catalog itself, so what they can read is what is found. */
#include "tests/catalog/unpacked.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cursor.h"
#include "cache/base/file.h"
#include "index/catalog/groups/names.h"
#include "index/catalog/packer.h"
#include "index/catalog/shard/dict.h"
#include "index/catalog/shard/shard_id.h"

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "unpacked: %s: cannot be read\n", what);
    abort();
}

struct unpacking {
    sqlite3 *db;
    struct packer *packer;
    struct buf *to;
};

typedef void take_fn(struct unpacking *u, int64_t id, const void *bytes, size_t len);

static void each(struct unpacking *u, const char *sql, take_fn *take)
{
    sqlite3_stmt *stmt;
    must(!sqlite3_prepare_v2(u->db, sql, -1, &stmt, NULL), sql);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(stmt, 1);
        take(u, sqlite3_column_int64(stmt, 0), bytes ? bytes : "", (size_t)sqlite3_column_bytes(stmt, 1));
        buf_u8(u->to, '\n');
    }
    sqlite3_finalize(stmt);
}

static void take_dictionary(struct unpacking *u, int64_t id, const void *bytes, size_t len)
{
    must(!packer_take_dictionary(u->packer, bytes, len), "a dictionary");
    buf_append(u->to, bytes, len);
}

static void take_packed(struct unpacking *u, int64_t id, const void *bytes, size_t len)
{
    must(!packer_unpack(u->packer, bytes, len, 1 << 30, u->to), "a packed row");
}

static void take_plain(struct unpacking *u, int64_t id, const void *bytes, size_t len)
{
    buf_append(u->to, bytes, len);
}

static void take_names(struct unpacking *u, int64_t id, const void *bytes, size_t len)
{
    struct names names;
    must(!names_decode(bytes, len, &names), "names");
    for (uint32_t i = 0; i < names.rows; i++) {
        must(!names_key(&names, i), "a name");
        buf_printf(u->to, "%s\n", names.key);
    }
}

static void take_key(struct unpacking *u, const struct shard_key *key)
{
    buf_append(u->to, key->text, key->len);
    buf_u8(u->to, '\n');
}

static void take_dict(struct unpacking *u, int64_t id, const void *bytes, size_t len)
{
    struct dict dict = {0};
    const char *why = dict_decode(bytes, len, true, 1u << 20, &dict);
    must(!why, why);
    for (size_t i = 0; i < dict.block_count; i++)
        take_key(u, &dict.blocks[i].key);
    for (size_t i = 0; i < dict.large_count; i++)
        take_key(u, &dict.large[i].key);
    dict_done(&dict);
}

static void take_block(struct unpacking *u, int64_t id, const void *bytes, size_t len)
{
    struct cursor c = cursor_of(bytes, len);
    struct shard_keys keys;
    uint64_t count = cursor_varint(&c), keys_len = cursor_varint(&c);
    cursor_varint(&c);
    shard_keys_init(&keys, cursor_sub(&c, keys_len), true, count);
    while (shard_keys_next(&keys))
        take_key(u, &keys.key);
    must(!keys.at.failed && !keys.left, "keys");
    shard_keys_done(&keys);
}

/* Of a table whose values are in pieces, numbered alike. */
static void each_in_pieces(struct unpacking *u, const char *sql)
{
    CLEANUP_BUF struct buf value = BUF_INIT;
    sqlite3_stmt *stmt;
    int64_t at = -1;
    must(!sqlite3_prepare_v2(u->db, sql, -1, &stmt, NULL), sql);
    for (bool more = true; more;) {
        more = sqlite3_step(stmt) == SQLITE_ROW;
        int64_t id = more ? sqlite3_column_int64(stmt, 0) : -1;
        if (id != at && at >= 0)
            take_packed(u, at, value.data, value.len);
        if (id != at)
            buf_clear(&value);
        at = id;
        if (more)
            buf_append(&value, sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1));
    }
    sqlite3_finalize(stmt);
}

void unpack_all(const char *path, struct buf *ret)
{
#define TEXTS "(SELECT id FROM attribute WHERE type = 4)"
    static const struct {
        const char *sql;
        take_fn *take;
    } tables[] = {
        {"SELECT id, bytes FROM dictionary", take_dictionary},
        {"SELECT part, records FROM forward", take_packed},
        {"SELECT part, records FROM event", take_packed},
        {"SELECT part, records FROM list", take_packed},
        {"SELECT id, bytes FROM inline", take_packed},
        {"SELECT object, bytes FROM recording", take_packed},
        {"SELECT id, bytes FROM late", take_packed},
        {"SELECT id, bytes FROM names", take_names},
        {"SELECT id, bytes FROM dict WHERE (id & 1048575) IN " TEXTS, take_dict},
        {"SELECT id, bytes FROM block WHERE (id >> 20 & 1048575) IN " TEXTS, take_block},
        {"SELECT attribute, bytes FROM work", take_plain},
    };
    static const char *const in_pieces[] = {"SELECT id >> 12, bytes FROM run ORDER BY id",
                                            "SELECT id >> 16, bytes FROM extra ORDER BY id",
                                            "SELECT id >> 8, bytes FROM file ORDER BY id"};
    struct error err = {0};
    struct unpacking u = {.packer = packer_new(), .to = ret};
    must(!file_read(path, 1 << 30, ret, &err), path);
    must(!sqlite3_open_v2(path, &u.db, SQLITE_OPEN_READONLY, NULL), path);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        each(&u, tables[i].sql, tables[i].take);
    for (size_t i = 0; i < sizeof in_pieces / sizeof *in_pieces; i++)
        each_in_pieces(&u, in_pieces[i]);
    sqlite3_close(u.db);
    packer_free(u.packer);
}
