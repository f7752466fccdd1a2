// SPDX-License-Identifier: Apache-2.0
/*
 * Node numbers, and the table of the nodes that need one.
 *
 *     63  62 61          42 41            10 9         0
 *     class | version (20) |   row (32)     | stream (10) |      class 1: a clip's file
 *     class |               id (62)                       |      class 0: the table; the root is 1
 *
 * A clip's file is told by its number alone, so that there is one node for it whichever directory it is met
 * in (one page cache), and forgetting it costs nothing. All other nodes are (parent, name) in the table: two
 * spellings of one set never share a directory node, for shared ones move other processes' working folders.
 * After a purge a version's name is another node than before, and so is all below it: the kernel keeps the
 * names in a node that somebody uses, whatever it is told.
 * Ids are never used twice.
 *
 * Thread rule: the table locks itself. A node that the kernel knows lives at least until the reply to the
 * request that names it, and is immutable, so it is read without the lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "query/files.h"
#include "query/query.h"
#include "query/report/report.h"

struct inode;
struct view;

enum { NODE_ROOT_ID = 1, NODE_VERSION_MAX = (1 << 20) - 1 };

struct node_clip {
    uint32_t version, row, stream;
};
uint64_t node_number(const struct node_clip *clip); /* version <= NODE_VERSION_MAX */
bool node_is_clip(uint64_t number);
struct node_clip node_clip(uint64_t number);

enum node_kind {
    NODE_ROOT,    /* / */
    NODE_LINK,    /* /latest, /TAG, /tags/TAG, /outcome=fail */
    NODE_QUERY,   /* /v12 and all query directories below */
    NODE_VIEW,    /* a virtual directory: fs/view.h */
    NODE_REPORT,  /* a file in .elidefs or .as of a query directory */
    NODE_LIVE,    /* a file in /.elidefs, as it was when it was looked up */
    NODE_DERIVED, /* a file of a view below .as: fs/as.h */
    NODE_CLIP,    /* a clip's file, found in a view: never in the table */
};

struct node {
    uint64_t id;
    uint64_t parent;
    char *name;
    enum node_kind kind;
    uint32_t version;    /* QUERY, REPORT, DERIVED, a VIEW of a query */
    uint32_t purge;      /* QUERY of a whole version that clips were purged from, and all below its .as/NAME:
                            dataset_purge_seq(); else 0 */
    struct query *query; /* of the same; else NULL */
    const struct view *view; /* VIEW */
    unsigned which;          /* VIEW: its own; LIVE: enum live_file */
    bool counted;            /* a directory in .by/: its size is by_size(), found out when it is asked for */
    char *as;                /* DERIVED, a VIEW below .as: the name there, owned; else NULL */
    uint64_t as_id;          /* of the same: its id in that view */
    struct files_entry file; /* DERIVED: size alone; CLIP: all but the name */
    struct report report;    /* REPORT */
    struct buf bytes;        /* LIVE: what it reads as */
    int64_t time_ns;         /* LIVE: since when */
    struct inode *made; /* a REPORT that is about to be entered, if it was made to know its size; else NULL */
    uint64_t lookups;   /* how often the kernel knows it; guarded by the table's lock */
    struct node *next_by_id, *next_by_name;
};

struct nodes;

struct nodes *nodes_new(void);
void nodes_free(struct nodes *nodes);

/* NULL: no such node. */
const struct node *nodes_get(struct nodes *nodes, uint64_t id);
/* The node (wanted->parent, wanted->name, wanted->purge), made like `wanted` if absent (name copied, a
 * reference to the query and the bytes taken); the kernel knows it once more. Undone by nodes_forget(). A
 * LIVE one is always made: a snapshot a look-up. */
const struct node *nodes_enter(struct nodes *nodes, struct node *wanted);
/* true: the kernel knows it no more, and its number comes never again. */
bool nodes_forget(struct nodes *nodes, uint64_t id, uint64_t lookups);
/* All query directories that the kernel knows: how many, in a new list. */
struct node_query {
    uint64_t id;
    uint32_t version;
};
size_t nodes_queries(struct nodes *nodes, struct node_query **ret);
size_t nodes_count(struct nodes *nodes);
