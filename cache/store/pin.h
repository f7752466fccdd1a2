// SPDX-License-Identifier: Apache-2.0
/* Pins as text: one line that holds what must be equal for the bytes to be the same. Format: README.md. Any
 * thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/store/store.h"

/* The inode and its times tell a file that was replaced or written to; `portable`: the mtime alone, all that
 * a copy on another machine keeps. */
struct pin_local {
    int64_t mtime_ns, ctime_ns;
    uint64_t inode;
    bool portable;
};

void pin_local_print(const struct pin_local *pin, char ret_text[STORE_PIN_BYTES]);
/* -EINVAL if `text` is not exactly what pin_local_print() writes. */
int pin_local_parse(const char *text, struct pin_local *ret);

enum { PIN_ETAG_BYTES = 256, PIN_VERSION_BYTES = 200 };

struct pin_s3 {
    char etag[PIN_ETAG_BYTES];       /* with its quotes; always set */
    char version[PIN_VERSION_BYTES]; /* "": none */
};

/* `etag`: as a header or listing gives it, with or without quotes; `version`: as x-amz-version-id gives it,
 * may be NULL; "null" is none. -EINVAL if the ETag is weak, absent, or holds what no ETag may. */
int pin_s3_make(const char *etag, const char *version, struct pin_s3 *ret);
void pin_s3_print(const struct pin_s3 *pin, char ret_text[STORE_PIN_BYTES]);
int pin_s3_parse(const char *text, struct pin_s3 *ret);

/* Of an object served over HTTP: its strong ETag, else when it was changed last, to the second. */
struct pin_http {
    char etag[PIN_ETAG_BYTES]; /* with its quotes; "": weak, `modified_s` counts */
    int64_t modified_s;        /* since 1970 */
};

/* `etag`: as the header gives it, may be NULL; `modified_ns`: 0 if not told. -EINVAL if neither pins. */
int pin_http_make(const char *etag, int64_t modified_ns, struct pin_http *ret);
void pin_http_print(const struct pin_http *pin, char ret_text[STORE_PIN_BYTES]);
int pin_http_parse(const char *text, struct pin_http *ret);

/* What pins an object `now`, against what did when it was imported; its size is the same. */
enum pin_relation {
    PIN_SAME,    /* the same bytes for certain: a strong ETag may have another version */
    PIN_MOVED,   /* a file's mtime is the same, its inode another one: a copy that keeps times, a remount */
    PIN_TOUCHED, /* mtime and inode are the same, the ctime another one: chmod, link, rename, or a forged time
                  */
    PIN_CHANGED, /* written to since, or pins of two kinds of store: only its content can tell */
};
enum pin_relation pin_relate(const char *was, const char *now);
/* Is `now` what a web server says of a file that was pinned as `was`? It has the file's time, to the second.
 */
bool pin_is_served(const char *was, const char *now, int64_t modified_ns);
/* Two pins of files with one inode number: of one file, unless it was copied to another file system. */
bool pin_is_same_file(const char *was, const char *now);
