// SPDX-License-Identifier: Apache-2.0
/* The table of formats; what a path ends in chooses where nobody says. */
#include "tools/export_format.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cache/base/buf.h"

static int sqlite_begin(const char *path, void **ret, struct error *err)
{
    struct plain *plain;
    int rc = plain_new(path, &plain, err);
    if (!rc)
        *ret = plain;
    return rc;
}

static int sqlite_add(void *tables, enum plain_table table, const struct value *cells, struct error *err)
{
    return plain_add(tables, table, cells, err);
}

static int sqlite_finish(void *tables, struct error *err)
{
    return plain_finish(tables, err);
}

static void sqlite_free(void *tables)
{
    plain_free(tables);
}

static const struct export_format formats[] = {
    {"sqlite", ".db .sqlite .sqlite3", "a SQLite file", sqlite_begin, sqlite_add, sqlite_finish, sqlite_free},
    {"parquet", "/", "a folder of Parquet files", export_parquet_begin, export_parquet_add,
     export_parquet_finish, export_parquet_free},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static bool ends_in_one(const char *path, const char *endings)
{
    size_t path_len = strlen(path);
    for (const char *at = endings; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (path_len > len && !memcmp(path + path_len - len, at, len))
            return true;
        at += len;
    }
    return false;
}

int export_format_find(const char *name, const char *path, const struct export_format **ret,
                       struct error *err)
{
    CLEANUP_BUF struct buf known = BUF_INIT;
    for (size_t i = 0; i < FORMATS; i++) {
        if (name ? !strcmp(name, formats[i].name) : ends_in_one(path, formats[i].endings)) {
            *ret = &formats[i];
            return 0;
        }
        buf_text_append(&known, i ? ", or " : "");
        if (name)
            buf_text_append(&known, formats[i].name);
        else
            buf_printf(&known, "%s for %s", formats[i].endings, formats[i].describe);
    }
    return name ? error_set(err, EINVAL, "--format '%s': expected %s", name, buf_text(&known))
                : error_set(err, EINVAL, "%s: expected a name that ends in %s", path, buf_text(&known));
}
