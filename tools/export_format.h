// SPDX-License-Identifier: Apache-2.0
/*
 * In which files `catalog export` can write its tables (index/catalog/plain.h): one row a format. Whatever
 * the format, a table has the same rows in the same order, and they appear when all is written.
 */
#pragma once

#include "cache/base/error.h"
#include "index/catalog/plain.h"

struct export_format {
    const char *name;     /* as of --format */
    const char *endings;  /* of a path that means it, by blanks */
    const char *describe; /* for a person */
    /* As plain_new(), plain_add(), plain_finish() and plain_free(). */
    int (*begin)(const char *path, void **ret, struct error *err);
    int (*add)(void *tables, enum plain_table table, const struct value *cells, struct error *err);
    int (*finish)(void *tables, struct error *err);
    void (*free)(void *tables);
};

/* `name` may be NULL: then `path` tells. -EINVAL says what there is. */
int export_format_find(const char *name, const char *path, const struct export_format **ret,
                       struct error *err);

/* A folder `path` of one Parquet file a table: clips.parquet and so on. -EEXIST. */
int export_parquet_begin(const char *path, void **ret, struct error *err);
int export_parquet_add(void *tables, enum plain_table table, const struct value *cells, struct error *err);
int export_parquet_finish(void *tables, struct error *err);
void export_parquet_free(void *tables);
