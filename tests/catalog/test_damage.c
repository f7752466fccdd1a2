// SPDX-License-Identifier: Apache-2.0
/* Rows that nobody honest writes, in each table and column: a reader says that the catalog is damaged, and
 * where, or answers as if nothing were wrong because that row is not read; nothing else. And bytes of blobs,
 * of which some are other sound ones: then answers may be others, but nothing worse. ELIDEFS_SEED and
 * ELIDEFS_TEST_TRIES (bytes of each blob) choose which. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/catalog/packer.h"
#include "tests/catalog/asked.h"
#include "tests/catalog/everything.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

enum { CLIPS = 300, STEP = 20 };

static struct world {
    struct versions versions;
    char *path;
    struct buf loose; /* the file, in whose schema nothing is NOT NULL */
    sqlite3 *db;      /* while it is being changed */
    struct packer *packer;
    struct asked sound; /* what is answered before anything is damaged */
} world;

static int run(const char *sql)
{
    return sqlite3_exec(world.db, sql, NULL, NULL, NULL);
}

static void must_run(const char *sql)
{
    cr_assert_eq(run(sql), 0, "%s: %s", sql, sqlite3_errmsg(world.db));
}

/* pack(blob), unpack(blob) */
static void repack(sqlite3_context *ctx, int count, sqlite3_value **values)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    const void *bytes = sqlite3_value_blob(values[0]);
    size_t len = (size_t)sqlite3_value_bytes(values[0]);
    if (sqlite3_user_data(ctx))
        packer_pack(world.packer, bytes ? bytes : "", len, PACKER_SAVING_PERCENT, &buf);
    else
        cr_assert_eq(packer_unpack(world.packer, bytes, len, 1 << 20, &buf), 0);
    sqlite3_result_blob(ctx, buf.len ? (const char *)buf.data : "", (int)buf.len, SQLITE_TRANSIENT);
}

static void open_file(void)
{
    cr_assert_eq(sqlite3_open(world.path, &world.db), 0);
    must_run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA writable_schema = ON");
    sqlite3_create_function(world.db, "pack", 1, SQLITE_UTF8, &world, repack, NULL, NULL);
    sqlite3_create_function(world.db, "unpack", 1, SQLITE_UTF8, NULL, repack, NULL, NULL);
}

static void close_file(void)
{
    cr_assert_eq(sqlite3_close(STEAL(world.db)), 0);
}

static struct asked ask(void)
{
    struct asked asked = {0};
    ask_path(world.path, STEP, &asked);
    return asked;
}

static void take_dictionary(void)
{
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_prepare_v2(world.db, "SELECT bytes FROM dictionary", -1, &stmt, NULL), 0);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "the test needs one");
    cr_assert_eq(packer_take_dictionary(world.packer, sqlite3_column_blob(stmt, 0),
                                        (size_t)sqlite3_column_bytes(stmt, 0)),
                 0);
    sqlite3_finalize(stmt);
}

static void made(void)
{
    struct error err = {0};
    everything_make(&world.versions, CLIPS);
    world.path = versions_path(&world.versions, world.versions.head);
    world.packer = packer_new();
    world.sound = ask();
    cr_assert(!world.sound.damaged && !world.sound.strange.code, "%s %s", world.sound.said.text,
              world.sound.strange.text);
    open_file();
    take_dictionary();
    must_run("UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', ' DEFAULT 7')");
    close_file();
    cr_assert_eq(file_read(world.path, 1 << 24, &world.loose, &err), 0, "%s", err.text);
}

static void removed(void)
{
    packer_free(world.packer);
    buf_done(&world.loose);
    free(world.path);
    versions_done(&world.versions);
}

/* False: it changes nothing, or the schema itself does not allow it. */
static bool damage(const char *sql)
{
    CLEANUP_CLOSE int fd = open(world.path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert_eq(file_write_all(fd, world.loose.data, world.loose.len), 0);
    open_file();
    bool done = !run(sql) && sqlite3_changes(world.db);
    must_run("UPDATE sqlite_schema SET sql = replace(sql, ' DEFAULT 7', ' NOT NULL')");
    close_file();
    return done;
}

/* ---- what is put there ---- */

struct kind {
    const char *name, *sql; /* %1$s: what was there */
};
static const struct kind blob_kinds[] = {
    {"half of it", "substr(%1$s, 1, length(%1$s) / 2)"},
    {"one byte less", "substr(%1$s, 1, length(%1$s) - 1)"},
    {"no byte", "x''"},
    {"a byte more", "CAST(%1$s || x'00' AS BLOB)"},
    {"bytes without end", "CAST(%1$s || replace(hex(zeroblob(3000)), '00', CAST(x'ff' AS TEXT)) AS BLOB)"},
    {"counts without end", "CAST(x'ffffffffffffffff7f' || %1$s AS BLOB)"},
    {NULL, NULL},
};
static const struct kind other_kinds[] = {
    {"text", "'x'"},
    {"a number", "7"},
    {"a negative number", "-1"},
    {"2^31", "1 << 31"},
    {"2^32", "1 << 32"},
    {"2^63 - 1", "9223372036854775807"},
    {"-2^63", "-9223372036854775807 - 1"},
    {"a fraction", "1.5"},
    {"nothing", "NULL"},
    {"a long text", "hex(zeroblob(40000))"},
    {"a text with a NUL", "CAST(x'610062' AS TEXT)"},
    {"no good UTF-8", "CAST(x'ff61ff' AS TEXT)"},
    {"an empty text", "''"},
    {NULL, NULL},
};

/* ---- tables ---- */

static const struct table {
    const char *name;
    const char *packed;  /* its column that is packed, or "" */
    const char *says[4]; /* one of these stands in the message, or the statement that reads it */
    bool optional;       /* a row that is not there says something, too */
    bool opaque;         /* fewer bytes, or others, may be sound ones */
} tables[] = {
    {"meta", "", {"meta", "live rows are not as many", "the number '"}, .optional = true},
    {"version", "", {"the time of version"}},
    {"names", "", {"names of row", "the row"}},
    {"template", "", {"names of streams number", "sizes of row"}},
    {"sizes", "", {"sizes of row", "the row"}},
    {"growth", "", {"run", "the attributes of 'ep"}, .optional = true},
    {"grown", "", {"growth of row", "the attributes of 'ep"}, .optional = true},
    {"newest", "", {"newest versions of part"}, .optional = true},
    {"ident", "", {"times and fingerprint of row", "the times of row"}},
    {"hash", "", {"hashes"}},
    {"forward", "records", {"record of row", "the attributes of 'ep"}},
    {"dictionary",
     "",
     {"dictionary", "forward", "record of row", "the attributes of 'ep"},
     .optional = true,
     .opaque = true},
    {"extra", "bytes", {"extra of row"}, .optional = true, .opaque = true},
    {"stream", "", {"streams of row", "group 0 of streams", "a stream of the clip 'ep"}},
    {"inline", "bytes", {"stream of row"}},
    {"object", "", {"object"}},
    {"recording", "bytes", {"recording of object"}, .optional = true, .opaque = true},
    {"attribute", "", {"attribute", "dict", "the attributes of 'ep"}},
    {"live", "", {"live"}},
    {"posting", "", {"posting"}},
    {"part", "", {"part"}, .optional = true},
    {"codes", "", {"part"}},
    {"shards", "", {"shards of attribute", "counts of the attribute"}, .optional = true, .opaque = true},
    {"dict", "", {"dict", "counts of the attribute"}, .optional = true},
    {"block", "", {"block"}},
    {"members", "", {"members", "block"}},
    {"origin", "", {"origin"}},
    {"event", "records", {"events of row", "the attributes of 'ep"}},
    {"description", "", {"description"}, .optional = true},
    {"former", "", {"the attribute that was"}, .optional = true},
    {"evidence", "", {"evidence"}, .optional = true},
    {"list", "records", {"list", "the attributes of 'ep"}},
    {"state", "", {"state of", "the attributes of 'ep"}, .optional = true},
    {"run", "bytes", {"run"}},
    {"late", "bytes", {"late", "record of row"}},
    {"source", "", {"source"}, .optional = true},
    {"file", "bytes", {"source"}, .opaque = true},
    {"sourced", "", {"sources of row", "has no source"}, .optional = true, .opaque = true},
};

static bool says(const struct table *table, const char *text)
{
    const char *statement = strstr(text, "SELECT ");
    for (size_t i = 0; i < 4 && table->says[i]; i++)
        if (strstr(text, table->says[i]))
            return true;
    return statement && strstr(statement, table->name);
}

/* `free`: other answers are right, too. True: it was told. */
static bool check(const struct table *table, const char *sql, bool free)
{
    if (!damage(sql))
        return false;
    struct asked asked = ask();
    cr_assert(!asked.strange.code, "%s: %s", sql, asked.strange.text);
    cr_assert(!asked.damaged || says(table, asked.said.text), "%s: %s", sql, asked.said.text);
    cr_assert(asked.damaged || free || asked.answers == world.sound.answers, "%s: another answer", sql);
    return asked.damaged;
}

/* What can be said of it depends on the other row; it is nothing worse than damage, or another answer. */
static void try_sql(const char *sql)
{
    if (!damage(sql))
        return;
    struct asked asked = ask();
    cr_assert(!asked.strange.code, "%s: %s", sql, asked.strange.text);
}

/* What each other row has, in the first and in the last one. */
static void try_doubles(const struct table *table, const char *key, const char *column)
{
    static const char *const ends[] = {"min", "max"};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP_FREE char *sql =
            mem_printf("UPDATE %s SET %s = (SELECT %s(%s) FROM %s) WHERE %s = (SELECT %s(%s) FROM %s)",
                       table->name, column, ends[i], column, table->name, key, ends[1 - i], key, table->name);
        try_sql(sql);
    }
}

/* Kinds of one column; how many of them were told. */
static unsigned try_column(const struct table *table, const char *key, const char *column,
                           const struct kind *kinds, bool free)
{
    size_t count = 0;
    unsigned told = 0;
    while (kinds[count].name)
        count++;
    bool packed = kinds == blob_kinds && !strcmp(column, table->packed);
    for (size_t i = 0; i < count * (packed ? 2 : 1); i++) {
        bool unpack = i >= count;
        CLEANUP_FREE char *was = unpack ? mem_printf("unpack(%s)", column) : mem_text(column);
        CLEANUP_FREE char *now = mem_printf(kinds[i % count].sql, was);
        CLEANUP_FREE char *sql =
            mem_printf(unpack ? "UPDATE %s SET %s = pack(%s) WHERE %s = (SELECT min(%s) FROM %s)"
                              : "UPDATE %s SET %s = %s WHERE %s = (SELECT min(%s) FROM %s)",
                       table->name, column, now, key, key, table->name);
        told += check(table, sql, free);
    }
    return told;
}

/* The columns of a table, as the schema's text names them: "name TYPE ...". */
static void try_table(size_t number)
{
    const struct table *table = &tables[number];
    CLEANUP_FREE char *columns = mem_text(strchr(schema_tables[number], '(') + 1);
    char *key = NULL, *rest;
    unsigned told = 0;
    for (char *at = strtok_r(columns, ",)", &rest); at; at = strtok_r(NULL, ",)", &rest)) {
        at += strspn(at, " ");
        bool blob = strstr(at, " BLOB");
        if (!strchr(at, ' '))
            continue;
        *strchr(at, ' ') = 0;
        key = key ? key : at;
        told += try_column(table, key, at, other_kinds, !blob);
        if (blob)
            told += try_column(table, key, at, blob_kinds, table->opaque);
        try_doubles(table, key, at);
    }
    CLEANUP_FREE char *gone = mem_printf("DELETE FROM %s", table->name);
    told += check(table, gone, table->optional);
    cr_assert_geq(told, 2, "%s: told %u times", table->name, told);
}

CHECKED_TEST(damage, rows_that_nobody_writes_are_told_or_not_read, made, removed)
{
    for (size_t i = 0; schema_tables[i]; i++) {
        char name[32];
        cr_assert_eq(sscanf(schema_tables[i], "CREATE TABLE %31[a-z]", name), 1);
        if (!strcmp(name, "work")) /* the last one: readers do not read it */
            continue;
        cr_assert_str_eq(name, tables[i].name, "each table of the schema is tried");
        try_table(i);
    }
}

/* ---- bytes of blobs ---- */

static unsigned number_of(const char *variable, unsigned otherwise)
{
    const char *text = getenv(variable);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* One byte of a blob, or of what it holds packed, gets another value. */
static void flip_byte(const struct table *table, const char *columns, unsigned *seed)
{
    char key[32], blob[32], was[64];
    const char *at = strstr(columns, " BLOB");
    if (!at)
        return;
    while (at[-1] != ' ')
        at--;
    cr_assert_eq(sscanf(columns, "(%31[a-z]", key), 1);
    cr_assert_eq(sscanf(at, "%31[a-z]", blob), 1);
    bool packed = !strcmp(blob, table->packed) && rand_r(seed) % 4;
    snprintf(was, sizeof was, packed ? "unpack(%s)" : "%s", blob);
    unsigned place = (unsigned)rand_r(seed), row = (unsigned)rand_r(seed),
             byte = (unsigned)rand_r(seed) % 256;
    CLEANUP_FREE char *now = mem_printf(
        "CAST(substr(%s, 1, %u %% length(%s)) || x'%02x' || substr(%s, %u %% length(%s) + 2) AS BLOB)", was,
        place, was, byte, was, place, was);
    CLEANUP_FREE char *sql =
        mem_printf("UPDATE %s SET %s = %s(%s) WHERE %s = (SELECT %s FROM %s ORDER BY 1 LIMIT 1 OFFSET "
                   "%u %% (SELECT count(*) FROM %s))",
                   table->name, blob, packed ? "pack" : "", now, key, key, table->name, row, table->name);
    try_sql(sql);
}

CHECKED_TEST(damage, another_byte_in_a_blob_is_told_or_another_answer_and_nothing_worse, made, removed)
{
    unsigned seed = (unsigned)test_seed();
    for (unsigned i = number_of("ELIDEFS_TEST_TRIES", 8); i--;)
        for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
            flip_byte(&tables[t], strchr(schema_tables[t], '('), &seed);
}
