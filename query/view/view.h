// SPDX-License-Identifier: Apache-2.0
/*
 * Views: the clips of a query in another layout. `.as/NAME/` below a query is a tree of directories and
 * files, made of one set of clips:
 *
 *     kind of entry     its bytes are                                        its node
 *
 *     VIEW_CLIP_FILE    a clip's own file under another name                 the clip's own
 *
 *     VIEW_DERIVED      an extent map of streams, inline bytes and zeros     (view, id)
 *
 *     VIEW_DIR          -                                                    (view, id)
 *
 * No byte of a clip is kept twice: derived files point at the clips' streams, and the cache reads them
 * through these. One row of a table (view.c) is one kind of view:
 *
 *     lerobot, lerobot-mean           LeRobot v3.0   lerobot/lerobot.h
 *     lerobot21                       LeRobot v2.1   lerobot/lerobot21.c
 *     webdataset, webdataset-SIZE     tars           webdataset.h
 *
 * What a name means in a version never changes: not its tree, no size, no byte. An algorithm that is to be
 * another gets another name.
 *
 * A plan is what depends on the set as a whole: made once, immutable, shared by reference count (atomic), any
 * thread. It is bounded (VIEW_PLAN_BYTES_MAX), and can be made again at any time: a node of a file system
 * keeps (query, name, id), not the plan.
 *
 * Waiting is the reader's: all that takes a `struct view_ask` returns -EAGAIN where its reader does not wait
 * and something is missing, and can be called again from the start.
 *
 * Whatever a catalog says is hostile: what grows with it has a bound here or in the kind, and an entry that
 * breaks a rule of this header is -EUCLEAN.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"
#include "cache/extent.h"
#include "index/dataset/dataset.h"
#include "query/files.h"
#include "query/query.h"

struct cache;

enum { VIEW_DEPTH_MAX = 8 };                        /* directories below each other */
#define VIEW_PLAN_BYTES_MAX   (UINT64_C(256) << 20) /* memory of one plan; more is -EFBIG */
#define VIEW_INLINE_BYTES_MAX (UINT64_C(256) << 20) /* of one derived file; more is -EFBIG */
#define VIEW_ID_MAX           ((UINT64_C(1) << 56) - 1)

/* Who asks. */
struct view_ask {
    struct dataset *dataset;
    struct cache *cache; /* for a kind that must read bytes of a stream to plan; may be NULL: -ENOTSUP */
    struct catalog_reader *reader; /* of the version; catalog_reader_nowait() */
    struct catalog *catalog;       /* its own, for view_fetch(); may be NULL: then that does nothing */
    uint32_t version;
    uint32_t purge; /* another number where the version has lost clips: view_purge(), before the reader was
                       acquired */
};
/* dataset_purge_seq() where clips were purged from the version, else 0. */
uint32_t view_purge(struct dataset *dataset, uint32_t version);

enum view_entry_kind { VIEW_DIR, VIEW_CLIP_FILE, VIEW_DERIVED };
struct view_entry {
    const char *name; /* of one component, at most 255 bytes; borrowed for the call; view_find(): as asked */
    enum view_entry_kind kind;
    uint64_t id; /* DIR, DERIVED: its own in the view, the same in every plan of it; 0 is the view's root */
    struct files_place place; /* CLIP_FILE */
    uint64_t size;            /* bytes of a file */
    uint32_t changed;         /* the version whose commit is its mtime; of what is derived the plan's */
};
/* `next_cursor` is where a listing goes on behind this entry. Non-zero ends the listing and is returned. */
typedef int view_entry_fn(void *ctx, const struct view_entry *entry, uint64_t next_cursor, struct error *err);

/* Filled by view_plan_make() before the kind's plan() is called, but for `own` and `own_bytes`. */
struct view_plan {
    const struct view_kind *kind;
    struct query *query;
    struct set *set; /* its clips, in the order of the path */
    char *name;      /* "webdataset-256M" */
    uint32_t version, purge;
    void *own;        /* the kind's */
    size_t own_bytes; /* memory of it: told by plan(), at most VIEW_PLAN_BYTES_MAX */
    atomic_uint refs;
};

struct view_kind {
    const char *name;                /* "webdataset" */
    const char *help;                /* one line, for people */
    bool (*named)(const char *name); /* is it another name of this kind? NULL: it has none */
    /* Is it worth to be listed in `.as/`? Cheap. NULL: always. Else it is found all the same, or refused. */
    int (*offered)(const struct view_ask *ask, const struct query *query, bool *ret, struct error *err);
    /* -ENOENT with the reason, and the smallest condition that would mend it; -EFBIG. `own` is freed by
     * free() only after plan() succeeded. */
    int (*plan)(const struct view_ask *ask, struct view_plan *plan, struct error *err);
    void (*free)(struct view_plan *plan); /* what plan() made */
    /* The entry `name` of directory `dir`. -ENOENT. */
    int (*find)(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, const char *name,
                struct view_entry *ret, struct error *err);
    /* The entries of `dir` behind `cursor` (0: all), in a fixed order, made one by one. */
    int (*list)(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, uint64_t cursor,
                view_entry_fn *each, void *ctx, struct error *err);
    /* The sealed map of a derived file, as long as its entry says. */
    int (*open)(const struct view_plan *plan, const struct view_ask *ask, uint64_t id,
                struct extent_map **ret, struct error *err);
};

/* The table. */
extern const struct view_kind *const view_kinds[];
extern const size_t view_kind_count;
const struct view_kind *view_kind_find(const char *name); /* NULL: there is no such view */

/* The plan of view `name` of a query's clips: a reference. -ENOENT as plan(), or where no kind is called so.
 */
int view_plan_make(const struct view_ask *ask, struct query *query, const char *name, struct view_plan **ret,
                   struct error *err);
struct view_plan *view_plan_ref(struct view_plan *plan);
void view_plan_unref(struct view_plan *plan);
CLEANUP_DEFINE(struct view_plan, view_plan_unref, cleanup_view_plan)
#define CLEANUP_VIEW_PLAN CLEANUP(cleanup_view_plan)

/* The kind's functions, with what they return checked. */
int view_find(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, const char *name,
              struct view_entry *ret, struct error *err);
int view_list(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, uint64_t cursor,
              view_entry_fn *each, void *ctx, struct error *err);
int view_open(const struct view_plan *plan, const struct view_ask *ask, const struct view_entry *entry,
              struct extent_map **ret, struct error *err);
