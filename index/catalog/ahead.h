// SPDX-License-Identifier: Apache-2.0
/*
 * What a question will read, asked for at once. SQLite asks for one page after the other, and knows the next
 * only when it has the one before. The pages above the leaves are here as a rule (they are hot), so the
 * leaves of many rows can be named without asking it. Only a hint: never waits, decides no answer, and what
 * goes wrong is told when it is read.
 *
 * Thread rule: that of the connection.
 */
#pragma once

#include "index/catalog/db.h"
#include "index/pages/btree.h"
#include "index/pages/pages.h"

enum ahead_table {
    AHEAD_NAMES,
    AHEAD_SIZES,
    AHEAD_GROWN,
    AHEAD_GROWTH,
    AHEAD_DICT,
    AHEAD_BLOCK,
    AHEAD_MEMBERS,
    AHEAD_ATTRIBUTE,
    AHEAD_STATE,
    AHEAD_POSTING,
    AHEAD_CODES,
    AHEAD_RUN,
    AHEAD_FORWARD,
    AHEAD_LATE,
    AHEAD_LIST,
    AHEAD_EVENT,
    AHEAD_HASH,
    AHEAD_STREAM,
    AHEAD_SOURCE,
    AHEAD_FILE,
    AHEAD_SOURCED,
    AHEAD_EXTRA,
    AHEAD_TABLES
};

enum { AHEAD_ASKED = 1024, AHEAD_ASKED_WAYS = 4 };

struct ahead { /* of a connection; zero is empty */
    bool known;
    struct btree_table tables[AHEAD_TABLES]; /* root 0: there is none */
    uint32_t *list;                          /* leaves that were named */
    size_t count, cap;
    uint64_t
        *asked; /* AHEAD_ASKED questions whose pages were asked for, in sets by their hash, newest first */
};
void ahead_done(struct ahead *ahead);

/* Names the leaves of rows ids[0] to ids[1] of a table. How many they are; none where they would be more than
 * `most`. AHEAD_ALL: as many as are asked for at a time. */
enum { AHEAD_ALL = 4096 };
size_t ahead_rows(struct ahead *ahead, struct db *db, enum ahead_table table, const int64_t ids[2],
                  size_t most);
/* Starts to fetch what has been named and is not here, neighbours in one request. */
void ahead_ask(struct ahead *ahead, struct db *db);
/* Notes that all pages of a question were asked for; was that so before? It is forgotten where many others
 * are. */
void ahead_note(struct ahead *ahead, uint64_t question);
bool ahead_noted(const struct ahead *ahead, uint64_t question);
