// SPDX-License-Identifier: Apache-2.0
/*
 * Evidence: what was seen of an object's bytes when it was imported. It stands beside the pin and can excuse
 * another place or inode, never a newer write:
 *
 *     pin, against the one at the place (pin.h)   what decides                           else
 *     same                                        -                                      -
 *     moved                                       evidence (small ones: the whole hash)  refused
 *     touched                                     the whole hash; without one evidence   refused
 *     changed                                     the whole hash, or an ETag that is one refused
 *     changed, another file, of a copy of ours    the same; without either evidence       refused
 *
 * "A copy of ours" lies in the data set's own folder and was made without its bytes passing through us (a
 * clone, a link, a server's copy), so that no hash of it is known. Whoever moves it without its time, or into
 * a bucket, makes another file of it; the same file with a newer time was written to, and stays refused.
 *
 * Evidence is SHA-256 of at most EVIDENCE_RANGES_MAX ranges of EVIDENCE_BYTES_MAX bytes in all, one behind
 * the other: what an import read (headers, indices, footers), or the first and last EVIDENCE_EDGE_BYTES. Of
 * local files above EVIDENCE_WHOLE_BYTES EVIDENCE_SAMPLES blocks of EVIDENCE_SAMPLE_BYTES, spread evenly, are
 * hashed too, so that a stretch of a thirtieth of the file cannot differ unseen. Smaller local files are one
 * range. A whole hash is known of these, of copies that passed through us, and of what `verify --deep` has
 * read.
 *
 * Values: any thread. Format (part of catalogs and change sets): README.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"

struct store;
struct store_object;

enum {
    EVIDENCE_RANGES_MAX = 4,
    EVIDENCE_BYTES_MAX = 1 << 20,
    EVIDENCE_WHOLE_BYTES = 1 << 20,
    EVIDENCE_READ_BYTES =
        64 << 20, /* a moved file up to here is compared by its whole hash, where one is known */
    EVIDENCE_EDGE_BYTES = 64 << 10,
    EVIDENCE_SAMPLES = 32,
    EVIDENCE_SAMPLE_BYTES = 4096,
    EVIDENCE_ENCODED_MAX = 256,
};

struct evidence_range {
    uint64_t offset, len;
};

struct evidence {
    uint8_t count;                                     /* ranges; 0: none, and `seen` says nothing */
    bool sampled, whole, has_md5, has_parts;           /* which of the others are known */
    bool ours;                                         /* a copy of ours, as above */
    struct evidence_range ranges[EVIDENCE_RANGES_MAX]; /* ascending, apart */
    uint8_t seen[SHA256_BYTES];
    uint8_t samples[SHA256_BYTES];
    uint8_t sha256[SHA256_BYTES]; /* of all bytes */
    uint8_t md5[MD5_BYTES];       /* of all bytes: what a bucket calls a copy that was put in one piece */
    uint8_t parts[MD5_BYTES];     /* of the MD5s of its parts of ETAG_PART_BYTES: as the usual tools put it */
};

/* Appends at most EVIDENCE_ENCODED_MAX bytes; none for no evidence. */
void evidence_encode(const struct evidence *evidence, struct buf *buf);
/* Of hostile bytes about an object of `size` bytes; false: they are no evidence of it. */
bool evidence_decode(const void *bytes, size_t len, uint64_t size, struct evidence *ret);

/* SHA-256 of all bytes of an object of `size` bytes, or NULL if it is not known. */
const uint8_t *evidence_known_whole(const struct evidence *evidence, uint64_t size);

/* Pieces that were read of an object, in any order: evidence of as many of them as it may have, the first and
 * the last before all others. Overlapping pieces are equal where they overlap. */
struct evidence_piece {
    uint64_t offset;
    const uint8_t *bytes;
    size_t len;
};
void evidence_of_pieces(const struct evidence_piece *pieces, size_t count, uint64_t size,
                        struct evidence *ret);

/* Reads the object for evidence: the ranges that `evidence` names, or where it names none the edges, and
 * samples of a local file. What is known of the whole stays. Waits. */
int evidence_take(struct store *store, const char *path, const struct store_object *pinned,
                  struct evidence *evidence, struct error *err);
/* Reads all of it: the whole hashes, too. Waits. */
int evidence_take_whole(struct store *store, const char *path, const struct store_object *pinned,
                        struct evidence *evidence, struct error *err);

/* Running hashes of bytes that pass by anyway, from the first to the last. */
struct evidence_whole;
struct evidence_whole *evidence_whole_new(void);
void evidence_whole_add(struct evidence_whole *whole, const void *bytes, size_t len);
void evidence_whole_finish(struct evidence_whole *whole, struct evidence *ret); /* also frees `whole` */

/* On what grounds an object is taken for the one that was pinned. */
enum evidence_grounds {
    EVIDENCE_PIN,      /* its pin is the same */
    EVIDENCE_SEEN,     /* a moved one: its evidence is */
    EVIDENCE_SAMPLED,  /* a touched one, or a copy of ours, by evidence and samples: all that can be told
                        * without its whole hash */
    EVIDENCE_CONTENT,  /* its whole content is */
    EVIDENCE_ACCEPTED, /* somebody said so (`elidefs root accept`); judge() never does */
    EVIDENCE_OTHER,    /* it is refused: something of it is another */
    EVIDENCE_UNPROVED, /* it is refused: nothing that is known could prove it */
};
/* Is `now`, which lies at `path` (as store_head() tells), the object that was pinned as `pinned`? 1 or 0 with
 * the grounds, and for 0 `err` says why not; or -errno where that cannot be told. Reads what the table asks
 * for. Waits. */
int evidence_judge(struct store *store, const char *path, const struct store_object *pinned,
                   const struct store_object *now, enum evidence_grounds *ret, struct error *err);
/* Does `now` differ from `pinned` in anything that can be compared without a whole hash? 1: it does not, and
 * *ret_bytes were compared; 0 and -errno as above. For a person who knows more (`elidefs root accept`). */
int evidence_compare(struct store *store, const char *path, const struct store_object *pinned,
                     const struct store_object *now, uint64_t *ret_bytes, struct error *err);
