// SPDX-License-Identifier: Apache-2.0
/* A folder of a test's own, what an import finds in it, as text. One thread. */
#pragma once

#include "tools/import/import.h"

struct scanned {
    char *folder; /* the source; tables lie beside it */
    struct notes *notes;
    struct error err; /* of the last scan, its folder's name replaced by "SRC" */
};

void scanned_init(struct scanned *ret);
void scanned_done(struct scanned *s);
/* Writes a file below the source, its folders too. */
void scanned_put(const struct scanned *s, const char *path, const char *text);
void scanned_remove(const struct scanned *s, const char *path);
/* Writes a table; its path, owned by the caller. */
char *scanned_table(const struct scanned *s, const char *text);
/* Imports; source, stores and notes of the request are filled in. "KEY: FILE ... NAME=VALUE ...\n" a clip, in
 * the order of the change set, files first; NULL on failure. The caller frees it. */
char *scanned_import(struct scanned *s, struct import_request request);
