// SPDX-License-Identifier: Apache-2.0
/*
 * Where objects live: one vtable over S3, HTTP and a local folder, with decorators for retry and for injected
 * faults.
 *
 *     store_get_start() -> [faults] -> [retry] -> s3 | web | local
 *
 * Paths are relative to the store's URL, '/'-separated, without leading '/', '.' or '..' components (checked
 * by the wrappers). Sizes and offsets are bytes. Return codes: -ENOENT no such object or bucket; -EACCES
 * refused or no credentials; -EEXIST put-if-absent lost; -ESTALE the object is not the one that was pinned;
 * -EBADMSG other bytes come than the store keeps: unpacked or compressed on the way; -ETIMEDOUT deadline;
 * -ECANCELED; -ENOTSUP the store cannot do this; -EIO all else. Messages name the object's full URL and the
 * reason, never a secret.
 *
 * Thread rule: a store locks itself; every function may be called from any thread. The blocking functions
 * must not be called from a store callback.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/store/evidence.h"

/* ---- what a process knows about stores: configuration, credentials, I/O threads ----
 * It has threads from stores_new() on: fork before (a child may exec, nothing else). */

struct stores;

struct stores_options {
    const char
        *config_path; /* one configuration file; NULL: ~/.config/elidefs/config, then /etc/elidefs/config */
    const char
        *endpoint_url; /* these five: default of this one call, from the command line; NULL: not given */
    const char *region;
    const char *profile;
    const char *ca_bundle;
    bool no_sign_request;
};

int stores_new(const struct stores_options *options, struct stores **ret, struct error *err);
/* From now on every running and new request ends with -ECANCELED, at once. Async-signal-unsafe; any thread.
 */
void stores_stop(struct stores *stores);
void stores_free(struct stores *stores); /* all stores must have been released */

/* Names that the configuration gives to data sets: [dataset "kitchen"] url = s3://... */
const char *stores_dataset_url(const struct stores *stores, const char *name); /* NULL: no such name */
typedef int stores_dataset_fn(void *ctx, const char *name, const char *url);
/* Each of them, a name that the user's file and the machine's share only once; non-zero ends it. Reads the
 * files anew, so it can be called before there are stores. */
int stores_each_dataset(stores_dataset_fn *each, void *ctx, struct error *err);

/* ---- a store ---- */

struct store;

/* `url`: s3://bucket[/prefix], http[s]://host[:port][/folder] (read only), /a/folder, file:///a/folder, or a
 * relative folder (made absolute, links resolved; it need not exist). S3 and HTTP stores come wrapped in the
 * retry decorator. No request is made. -EINVAL with the reason if the URL is none, or the configuration makes
 * no sense for it. */
int store_open(struct stores *stores, const char *url, struct store **ret, struct error *err);
struct store *store_ref(struct store *store);
void store_unref(struct store *store);
CLEANUP_DEFINE(struct store, store_unref, cleanup_store)
#define CLEANUP_STORE CLEANUP(cleanup_store)

const char *store_url(const struct store *store); /* canonical, no trailing '/' */
bool store_is_local(const struct store *store);
bool store_is_read_only(const struct store *store); /* nothing can be written there, and nothing listed */

/* Appends what identifies an object wherever it is named: scheme, endpoint, bucket or host, and full path.
 * Cache keys stand on it, so two data sets meet in one cache file only if they mean the same bytes. */
void store_object_identity(const struct store *store, const char *path, struct buf *buf);

enum { STORE_PIN_BYTES = 512 };

/* `pin`: one line of text that holds what must be equal for the bytes to be the same. Opaque outside the
 * store: s3     etag="..." [;version=ID]        local  mtime=NS;ctime=NS;inode=N
 *        http   etag="..." | modified=SECONDS;weak            (format in store/README.md; part of catalogs)
 */
struct store_object {
    uint64_t size;
    int64_t modified_ns; /* 0: not told, as after a put to S3 */
    bool versioned;      /* pinned to a version that an overwrite leaves readable */
    bool archived; /* S3 Glacier and the like: to be restored before it can be read, as far as is told */
    char pin[STORE_PIN_BYTES];
    struct evidence evidence; /* of a pinned object, where an import took it; stores fill in none */
};

/* The part of a pin that a rename leaves as it was: of a local file mtime and inode, of others all. It names
 * content in fingerprints, where two names are asked for. */
void store_pin_renamed(const char *pin, char ret[STORE_PIN_BYTES]);
/* The part of a pin that a copy on another machine keeps: of a local file the mtime, of others all. */
void store_pin_portable(const char *pin, char ret[STORE_PIN_BYTES]);

/* Do two pins that differ, of objects of the same size, tell for certain that the bytes are the same? So for
 * an object that was copied into another bucket and kept its ETag. */
bool store_pin_same_bytes(const char *a, const char *b);

/* ---- reading ---- */

struct store_get {
    const char *path;
    const char *pin; /* NULL: whatever is there (only for objects that are never pinned, such as `head`) */
    const struct evidence *evidence; /* of the pinned object; may be NULL. Stores of one place ignore it */
    uint64_t size;                   /* the object's size that was pinned; UINT64_MAX: not known */
    uint64_t offset;                 /* [offset, offset + len); len > 0, or UINT64_MAX: to the end */
    uint64_t len;
    int64_t deadline_ns; /* clock_now_ns() after which it fails with -ETIMEDOUT; 0: a default is filled in */
    struct store_object *ret_object; /* may be NULL; what answered, filled before the first on_data() */
    /* On a store thread. Bytes come in order and each once: after a broken transfer a pinned request goes on
     * behind the last byte delivered. Must not block. */
    void (*on_data)(struct store_get *get, uint64_t offset, const void *bytes, size_t len);
    /* On a store thread, exactly once, the last call; `get` may be freed in it. `err` is valid if rc < 0. */
    void (*on_done)(struct store_get *get, int rc, const struct error *err);
    void *ctx;
    void *state; /* the store's own while the request runs */
};

/* `get` and what it points to are borrowed until on_done(). Never calls back in the calling thread; a store
 * thread may already do so while this returns. A range that passes the end: -EINVAL if the size is given,
 * else it is cut there. */
void store_get_start(struct store *store, struct store_get *get);
/* Asks a running request to end soon with -ECANCELED (or what it ended with before). Must not race with
 * on_done(): the caller serialises the two with its own lock. Callbacks never run inside. */
void store_get_cancel(struct store *store, struct store_get *get);

/* Blocking forms. */
int store_read(struct store *store, const char *path, const struct store_object *pinned, uint64_t offset,
               size_t len, void *to, struct error *err);
/* Ranges of a pinned object, one behind the other; `each` gets them in order, in pieces, perhaps on a store
 * thread: it must not wait. A local file is opened once for all of them. What it got counts only if 0 is
 * returned. */
struct store_ranges {
    const char *path;
    const struct store_object *pinned;
    const struct evidence_range *list;
    size_t count;
    void (*each)(void *ctx, const void *bytes, size_t len);
    void *ctx;
};
int store_read_ranges(struct store *store, const struct store_ranges *ranges, struct error *err);
/* The whole of a small unpinned object, appended; -EFBIG over max_bytes. ret_object may be NULL. */
int store_read_all(struct store *store, const char *path, size_t max_bytes, struct buf *buf,
                   struct store_object *ret_object, struct error *err);
/* The same beside other requests. One thread at a time; never waits for the store, but in the last two. */
struct store_whole;
struct store_whole *store_whole_start(struct store *store, const char *path, size_t max_bytes,
                                      int64_t deadline_ns); /* 0: a default, as of store_get */
/* Has it ended? Waits for that until `until_ns` (clock_now_ns(); 0: as long as it takes). */
bool store_whole_wait(struct store_whole *whole, int64_t until_ns);
/* Waits for its end, appends its bytes, and frees it. */
int store_whole_end(struct store_whole *whole, struct buf *buf, struct store_object *ret_object,
                    struct error *err);
void store_whole_drop(struct store_whole *whole); /* ends it soon, and frees it; NULL is fine */
int store_head(struct store *store, const char *path, struct store_object *ret, struct error *err);

/* ---- writing ---- */

enum store_put_mode { STORE_PUT_REPLACE, STORE_PUT_IF_ABSENT };

/* One object, durable when it returns. IF_ABSENT: exactly one of several writers wins, the others get
 * -EEXIST. After a lost reply the retry may get -EEXIST though the own bytes won: read back and compare.
 * `ret` may be NULL. */
int store_put(struct store *store, const char *path, const void *bytes, size_t len, enum store_put_mode mode,
              struct store_object *ret, struct error *err);

/* A large object in parts; invisible until finished. Parts of at least 5 MiB, except the last. */
struct store_upload;
int store_upload_begin(struct store *store, const char *path, struct store_upload **ret, struct error *err);
int store_upload_part(struct store_upload *upload, const void *bytes, size_t len, struct error *err);
int store_upload_finish(struct store_upload *upload, struct store_object *ret,
                        struct error *err);           /* frees `upload` */
void store_upload_abort(struct store_upload *upload); /* frees `upload` */

/* It is gone for ever when this returns; a missing object is fine. -ENOTSUP where nothing can be written. */
int store_remove(struct store *store, const char *path, struct error *err);

/* ---- copying without the bytes passing through here ---- */

enum store_copy_how {
    STORE_COPY_SHARE, /* a folder: a clone that shares its blocks (reflink). S3: the server copies */
    STORE_COPY_LINK,  /* a folder: one more name of the same file (hard link). This changes its ctime */
};
struct store_copy {
    struct store *from;
    const char *from_path;
    const struct store_object *pinned; /* what lies there */
    const char *to_path;
    enum store_copy_how how;
};
/* Is it worth trying? False: store_copy() would say -ENOTSUP, and nothing need be asked. */
bool store_may_copy(const struct store *to, const struct store *from, enum store_copy_how how);
/* In place of what lies at `to_path`, durable when it returns. -ENOTSUP: these stores or file systems cannot,
 * for a link with the reason; -ESTALE: the source is not, or no longer, what was pinned. In *ret->evidence is
 * what the store vouches for; a link's pin is also the source's from now on. */
int store_copy(struct store *to, const struct store_copy *copy, struct store_object *ret, struct error *err);

/* ---- listing and probing ---- */

/* Called for each object below `prefix` (recursive, sorted by byte order of path). Non-zero ends the listing
 * with it. Names that are no paths here ("a//b", "folder/") are left out, and so are symbolic links. */
typedef int store_list_fn(void *ctx, const char *path, const struct store_object *object, struct error *err);
/* `prefix`: "" or a folder path ending in '/', or a name prefix. Objects listed carry size, modified_ns and
 * pin. */
int store_list(struct store *store, const char *prefix, store_list_fn *each, void *ctx, struct error *err);
/* The same past what cannot be looked into: `refused` is told of each such folder ("a/b/") or object and why;
 * non-zero, with `err`, ends the listing. */
typedef int store_refused_fn(void *ctx, const char *path, const struct error *why, struct error *err);
int store_list_past(struct store *store, const char *prefix, store_list_fn *each, store_refused_fn *refused,
                    void *ctx, struct error *err);
/* As store_list(), with pins that name versions where the store keeps them. -ENOTSUP where it has none; a
 * store may refuse this to whoever may list (-EACCES, -EIO). */
int store_list_versions(struct store *store, const char *prefix, store_list_fn *each, void *ctx,
                        struct error *err);

/* Can this store commit? Puts a random key twice with IF_ABSENT and expects -EEXIST, then removes it.
 * -ENOTSUP with the reason if the second PUT won too. */
int store_probe(struct store *store, struct error *err);

/* ---- counting: what `status`, `stats` and tests ask ---- */

struct store_stats {
    uint64_t requests, retries;
    uint64_t hedges; /* second requests for reads that hung */
    uint64_t errors, bytes_received, bytes_sent;
};
void stores_stats(const struct stores *stores, struct store_stats *ret);

/* How servers answer lately; local folders do not count. */
struct store_answers {
    uint64_t count; /* of the answers that the next two are of: the last 256 */
    uint32_t half_us,
        most_us;             /* half of them, 99 of 100, came within so many microseconds: the reply's head */
    int64_t good_ns, bad_ns; /* clock_now_ns() of the last one, and of the last that failed; 0: never */
};
void stores_answers(struct stores *stores, struct store_answers *ret);
