// SPDX-License-Identifier: Apache-2.0
/* Tables of blobs have rowids (SQLite keeps a page's worth of such a row off the tree); the keyed ones have
 * not. Sorted runs of hashes, one an import, stand in for an index on random keys, which would dirty a page a
 * row. */
#include "index/catalog/schema.h"

#include <stddef.h>

const char *const schema_tables[] = {
    "CREATE TABLE meta(name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE version(version INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL)",
    "CREATE TABLE names(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE template(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE sizes(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE growth(version INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE grown(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE newest(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE ident(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE hash(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE forward(part INTEGER PRIMARY KEY, records BLOB NOT NULL)",
    "CREATE TABLE extra(row INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE stream(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE inline(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE object(id INTEGER PRIMARY KEY, root INTEGER NOT NULL, path TEXT NOT NULL, size INTEGER NOT "
    "NULL, "
    "pin TEXT NOT NULL)",
    "CREATE TABLE recording(object INTEGER PRIMARY KEY, container TEXT NOT NULL, bytes BLOB NOT NULL)",
    "CREATE TABLE attribute(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type INTEGER NOT NULL, "
    "multi INTEGER NOT NULL, listed INTEGER NOT NULL, posting INTEGER NOT NULL, clips INTEGER NOT NULL, "
    "different INTEGER NOT NULL)",
    "CREATE TABLE value(attribute INTEGER NOT NULL, value NOT NULL, clips INTEGER NOT NULL, few BLOB, "
    "posting INTEGER, PRIMARY KEY(attribute, value)) WITHOUT ROWID",
    "CREATE TABLE posting(id INTEGER PRIMARY KEY, rows BLOB NOT NULL)",
    "CREATE TABLE part(id INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL, clips INTEGER "
    "NOT NULL, "
    "different INTEGER NOT NULL, step INTEGER NOT NULL, width INTEGER NOT NULL, codes BLOB NOT NULL)",
    "CREATE TABLE origin(id INTEGER PRIMARY KEY, setter TEXT NOT NULL, version INTEGER NOT NULL)",
    "CREATE TABLE event(part INTEGER PRIMARY KEY, records BLOB NOT NULL)",
    "CREATE TABLE description(attribute INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE former(name TEXT PRIMARY KEY, attribute INTEGER) WITHOUT ROWID",
    "CREATE TABLE evidence(object INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE list(part INTEGER PRIMARY KEY, records BLOB NOT NULL)",
    NULL,
};

const char *const schema_hot_tables[] = {"sqlite_schema", "meta",        "version", "attribute",
                                         "origin",        "description", "former",  NULL};

const char *const schema_queries[QUERY_COUNT] = {
    [QUERY_ROOTS] = "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0",
    [QUERY_META] = "SELECT number FROM meta WHERE name = ?",
    [QUERY_VERSION_TIME] = "SELECT time_ns FROM version WHERE version = ?",
    [QUERY_POSTINGS] = "SELECT id, rows FROM posting WHERE id BETWEEN ? AND ? ORDER BY id",
    [QUERY_ATTRIBUTES] =
        "SELECT id, name, type, multi, listed, posting, clips, different FROM attribute ORDER BY id",
    [QUERY_VALUE] = "SELECT value, clips, few, posting FROM value WHERE attribute = ? AND value = ?",
    [QUERY_VALUES] = "SELECT value, clips, few, posting FROM value WHERE attribute = ? ORDER BY value",
    [QUERY_VALUES_FROM] =
        "SELECT value, clips, few, posting FROM value WHERE attribute = ? AND value >= ? ORDER BY value",
    [QUERY_PARTS] = "SELECT id, low, high, clips, different, step, width, codes FROM part WHERE id BETWEEN ? "
                    "AND ? ORDER BY id",
    [QUERY_CLIPS] =
        "SELECT names.bytes, sizes.bytes, grown.bytes FROM names JOIN sizes ON sizes.id = names.id "
        "LEFT JOIN grown ON grown.id = names.id >> 4 WHERE names.id = ?",
    [QUERY_KEYS] = "SELECT id, bytes FROM names ORDER BY id",
    [QUERY_NAMES] = "SELECT bytes FROM names WHERE id = ?",
    [QUERY_TEMPLATE] = "SELECT bytes FROM template WHERE id = ?",
    [QUERY_TEMPLATES] = "SELECT id, bytes FROM template ORDER BY id DESC LIMIT ?",
    [QUERY_SIZES] = "SELECT bytes FROM sizes WHERE id = ?",
    [QUERY_GROWTHS] = "SELECT version, bytes FROM growth ORDER BY version",
    [QUERY_GROWN] = "SELECT bytes FROM grown WHERE id = ?",
    [QUERY_NEWEST] = "SELECT bytes FROM newest WHERE id = ?",
    [QUERY_IDENT] = "SELECT bytes FROM ident WHERE id = ?",
    [QUERY_GROUP] = "SELECT records FROM forward WHERE part = ?",
    [QUERY_EXTRA] = "SELECT bytes FROM extra WHERE row = ?",
    [QUERY_STREAM] = "SELECT bytes FROM stream WHERE id = ?",
    [QUERY_STREAMS] = "SELECT id, bytes FROM stream ORDER BY id",
    [QUERY_INLINE] = "SELECT bytes FROM inline WHERE id = ?",
    [QUERY_RECORDING] = "SELECT container, bytes FROM recording WHERE object = ?",
    [QUERY_EVIDENCE] = "SELECT bytes FROM evidence WHERE object = ?",
    [QUERY_OBJECT] = "SELECT root, path, size, pin FROM object WHERE id = ?",
    [QUERY_HASH] = "SELECT id, bytes FROM hash WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
    [QUERY_ORIGIN] = "SELECT setter, version FROM origin WHERE id = ?",
    [QUERY_EVENTS] = "SELECT records FROM event WHERE part = ?",
    [QUERY_LISTS] = "SELECT records FROM list WHERE part = ?",
    [QUERY_DESCRIPTION] = "SELECT text FROM description WHERE attribute = ?",
    [QUERY_FORMER] = "SELECT attribute FROM former WHERE name = ?",
    [QUERY_META_PUT] = "INSERT OR REPLACE INTO meta VALUES(?, ?)",
    [QUERY_VERSION_PUT] = "INSERT INTO version VALUES(?, ?)",
    [QUERY_POSTING_PUT] = "INSERT OR REPLACE INTO posting VALUES(?, ?)",
    [QUERY_POSTING_DROP] = "DELETE FROM posting WHERE id BETWEEN ? AND ?",
    [QUERY_ATTRIBUTE_PUT] = "INSERT OR REPLACE INTO attribute VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [QUERY_VALUE_PUT] = "INSERT OR REPLACE INTO value VALUES(?, ?, ?, ?, ?)",
    [QUERY_VALUE_DROP] = "DELETE FROM value WHERE attribute = ? AND value = ?",
    [QUERY_VALUES_DROP] = "DELETE FROM value WHERE attribute = ?",
    [QUERY_PART_PUT] = "INSERT OR REPLACE INTO part VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [QUERY_PART_DROP] = "DELETE FROM part WHERE id BETWEEN ? AND ?",
    [QUERY_NAMES_PUT] = "INSERT OR REPLACE INTO names VALUES(?, ?)",
    [QUERY_TEMPLATE_PUT] = "INSERT INTO template VALUES(?, ?)",
    [QUERY_SIZES_PUT] = "INSERT OR REPLACE INTO sizes VALUES(?, ?)",
    [QUERY_GROWTH_PUT] = "INSERT OR REPLACE INTO growth VALUES(?, ?)",
    [QUERY_GROWTHS_DROP] = "DELETE FROM growth WHERE version BETWEEN ? AND ?",
    [QUERY_GROWN_PUT] = "INSERT OR REPLACE INTO grown VALUES(?, ?)",
    [QUERY_NEWEST_PUT] = "INSERT OR REPLACE INTO newest VALUES(?, ?)",
    [QUERY_IDENT_PUT] = "INSERT OR REPLACE INTO ident VALUES(?, ?)",
    [QUERY_GROUP_PUT] = "INSERT OR REPLACE INTO forward VALUES(?, ?)",
    [QUERY_EXTRA_PUT] = "INSERT OR REPLACE INTO extra VALUES(?, ?)",
    [QUERY_EXTRA_DROP] = "DELETE FROM extra WHERE row = ?",
    [QUERY_STREAM_PUT] = "INSERT OR REPLACE INTO stream VALUES(?, ?)",
    [QUERY_INLINE_PUT] = "INSERT INTO inline VALUES(?, ?)",
    [QUERY_INLINES_DROP] = "DELETE FROM inline WHERE id BETWEEN ? AND ?",
    [QUERY_OBJECT_PUT] = "INSERT INTO object VALUES(?, ?, ?, ?, ?)",
    [QUERY_EVIDENCE_PUT] = "INSERT OR IGNORE INTO evidence VALUES(?, ?)",
    [QUERY_RECORDING_PUT] = "INSERT OR REPLACE INTO recording VALUES(?, ?, ?)",
    [QUERY_HASH_ADD] = "INSERT INTO hash VALUES(?, ?)",
    [QUERY_HASH_PUT] = "INSERT OR REPLACE INTO hash VALUES(?, ?)",
    [QUERY_HASH_DROP] = "DELETE FROM hash WHERE id BETWEEN ? AND ?",
    [QUERY_ATTRIBUTE_DROP] = "DELETE FROM attribute WHERE id = ?",
    [QUERY_ORIGIN_PUT] = "INSERT INTO origin VALUES(?, ?, ?)",
    [QUERY_EVENTS_PUT] = "INSERT OR REPLACE INTO event VALUES(?, ?)",
    [QUERY_LISTS_PUT] = "INSERT OR REPLACE INTO list VALUES(?, ?)",
    [QUERY_LISTS_DROP] = "DELETE FROM list WHERE part BETWEEN ? AND ?",
    [QUERY_DESCRIPTION_PUT] = "INSERT OR REPLACE INTO description VALUES(?, ?)",
    [QUERY_DESCRIPTION_DROP] = "DELETE FROM description WHERE attribute = ?",
    [QUERY_FORMER_PUT] = "INSERT OR REPLACE INTO former VALUES(?, ?)",
    [QUERY_FORMER_DROP] = "DELETE FROM former WHERE name = ?",
    [QUERY_FORMERS_FORGET] = "UPDATE former SET attribute = NULL WHERE attribute = ?",
};
